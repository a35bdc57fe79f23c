"""Kernels of the lens: labels that spread down the dominator tree; hashes of keys."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u32
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

NO_LABEL = -1
_UNSEEN = -2
_BYTE = 8  # HPROF's code of the element type byte
_MIX = np.uint64(0x2545F4914F6CDD1D)  # the multiplier of xorshift64* (Vigna 2016)
_FOLD = np.uint64(29)


@kernel
def nearest_label(idom: Array, label: Array, found: Array) -> None:
    """``found[i]``: the label of the object itself or of its nearest labelled dominator; NO_LABEL if there is none.

    ``idom``: int32 immediate dominators, negative under none; ``label``: int32, NO_LABEL where unlabelled. Each
    object is visited about twice: a path that was walked is remembered for all objects on it.
    """
    count = len(idom)
    for i in range(count):
        found[i] = _UNSEEN
    for i in range(count):
        at = np.int64(i)
        steps = 0
        while found[at] == _UNSEEN and label[at] == NO_LABEL and 0 <= idom[at] < count and steps < count:
            at = np.int64(idom[at])
            steps += 1
        answer = found[at] if found[at] != _UNSEEN else label[at]
        at = np.int64(i)
        for _ in range(steps + 1):
            if found[at] != _UNSEEN:
                break
            found[at] = answer
            at = np.int64(idom[at])
            if at < 0:
                break


@kernel
def sum_by_label(owner: Array, sizes: Array, counted: Array, objects: Array, total: Array) -> None:
    """Adds objects and bytes of the counted objects to their owner's row; the last row takes those without one."""
    last = len(objects) - 1
    for i in range(len(owner)):
        if counted[i]:
            row = owner[i]
            if row < 0 or row > last:
                row = last
            objects[row] += 1
            total[row] += sizes[i]


@kernel
def range_hashes(
    data: Array, offsets: Array, arrays: Array, starts: Array, lengths: Array, id_size: Number, found: Array
) -> Number:
    """A hash of ``lengths[k]`` bytes from ``starts[k]`` of each byte array; False if one is no such array or too short.

    ``data``, ``offsets``: the dump and where its objects' records start; ``found``: uint64, one a row.
    """
    for k in range(len(arrays)):
        i = arrays[k]
        if i < 0 or i >= len(offsets) or data[offsets[i]] != 0x23:
            return False
        head = np.int64(offsets[i]) + 5 + id_size
        if data[head + 4] != _BYTE or starts[k] < 0 or lengths[k] < 0:
            return False
        if starts[k] + lengths[k] > big_u32(data, head) or head + 5 + starts[k] + lengths[k] > len(data):
            return False
        at = head + 5 + starts[k]
        h = np.uint64(lengths[k])
        for _ in range(lengths[k]):
            h = (h ^ np.uint64(data[at])) * _MIX
            h ^= h >> _FOLD
            at += 1
        found[k] = h
    return True


@kernel
def fold_segments(owners: Array, inner: Array, hashes: Array) -> None:
    """Mixes the hash of each element into its owner's, in order (``owners`` ascending)."""
    for k in range(len(owners)):
        h = (hashes[owners[k]] ^ inner[k]) * _MIX
        hashes[owners[k]] = h ^ (h >> _FOLD)
