"""Kernels that walk a dump: its top-level records, then the records inside its segments.

Segment ends are advisory: a length of 0, one past 4 GiB (it is 32 bits wide) and one that does not end on a record are
walked record by record until the next segment header. A damaged stretch is skipped to the next header and reported.
All reads are guarded; positions are int64. Kernels that call each other live here because numba's cache stamp covers
one file. Source of the layout: openjdk heapDumper.cpp (JDK 8 to 25).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u16, big_u32, big_u64, inlined, type_bytes
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

DONE, FULL, PAGES_FULL = 0, 1, 2
# slots of the scan state
SEGMENT, POSITION, PAGES, INSTANCES, OBJECT_ARRAYS, PRIMITIVE_ARRAYS, NOTES, GAPS, LOW_BITS, NULL_IDS = range(10)
STATE_SLOTS = 10


@inlined
def type_size(code: Number, id_size: Number) -> Number:
    """Bytes of a field or element of that type; 0 for a type that does not exist."""
    return id_size if code == 2 else type_bytes(code)


@kernel
def class_end(data: Array, pos: Number, end: Number, id_size: Number) -> Number:
    """Where the CLASS_DUMP at ``pos`` ends; -1 if a type is unknown, -2 if it is cut."""
    at = pos + 1 + 7 * id_size + 8
    if at + 2 > end:
        return -2
    count = big_u16(data, at)
    at += 2
    for _ in range(count):
        if at + 3 > end:
            return -2
        size = type_size(data[at + 2], id_size)
        if size == 0:
            return -1
        at += 3 + size
    if at + 2 > end:
        return -2
    count = big_u16(data, at)
    at += 2
    for _ in range(count):
        if at + id_size + 1 > end:
            return -2
        size = type_size(data[at + id_size], id_size)
        if size == 0:
            return -1
        at += id_size + 1 + size
    if at + 2 > end:
        return -2
    count = big_u16(data, at)
    at += 2
    if at + count * (id_size + 1) > end:
        return -2
    for _ in range(count):
        if type_size(data[at + id_size], id_size) == 0:
            return -1
        at += id_size + 1
    return at


@inlined
def record_end(data: Array, pos: Number, end: Number, id_size: Number) -> Number:
    """Where the record at ``pos`` inside a segment ends; -1 if its tag or type is unknown, -2 if it is cut."""
    tag = data[pos]
    at = -1
    if tag == 0x21:
        if pos + 9 + 2 * id_size > end:
            return -2
        at = pos + 9 + 2 * id_size + big_u32(data, pos + 5 + 2 * id_size)
    elif tag == 0x23:
        if pos + 10 + id_size > end:
            return -2
        size = type_size(data[pos + 9 + id_size], id_size)
        if size == 0 or (size == id_size and data[pos + 9 + id_size] == 2):
            return -1
        at = pos + 10 + id_size + big_u32(data, pos + 5 + id_size) * size
    elif tag == 0x22:
        if pos + 9 + 2 * id_size > end:
            return -2
        at = pos + 9 + 2 * id_size + big_u32(data, pos + 5 + id_size) * id_size
    elif tag == 0x20:
        return class_end(data, pos, end, id_size)
    elif tag == 0xFF or tag == 0x05 or tag == 0x07:
        at = pos + 1 + id_size
    elif tag == 0x01:
        at = pos + 1 + 2 * id_size
    elif tag == 0x02 or tag == 0x03 or tag == 0x08:
        at = pos + 9 + id_size
    elif tag == 0x04 or tag == 0x06:
        at = pos + 5 + id_size
    else:
        return -1
    return at if at <= end else -2


@kernel
def header_fits(data: Array, pos: Number, end: Number) -> Number:
    """Whether a top-level record can start at ``pos`` (the end of the file is as good as a record)."""
    if pos == end:
        return True
    tag = data[pos]
    if not (1 <= tag <= 7 or 10 <= tag <= 14 or tag == 0x1C or tag == 0x2C):
        return False
    if pos + 9 > end:
        return True
    length = big_u32(data, pos + 5)
    if tag == 0x0C or tag == 0x1C:
        if length == 0 or pos + 9 == end:
            return True
        first = data[pos + 9]
        return 0x20 <= first <= 0x23 or 1 <= first <= 8 or first == 0xFF
    return pos + 9 + length <= end


@kernel
def next_segment(data: Array, pos: Number, end: Number) -> Number:
    """The next segment header at or after ``pos``, found byte by byte (its time field is 0); ``end`` if none."""
    while pos + 9 <= end:
        tag = data[pos]
        if (tag == 0x1C or tag == 0x2C) and big_u32(data, pos + 1) == 0 and header_fits(data, pos, end):
            return pos
        pos += 1
    return end


@kernel
def run_on(data: Array, pos: Number, end: Number, id_size: Number) -> Number:
    """Walks records from ``pos`` to the next segment header or the end; over damage it jumps to the next header."""
    while pos < end:
        tag = data[pos]
        if (tag == 0x1C or tag == 0x2C or tag == 0x0C) and header_fits(data, pos, end):
            return pos
        after = record_end(data, pos, end, id_size)
        if after < 0:
            return next_segment(data, pos + 1, end)
        pos = after
    return end


@kernel
def walk_top(
    data: Array, pos: Number, end: Number, id_size: Number, records: Array, gaps: Array
) -> tuple[Number, Number, Number, Number]:
    """Lists top-level records into ``records`` (tag, body start, body end) and damage into ``gaps`` (start, end).

    Returns (status, position to go on, records, gaps). Cost: one page touched per record; heap data is not read unless
    a segment's length is wrong.
    """
    count = 0
    gap_count = 0
    while pos < end:
        if count >= len(records) or gap_count >= len(gaps):
            return FULL, pos, count, gap_count
        if not header_fits(data, pos, end) or pos + 9 > end:
            after = next_segment(data, pos + 1, end)
            gaps[gap_count, 0], gaps[gap_count, 1] = pos, after
            gap_count += 1
            pos = after
            continue
        tag = data[pos]
        body = pos + 9
        stop = body + big_u32(data, pos + 5)
        if tag == 0x0C or tag == 0x1C:
            left = end - body
            empty = stop == body and header_fits(data, body, end)
            if tag == 0x0C and stop < end and left % 4294967296 == stop - body and not header_fits(data, stop, end):
                stop = end
            if not empty and (stop == body or stop > end or not header_fits(data, stop, end)):
                stop = run_on(data, body, end, id_size)
        records[count, 0], records[count, 1], records[count, 2] = tag, body, stop
        count += 1
        pos = stop
        if tag == 0x2C and stop == body and not header_fits(data, stop, end):
            break
    return DONE, end, count, gap_count


@kernel
def page_slot(page: Number, keys: Array, slots: Array, state: Array, capacity: Number) -> Number:
    """The pool slot of an address page, made on first sight; -1 when the pool or the table is full."""
    mask = len(keys) - 1
    at = (page * -7046029254386353131 >> 32) & mask
    while slots[at] >= 0:
        if keys[at] == page:
            return int(slots[at])
        at = (at + 1) & mask
    used = state[PAGES]
    if used >= capacity or 2 * used > mask:
        return -1
    keys[at] = page
    slots[at] = used
    state[PAGES] = used + 1
    return int(used)


@kernel
def scan_objects(
    data: Array,
    segments: Array,
    last: Number,
    id_size: Number,
    shift: Number,
    page_shift: Number,
    keys: Array,
    slots: Array,
    pool: Array,
    state: Array,
    notes: Array,
    gaps: Array,
) -> Number:
    """Walks all records of ``segments[state[SEGMENT]:last]``; marks each object's id in the page bitmaps of ``pool``.

    ``notes`` gets the positions of class dumps and roots, ``gaps`` what could not be read, ``state`` the counts.
    Returns DONE, FULL (notes or gaps: grow and call again) or PAGES_FULL (likewise, or choose smaller pages).
    """
    words = 1 << (page_shift - shift - 6)
    in_page = (1 << (page_shift - shift)) - 1
    capacity = len(pool) // words
    known_page = np.int64(0)
    base = np.int64(-1)
    index = state[SEGMENT]
    pos = state[POSITION]
    while index < last:
        stop = segments[index, 1]
        if pos < segments[index, 0]:
            pos = segments[index, 0]
        while pos < stop:
            after = record_end(data, pos, stop, id_size)
            if after < 0:
                if state[GAPS] >= len(gaps):
                    state[SEGMENT], state[POSITION] = index, pos
                    return FULL
                gaps[state[GAPS], 0], gaps[state[GAPS], 1] = pos, stop
                state[GAPS] += 1
                pos = stop
                break
            tag = data[pos]
            if tag < 0x20 or tag == 0xFF or tag == 0x20:
                if state[NOTES] >= len(notes):
                    state[SEGMENT], state[POSITION] = index, pos
                    return FULL
                notes[state[NOTES]] = pos
            if 0x20 <= tag <= 0x23:
                address = big_u64(data, pos + 1) if id_size == 8 else big_u32(data, pos + 1)
                page = address >> page_shift
                if page != known_page or base < 0:
                    slot = page_slot(page, keys, slots, state, capacity)
                    if slot < 0:
                        state[SEGMENT], state[POSITION] = index, pos
                        return PAGES_FULL
                    known_page = page
                    base = np.int64(slot) * words
                bit = (address >> shift) & in_page
                if address != 0:
                    pool[base + (bit >> 6)] |= np.uint64(1) << np.uint64(bit & 63)
                state[NULL_IDS] += address == 0
                state[LOW_BITS] |= address & 7
            state[INSTANCES] += tag == 0x21
            state[OBJECT_ARRAYS] += tag == 0x22
            state[PRIMITIVE_ARRAYS] += tag == 0x23
            state[NOTES] += tag <= 0x20 or tag == 0xFF
            pos = after
        index += 1
    state[SEGMENT], state[POSITION] = index, pos
    return DONE


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


@kernel
def rehash(keys: Array, slots: Array, new_keys: Array, new_slots: Array) -> None:
    """Moves the page table into a larger one."""
    mask = len(new_keys) - 1
    for i in range(len(keys)):
        if slots[i] >= 0:
            at = (keys[i] * -7046029254386353131 >> 32) & mask
            while new_slots[at] >= 0:
                at = (at + 1) & mask
            new_keys[at] = keys[i]
            new_slots[at] = slots[i]


@kernel
def one_record_end(data: Array, pos: Number, end: Number, id_size: Number) -> Number:
    """``record_end`` for callers outside kernels."""
    return record_end(data, pos, end, id_size)
