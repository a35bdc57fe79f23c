"""Class loaders: the tree of parents, what each defines, how many instances, what it retains; duplicate classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.labels import reference_column, short_text
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
    parents = np.maximum(reference_column(heap, indices, "parent"), 0)
    parents[0] = 0
    defined = _defined(heap, indices, loader_class)
    names = _names(heap, indices, objects)
    own, above = heap.addresses(indices).tolist(), heap.addresses(parents).tolist()
    set_retained = _set_retained(heap, indices, loader_class)
    order, depths = _tree_order(indices, parents, set_retained)
    return [
        LoaderRow(
            address=own[k],
            class_name=BOOT_NAME if k == 0 else heap.class_name_of(int(indices[k])),
            name=names[k],
            parent_address=None if k == 0 else above[k],
            depth=depth,
            defined_classes=int(defined[k, 0]),
            instances=int(defined[k, 1]),
            instance_bytes=int(defined[k, 2]),
            retained_bytes=int(heap.retained_bytes[indices[k]]),
            set_retained_bytes=int(set_retained[k]),
            index=int(indices[k]),
        )
        for k, depth in zip(order, depths, strict=True)
    ]


def _defined(heap: Heap, indices: Array, loader_class: Array) -> Array:
    """Rows (reachable classes, their reachable instances, bytes of these) of each loader."""
    counts, sums = reachable_instances(heap)
    live = np.flatnonzero(reachable_classes(heap) & np.isin(loader_class, indices))
    place = np.searchsorted(indices, loader_class[live])
    found = np.zeros((len(indices), 3), np.int64)
    for column, weights in enumerate((np.ones(len(live), np.int64), counts[live], sums[live])):
        np.add.at(found[:, column], place, weights)
    return found


def _names(heap: Heap, indices: Array, loaders: list[Array]) -> list[str | None]:
    """The field ``name`` (JDK 9+) of each loader; None for the boot loader and for what is no loader (damage)."""
    is_loader = np.isin(indices, np.concatenate([*loaders, indices[:0]]))
    texts = heap.strings(np.where(is_loader, reference_column(heap, indices, "name"), -1))
    return [None if k == 0 else short_text(text) for k, text in enumerate(texts)]


def _tree_order(indices: Array, parents: Array, weights: Array) -> tuple[list[int], list[int]]:
    """Positions of the loaders, each below its parent, heavier siblings first; and their depths. What hangs on a
    damaged cycle of parents comes last, at depth 1."""
    above = np.searchsorted(indices, parents)
    above = np.where(indices[np.minimum(above, len(indices) - 1)] == parents, above, 0)
    children: dict[int, list[int]] = {}
    for k in np.lexsort((np.arange(len(indices)), -weights)).tolist():
        if k != 0:
            children.setdefault(int(above[k]), []).append(k)
    order: list[int] = []
    depths: list[int] = []
    stack = [(0, 0)]
    while stack:
        k, depth = stack.pop()
        order.append(k)
        depths.append(depth)
        stack += [(child, depth + 1) for child in reversed(children.pop(k, []))]
    left = sorted(set(range(len(indices))) - set(order))
    return order + left, depths + [1] * len(left)


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
