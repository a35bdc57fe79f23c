"""The reference graph laid out for the depth-first search, without a second copy of the references.

``build_graph`` leaves two cells of room before each object's references; the search works in them, and afterwards the
references are closed up to the plain CSR pair. Only where a plain graph is there already is it copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.graph import Graph, Roots, build_edges
from flinkscope.heap.kernels import cells as kernels
from flinkscope.heap.objects import ObjectStore
from flinkscope.heap.shares import in_shares
from flinkscope.heap.space import Space
from flinkscope.progress import Progress

Array = npt.NDArray[Any]

SLACK = 4  # cells at the end: kernels look a few ahead
WIDE = 1 << 31  # from so many cells on they have 8 bytes


@dataclass(frozen=True, slots=True)
class SearchGraph:
    """Object i: ``cells[starts[i] + 2 * i:]``, see ``kernels.cells``. ``unresolved``: references to no object.
    ``plain``: the same graph as a CSR pair if there is one; else the cells turn into one (``plain_graph``)."""

    starts: Array
    cells: Array
    unresolved: int
    plain: Graph | None

    @property
    def total(self) -> int:
        """Objects."""
        return len(self.starts) - 1

    def first_cells(self, indices: Array) -> Array:
        """Where the cells of objects begin."""
        return self.starts[indices].astype(np.int64) + kernels.OWN * indices.astype(np.int64)

    def unseen(self) -> Array:
        """bool: objects that the search has not met."""
        mask = np.empty(self.total, bool)
        in_shares(self.total, lambda a, b: kernels.mark_unseen(self.starts, a, b, self.cells, mask))
        return mask


def search_graph(store: ObjectStore, roots: Roots, progress: Progress, space: Space) -> SearchGraph:
    """All edges as cells, ready for the search. Memory: 12 bytes an object and 4 an edge; past 2^31 cells 20 and 8."""
    starts, cells, _, unresolved = build_edges(store, roots, progress, space, kernels.OWN, WIDE, SLACK)
    in_shares(len(starts) - 1, lambda a, b: kernels.aim(starts, a, b, cells))
    return SearchGraph(starts, cells, unresolved, None)


def spread_graph(graph: Graph, space: Space, wide: int = WIDE) -> SearchGraph:
    """A copy of the references as cells, ready for the search."""
    total = len(graph.starts) - 1
    room = len(graph.targets) + kernels.OWN * total + SLACK
    cells = space.empty(room, np.int32 if room < wide else np.int64)
    in_shares(total, lambda a, b: kernels.spread(graph.starts, graph.targets, a, b, cells))
    in_shares(total, lambda a, b: kernels.aim(graph.starts, a, b, cells))
    return SearchGraph(graph.starts, cells, graph.unresolved, graph)


def aim_back(graph: SearchGraph) -> None:
    """References from cell to object, on one thread: the other one is busy with what the search has found."""
    if graph.plain is None:
        kernels.name(graph.starts, 0, graph.total, graph.cells)
        kernels.unaim(graph.starts, 0, graph.total, graph.cells)


def objects_by_number(graph: SearchGraph, order: Array) -> None:
    """``order[number]``: the object of each number that the search gave."""
    in_shares(graph.total, lambda a, b: kernels.number(graph.starts, a, b, graph.cells, order))


def plain_graph(graph: SearchGraph, space: Space) -> tuple[Graph, Array]:
    """(the CSR pair, a column of int64 an object in the memory left over) of cells aimed back; the search graph is
    gone."""
    starts, cells, total = graph.starts, graph.cells, graph.total
    if graph.plain is not None:
        return graph.plain, space.empty(total, np.int64)
    edges = int(starts[total])
    if cells.dtype != np.int32:
        targets = space.empty(edges, np.int32)
        kernels.close_up(starts, cells, targets)
        return Graph(starts, targets, graph.unresolved), space.empty(total, np.int64)
    targets = cells[:edges]
    kernels.close_up(starts, cells, targets)
    begin = edges + edges % 2
    return Graph(starts, targets, graph.unresolved), cells[begin : begin + 2 * total].view(np.int64)
