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

from flinkscope.formats.hprof.words import big_u16, big_u32, big_u64, inlined, prefetch, type_size
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

DONE, FULL, PAGES_FULL = 0, 1, 2
# slots of the scan state
SEGMENT, POSITION, PAGES, INSTANCES, OBJECT_ARRAYS, PRIMITIVE_ARRAYS, NOTES, GAPS, LOW_BITS, NULL_IDS = range(10)
STATE_SLOTS = 10
AHEAD_BYTES = 2048  # of the dump asked for early: the processor's own look-ahead ends with each 4 KiB


def object_shapes(id_size: int) -> tuple[Array, Array]:
    """What the length of an object record depends on, as tables: branches on its tag are mispredicted too often.

    Rows of tags 0x21 to 0x23: (position of the length, bytes before the contents); and, at 256 * row + the byte where
    a primitive array has its type, bytes an element; 0: no such type.
    """
    heads = np.array([[5 + 2 * id_size, 9 + 2 * id_size], [5 + id_size, 9 + 2 * id_size], [5 + id_size, 10 + id_size]])
    widths = np.zeros((3, 256), np.int64)
    widths[0] = 1
    widths[1] = id_size
    widths[2, 4:12] = [1, 2, 4, 8, 1, 2, 4, 8]
    return heads.astype(np.int64), widths.reshape(-1)


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
def mark_run(
    data: Array,
    pos: Number,
    stop: Number,
    id_size: Number,
    shift: Number,
    page_shift: Number,
    heads: Array,
    widths: Array,
    keys: Array,
    slots: Array,
    pool: Array,
    state: Array,
) -> Number:
    """Marks and counts the objects from ``pos`` on; returns where a record is something else, damaged or without room.

    ``heads``, ``widths``: ``object_shapes``. Half the time of ``record_end`` and branches by tag (0.30 s for 0.65 s on
    the 1.6 GB dump, 33 million objects).
    """
    words = 1 << (page_shift - shift - 6)
    in_page = (1 << (page_shift - shift)) - 1
    capacity = len(pool) // words
    known_page = np.int64(0)
    base = np.int64(-1)
    low_bits = np.int64(0)
    total, instances, object_arrays = np.int64(0), np.int64(0), np.int64(0)
    widest = 10 + 2 * id_size
    while pos + widest <= stop:
        kind = np.int64(data[pos]) - 0x21
        if kind < 0 or kind > 2:
            break
        width = widths[(kind << 8) | np.int64(data[pos + 9 + id_size])]
        after = pos + heads[kind, 1] + big_u32(data, pos + heads[kind, 0]) * width
        address = big_u64(data, pos + 1) if id_size == 8 else big_u32(data, pos + 1)
        if width == 0 or after > stop or address == 0:
            break
        prefetch(data, pos + AHEAD_BYTES)
        page = address >> page_shift
        if page != known_page or base < 0:
            slot = page_slot(page, keys, slots, state, capacity)
            if slot < 0:
                break
            known_page = page
            base = np.int64(slot) * words
        bit = (address >> shift) & in_page
        pool[base + (bit >> 6)] |= np.uint64(1) << np.uint64(bit & 63)
        low_bits |= address
        total += 1
        instances += kind == 0
        object_arrays += kind == 1
        pos = after
    state[LOW_BITS] |= low_bits & 7
    state[INSTANCES] += instances
    state[OBJECT_ARRAYS] += object_arrays
    state[PRIMITIVE_ARRAYS] += total - instances - object_arrays
    return pos


@kernel
def scan_objects(
    data: Array,
    segments: Array,
    last: Number,
    id_size: Number,
    shift: Number,
    page_shift: Number,
    heads: Array,
    widths: Array,
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
    index = state[SEGMENT]
    pos = state[POSITION]
    while index < last:
        stop = segments[index, 1]
        if pos < segments[index, 0]:
            pos = segments[index, 0]
        while pos < stop:
            pos = mark_run(data, pos, stop, id_size, shift, page_shift, heads, widths, keys, slots, pool, state)
            if pos >= stop:
                break
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
                slot = page_slot(address >> page_shift, keys, slots, state, capacity)
                if slot < 0:
                    state[SEGMENT], state[POSITION] = index, pos
                    return PAGES_FULL
                bit = (address >> shift) & in_page
                if address != 0:
                    pool[np.int64(slot) * words + (bit >> 6)] |= np.uint64(1) << np.uint64(bit & 63)
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
