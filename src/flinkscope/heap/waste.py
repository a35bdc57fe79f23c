"""Wasted memory: equal strings, equal boxed numbers, empty and oversized collections, zero and half-filled arrays.

Every figure counts reachable objects only, and an object in one kind only: the arrays of collections are judged with
their collections, those of Strings with the Strings. The figures are what could be saved at best; they may not be added
to retained sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.collections import Population, populations
from flinkscope.heap.kernels import contents as kernels
from flinkscope.heap.labels import BOXES, number_column, reference_column
from flinkscope.heap.owners import OwnerShare, owner_shares
from flinkscope.heap.strings import string_groups

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

HALF_BP = 5_000
KINDS = {
    "duplicate strings": "equal Strings and their arrays beyond the first",
    "duplicate boxes": "equal Integer, Long, Double, … beyond the first",
    "empty collections": "collections without an entry, with their arrays",
    "oversized collections": "free slots of collections that use at most half of their array",
    "zero arrays": "primitive arrays of two or more elements that are all 0",
    "half-empty arrays": "the zero tail of primitive arrays, the null slots of object arrays, where it is half or more",
}


@dataclass(frozen=True, slots=True)
class WasteRow:
    """One kind of waste in one class. ``objects``: how many are concerned (for duplicates: all but the first of each);
    ``owners``: the fields that hold the most of it."""

    kind: str
    class_name: str
    objects: int
    wasted_bytes: int
    owners: tuple[OwnerShare, ...]


def waste_rows(heap: Heap, *, owners: int = 3, at_least_bytes: int = 1) -> list[WasteRow]:
    """All kinds of waste by class, most wasted bytes first; rows below ``at_least_bytes`` are left out.

    Cost: reads every array's contents once and one pass over the edges a row. See ``KINDS`` for what each kind counts.
    """
    found = populations(heap)
    taken = _taken_arrays(heap, found)
    piles = [*_strings(heap), *_boxes(heap), *_collections(found)]
    piles += [*_primitive_arrays(heap, taken), *_object_arrays(heap, taken)]
    piles = [pile for pile in piles if int(pile.wasted.sum()) >= max(1, at_least_bytes)]
    shares = owner_shares(heap, [(pile.indices, pile.wasted) for pile in piles], owners)
    rows = [
        WasteRow(pile.kind, pile.class_name, len(pile.indices), int(pile.wasted.sum()), held)
        for pile, held in zip(piles, shares, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.wasted_bytes, row.kind, row.class_name))


@dataclass(frozen=True, slots=True)
class _Pile:
    kind: str
    class_name: str
    indices: Array
    wasted: Array


def _strings(heap: Heap) -> list[_Pile]:
    groups = string_groups(heap)
    # the string that stays is the costliest of its group: sort by (group, -bytes) and leave out the first of each
    order = np.lexsort((-groups.sizes, groups.group))
    repeated = np.r_[False, groups.group[order][1:] == groups.group[order][:-1]] if len(order) else np.empty(0, bool)
    extra = order[repeated]
    return [_Pile("duplicate strings", "java.lang.String", groups.indices[extra], groups.sizes[extra])]


def _boxes(heap: Heap) -> list[_Pile]:
    rows = []
    for name in BOXES:
        indices = heap.table(name).indices
        indices = indices[heap.reachable[indices]]
        values = number_column(heap, indices, "value")
        if values is not None:
            bits = values.view(f"u{values.dtype.itemsize}")  # by bits: a NaN equals itself, 0.0 and -0.0 differ
            _, first = np.unique(bits, return_index=True)
            extra = np.delete(indices, first)
            rows.append(_Pile("duplicate boxes", name, extra, heap.shallow_bytes[extra].astype(np.int64)))
    return rows


def _collections(found: list[Population]) -> list[_Pile]:
    rows = []
    for population in found:
        empty = population.empty
        loose = ~empty & (population.slots > 0) & (10_000 * population.used <= HALF_BP * population.slots)
        for kind, mask in (("empty collections", empty), ("oversized collections", loose)):
            if mask.any():
                chosen = population.indices[mask]
                rows.append(_Pile(kind, population.class_name, chosen, population.wasted[mask]))
    return rows


def _taken_arrays(heap: Heap, found: list[Population]) -> Array:
    """bool by object: arrays that are judged with their collection or String."""
    taken = np.zeros(heap.object_count, bool)
    for population in found:
        taken[population.arrays[population.arrays > 0]] = True
    strings = heap.table("java.lang.String").indices
    values = reference_column(heap, strings, "value")
    taken[values[values > 0]] = True
    return taken


def _arrays(heap: Heap, row: int, taken: Array) -> Array:
    indices = heap.instances(row)
    kept: Array = indices[heap.reachable[indices] & ~taken[indices]]
    return kept


def _primitive_arrays(heap: Heap, taken: Array) -> list[_Pile]:
    rows = []
    for row in heap.store.classes.primitive_array_rows():
        if row < 0:
            continue
        indices = _arrays(heap, int(row), taken)
        facts = np.empty((len(indices), 4), np.int64)
        kernels.zero_tails(heap.records.data, heap.store.offsets, indices, heap.records.id_size, facts)
        width, length, tail = facts[:, 0], facts[:, 1], facts[:, 2]
        name = heap.store.classes.names[int(row)]
        zero = (tail == length) & (length > 1)
        half = ~zero & (tail > 0) & (2 * tail >= length)
        whole = heap.shallow_bytes[indices].astype(np.int64)
        rows.append(_Pile("zero arrays", name, indices[zero], whole[zero]))
        rows.append(_Pile("half-empty arrays", name, indices[half], (tail * width)[half]))
    return rows


def _object_arrays(heap: Heap, taken: Array) -> list[_Pile]:
    primitive = set(heap.store.classes.primitive_array_rows().tolist())
    rows = []
    for row, name in enumerate(heap.store.classes.names):
        if not name.endswith("[]") or row in primitive:
            continue
        indices = _arrays(heap, row, taken)
        used = np.empty(len(indices), np.int64)
        kernels.used_slots(heap.records.data, heap.store.offsets, indices, heap.records.id_size, used)
        lengths = heap.array_lengths(indices)
        half = (lengths > 0) & (used >= 0) & (2 * used <= lengths)
        if half.any():
            free = (lengths - used)[half] * heap.sizes.reference_bytes
            rows.append(_Pile("half-empty arrays", name, indices[half], free))
    return rows
