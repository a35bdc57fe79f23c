"""Histogram and dominator tree, grouped by class, package, class loader or super class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UsageError
from flinkscope.heap.dominators import TOP_LEVEL, UNREACHABLE
from flinkscope.heap.histogram import count_classes
from flinkscope.heap.sets import minimum_retained

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

GROUPINGS = ("class", "package", "loader", "superclass")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group. ``retained_bytes``: MAT's minimum retained size of all its objects and class objects together (for
    dominator groups: what its members retain); None where it was not asked for."""

    name: str
    classes: int
    objects: int
    shallow_bytes: int
    retained_bytes: int | None


def group_names(heap: Heap, by: str) -> list[str]:
    """The group of each class row. Raises UsageError for an unknown grouping."""
    if by not in GROUPINGS:
        raise UsageError(f"cannot group by {by!r}", hint=f"one of {', '.join(GROUPINGS)}")
    classes = heap.store.classes
    if by == "class":
        return list(classes.names)
    if by == "package":
        return [package_of(name) for name in classes.names]
    if by == "superclass":
        return [classes.names[int(s)] if s >= 0 else "no super class" for s in classes.super_rows]
    known: dict[int, str] = {}
    return [known.setdefault(int(i), loader_name(heap, int(i))) for i in classes.heads[:, 2]]


def package_of(class_name: str) -> str:
    """``java.util`` of ``java.util.HashMap$Node[]``; the element type for arrays of primitives; else ``(default)``."""
    element = class_name.rstrip("[]")
    return element.rpartition(".")[0] or ("(primitive arrays)" if class_name != element else "(default)")


def loader_name(heap: Heap, address: int) -> str:
    """``class @ 0x…`` of a class loader, with its name if it has one; two loaders of one class stay apart."""
    if address == 0:
        return "boot class loader"
    try:
        index = heap.index_of(address)
    except UsageError:
        return f"class loader @ {address:#x} (not in the dump)"
    return f"{heap.class_name_of(index)} @ {address:#x}"


def grouped_histogram(heap: Heap, by: str, *, retained: bool = True) -> list[GroupRow]:
    """The histogram of reachable objects by group, largest first. Cost with ``retained``: a walk of the dominator
    tree."""
    names = group_names(heap, by)
    counts, sums = count_classes(heap.store, heap.shallow_bytes, heap.reachable)
    unique = sorted(set(names))
    number = {name: k for k, name in enumerate(unique)}
    group_of_row = np.array([number[name] for name in names], np.int32)
    classes = np.bincount(group_of_row, minlength=len(unique))
    objects = _sum_by(group_of_row, counts, len(unique))
    shallow = _sum_by(group_of_row, sums, len(unique))
    held = minimum_retained(heap, _group_of_objects(heap, group_of_row), len(unique)) if retained else None
    rows = [
        GroupRow(name, int(classes[k]), int(objects[k]), int(shallow[k]), None if held is None else int(held[k]))
        for k, name in enumerate(unique)
        if objects[k] or (held is not None and held[k])
    ]
    return sorted(rows, key=lambda r: (-(r.retained_bytes or r.shallow_bytes), r.name))


def _sum_by(group_of_row: Array, values: Array, count: int) -> Array:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, group_of_row, values)
    return sums


def _group_of_objects(heap: Heap, group_of_row: Array) -> Array:
    """The group of each object; a class object belongs to the group of the class that it stands for."""
    rows = heap.class_of
    group: Array = np.where(rows >= 0, group_of_row[np.maximum(rows, 0)], -1).astype(np.int32)
    mirrors = heap.store.mirror_index
    known = mirrors >= 0
    group[mirrors[known]] = group_of_row[known]
    return group


def grouped_dominators(heap: Heap, by: str, parent: int = TOP_LEVEL) -> list[GroupRow]:
    """The children of ``parent`` in the dominator tree, added up by group: their retained sizes do not overlap."""
    children = np.flatnonzero(heap.idom == parent)
    return _by_group(heap, children, group_names(heap, by), lambda i: heap.retained_bytes[i])


def immediate_dominators(heap: Heap, indices: Array) -> list[GroupRow]:
    """Who immediately dominates the objects of a set: dominators grouped by class, with what they retain.

    ``objects``: dominating objects of that class; ``classes``: how many of the set they dominate.
    """
    chosen = np.asarray(indices, np.int64)
    above = heap.idom[chosen]
    found = []
    for name, mask in (("no object: GC roots", above == TOP_LEVEL), ("unreachable", above == UNREACHABLE)):
        if mask.any():
            size = int(heap.retained_bytes[chosen[mask]].sum())
            found.append(GroupRow(name, int(mask.sum()), 0, 0, size))
    holders, dominated = np.unique(above[above >= 0], return_counts=True)
    names = heap.store.classes.names
    rows = _by_group(heap, holders, names, lambda i: heap.retained_bytes[i])
    held: dict[str, int] = {}
    for row, count in zip(heap.class_of[holders].tolist(), dominated.tolist(), strict=True):
        held[_named(names, row)] = held.get(_named(names, row), 0) + count
    return found + [GroupRow(r.name, held[r.name], r.objects, r.shallow_bytes, r.retained_bytes) for r in rows]


def _named(names: list[str], row: int) -> str:
    return names[row] if row >= 0 else "unknown class"


def _by_group(heap: Heap, objects: Array, names: list[str], retained_of: Callable[[Array], Array]) -> list[GroupRow]:
    rows = heap.class_of[objects]
    labels = np.array([*names, "unknown class"], dtype=object)[rows]
    unique, group = np.unique(labels.astype(str), return_inverse=True)
    counts = np.bincount(group, minlength=len(unique))
    shallow = _sum_by(group, heap.shallow_bytes[objects].astype(np.int64), len(unique))
    retained = _sum_by(group, retained_of(objects), len(unique))
    kinds = [len(np.unique(rows[group == k])) if len(unique) < 5000 else 0 for k in range(len(unique))]
    found = [
        GroupRow(str(name), kinds[k], int(counts[k]), int(shallow[k]), int(retained[k]))
        for k, name in enumerate(unique)
    ]
    return sorted(found, key=lambda r: (-(r.retained_bytes or 0), r.name))


def exact_retained(heap: Heap, rows: list[Any], by: str) -> list[Any]:
    """The rows with exact retained sizes of their objects and class objects (a mark pass each), in the same order."""
    names = group_names(heap, by)
    exact = []
    for row in rows:
        of_group = np.array([name == row.name for name in names] if by != "class" else [False] * len(names))
        if by == "class":
            of_group[row.class_index] = True
        chosen = np.append(of_group, False)[heap.class_of]
        mirrors = heap.store.mirror_index[of_group & (heap.store.mirror_index >= 0)]
        chosen[mirrors] = True
        size = heap.retained_of(np.flatnonzero(chosen & heap.reachable))
        exact.append(replace(row, retained_bytes=size))
    return exact
