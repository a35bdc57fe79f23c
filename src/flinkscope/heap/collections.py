"""Collections: how full they are, how many are empty, how much of their arrays is waste, and who owns them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.kernels import contents as kernels
from flinkscope.heap.labels import follow, number_column, reference_column
from flinkscope.heap.owners import OwnerShare, owner_shares
from flinkscope.heap.shapes import LINKED, PAIRED, SLOTS_OF_MAP, Shape, shape_rows

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

FILL_BINS_BP = (0, 2_000, 4_000, 6_000, 8_000, 10_000)  # MAT's five groups of the fill ratio
SIZE_BOUNDS = (0, 1, 2, 5, 17, 65, 257, 1025)


@dataclass(frozen=True, slots=True)
class Population:
    """The reachable collections of one class. Arrays by collection: ``sizes`` entries, ``arrays`` the backing array
    (-1: none), ``slots`` its length (-1: none), ``used`` slots that are not null, ``wasted`` bytes, ``empty``."""

    class_name: str
    loader_address: int
    shape: Shape
    indices: Array
    sizes: Array
    arrays: Array
    slots: Array
    used: Array
    wasted: Array

    @property
    def empty(self) -> Array:
        """bool: no entries."""
        none: Array = self.sizes == 0
        return none


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One class of collections.

    ``entries``, ``slots``, ``used_slots``: summed. ``fill_bp``: used of all slots, None without arrays. ``collisions``:
    entries of hash tables that share a slot (MAT's collision ratio is collisions / entries). ``by_fill``:
    collections with ≤ 20, 40, 60, 80, 100 % of their slots used. ``by_size``: how many have 0, 1, 2–4, 5–16, 17–64,
    65–256, 257–1024, more entries. ``wasted_bytes``: slots without entry; of an empty collection all of it (object,
    inner map and array).
    """

    class_name: str
    loader_address: int
    kind: str
    collections: int
    empty: int
    entries: int
    slots: int
    used_slots: int
    fill_bp: int | None
    collisions: int
    largest: int
    largest_address: int
    by_fill: tuple[int, ...]
    by_size: tuple[int, ...]
    shallow_bytes: int
    wasted_bytes: int
    owners: tuple[OwnerShare, ...]


def populations(heap: Heap) -> list[Population]:
    """All reachable collections of known shape, by class. The map inside a HashSet counts as the set, not again as
    a map.

    Cost: reads the fields of each collection and its backing array once.
    """
    shapes = shape_rows(heap.store.classes)
    inner = _inner_maps(heap, shapes)
    found = []
    for row, shape in sorted(shapes.items()):
        indices = heap.instances(row)
        indices = indices[heap.reachable[indices]]
        indices = indices[~np.isin(indices, inner)]
        if len(indices):
            found.append(_population(heap, row, shape, indices, shapes))
    return found


def _inner_maps(heap: Heap, shapes: dict[int, Shape]) -> Array:
    parts = [np.empty(0, np.int32)]
    for row, shape in shapes.items():
        if shape.inner:
            sets = heap.instances(row)
            parts.append(reference_column(heap, sets[heap.reachable[sets]], shape.inner))
    return np.unique(np.concatenate(parts))


def _population(heap: Heap, row: int, shape: Shape, indices: Array, shapes: dict[int, Shape]) -> Population:
    info = heap.store.classes
    bodies, sizes, arrays = _measure(heap, shape, indices, shapes)
    slots = heap.array_lengths(np.maximum(arrays, 0))
    used = np.full(len(indices), -1, np.int64)
    kernels.used_slots(
        heap.records.data, heap.store.offsets, np.maximum(arrays, 0).astype(np.int32), heap.records.id_size, used
    )
    used = np.where(slots >= 0, used, 0)
    unknown = sizes < 0  # the size is what the array holds
    sizes[unknown] = used[unknown]
    free = np.maximum(slots, 0) - used
    wasted = free * heap.sizes.reference_bytes
    shallow = heap.shallow_bytes
    array_bytes = np.where(slots > 0, shallow[np.maximum(arrays, 0)], 0)
    inner_bytes = np.where(bodies != indices, shallow[np.maximum(bodies, 0)], 0)
    whole = shallow[indices].astype(np.int64) + array_bytes + inner_bytes
    wasted = np.where(sizes == 0, whole, wasted)
    return Population(info.names[row], int(info.heads[row, 2]), shape, indices, sizes, arrays, slots, used, wasted)


def _measure(heap: Heap, shape: Shape, indices: Array, shapes: dict[int, Shape]) -> tuple[Array, Array, Array]:
    """(object that has the fields, sizes or -1, backing array or -1) of each collection."""
    if shape.inner:
        inner = reference_column(heap, indices, shape.inner)
        sizes = np.zeros(len(indices), np.int64)
        arrays = np.full(len(indices), -1, np.int32)
        rows = np.where(inner > 0, heap.class_of[np.maximum(inner, 0)], -1)
        for row in np.unique(rows[rows >= 0]).tolist():
            real = shapes.get(row)
            if real is not None and not real.inner:
                chosen = rows == row
                _, sizes[chosen], arrays[chosen] = _measure(heap, real, inner[chosen], shapes)
        return inner, sizes, arrays
    raw = number_column(heap, indices, shape.size) if shape.size else None
    sizes = np.full(len(indices), -1, np.int64) if raw is None else raw.astype(np.int64)
    if shape.size == "baseCount":
        sizes = sizes + _counter_cells(heap, indices)
    if shape.class_name.endswith("CopyOnWriteStateMap"):
        sizes = sizes + _number_column(heap, indices, "incrementalRehashTableSize")
    none = np.full(len(indices), -1, np.int32)
    return indices, sizes, reference_column(heap, indices, shape.array) if shape.array else none


def _number_column(heap: Heap, indices: Array, name: str) -> Array:
    found = number_column(heap, indices, name)
    return np.zeros(len(indices), np.int64) if found is None else found.astype(np.int64)


def _counter_cells(heap: Heap, indices: Array) -> Array:
    """ConcurrentHashMap counts in cells when threads contend (as LongAdder does): their sum by map."""
    cells = reference_column(heap, indices, "counterCells")
    sums = np.zeros(len(indices), np.int64)
    if not (cells > 0).any():
        return sums
    offsets, targets = heap.elements(cells)
    values = _number_column(heap, targets, "value")
    np.add.at(sums, np.repeat(np.arange(len(indices)), np.diff(offsets)), values)
    return sums


def collection_rows(heap: Heap, *, owners: int = 5) -> list[CollectionRow]:
    """The reachable collections by class, most wasted bytes first. ``owners``: so many owning fields a class."""
    found = populations(heap)
    shares = owner_shares(heap, [(population.indices, population.wasted) for population in found], owners)
    rows = [_row(heap, population, held) for population, held in zip(found, shares, strict=True)]
    return sorted(rows, key=lambda row: (-row.wasted_bytes, -row.shallow_bytes, row.class_name))


def _row(heap: Heap, found: Population, owners: tuple[OwnerShare, ...]) -> CollectionRow:
    with_array = found.slots > 0
    slots = int(found.slots[with_array].sum())
    used = int(found.used[with_array].sum())
    ratio = 10_000 * found.used[with_array] // np.maximum(found.slots[with_array], 1)
    largest = int(found.sizes.argmax())
    hashed = found.shape.layout == SLOTS_OF_MAP
    return CollectionRow(
        class_name=found.class_name,
        loader_address=found.loader_address,
        kind=found.shape.kind,
        collections=len(found.indices),
        empty=int(found.empty.sum()),
        entries=int(found.sizes.sum()),
        slots=slots,
        used_slots=used,
        fill_bp=None if found.shape.layout == LINKED or not slots else (20_000 * used + slots) // (2 * slots),
        collisions=int(np.maximum(found.sizes - found.used, 0)[with_array].sum()) if hashed else 0,
        largest=int(found.sizes[largest]),
        largest_address=heap.address_of(int(found.indices[largest])),
        by_fill=tuple(_binned(ratio)),
        by_size=tuple(np.histogram(found.sizes, bins=[*SIZE_BOUNDS, np.iinfo(np.int64).max])[0].tolist()),
        shallow_bytes=int(heap.shallow_bytes[found.indices].sum(dtype=np.int64)),
        wasted_bytes=int(found.wasted.sum()),
        owners=owners,
    )


def _binned(ratio_bp: Array) -> list[int]:
    """Counts of ratios in ≤ 20, ≤ 40, … ≤ 100 %."""
    group = np.clip((ratio_bp + 1_999) // 2_000 - 1, 0, 4)
    return [int(n) for n in np.bincount(group, minlength=5)]


def values_of(heap: Heap, index: int, limit: int) -> Iterator[tuple[int, int]]:
    """(key, value) object indices of a collection, in the order of its array; key -1 where it has no keys.

    Nothing for objects that are no collection of known shape. Linked lists and trees are walked.
    """
    row = int(heap.class_of[index]) if index > 0 else -1
    shape = shape_rows(heap.store.classes).get(row)
    if shape is None:
        return
    found = _values(heap, index, shape)
    for _, pair in zip(range(limit), found, strict=False):
        yield pair


def _values(heap: Heap, index: int, shape: Shape) -> Iterator[tuple[int, int]]:
    if shape.inner:
        inner = follow(heap, index, shape.inner)
        real = shape_rows(heap.store.classes).get(int(heap.class_of[inner])) if inner > 0 else None
        if real is not None and not real.inner:
            pairs = _values(heap, inner, real)
            yield from pairs if shape.kind == "map" else ((-1, key) for key, _ in pairs)
    elif shape.layout == LINKED:
        yield from _linked(heap, index, shape)
    else:
        _, slots = heap.elements(np.array([follow(heap, index, shape.array)]), keep_nulls=True)
        yield from _slot_values(heap, index, shape, slots)


def _slot_values(heap: Heap, index: int, shape: Shape, slots: Array) -> Iterator[tuple[int, int]]:
    if shape.layout == SLOTS_OF_MAP:
        key, value, link = shape.entry
        for node in slots[slots > 0].tolist():
            seen: set[int] = set()
            while node > 0 and node not in seen:
                seen.add(node)
                yield follow(heap, node, key), follow(heap, node, value)
                node = follow(heap, node, link)
    elif shape.class_name in PAIRED:
        for key_index, value_index in zip(slots[::2].tolist(), slots[1::2].tolist(), strict=False):
            if key_index > 0:
                yield key_index, value_index
    else:
        counted = number_column(heap, np.array([index]), shape.size) if shape.size and shape.kind == "list" else None
        size = len(slots) if counted is None else max(0, int(counted[0]))
        for value_index in slots[:size].tolist():
            if value_index > 0 or counted is not None:
                yield -1, value_index


def _linked(heap: Heap, index: int, shape: Shape) -> Iterator[tuple[int, int]]:
    seen: set[int] = set()
    if shape.kind == "list":
        node = follow(heap, index, "first")
        while node > 0 and node not in seen:
            seen.add(node)
            yield -1, follow(heap, node, "item")
            node = follow(heap, node, "next")
        return
    node = follow(heap, index, "root")
    stack: list[int] = []
    while stack or (node > 0 and node not in seen):
        while node > 0 and node not in seen:
            seen.add(node)
            stack.append(node)
            node = follow(heap, node, "left")
        node = stack.pop()
        yield follow(heap, node, "key"), follow(heap, node, "value")
        node = follow(heap, node, "right")
