"""Kernels that fill the columns of the objects and build the reference graph, over the address map."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u16, big_u32, inlined, prefetch, type_bytes
from flinkscope.heap.kernels.address_map import AddressMap, gap_behind, index_in, lookup, read_id, word_of
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width


AHEAD_BYTES = 2048  # of the dump asked for early: the processor's own look-ahead ends with each 4 KiB


class Layout(NamedTuple):
    """Per class row: ``first[c]:first[c + 1]`` in ``positions`` are its reference fields' byte positions in a body;
    ``target``: object index of the class itself (-1 where no edge to it is needed)."""

    first: Array
    positions: Array
    target: Array


@inlined
def class_row(class_id: Number, keys: Array, rows: Array) -> Number:
    """The class row of a class id in the open hash table (``rows`` -1: free)."""
    mask = len(keys) - 1
    at = (class_id * -7046029254386353131 >> 32) & mask
    while keys[at] != class_id and rows[at] >= 0:
        at = (at + 1) & mask
    return np.int64(rows[at])


@kernel
def hash_classes(ids: Array, keys: Array, rows: Array) -> None:
    """Fills the class hash table; of two classes with one id the first stays."""
    mask = len(keys) - 1
    for i in range(len(ids)):
        at = (ids[i] * -7046029254386353131 >> 32) & mask
        while rows[at] >= 0 and keys[at] != ids[i]:
            at = (at + 1) & mask
        if rows[at] < 0:
            keys[at] = ids[i]
            rows[at] = i


@inlined
def note_gap(smallest: Array, row: Number, gap: Number) -> None:
    """Keeps the smallest gap of a row, how often it was met, and how many gaps there were."""
    smallest[row, 2] += 1
    if gap < smallest[row, 0]:
        smallest[row, 0] = gap
        smallest[row, 1] = 1
    elif gap == smallest[row, 0]:
        smallest[row, 1] += 1


@kernel
def fill_columns(
    data: Array,
    segments: Array,
    ends: Array,
    id_size: Number,
    m: AddressMap,
    keys: Array,
    rows: Array,
    primitive_rows: Array,
    mirror_row: Number,
    offsets: Array,
    class_of: Array,
    smallest: Array,
    array_gaps: Array,
) -> Number:
    """Walks the (already scanned) segments; per object its file position and class row, per class its smallest gap.

    ``ends``: where each segment's readable part ends. ``array_gaps``: rows by element type (2: references at 4
    bytes, 3: at 8) of the smallest gap less the elements' bytes, which is the array header. Returns how many
    objects are of unknown class.
    """
    unknown: Number = 0
    for index in range(len(segments)):
        pos = segments[index, 0]
        end = ends[index]
        while pos < end:
            prefetch(data, pos + AHEAD_BYTES)
            tag = data[pos]
            if tag < 0x20 or tag > 0x23:
                pos += 1 + id_size
                if tag == 1:
                    pos += id_size
                elif tag == 2 or tag == 3 or tag == 8:
                    pos += 8
                elif tag == 4 or tag == 6:
                    pos += 4
                continue
            address = read_id(data, pos + 1, id_size)
            start = pos
            row = np.int64(-1)
            word = word_of(address, m)
            if tag == 0x21:
                row = class_row(read_id(data, pos + 5 + id_size, id_size), keys, rows)
                size = big_u32(data, pos + 5 + 2 * id_size)
                pos += 9 + 2 * id_size + size
                if row >= 0:
                    gap = gap_behind(word, address, m, 2 + (size >> 8) if size < 4096 else 16)
                    if gap > 0:
                        note_gap(smallest, row, gap)
            elif tag == 0x22:
                row = class_row(read_id(data, pos + 9 + id_size, id_size), keys, rows)
                length = big_u32(data, pos + 5 + id_size)
                pos += 9 + 2 * id_size + length * id_size
                if length < 1024:
                    gap = gap_behind(word, address, m, 1 + (length >> 5))
                    if gap > 0:
                        note_gap(array_gaps, 2, gap - 4 * length)
                        note_gap(array_gaps, 3, gap - 8 * length)
            elif tag == 0x23:
                code = data[pos + 9 + id_size]
                length = big_u32(data, pos + 5 + id_size) * type_bytes(code)
                pos += 10 + id_size + length
                row = np.int64(primitive_rows[np.int64(code)])
                if length < 4096:
                    gap = gap_behind(word, address, m, 1 + (length >> 8))
                    if gap > 0:
                        note_gap(array_gaps, np.int64(code), gap - length)
            else:
                pos += 9 + 7 * id_size
                count = big_u16(data, pos)
                pos += 2
                for _ in range(count):
                    size = id_size if data[pos + 2] == 2 else type_bytes(data[pos + 2])
                    pos += 3 + size
                count = big_u16(data, pos)
                pos += 2
                for _ in range(count):
                    size = id_size if data[pos + id_size] == 2 else type_bytes(data[pos + id_size])
                    pos += id_size + 1 + size
                pos += 2 + big_u16(data, pos) * (id_size + 1)
                row = np.int64(mirror_row)
            i = index_in(word, address, m)
            if i > 0:
                offsets[i] = start
                class_of[i] = row
                unknown += row < 0
    return unknown


@kernel
def class_edges(
    data: Array, pos: Number, id_size: Number, m: AddressMap, targets: Array, out: Number
) -> tuple[Number, Number]:
    """Superclass, loader and statics of the CLASS_DUMP at ``pos``; (next slot, lost).

    Not the signers and the protection domain: Eclipse MAT leaves them out by default (hprofAddClassRefs = false).
    """
    lost = 0
    at = pos + 5 + id_size
    for column in range(2):
        address = read_id(data, at, id_size)
        found = lookup(address, m)
        if column == 1 and found < 0:
            found = 0
        if found >= 0:
            targets[out] = found
            out += 1
        elif address != 0:
            lost += 1
        at += id_size
    at += 4 * id_size + 4
    count = big_u16(data, at)
    at += 2
    for _ in range(count):
        at += 3 + (id_size if data[at + 2] == 2 else type_bytes(data[at + 2]))
    count = big_u16(data, at)
    at += 2
    for _ in range(count):
        code = data[at + id_size]
        at += id_size + 1
        if code == 2:
            address = read_id(data, at, id_size)
            found = lookup(address, m)
            if found >= 0:
                targets[out] = found
                out += 1
            elif address != 0:
                lost += 1
        at += id_size if code == 2 else type_bytes(code)
    return out, lost


@kernel
def object_edges(
    data: Array, pos: Number, row: Number, id_size: Number, m: AddressMap, layout: Layout, targets: Array, out: Number
) -> tuple[Number, Number]:
    """The references of one object, nulls and unresolvable ones left out: (next slot, unresolvable)."""
    tag = data[pos]
    lost = 0
    if tag == 0x21 and row >= 0:
        body = pos + 9 + 2 * id_size
        size = big_u32(data, body - 4)
        for k in range(layout.first[row], layout.first[row + 1]):
            at = np.int64(layout.positions[k])
            if at + id_size <= size:
                address = read_id(data, body + at, id_size)
                if address != 0:
                    found = lookup(address, m)
                    if found >= 0:
                        targets[out] = found
                        out += 1
                    else:
                        lost += 1
    elif tag == 0x22:
        at = pos + 9 + 2 * id_size
        for _ in range(big_u32(data, pos + 5 + id_size)):
            address = read_id(data, at, id_size)
            at += id_size
            if address != 0:
                found = lookup(address, m)
                if found >= 0:
                    targets[out] = found
                    out += 1
                else:
                    lost += 1
    elif tag == 0x20:
        return class_edges(data, pos, id_size, m, targets, out)
    return out, lost


@kernel
def build_graph(
    data: Array,
    offsets: Array,
    class_of: Array,
    first: Number,
    last: Number,
    id_size: Number,
    m: AddressMap,
    layout: Layout,
    extra: Array,
    starts: Array,
    targets: Array,
    out: Number,
    own: Number,
) -> tuple[Number, Number]:
    """The out-edges of objects ``first:last`` into ``targets`` from slot ``out`` on, ``own`` free slots before each
    object's; they begin at ``starts[i]`` + own * (i + 1).

    ``extra``: rows (object, target) sorted by object, as a thread and its locals. Returns (slots used, unresolvable).
    """
    lost = 0
    more = 0
    while more < len(extra) and extra[more, 0] < first:
        more += 1
    for i in range(first, last):
        starts[i] = out - own * i
        out += own
        row = np.int64(class_of[i])
        if row >= 0 and layout.target[row] >= 0:
            targets[out] = layout.target[row]
            out += 1
        pos = np.int64(offsets[i])
        prefetch(data, pos + AHEAD_BYTES)
        tag = data[pos] if i > 0 else 0
        at = pos + 9 + 2 * id_size
        if tag == 0x21 and row >= 0:
            size = big_u32(data, at - 4)
            for k in range(layout.first[row], layout.first[row + 1]):
                field = np.int64(layout.positions[k])
                if field + id_size <= size:
                    address = read_id(data, at + field, id_size)
                    if address != 0:
                        found = lookup(address, m)
                        targets[out] = found
                        out += found >= 0
                        lost += found < 0
        elif tag == 0x22:
            for _ in range(big_u32(data, pos + 5 + id_size)):
                address = read_id(data, at, id_size)
                at += id_size
                if address != 0:
                    found = lookup(address, m)
                    targets[out] = found
                    out += found >= 0
                    lost += found < 0
        elif tag == 0x20:
            out, missing = class_edges(data, pos, id_size, m, targets, out)
            lost += missing
        while more < len(extra) and extra[more, 0] == i:
            targets[out] = extra[more, 1]
            out += 1
            more += 1
    return out, lost


@kernel
def count_edges(
    data: Array, offsets: Array, class_of: Array, first: Number, last: Number, id_size: Number, layout: Layout
) -> Number:
    """An upper bound of the edges of objects ``first:last``: every reference slot counted, null or not."""
    total = np.int64(0)
    for i in range(first, last):
        row = np.int64(class_of[i])
        if row >= 0:
            total += layout.first[row + 1] - layout.first[row] + 1
        if i == 0:
            continue
        prefetch(data, np.int64(offsets[i]) + AHEAD_BYTES)
        tag = data[offsets[i]]
        if tag == 0x22:
            total += big_u32(data, offsets[i] + 5 + id_size)
        elif tag == 0x20:
            total += 5 + count_statics(data, offsets[i], id_size)
    return total


@kernel
def count_statics(data: Array, pos: Number, id_size: Number) -> Number:
    """How many statics the CLASS_DUMP at ``pos`` has."""
    at = pos + 9 + 7 * id_size
    count = big_u16(data, at)
    at += 2
    for _ in range(count):
        at += 3 + (id_size if data[at + 2] == 2 else type_bytes(data[at + 2]))
    return big_u16(data, at)


@kernel
def shallow_sizes(
    data: Array,
    offsets: Array,
    class_of: Array,
    first: Number,
    last: Number,
    id_size: Number,
    sizes: Array,
    mirror_sizes: Array,
    headers: Array,
    reference_bytes: Number,
    align: Number,
    shallow: Array,
) -> Number:
    """Bytes of objects ``first:last``: ``sizes`` by class row; arrays: ``headers`` by element type + elements.

    Returns the largest, which the caller compares with what the column can hold.
    ``mirror_sizes``: (object index, bytes) of each class object, sorted.
    """
    largest = np.int64(0)
    mirror = np.searchsorted(mirror_sizes[:, 0], first)
    for i in range(first, last):
        row = np.int64(class_of[i])
        bytes_ = np.int64(sizes[row]) if row >= 0 else np.int64(0)
        if bytes_ == 0 and i > 0:
            pos = np.int64(offsets[i])
            tag = data[pos]
            length = big_u32(data, pos + 5 + id_size)
            if tag == 0x22:
                bytes_ = headers[2] + length * reference_bytes
            elif tag == 0x23:
                code = data[pos + 9 + id_size]
                bytes_ = headers[code] + length * type_bytes(code)
            bytes_ = (bytes_ + align - 1) // align * align
        if row < 0 and bytes_ == 0:
            bytes_ = np.int64(align)
        if mirror < len(mirror_sizes) and mirror_sizes[mirror, 0] == i:
            bytes_ = mirror_sizes[mirror, 1]
            mirror += 1
        largest = max(largest, bytes_)
        shallow[i] = bytes_
    return largest


@kernel
def close_gap(
    starts: Array, targets: Array, first: Number, last: Number, begin: Number, end: Number, used: Number
) -> Number:
    """Moves the edges ``begin:end`` of objects ``first:last`` down to slot ``used``; returns the new end."""
    shift = begin - used
    if shift > 0:
        for at in range(begin, end):
            targets[at - shift] = targets[at]
        for i in range(first, last):
            starts[i] -= shift
    return end - shift
