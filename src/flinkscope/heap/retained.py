"""Exact retained sets of any set of objects, and the rows of the dominator tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.dominators import TOP_LEVEL, Dominance
from flinkscope.heap.graph import Graph, Roots
from flinkscope.heap.islands import EXCLUDED, island_roots
from flinkscope.heap.kernels import dominators as kernels
from flinkscope.heap.objects import ObjectStore

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class DominatorRow:
    """One object of the dominator tree. ``label``: for a class object the class it stands for, else empty."""

    address: int
    class_name: str
    shallow_bytes: int
    retained_bytes: int
    index: int
    label: str


def retained_objects(graph: Graph, roots: Roots, reachable: Array, islands: Array | None, indices: Array) -> Array:
    """bool mask: reachable objects that are no longer reached when ``indices`` are taken away (themselves included)."""
    mark = np.zeros(len(reachable), np.uint8)
    mark[np.asarray(indices, dtype=np.int64)] = EXCLUDED
    kernels.mark_without(graph.starts, graph.targets, roots.indices, mark)
    if islands is not None:
        kernels.mark_without(graph.starts, graph.targets, island_roots(graph, islands), mark)
    mask: Array = reachable & (mark != 1)
    return mask


def dominated(
    store: ObjectStore, dominance: Dominance, shallow: Array, parent: int, limit: int | None
) -> list[DominatorRow]:
    """The children of ``parent`` in the dominator tree, largest retained first."""
    children = np.flatnonzero(dominance.idom == parent)
    sizes = dominance.retained[children]
    children = children[np.lexsort((children, -sizes))][:limit]
    return [dominator_row(store, dominance, shallow, int(i)) for i in children]


def dominator_row(store: ObjectStore, dominance: Dominance, shallow: Array, index: int) -> DominatorRow:
    """The row of one object."""
    from flinkscope.heap.fields import addresses

    row = int(store.class_of[index])
    stands_for = np.flatnonzero(store.mirror_index == index)
    return DominatorRow(
        int(addresses(store, np.array([index]))[0]),
        store.classes.names[row] if row >= 0 else "unknown class",
        int(shallow[index]),
        int(dominance.retained[index]),
        index,
        store.classes.names[int(stands_for[0])] if len(stands_for) else "",
    )


__all__ = ["TOP_LEVEL", "DominatorRow", "dominated", "dominator_row", "retained_objects"]
