"""Kernels that read fields and elements of many objects. Every offset points to a whole record: the scan saw to it."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u32
from flinkscope.heap.kernels.address_map import AddressMap, lookup, read_id
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width


@kernel
def reference_column(
    data: Array,
    offsets: Array,
    class_of: Array,
    indices: Array,
    id_size: Number,
    m: AddressMap,
    position: Array,
    out: Array,
) -> None:
    """The reference at ``position[class row]`` of each instance as an object index; -1 where there is none."""
    for k in range(len(indices)):
        out[k] = -1
        i = indices[k]
        if i <= 0 or position[class_of[i]] < 0 or data[offsets[i]] != 0x21:
            continue
        body = np.int64(offsets[i]) + 9 + 2 * id_size
        at = position[class_of[i]]
        if at + id_size <= big_u32(data, body - 4):
            out[k] = lookup(read_id(data, body + at, id_size), m)


@kernel
def raw_column(
    data: Array, offsets: Array, class_of: Array, indices: Array, id_size: Number, position: Array, out: Array
) -> None:
    """The bytes of the primitive field at ``position[class row]`` of each instance; zeros where there is none."""
    size = out.shape[1]
    for k in range(len(indices)):
        i = indices[k]
        if i <= 0 or position[class_of[i]] < 0 or data[offsets[i]] != 0x21:
            continue
        body = np.int64(offsets[i]) + 9 + 2 * id_size
        at = position[class_of[i]]
        if at + size <= big_u32(data, body - 4):
            for b in range(size):
                out[k, b] = data[body + at + b]


@kernel
def element_bounds(data: Array, offsets: Array, indices: Array, id_size: Number, bounds: Array) -> None:
    """Running sum of the lengths of object arrays; others count 0."""
    total = np.int64(0)
    for k in range(len(indices)):
        bounds[k] = total
        i = indices[k]
        if i > 0 and data[offsets[i]] == 0x22:
            total += big_u32(data, np.int64(offsets[i]) + 5 + id_size)
    bounds[len(indices)] = total


@kernel
def element_targets(
    data: Array,
    offsets: Array,
    indices: Array,
    id_size: Number,
    m: AddressMap,
    keep_nulls: bool,
    bounds: Array,
    out: Array,
) -> Number:
    """Elements as object indices; without ``keep_nulls`` only those found, and ``bounds`` is moved to fit."""
    used = np.int64(0)
    for k in range(len(indices)):
        i = indices[k]
        bounds[k] = used
        if i <= 0 or data[offsets[i]] != 0x22:
            continue
        at = np.int64(offsets[i]) + 9 + 2 * id_size
        for _ in range(big_u32(data, np.int64(offsets[i]) + 5 + id_size)):
            found = lookup(read_id(data, at, id_size), m)
            at += id_size
            if found >= 0 or keep_nulls:
                out[used] = found
                used += 1
    bounds[len(indices)] = used
    return used


@kernel
def array_lengths(data: Array, offsets: Array, indices: Array, id_size: Number, out: Array) -> None:
    """Lengths of arrays; -1 for other objects."""
    for k in range(len(indices)):
        i = indices[k]
        out[k] = -1
        if i > 0 and (data[offsets[i]] == 0x22 or data[offsets[i]] == 0x23):
            out[k] = big_u32(data, np.int64(offsets[i]) + 5 + id_size)
