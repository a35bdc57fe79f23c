"""Kernels of the lens: labels that spread down the dominator tree, columns of many objects, hashes of keys."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u32
from flinkscope.heap.kernels.address_map import AddressMap, lookup, read_id
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

NO_LABEL = -1
_UNSEEN = -2
_BOTTOM = -3
_CHILD = -4  # minus the child's number
_BYTE = 8  # HPROF's code of the element type byte
_MIX = np.uint64(0x2545F4914F6CDD1D)  # the multiplier of xorshift64* (Vigna 2016)
_FOLD = np.uint64(29)


@kernel
def put_label(label: Array, objects: Array, number: Number) -> None:
    """Gives the number to those of the objects (NULL ignored) that have no label yet."""
    for k in range(len(objects)):
        i = objects[k]
        if i >= 0 and label[i] == NO_LABEL:
            label[i] = number


@kernel
def spread_labels(idom: Array, label: Array, own: Array, first_weak: Number, found: Array) -> None:
    """``found[i]``: whose object i is; NO_LABEL if nobody's.

    ``label``: of single objects; the nearest labelled dominator (the object itself included) decides. Where there is
    none, ``own`` does (what each object would be by its class): the nearest dominator that has one. Numbers of ``own``
    are at least ``first_weak``, those of ``label`` below. Each object is visited twice: the way up is remembered as
    pointers to the child in ``found``, which are then replaced by answers.
    """
    count = len(idom)
    for i in range(count):
        found[i] = _UNSEEN
    for i in range(count):
        if found[i] != _UNSEEN:
            continue
        at = np.int64(i)
        found[at] = _BOTTOM
        while label[at] == NO_LABEL:
            above = np.int64(idom[at])
            if above < 0 or above >= count or found[above] != _UNSEEN:
                break
            found[above] = _CHILD - at
            at = above
        above = np.int64(idom[at])
        answer = np.int64(label[at])
        if answer == NO_LABEL and 0 <= above < count and found[above] > _UNSEEN:
            answer = np.int64(found[above])
        while True:
            back = np.int64(found[at])
            if label[at] != NO_LABEL:
                answer = np.int64(label[at])
            elif (answer == NO_LABEL or answer >= first_weak) and own[at] != NO_LABEL:
                answer = np.int64(own[at])
            found[at] = answer
            if back == _BOTTOM:
                break
            at = _CHILD - back


@kernel
def own_labels(class_of: Array, of_class: Array, own: Array) -> None:
    """``own[i]``: the label of the object's class; ``of_class`` has one more slot, for objects of unknown class."""
    last = len(of_class) - 1
    for i in range(len(class_of)):
        row = class_of[i]
        own[i] = of_class[row] if 0 <= row < last else of_class[last]


@kernel
def sum_by_label(
    owner: Array,
    sizes: Array,
    counted: Array,
    class_of: Array,
    jdk: Array,
    jdk_row: Number,
    objects: Array,
    total: Array,
) -> None:
    """Adds objects and bytes of the counted objects to their owner's row; those without one are the JDK's if their
    class is (``jdk``, with one more slot for unknown classes), else they go to the last row."""
    last = len(objects) - 1
    for i in range(len(owner)):
        if counted[i]:
            row = np.int64(owner[i])
            if row < 0 or row > last:
                row = np.int64(jdk_row) if jdk[class_of[i]] else last
            objects[row] += 1
            total[row] += sizes[i]


@kernel
def rows_of_few(class_of: Array, places: Array, grouped: Array) -> None:
    """Fills ``grouped`` with the objects of each class, ascending; ``places``: where each class begins, -1 to skip it.
    ``places`` is moved to each class's end. One pass instead of one for each class."""
    for i in range(len(class_of)):
        row = class_of[i]
        if row >= 0 and places[row] >= 0:
            grouped[places[row]] = i
            places[row] += 1


@kernel
def sum_once(mark: Array, objects: Array, sizes: Array) -> Number:
    """Bytes of those of the objects (NULL ignored) that are not marked yet; they are marked."""
    total = np.int64(0)
    for k in range(len(objects)):
        i = objects[k]
        if i >= 0 and mark[i] == 0:
            mark[i] = 1
            total += np.int64(sizes[i])
    return total


@kernel
def unmark(mark: Array, objects: Array) -> None:
    """Takes the marks of these objects away."""
    for k in range(len(objects)):
        if objects[k] >= 0:
            mark[objects[k]] = 0


@kernel
def owned_by(objects: Array, idom: Array, owners: Array, sizes: Array) -> Number:
    """Bytes (``sizes``) of the objects whose immediate dominator is the owner beside them."""
    total = np.int64(0)
    for k in range(len(objects)):
        i = objects[k]
        if i >= 0 and idom[i] == owners[k]:
            total += np.int64(sizes[i])
    return total


@kernel
def reference_columns(
    data: Array,
    offsets: Array,
    class_of: Array,
    indices: Array,
    id_size: Number,
    m: AddressMap,
    places: Array,
    out: Array,
) -> None:
    """Several reference fields of each instance at once: ``out[f, k]``, -1 where there is none.

    ``places[f, class row]``: where the field stands in the instance, -1 if the class has no such field.
    """
    for k in range(len(indices)):
        i = indices[k]
        for f in range(len(places)):
            out[f, k] = -1
        if i <= 0 or class_of[i] < 0 or data[offsets[i]] != 0x21:
            continue
        body = np.int64(offsets[i]) + 9 + 2 * id_size
        size = big_u32(data, body - 4)
        for f in range(len(places)):
            at = places[f, class_of[i]]
            if at >= 0 and at + id_size <= size:
                out[f, k] = lookup(read_id(data, body + at, id_size), m)


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
