"""Kernels that judge the contents of many arrays: used slots, equal contents, zeros. Every offset is a whole record."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u32, big_u64, type_bytes
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

MIX = np.uint64(0x2545F4914F6CDD1D)  # the multiplier of xorshift64* (Vigna 2016)
FOLD = np.uint64(29)
POSITIVE = np.uint64((1 << 63) - 1)


@kernel
def used_slots(data: Array, offsets: Array, indices: Array, id_size: Number, out: Array) -> None:
    """How many elements of each object array are not null; -1 for other objects."""
    for k in range(len(indices)):
        i = indices[k]
        out[k] = -1
        if i <= 0 or data[offsets[i]] != 0x22:
            continue
        at = np.int64(offsets[i]) + 9 + 2 * id_size
        used = 0
        for _ in range(big_u32(data, np.int64(offsets[i]) + 5 + id_size)):
            if id_size == 8:
                used += big_u64(data, at) != 0
            else:
                used += big_u32(data, at) != 0
            at += id_size
        out[k] = used


@kernel
def content_hashes(data: Array, offsets: Array, indices: Array, id_size: Number, out: Array) -> None:
    """A 63-bit hash of type, length and elements of each primitive array; -1 for other objects."""
    for k in range(len(indices)):
        i = indices[k]
        out[k] = -1
        if i <= 0 or data[offsets[i]] != 0x23:
            continue
        head = np.int64(offsets[i]) + 5 + id_size
        code = np.int64(data[head + 4])
        size = np.int64(big_u32(data, head)) * type_bytes(code)
        at = head + 5
        end = at + size
        h = np.uint64(size * 16 + code)  # unsigned: signed overflow is undefined in LLVM, and it does use that
        while at + 8 <= end:
            h = (h ^ np.uint64(np.int64(big_u64(data, at)))) * MIX
            h ^= h >> FOLD
            at += 8
        while at < end:
            h = (h ^ np.uint64(data[at])) * MIX
            h ^= h >> FOLD
            at += 1
        out[k] = np.int64(h & POSITIVE)


@kernel
def same_content(data: Array, left: Number, right: Number, id_size: Number) -> Number:
    """Whether the primitive arrays at two places have equal length, type and elements, byte for byte."""
    a = left + 5 + id_size
    b = right + 5 + id_size
    size = 5 + np.int64(big_u32(data, a)) * type_bytes(np.int64(data[a + 4]))
    if big_u32(data, a) != big_u32(data, b) or data[a + 4] != data[b + 4]:
        return False
    at = 0
    while at + 8 <= size and big_u64(data, a + at) == big_u64(data, b + at):
        at += 8
    while at < size and data[a + at] == data[b + at]:
        at += 1
    return at == size


@kernel
def group_contents(
    data: Array, offsets: Array, arrays: Array, kinds: Array, hashes: Array, id_size: Number, slots: Array, group: Array
) -> Number:
    """Numbers arrays by content: equal numbers for equal elements and equal ``kinds``. Returns the number of groups.

    ``hashes``: of ``content_hashes``; ``slots``: an open hash table of -1, its length a power of two above the number
    of arrays. Where hashes meet the elements are compared, so that the answer does not depend on the hash.
    """
    mask = len(slots) - 1
    count = 0
    for k in range(len(arrays)):
        at = (hashes[k] ^ kinds[k]) & mask
        while True:
            other = slots[at]
            if other < 0:
                slots[at] = k
                group[k] = count
                count += 1
                break
            if hashes[other] == hashes[k] and kinds[other] == kinds[k]:
                left, right = np.int64(offsets[arrays[k]]), np.int64(offsets[arrays[other]])
                if arrays[other] == arrays[k] or same_content(data, left, right, id_size):
                    group[k] = group[other]
                    break
            at = (at + 1) & mask
    return count


@kernel
def zero_tails(data: Array, offsets: Array, indices: Array, id_size: Number, out: Array) -> None:
    """Rows (element bytes, length, elements of the zero tail, 1 if all elements are equal) of primitive arrays.

    Other objects get a row of zeros. Only the tail and, while they are equal, the leading elements are read.
    """
    for k in range(len(indices)):
        i = indices[k]
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = 0, 0, 0, 0
        if i <= 0 or data[offsets[i]] != 0x23:
            continue
        head = np.int64(offsets[i]) + 5 + id_size
        width = type_bytes(np.int64(data[head + 4]))
        length = np.int64(big_u32(data, head))
        body = head + 5
        last = length * width
        while last >= 8 and big_u64(data, body + last - 8) == 0:
            last -= 8
        while last > 0 and data[body + last - 1] == 0:
            last -= 1
        same = width
        while width > 0 and same < length * width and data[body + same] == data[body + same - width]:
            same += 1
        out[k, 0] = width
        out[k, 1] = length
        out[k, 2] = length - (last + width - 1) // width if width > 0 else 0
        out[k, 3] = length > 0 and same >= length * width


@kernel
def first_owners(starts: Array, targets: Array, idom: Array, slot: Array, weak: Array, owners: Array) -> None:
    """Who refers to each chosen object: its immediate dominator if that does, else the reachable object of lowest
    index.

    ``slot[object]``: position in ``owners``, -1 for objects that were not chosen. ``owners`` starts as -1. ``weak``:
    referent by object that does not count, or empty. Read backwards so that the lowest index stays.
    """
    for i in range(len(starts) - 2, -1, -1):
        if idom[i] == -2:
            continue
        for at in range(starts[i], starts[i + 1]):
            target = targets[at]
            k = slot[target]
            if len(weak) > 0 and weak[i] == target:
                continue
            if k >= 0 and target != i and (owners[k] < 0 or owners[k] != idom[target]):
                owners[k] = i
