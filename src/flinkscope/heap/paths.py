"""Paths from GC roots to one object: the shortest one, then one through every other object that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UsageError
from flinkscope.heap.kernels import walks
from flinkscope.heap.pins import PathStep, path_from_root
from flinkscope.heap.strength import ALL_KINDS, shortest_paths, walk_roots, weak_referents

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class RootPaths:
    """Paths to an object. ``paths``: shortest first, each from a GC root to the object, one a direct holder, cut at the
    call's limit; ``holders``: how many objects hold it by a path without the excluded references; ``excluded``: kinds
    of references not followed; ``only_weakly``: reachable, but only through excluded references; ``reachable``."""

    paths: tuple[tuple[PathStep, ...], ...]
    holders: int
    excluded: tuple[str, ...]
    only_weakly: bool
    reachable: bool


def find_paths(
    heap: Heap,
    index: int,
    *,
    exclude: tuple[str, ...] = ALL_KINDS,
    exclude_fields: tuple[str, ...] = (),
    limit: int = 10,
) -> RootPaths:
    """All direct holders of the object that have a path from a GC root not through the object itself, with that path.

    ``exclude``: any of soft, weak, phantom, final. ``exclude_fields``: fields not followed, ``Class.field``. Cost: one
    breadth-first walk and one pass over the edges. Raises UsageError for a field that does not exist.
    """
    closed = np.zeros(heap.object_count, bool)
    closed[index] = True
    parent, order, referents = _walk(heap, exclude, exclude_fields, closed)
    reached = parent > -2
    sources = heap.in_references(index)
    strong = reached[sources] & ~_only_as_referent(heap, sources, referents, index)
    holders = sources[strong]
    distance = np.empty(heap.object_count, np.int32)
    distance[order] = np.arange(len(order), dtype=np.int32)
    holders = holders[np.argsort(distance[holders], kind="stable")]
    is_root = bool(np.isin(index, heap.roots.indices))
    paths = [path_from_root(heap, np.array([-1] * (index + 1), np.int32), index)] if is_root else []
    for holder in holders[: limit - len(paths)].tolist():
        parent[index] = holder
        paths.append(path_from_root(heap, parent, index))
    reachable = bool(heap.reachable[index])
    return RootPaths(tuple(paths), len(holders), tuple(exclude), reachable and not paths, reachable)


def _walk(
    heap: Heap, exclude: tuple[str, ...], exclude_fields: tuple[str, ...], closed: Array
) -> tuple[Array, Array, Array]:
    """``strength.shortest_paths`` with more fields left out, one field an object."""
    if not exclude_fields:
        return shortest_paths(heap, exclude, closed)
    left_out = weak_referents(heap, exclude)
    for text in exclude_fields:
        class_name, _, field = text.rpartition(".")
        holders = heap.table(class_name, subclasses=True)
        if not len(holders):
            raise UsageError(f"no instance of {class_name!r} in this dump", hint="write it as package.Class.field")
        left_out[holders.indices] = holders[field]
    parent = np.full(heap.object_count, walks.UNSEEN, np.int32)
    order = np.empty(heap.object_count, np.int32)
    graph = heap.graph
    roots = walk_roots(heap)
    never = np.empty(0, np.int64)
    count = walks.breadth_first(graph.starts, graph.targets, roots, left_out, closed, never, parent, order)
    return parent, order[:count], left_out


def _only_as_referent(heap: Heap, sources: Array, referents: Array, index: int) -> Array:
    """Which sources hold the object by nothing but their (excluded) referent field."""
    weak: Array = referents[sources] == index
    for at in np.flatnonzero(weak):
        out = heap.out_references(int(sources[at]))
        weak[at] = int((out == index).sum()) == 1
    return weak
