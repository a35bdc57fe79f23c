"""Class loaders: the tree of parents, what each defines, how many instances, what it retains; duplicate classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.labels import follow, text_of
from flinkscope.heap.sets import minimum_retained

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

BOOT_NAME = "<boot>"


@dataclass(frozen=True, slots=True)
class LoaderRow:
    """One class loader; address 0 is the boot loader. ``parent_address``: None for the boot loader, 0 below it.

    ``defined_classes``, ``instances``: reachable classes whose defining loader it is and their reachable instances.
    ``retained_bytes``: what the loader object alone retains (MAT's figure). ``set_retained_bytes``: minimum retained of
    loader, classes and instances together. ``depth``: in the tree of parents. ``index``: object index.
    """

    address: int
    class_name: str
    name: str | None
    parent_address: int | None
    depth: int
    defined_classes: int
    instances: int
    instance_bytes: int
    retained_bytes: int
    set_retained_bytes: int
    index: int


@dataclass(frozen=True, slots=True)
class DuplicateRow:
    """A class name that several class loaders define. ``loaders``: their addresses, one a class (0: boot loader);
    ``class_addresses`` and ``instances`` in the same order."""

    class_name: str
    loaders: tuple[int, ...]
    class_addresses: tuple[int, ...]
    instances: tuple[int, ...]


def loader_of_class(heap: Heap) -> Array:
    """Object index (int32) of each class row's loader; 0 (boot) also where the dump lacks the loader, as in MAT."""
    return np.maximum(heap.store.lookup(heap.store.classes.heads[:, 2]), 0)


def reachable_classes(heap: Heap) -> Array:
    """bool by class row: its class object is reachable, or the dump has no class object but reachable instances."""
    mirrors = heap.store.mirror_index
    kept: Array = np.where(mirrors >= 0, heap.reachable[np.maximum(mirrors, 0)], reachable_instances(heap)[0] > 0)
    return kept


def reachable_instances(heap: Heap) -> tuple[Array, Array]:
    """(objects, shallow bytes) by class row, reachable ones only."""
    from flinkscope.heap.histogram import count_classes

    return count_classes(heap.store, heap.shallow_bytes, heap.reachable)


def loader_rows(heap: Heap) -> list[LoaderRow]:
    """All reachable class loaders in tree order: each below its parent, siblings by set-retained size.

    Cost: one pass over the objects and one walk of the dominator tree. Objects whose ``parent`` field the dump lacks (a
    loader of the JVM itself) hang below the boot loader.
    """
    base = list(heap.store.classes.rows_by_name.get("java.lang.ClassLoader", []))
    objects = [heap.instances(row, subclasses=True) for row in base]
    loader_class = loader_of_class(heap)
    indices = np.unique(np.concatenate([np.zeros(1, np.int32), *objects, loader_class.astype(np.int32)]))
    indices = indices[heap.reachable[indices] | (indices == 0)]
    counts, sums = reachable_instances(heap)
    live = reachable_classes(heap)
    set_retained = _set_retained(heap, indices, loader_class)
    rows: dict[int, LoaderRow] = {}
    parents = {int(i): _parent(heap, int(i)) for i in indices}
    for k, i in enumerate(indices.tolist()):
        own = (loader_class == i) & live
        rows[i] = LoaderRow(
            address=heap.address_of(i),
            class_name=BOOT_NAME if i == 0 else heap.class_name_of(i),
            name=None if i == 0 else text_of(heap, i, show_strings=False),
            parent_address=None if i == 0 else heap.address_of(parents[i]),
            depth=_depth(parents, i),
            defined_classes=int(own.sum()),
            instances=int(counts[own].sum()),
            instance_bytes=int(sums[own].sum()),
            retained_bytes=int(heap.retained_bytes[i]),
            set_retained_bytes=int(set_retained[k]),
            index=i,
        )
    return _tree_order(rows, parents)


def _parent(heap: Heap, index: int) -> int:
    found = follow(heap, index, "parent") if index > 0 else -1
    return max(found, 0)


def _depth(parents: dict[int, int], index: int) -> int:
    depth = 0
    while index != 0 and depth < len(parents):
        index = parents.get(index, 0)
        depth += 1
    return depth


def _tree_order(rows: dict[int, LoaderRow], parents: dict[int, int]) -> list[LoaderRow]:
    children: dict[int, list[int]] = {}
    for i in rows:
        if i != 0:
            children.setdefault(parents[i] if parents[i] in rows else 0, []).append(i)
    ordered: list[LoaderRow] = []
    stack = [0]
    while stack:
        i = stack.pop()
        ordered.append(rows[i])
        below = sorted(children.pop(i, []), key=lambda c: (-rows[c].set_retained_bytes, rows[c].address))
        stack += reversed(below)
    left = [row for i, row in rows.items() if row not in ordered]  # a damaged cycle of parents
    return ordered + left


def _set_retained(heap: Heap, indices: Array, loader_class: Array) -> Array:
    """Minimum retained of {loader, its classes, their instances} for each loader."""
    number = np.full(heap.object_count, -1, np.int32)
    number[indices] = np.arange(len(indices), dtype=np.int32)
    by_row = number[loader_class]
    group = np.where(heap.class_of >= 0, by_row[heap.class_of], -1).astype(np.int32)
    mirrors = heap.store.mirror_index
    group[mirrors[mirrors >= 0]] = by_row[mirrors >= 0]
    group[indices] = np.arange(len(indices), dtype=np.int32)
    return minimum_retained(heap, group, len(indices))


def duplicate_rows(heap: Heap) -> list[DuplicateRow]:
    """Names that several reachable classes share, most loaders first (MAT's "Duplicate Classes": arrays included)."""
    live = reachable_classes(heap)
    counts, _ = reachable_instances(heap)
    heads = heap.store.classes.heads
    loaders = heap.addresses(loader_of_class(heap))
    found = []
    for name, rows in heap.store.classes.rows_by_name.items():
        kept = [row for row in rows if live[row]]
        if len(kept) > 1:
            kept.sort(key=lambda row: (int(loaders[row]), int(heads[row, 0])))
            found.append(
                DuplicateRow(
                    name,
                    tuple(int(loaders[row]) for row in kept),
                    tuple(int(heads[row, 0]) for row in kept),
                    tuple(int(counts[row]) for row in kept),
                )
            )
    return sorted(found, key=lambda row: (-len(row.loaders), row.class_name))
