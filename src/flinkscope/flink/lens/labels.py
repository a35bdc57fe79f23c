"""Owners and the objects that carry their names: one number an object, the first that is put on it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.kernels import NO_LABEL, put_label
from flinkscope.flink.lens.reader import Indices

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap


@dataclass(frozen=True, slots=True)
class Whose:
    """To whom a label belongs."""

    job: str | None = None
    job_id: str = ""
    task: str | None = None
    operator: str = ""


NOT_OF_A_JOB = Whose()


class Labels:
    """Owner names and the objects that they are put on; a later label of the same object does not replace one."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self.names: list[tuple[Whose, str]] = []
        self._numbers: dict[tuple[Whose, str], int] = {}
        self.of_object: NDArray[np.int32] = heap.space.full(heap.object_count, NO_LABEL, np.int32)

    def number(self, whose: Whose, what: str) -> int:
        """The number that stands for this owner; given on first use."""
        name = (whose, what)
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def put(self, whose: Whose, what: str, *columns: Indices | Sequence[int], retained: bool = False) -> int:
        """Labels these objects (NULL ignored); shallow (or retained) bytes of those that had no label before.

        Labelling and adding up are one pass: both wait for the same objects, which lie anywhere in the heap.
        """
        number = self.number(whose, what)
        sizes = self._heap.retained_bytes if retained else self._heap.shallow_bytes
        return sum(int(put_label(self.of_object, np.asarray(c, np.int32), number, sizes)) for c in columns)
