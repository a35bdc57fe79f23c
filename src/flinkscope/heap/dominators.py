"""Reachability, the dominator tree and every object's retained size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.graph import Graph
from flinkscope.heap.kernels import dominators as kernels
from flinkscope.heap.space import Space
from flinkscope.progress import Progress

Array = npt.NDArray[Any]

TOP_LEVEL = -1
UNREACHABLE = -2


@dataclass(frozen=True, slots=True)
class Dominance:
    """``idom``: int32 object index of the immediate dominator, TOP_LEVEL (-1) under the virtual root, UNREACHABLE (-2).
    ``retained``: int64 bytes, 0 where unreachable. ``reached``: number of reachable objects. ``islands``: objects that
    no root reaches and that are kept because the dump is incomplete (bool mask, None if it is complete)."""

    idom: Array
    retained: Array
    reached: int
    islands: Array | None


def dominate(
    graph: Graph, roots: Array, shallow: Callable[[], Array], keep_islands: bool, progress: Progress, space: Space
) -> Dominance:
    """Semi-NCA over the graph. With ``keep_islands`` what no root reaches is rooted at in-degree 0 and kept.

    ``shallow``: gives bytes by object; asked for last, when the arrays of the search are gone. Cost and
    memory: benchmarks/results/heap.json and docs/explain/heap.md.
    """
    total = len(graph.starts) - 1
    progress.phase("searching the graph", total, "objects")
    numbers = space.full((total, 2), kernels.UNSEEN, np.int32)
    numbers[roots, 0] = kernels.ROOT
    order = space.empty(total + 1, np.int32)
    links = space.empty((total + 1, 2), np.int32)
    links[0] = 0
    kept = space.empty((max(1, len(graph.targets)), 2), np.int32)
    state = np.array([1, 0, 0, -1], np.int64)
    _search(graph, roots, numbers, order, links, kept, state)
    islands = None
    if keep_islands:
        islands = numbers[:, 0] == kernels.UNSEEN
        for seeds in _island_seeds(graph, islands, numbers):
            numbers[seeds, 0] = kernels.ROOT
            _search(graph, seeds, numbers, order, links, kept, state)
    count = int(state[0])
    progress.phase("finding dominators", total, "objects")
    idom = space.empty(count, np.int32)
    idom[:] = links[:count, 0]
    path = np.empty(1 << 16, np.int32)
    left = count - 1
    while left := int(kernels.semidominators(left, numbers, order, links, kept, path)):
        path = np.empty(2 * len(path), np.int32)
    kernels.immediate_dominators(count, numbers, order, idom)
    del numbers, kept
    sums = links.reshape(-1).view(np.int64)
    kernels.sum_retained(count, order, idom, shallow(), sums)
    idom_node = space.full(total, UNREACHABLE, np.int32)
    retained = space.full(total, 0, np.int64)
    kernels.by_node(count, order, idom, sums, idom_node, retained)
    progress.advance(total)
    return Dominance(idom_node, retained, count - 1, islands)


def _search(graph: Graph, roots: Array, numbers: Array, order: Array, links: Array, kept: Array, state: Array) -> None:
    """Runs the depth-first search from more roots, with a stack that grows with the depth of the graph."""
    stack = np.empty((1 << 16, 3), np.int64)
    state[2], state[3] = 0, -1
    while kernels.search(graph.starts, graph.targets, roots, numbers, order, links, kept, stack, state):
        larger = np.empty((2 * len(stack), 3), np.int64)
        larger[: len(stack)] = stack
        stack = larger


def _island_seeds(graph: Graph, islands: Array, numbers: Array) -> Any:
    """Batches of new roots: first all islands without an incoming reference, then one object of each cycle left."""
    incoming = np.zeros(len(islands), bool)
    kernels.mark_targets(graph.starts, graph.targets, islands, incoming)
    yield np.flatnonzero(islands & ~incoming).astype(np.int32)
    yield kernels.cycle_seeds(graph.starts, graph.targets, numbers)
