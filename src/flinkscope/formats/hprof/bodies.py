"""Kernels that read the bodies of records whose places and ends the scan has checked: ids, roots, classes."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u16, big_u32, big_u64, type_size
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width


@kernel
def read_ids(data: Array, positions: Array, id_size: Number, ids: Array) -> None:
    """The identifiers at ``positions``, which the caller has checked."""
    for i in range(len(positions)):
        at = positions[i]
        ids[i] = big_u64(data, at) if id_size == 8 else big_u32(data, at)


@kernel
def read_roots(data: Array, positions: Array, id_size: Number, roots: Array) -> None:
    """Roots at ``positions`` into ``roots``: kind, object id, thread serial (-1: none), frame (-1: none)."""
    for i in range(len(positions)):
        at = positions[i]
        tag = data[at]
        roots[i, 0] = tag
        roots[i, 1] = big_u64(data, at + 1) if id_size == 8 else big_u32(data, at + 1)
        roots[i, 2] = -1
        roots[i, 3] = -1
        if tag == 2 or tag == 3 or tag == 4 or tag == 6 or tag == 8:
            roots[i, 2] = big_u32(data, at + 1 + id_size)
        if tag == 2 or tag == 3 or tag == 8:
            frame = big_u32(data, at + 5 + id_size)
            roots[i, 3] = frame if frame < 2147483648 else -1


@kernel
def read_classes(data: Array, positions: Array, id_size: Number, heads: Array, fields: Array, statics: Array) -> None:
    """Class dumps at ``positions`` (checked by the scan).

    ``heads``: id, super, loader, signers, domain, instance size, first and end row in ``fields``, likewise ``statics``.
    ``fields``: name id, type. ``statics``: name id, type, position of the value.
    """
    field_row = 0
    static_row = 0
    for i in range(len(positions)):
        at = positions[i] + 1
        heads[i, 0] = big_u64(data, at) if id_size == 8 else big_u32(data, at)
        at += id_size + 4
        for column in range(1, 5):
            heads[i, column] = big_u64(data, at) if id_size == 8 else big_u32(data, at)
            at += id_size
        at += 2 * id_size
        heads[i, 5] = big_u32(data, at)
        at += 4
        count = big_u16(data, at)
        at += 2
        for _ in range(count):
            at += 3 + type_size(data[at + 2], id_size)
        count = big_u16(data, at)
        at += 2
        heads[i, 8] = static_row
        for _ in range(count):
            if static_row < len(statics):
                statics[static_row, 0] = big_u64(data, at) if id_size == 8 else big_u32(data, at)
                statics[static_row, 1] = data[at + id_size]
                statics[static_row, 2] = at + id_size + 1
            static_row += 1
            at += id_size + 1 + type_size(data[at + id_size], id_size)
        heads[i, 9] = static_row
        count = big_u16(data, at)
        at += 2
        heads[i, 6] = field_row
        for _ in range(count):
            if field_row < len(fields):
                fields[field_row, 0] = big_u64(data, at) if id_size == 8 else big_u32(data, at)
                fields[field_row, 1] = data[at + id_size]
            field_row += 1
            at += id_size + 1
        heads[i, 7] = field_row
