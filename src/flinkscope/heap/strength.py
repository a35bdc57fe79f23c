"""Which objects are reached without soft, weak, phantom or finalizer references: the graph with referents left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.kernels import walks

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


def reference_objects(heap: Heap, kind: str) -> Array:
    """Object indices (int32) of all reference objects of a kind, subclasses included, reachable ones only."""
    rows = heap.store.classes.rows_by_name.get(REFERENCE_CLASSES[kind], [])
    parts = [heap.instances(row, subclasses=True) for row in rows]
    found = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int32)
    kept: Array = found[heap.reachable[found]]
    return kept


def weak_referents(heap: Heap, kinds: tuple[str, ...] = ALL_KINDS) -> Array:
    """int32 by object: the referent of a reference object of these kinds, -1 for every other object."""
    referent = np.full(heap.object_count, -1, np.int32)
    for kind in kinds:
        found = reference_objects(heap, kind)
        if len(found):
            referent[found] = heap.field(found, "referent")
    return referent


def shortest_paths(
    heap: Heap, kinds: tuple[str, ...] = ALL_KINDS, forbidden: Array | None = None
) -> tuple[Array, Array, Array]:
    """(parent, order, referents): a breadth-first walk from the GC roots that follows no referent of these kinds.

    ``parent``: int32 by object, the one before it on a shortest path, -1 for a GC root, -2 if not reached;
    ``order``: the reached objects by distance. ``forbidden``: bool by object, never entered. In an incomplete dump
    the islands are walked from those objects of theirs that nothing refers to. Cost: one pass over the edges;
    memory 12 bytes an object.
    """
    referents = weak_referents(heap, kinds)
    parent = np.full(heap.object_count, walks.UNSEEN, np.int32)
    order = np.empty(heap.object_count, np.int32)
    closed = np.zeros(heap.object_count, bool) if forbidden is None else forbidden
    graph = heap.graph
    roots = walk_roots(heap)
    count = walks.breadth_first(graph.starts, graph.targets, roots, referents, closed, parent, order)
    return parent, order[:count], referents


def walk_roots(heap: Heap) -> Array:
    """GC roots; in an incomplete dump also what islands were rooted at, so that no object that is kept lacks a path."""
    roots: Array = heap.roots.indices
    if not heap.truncated:
        return roots
    top = np.flatnonzero(heap.idom == -1).astype(np.int32)
    incoming = np.zeros(heap.object_count, bool)
    incoming[heap.graph.targets] = True
    return np.concatenate([roots, top[~incoming[top]]])
