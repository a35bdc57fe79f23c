"""Reachability, the dominator tree and every object's retained size."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.cells import SearchGraph, aim_back, objects_by_number, plain_graph
from flinkscope.heap.graph import Graph
from flinkscope.heap.islands import island_roots
from flinkscope.heap.kernels import dominators as kernels
from flinkscope.heap.kernels.cells import ROOT
from flinkscope.heap.shares import in_shares
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


@dataclass(frozen=True, slots=True)
class _Tree:
    """The search's arrays by number (0: the virtual root) and its state; see ``kernels.search``."""

    order: Array
    links: Array
    kept: Array
    state: Array


def dominate(
    graph: SearchGraph, roots: Array, shallow: Callable[[], Array], keep_islands: bool, progress: Progress, space: Space
) -> tuple[Dominance, Graph]:
    """Semi-NCA over the graph, which is used up; comes with the plain graph.

    With ``keep_islands`` (the plain graph must be there) what no root reaches is rooted at in-degree 0 and kept.
    ``shallow``: gives bytes by object; asked for last, when the arrays of the search are gone. Cost and
    memory: benchmarks/results/heap.json and docs/explain/heap.md.
    """
    total = graph.total
    progress.phase("searching the graph", total, "objects")
    tree = _empty_tree(graph, space)
    idom = space.empty(total + 1, graph.cells.dtype)
    with ThreadPoolExecutor(1) as other:
        other.submit(space.hand_out, tree.order, tree.links, idom)
        _search(graph, roots, tree)
    islands = None
    if keep_islands and graph.plain is not None:
        islands = graph.unseen()
        _search(graph, island_roots(graph.plain, islands), tree)
    count = int(tree.state[0])
    progress.phase("finding dominators", total, "objects")
    _immediate_dominators(graph, tree, count, idom)
    order, sums = tree.order, tree.links.reshape(-1).view(np.int64)
    del tree
    objects_by_number(graph, order)
    _own_sizes(count, order, shallow(), sums)
    with ThreadPoolExecutor(1) as other:
        closed_up = other.submit(plain_graph, graph, space)
        kernels.sum_retained(count, idom, sums)
        plain, retained = closed_up.result()
    _by_node(count, order, sums, retained)
    del sums
    idom_node = space.full(total, UNREACHABLE, np.int32)
    in_shares(count, lambda a, b: kernels.dominators_by_node(order, idom, a, b, idom_node))
    progress.advance(total)
    return Dominance(idom_node, retained, count - 1, islands), plain


def _empty_tree(graph: SearchGraph, space: Space) -> _Tree:
    cell = graph.cells.dtype
    tree = _Tree(
        space.empty(graph.total + 1, cell),
        space.empty((graph.total + 1, 2), cell),
        space.empty((max(1, int(graph.starts[graph.total])), 2), cell),  # only what is used of it takes memory
        np.array([1, 0, 0, -1, 0], np.int64),
    )
    tree.links[0] = 0
    return tree


def _own_sizes(count: int, order: Array, sizes: Array, sums: Array) -> None:
    in_shares(count, lambda a, b: kernels.sizes_by_number(order, sizes, a, b, sums))


def _by_node(count: int, order: Array, sums: Array, retained: Array) -> None:
    if count <= len(retained):
        retained[:] = 0
    in_shares(count, lambda a, b: kernels.retained_by_node(order, sums, a, b, retained))


def _search(graph: SearchGraph, roots: Array, tree: _Tree) -> None:
    """Runs the depth-first search from more roots, with a stack that grows with the depth of the graph."""
    first_cells = graph.first_cells(roots)
    graph.cells[first_cells] = ROOT
    stack = np.empty((1 << 16, 3), np.int64)
    tree.state[2], tree.state[3] = 0, -1
    while kernels.search(graph.cells, first_cells, tree.order, tree.links, tree.kept, stack, tree.state):
        larger = np.empty((2 * len(stack), 3), np.int64)
        larger[: len(stack)] = stack
        stack = larger


def _immediate_dominators(graph: SearchGraph, tree: _Tree, count: int, idom: Array) -> None:
    """By number into ``idom``; uses up the links, and ``order``, which ``objects_by_number`` makes anew. The other
    core aims the references back meanwhile."""
    in_shares(count, lambda a, b: kernels.take_heads(graph.cells, a, b, tree.order))
    with ThreadPoolExecutor(1) as other:
        aimed = other.submit(aim_back, graph)
        path = np.empty(1 << 16, tree.order.dtype)
        left = count - 1
        while left := int(kernels.semidominators(left, tree.order, tree.links, tree.kept, idom, path)):
            path = np.empty(2 * len(path), path.dtype)
        kernels.immediate_dominators(count, tree.order, idom)
        aimed.result()
