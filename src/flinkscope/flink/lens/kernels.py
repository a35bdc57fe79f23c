"""Kernels of the lens: labels that spread down the dominator tree, columns of many objects, hashes of keys."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u32, big_u64, prefetch
from flinkscope.heap.kernels.address_map import AddressMap, lookup, read_id
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

NO_LABEL = -1
NOBODY = -2
_BOTTOM = -3
_CHILD = -4  # minus the child's number
_UNREACHABLE = -2  # in ``idom``
MIRROR = -5  # in ``of_class``: ask for the class that the object stands for
_MIRROR = np.int64(MIRROR)
UNKNOWN = -2  # a field's place in a class that nobody has looked at
FULL = -10
_BYTE = 8  # HPROF's code of the element type byte
_MIX = np.uint64(0x2545F4914F6CDD1D)  # the multiplier of xorshift64* (Vigna 2016)
_FOLD = np.uint64(29)
_AHEAD = 16  # objects whose cache lines are asked for before their turn: they lie anywhere, and waiting is the cost
_FAR_AHEAD = 32  # what says where to look for the next thing is asked for earlier
_MIDDLE = 48  # of an entry's or timer's record: two cache lines, mostly


@kernel
def put_label(label: Array, objects: Array, number: Number, sizes: Array) -> Number:
    """Gives the number to those of the objects (NULL ignored) that have no label yet; the sum of their sizes."""
    total = np.int64(0)
    for k in range(len(objects)):
        if k + _AHEAD < len(objects):
            prefetch(label, np.int64(objects[k + _AHEAD]))
            prefetch(sizes, np.int64(objects[k + _AHEAD]))
        i = objects[k]
        if i >= 0 and label[i] == NO_LABEL:
            label[i] = number
            total += np.int64(sizes[i])
    return total


@kernel
def settle(
    idom: Array,
    class_of: Array,
    sizes: Array,
    of_class: Array,
    jdk: Array,
    mirrors: Array,
    first_weak: Number,
    label: Array,
    objects: Array,
    total: Array,
) -> None:
    """Turns labels of single objects into the owner of each; NOBODY where there is none. Adds the reachable ones and
    their ``sizes`` to their owner's row of ``objects`` and ``total``; the last row takes those without one.

    The nearest labelled dominator (the object itself included) decides. Where there is none, the nearest dominator
    does whose class has a family: ``of_class`` by class row, numbers from ``first_weak`` on; of a class object
    (``mirrors``: two sorted columns, object and class row) the class that it stands for. What is left is the JDK's
    (``jdk`` by row: its number or NOBODY), but nothing below it because of that. ``of_class`` and ``jdk`` have one
    more slot, for objects of unknown class. One pass: on the way up each object remembers the one below in ``label``.
    """
    count, last = len(idom), len(objects) - 1
    for i in range(count):
        if i + _AHEAD < count:
            prefetch(label, np.int64(idom[i + _AHEAD]))
        if label[i] == NO_LABEL:
            at = np.int64(i)
            back = np.int64(_BOTTOM)
            while True:
                label[at] = back
                above = np.int64(idom[at])
                if above < 0 or above >= count or label[above] != NO_LABEL:
                    break
                back = _CHILD - at
                at = above
            answer = np.int64(NOBODY)
            if 0 <= above < count and label[above] > _BOTTOM:
                answer = np.int64(label[above])
            if answer < 0 or (answer >= first_weak and jdk[class_of[above]] == answer):
                answer = np.int64(NOBODY)
            while True:
                back = np.int64(label[at])
                if answer >= 0 and answer < first_weak:  # a label of its own above: no class has a say
                    label[at] = answer
                else:
                    row = np.int64(class_of[at])
                    family = np.int64(of_class[row])
                    if family == _MIRROR:
                        place = np.searchsorted(mirrors[0], at)
                        found = place < mirrors.shape[1] and mirrors[0, place] == at
                        family = np.int64(of_class[mirrors[1, place]]) if found else np.int64(NO_LABEL)
                    if family >= 0:
                        answer = family
                    label[at] = answer if answer != NOBODY else np.int64(jdk[row])
                if back == _BOTTOM:
                    break
                at = _CHILD - back
        if idom[i] != _UNREACHABLE:
            owner = np.int64(label[i])
            if owner < 0 or owner > last:
                owner = np.int64(last)
            objects[owner] += 1
            total[owner] += sizes[i]


@kernel
def rows_of_few(class_of: Array, few: Array, places: Array, grouped: Array) -> None:
    """Fills ``grouped`` with the objects of each class that is ``few`` (one more slot, for row -1), ascending;
    ``places``: where each class begins, moved to its end. One pass instead of one for each class."""
    for i in range(len(class_of)):
        row = class_of[i]
        if few[row]:
            grouped[places[row]] = i
            places[row] += 1


@kernel
def count_once(mark: Array, turn: Number, objects: Array) -> Number:
    """How many of the objects (NULL ignored) are not marked with this turn yet; they are marked."""
    total = np.int64(0)
    for k in range(len(objects)):
        if k + _AHEAD < len(objects):
            prefetch(mark, np.int64(objects[k + _AHEAD]))
        i = objects[k]
        if i >= 0 and mark[i] != turn:
            mark[i] = turn
            total += 1
    return total


@kernel
def walk_chains(
    data: Array,
    offsets: Array,
    class_of: Array,
    heads: Array,
    id_size: Number,
    m: AddressMap,
    places: Array,
    mark: Array,
    turn: Number,
    from_head: Array,
    entries: Array,
    out: Array,
) -> Number:
    """Follows a reference field (``places[0]`` by class row) from each head: the entries met and whose head's chain.

    ``out[f]``: the reference field of ``places[1 + f]`` of each entry, -1 where there is none. Each entry once: they
    are marked with ``turn``. Returns how many; FULL if ``entries`` is too short, FULL - 1 - row if its places in that
    class row are not known yet (call again, with what was lacking). A chain's entries mostly lie side by side, as the
    garbage collector copied them: breadth first over all heads brought nothing in spite of reading ahead.
    """
    found = 0
    for head in range(len(heads)):
        if head + _FAR_AHEAD < len(heads):
            prefetch(offsets, np.int64(heads[head + _FAR_AHEAD]))
            prefetch(class_of, np.int64(heads[head + _FAR_AHEAD]))
            prefetch(mark, np.int64(heads[head + _FAR_AHEAD]))
            prefetch(data, np.int64(offsets[max(heads[head + _AHEAD], 0)]) + _MIDDLE)
        at = np.int64(heads[head])
        while at >= 0 and mark[at] != turn:
            if found == len(entries):
                return np.int64(FULL)
            row = np.int64(class_of[at])
            if row >= 0 and places[0, row] == UNKNOWN:
                return np.int64(FULL) - 1 - row
            k = found
            mark[at] = turn
            from_head[k] = head
            entries[k] = at
            found += 1
            for f in range(len(out)):
                out[f, k] = -1
            if at == 0 or row < 0 or data[offsets[at]] != 0x21:
                break
            body = np.int64(offsets[at]) + 9 + 2 * id_size
            size = big_u32(data, body - 4)
            for f in range(len(out)):
                place = places[1 + f, row]
                if place >= 0 and place + id_size <= size:
                    out[f, k] = lookup(read_id(data, body + place, id_size), m)
            place = places[0, row]
            if place < 0 or place + id_size > size:
                break
            at = np.int64(lookup(read_id(data, body + place, id_size), m))
    return np.int64(found)


@kernel
def long_pairs(
    data: Array,
    offsets: Array,
    class_of: Array,
    indices: Array,
    id_size: Number,
    row: Number,
    one: Number,
    other: Number,
    ones: Array,
    others: Array,
) -> None:
    """Two ``long`` fields, at ``one`` and ``other``, of those objects that are of this class row; others stay."""
    for k in range(len(indices)):
        if k + _FAR_AHEAD < len(indices):
            prefetch(offsets, np.int64(indices[k + _FAR_AHEAD]))
            prefetch(class_of, np.int64(indices[k + _FAR_AHEAD]))
            prefetch(data, np.int64(offsets[max(indices[k + _AHEAD], 0)]) + _MIDDLE)
        i = indices[k]
        if i <= 0 or class_of[i] != row or data[offsets[i]] != 0x21:
            continue
        body = np.int64(offsets[i]) + 9 + 2 * id_size
        size = big_u32(data, body - 4)
        if one + 8 <= size and other + 8 <= size:
            ones[k] = np.int64(big_u64(data, body + one))
            others[k] = np.int64(big_u64(data, body + other))


@kernel
def fold_timers(times: Array, ends: Array, lateness: Number, size: Number, offset: Number) -> tuple[Any, Any, Any]:
    """(timers at their window's clean-up, the earliest other one, how many others are at that time); if all are for
    clean-up: the earliest of those. ``ends``: of each timer's window, -1 without one.

    Clean-up is WindowOperator's maxTimestamp + lateness; of growing windows (CUMULATE, ``size`` > 0) the last instant
    of the whole one.
    """
    cleanup = np.int64(0)
    due = np.zeros(2, np.int64)
    first = np.full(2, np.iinfo(np.int64).max)
    for k in range(len(times)):
        last = ends[k] - 1 + lateness
        if size > 0:
            last = -(-(ends[k] - offset) // size) * size + offset - 1
        other = np.int64(ends[k] == -1 or times[k] != last)
        cleanup += 1 - other
        if times[k] < first[other]:
            first[other] = times[k]
            due[other] = 0
        due[other] += times[k] == first[other]
    kind = 0 if cleanup == len(times) else 1
    return cleanup, first[kind], due[kind]


@kernel
def owned_by(objects: Array, idom: Array, owners: Array, sizes: Array) -> Number:
    """Bytes (``sizes``) of the objects whose immediate dominator is the owner beside them."""
    total = np.int64(0)
    for k in range(len(objects)):
        if k + _AHEAD < len(objects):
            prefetch(idom, np.int64(objects[k + _AHEAD]))
            prefetch(sizes, np.int64(objects[k + _AHEAD]))
        i = objects[k]
        if i >= 0 and idom[i] == owners[k]:
            total += np.int64(sizes[i])
    return total


@kernel
def field_columns(
    data: Array,
    offsets: Array,
    class_of: Array,
    indices: Array,
    id_size: Number,
    m: AddressMap,
    places: Array,
    out: Array,
    longs: Array,
) -> None:
    """Several fields of each instance at once: references in ``out[f, k]``, -1 where there is none, then numbers
    of type ``long`` in ``longs[f, k]``, 0 where there is none.

    ``places[f, class row]``: where the field stands in the instance, -1 if the class has no such field.
    """
    for k in range(len(indices)):
        if k + _FAR_AHEAD < len(indices):
            prefetch(offsets, np.int64(indices[k + _FAR_AHEAD]))
            prefetch(class_of, np.int64(indices[k + _FAR_AHEAD]))
            prefetch(data, np.int64(offsets[max(indices[k + _AHEAD], 0)]) + _MIDDLE)
        i = indices[k]
        for f in range(len(out)):
            out[f, k] = -1
        for f in range(len(longs)):
            longs[f, k] = 0
        if i <= 0 or class_of[i] < 0 or data[offsets[i]] != 0x21:
            continue
        body = np.int64(offsets[i]) + 9 + 2 * id_size
        size = big_u32(data, body - 4)
        for f in range(len(out)):
            at = places[f, class_of[i]]
            if at >= 0 and at + id_size <= size:
                out[f, k] = lookup(read_id(data, body + at, id_size), m)
        for f in range(len(longs)):
            at = places[len(out) + f, class_of[i]]
            if at >= 0 and at + 8 <= size:
                longs[f, k] = np.int64(big_u64(data, body + at))


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
