"""Kernels that ready the cells of a graph for the depth-first search, and turn them back into a plain CSR pair.

Object i has the cells from ``starts[i] + 2 * i`` on: two of its own (UNSEEN and its number of references; later its
depth-first number and what the search keeps), then its references. While the search runs, a reference is the cell
where its target begins: one cache line tells whether the target was seen and, if not, where to go on.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import prefetch
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

OWN = 2  # cells of an object before its references
UNSEEN = -1
ROOT = -2  # a GC root before its visit; after it ROOT - number (numbers count from 1)
AHEAD = 24  # references asked for early


@kernel
def spread(starts: Array, targets: Array, first: Number, last: Number, cells: Array) -> None:
    """Copies the references of objects ``first:last`` to their cells."""
    for i in range(first, last):
        at = np.int64(starts[i]) + OWN * i + OWN
        for k in range(np.int64(starts[i]), np.int64(starts[i + 1])):
            cells[at] = targets[k]
            at += 1


@kernel
def aim(starts: Array, first: Number, last: Number, cells: Array) -> None:
    """Objects ``first:last`` made ready for the search: own cells UNSEEN and the degree; references: index → cell."""
    final = len(cells) - 1
    for i in range(first, last):
        at = np.int64(starts[i]) + OWN * i
        end = np.int64(starts[i + 1]) + OWN * (i + 1)
        cells[at] = UNSEEN
        cells[at + 1] = end - at - OWN
        for k in range(at + OWN, end):
            prefetch(starts, np.int64(cells[min(k + AHEAD, final)]))  # another object's own cell is harmless
            target = np.int64(cells[k])
            cells[k] = np.int64(starts[target]) + OWN * target


@kernel
def mark_unseen(starts: Array, first: Number, last: Number, cells: Array, mask: Array) -> None:
    """Which of the objects ``first:last`` the search has not met."""
    for i in range(first, last):
        mask[i] = cells[np.int64(starts[i]) + OWN * i] == UNSEEN


@kernel
def name(starts: Array, first: Number, last: Number, cells: Array) -> None:
    """After the search, when the heads are taken: the second own cell becomes the object's index."""
    for i in range(first, last):
        cells[np.int64(starts[i]) + OWN * i + 1] = i


@kernel
def number(starts: Array, first: Number, last: Number, cells: Array, order: Array) -> None:
    """``order[number]``: the object's index, as long as its own cells are there."""
    for i in range(first, last):
        seen = np.int64(cells[np.int64(starts[i]) + OWN * i])
        if seen < ROOT:
            order[ROOT - seen] = i
        elif seen > 0:
            order[seen] = i


@kernel
def unaim(starts: Array, first: Number, last: Number, cells: Array) -> None:
    """References of objects ``first:last`` back from cell to index; all objects have been named."""
    final = len(cells) - 1
    for i in range(first, last):
        at = np.int64(starts[i]) + OWN * i + OWN
        for k in range(at, at + np.int64(starts[i + 1]) - np.int64(starts[i])):
            ahead = np.int64(cells[min(k + AHEAD, final)])
            prefetch(cells, ahead + 1)
            cells[k] = cells[np.int64(cells[k]) + 1]


@kernel
def close_up(starts: Array, cells: Array, targets: Array) -> None:
    """All references to the front of ``targets``, which may be the front of ``cells``."""
    for i in range(len(starts) - 1):
        begin = np.int64(starts[i])
        shift = OWN * i + OWN
        for k in range(begin, np.int64(starts[i + 1])):
            targets[k] = cells[k + shift]
