"""The sizes of events in little memory: blocks of rows, each column in as few bytes as its numbers need.

Sizes come in steps (KiB, MiB, a region), CPU times in 10 ms, and a capacity is the same for hours. A column of a block
is stored as multiples of its greatest common divisor: 30-40 bytes an event of G1 with all details instead of 152.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISSING = -1
_BLOCK_ROWS = 8_192
_IMPOSSIBLE = 1 << 52
_WIDTHS = (np.uint8, np.uint16, np.uint32)


@dataclass(frozen=True, slots=True)
class _Column:
    """``number = code * step``; the largest code of its type stands for MISSING. ``codes`` None: all are MISSING."""

    codes: NDArray[np.unsignedinteger | np.int64] | None
    step: int

    def spread(self, target: NDArray[np.int64], rows: NDArray[np.uint32]) -> None:
        """Writes the known numbers to their rows of ``target``."""
        if self.codes is None:
            return
        missing = MISSING if self.codes.dtype == np.int64 else np.iinfo(self.codes.dtype).max
        known = self.codes != missing
        target[rows[known]] = self.codes[known].astype(np.int64) * self.step


def _pack(numbers: NDArray[np.int64]) -> _Column:
    known = numbers != MISSING
    if not known.any():
        return _Column(None, 1)
    step = max(1, int(np.gcd.reduce(numbers[known])))
    highest = int(numbers.max()) // step
    width = next((width for width in _WIDTHS if highest < np.iinfo(width).max), None)
    if width is None:
        return _Column(numbers.copy(), 1)
    codes: NDArray[np.unsignedinteger] = (numbers // step).astype(width)
    codes[~known] = np.iinfo(width).max
    return _Column(codes, step)


class PackedSizes:
    """Rows of ``width`` numbers, the first of which is the row of the event table that they belong to."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._open = array("q")
        self._blocks: list[tuple[NDArray[np.uint32], tuple[_Column, ...]]] = []

    def extend(self, flat: Sequence[int]) -> None:
        """Appends one or more rows, one after another."""
        self._open.extend(flat)
        if len(self._open) >= _BLOCK_ROWS * self._width:
            self.seal()

    def seal(self) -> None:
        """Packs what was appended. Numbers that cannot be true (damaged lines) become MISSING."""
        if self._open:
            table = np.array(self._open, dtype=np.int64).reshape(-1, self._width)
            table[:, 1:][(table[:, 1:] >= _IMPOSSIBLE) | (table[:, 1:] < 0)] = MISSING
            columns = tuple(_pack(table[:, i]) for i in range(1, self._width))
            self._blocks.append((table[:, 0].astype(np.uint32), columns))
            self._open = array("q")

    def snapshot(self) -> PackedSizes:
        """What is there now; the original can go on."""
        copied = PackedSizes(self._width)
        copied._blocks = self._blocks.copy()
        copied._open = self._open[:]
        copied.seal()
        return copied

    def column(self, index: int, length: int) -> NDArray[np.int64]:
        """One column (1 is the first after the row number) as ``length`` int64, MISSING where no row tells it."""
        spread = np.full(length, MISSING, dtype=np.int64)
        for rows, columns in self._blocks:
            columns[index - 1].spread(spread, rows)
        return spread
