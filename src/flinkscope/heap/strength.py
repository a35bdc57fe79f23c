"""Which objects are reached without soft, weak, phantom or finalizer references: the graph with referents left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.kernels import walks
from flinkscope.heap.labels import reference_column
from flinkscope.heap.space import collected

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

REFERENCE_CLASSES = {
    "soft": "java.lang.ref.SoftReference",
    "weak": "java.lang.ref.WeakReference",
    "phantom": "java.lang.ref.PhantomReference",
    "final": "java.lang.ref.FinalReference",
}
ALL_KINDS = tuple(REFERENCE_CLASSES)


def reference_objects(heap: Heap, *kinds: str) -> Array:
    """Object indices (int32) of all reachable reference objects of these kinds, subclasses included."""
    table = heap.store.classes
    wanted = np.zeros(len(table), bool)
    for kind in kinds:
        for base in table.rows_by_name.get(REFERENCE_CLASSES[kind], []):
            wanted[table.subclass_rows(base)] = True
    return collected(lambda found: walks.of_classes(heap.class_of, wanted, heap.idom, found))


def weak_referents(heap: Heap, kinds: tuple[str, ...] = ALL_KINDS) -> Array:
    """int32 by object: what a reference object of these kinds does not keep, -1 for every other object.

    That is its referent; once the collector has cleared that, ``discovered``: the collector's list of references that
    the JVM has yet to enqueue. A dump right after a collection shows it, and it is gone a moment later.
    """
    referent = heap.space.full(heap.object_count, -1, np.int32)
    found = reference_objects(heap, *kinds)
    kept = reference_column(heap, found, "referent")
    cleared = found[kept < 0]
    referent[found] = kept
    referent[cleared] = reference_column(heap, cleared, "discovered")
    return referent


def shortest_paths(
    heap: Heap,
    kinds: tuple[str, ...] = ALL_KINDS,
    forbidden: Array | None = None,
    goals: Array | None = None,
    referents: Array | None = None,
) -> tuple[Array, Array, Array]:
    """(parent, order, referents): a breadth-first walk from the GC roots that follows no referent of these kinds.

    ``parent``: int32 by object, the one before it on a shortest path, -1 for a GC root, -2 if not reached; ``order``:
    the reached objects by distance. ``forbidden``: bool by object, never entered. ``goals``: end the walk as soon
    as all of these are reached. In an incomplete dump the islands are walked from those objects of theirs that
    nothing refers to. ``referents``: as ``weak_referents`` gave them, where many walks share them.
    Cost: one pass over the edges; memory 13 bytes an object.
    """
    referents = weak_referents(heap, kinds) if referents is None else referents
    parent, order = Walk(heap, forbidden).to(goals, referents)
    return parent, order, referents


class Walk:
    """Breadth-first walks from the GC roots, one after the other in the same memory: 9 bytes an object."""

    def __init__(self, heap: Heap, forbidden: Array | None = None) -> None:
        self._graph = heap.graph
        self._roots = walk_roots(heap)
        self._closed = np.zeros(heap.object_count, bool) if forbidden is None else forbidden
        self._parent = heap.space.full(heap.object_count, walks.UNSEEN, np.int32)
        self._order = heap.space.empty(heap.object_count, np.int32)
        self._reached = self._order[:0]

    def to(self, goals: Array | None, referents: Array) -> tuple[Array, Array]:
        """(parent, order) as of ``shortest_paths``; they are gone with the next walk."""
        ends = np.empty(0, np.int64) if goals is None else np.asarray(goals, dtype=np.int64)
        walks.forget(self._parent, self._reached)
        columns = (referents, self._closed, ends, self._parent, self._order)
        count = walks.breadth_first(self._graph.starts, self._graph.targets, self._roots, *columns)
        self._reached = self._order[:count]
        return self._parent, self._reached


def walk_roots(heap: Heap) -> Array:
    """GC roots; in an incomplete dump also what islands were rooted at, so that no object that is kept lacks a path."""
    roots: Array = heap.roots.indices
    if not heap.truncated:
        return roots
    top = np.flatnonzero(heap.idom == -1).astype(np.int32)
    incoming = np.zeros(heap.object_count, bool)
    incoming[heap.graph.targets] = True
    return np.concatenate([roots, top[~incoming[top]]])


@dataclass(frozen=True, slots=True)
class PathTree:
    """The union of shortest paths to some objects, by position in breadth-first order: ``nodes`` object indices,
    ``above`` position of the one before (-1: a root), ``counts`` and ``sums`` how many of the objects and how many
    of their bytes lie at or below."""

    nodes: Array
    above: Array
    counts: Array
    sums: Array

    def below(self, position: int) -> Array:
        """Positions one step further (-1: the roots), most objects first, of equals the most bytes."""
        found = np.flatnonzero(self.above == position)
        ordered: Array = found[np.lexsort((self.nodes[found], -self.sums[found], -self.counts[found]))]
        return ordered


def path_tree(parent: Array, order: Array, targets: Array, weights: Array) -> PathTree:
    """The tree of the paths to ``targets`` (reached ones), which carry ``weights`` bytes. Memory 1 byte an object."""
    marked = np.zeros(len(parent), bool)
    marked[targets] = True
    walks.mark_up(order, parent, marked)
    nodes = order[marked[order]]
    by_index = np.argsort(nodes, kind="stable")
    place = by_index[np.searchsorted(nodes, targets, sorter=by_index)]
    above = np.full(len(nodes), -1, np.int64)
    inner = np.flatnonzero(parent[nodes] >= 0)
    above[inner] = by_index[np.searchsorted(nodes, parent[nodes[inner]], sorter=by_index)]
    counts, sums = np.zeros((2, len(nodes)), np.int64)
    counts[place] = 1
    sums[place] = weights
    walks.carry_up(above, counts)
    walks.carry_up(above, sums)
    return PathTree(nodes, above, counts, sums)
