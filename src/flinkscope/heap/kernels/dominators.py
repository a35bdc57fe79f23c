"""Depth-first search, Semi-NCA dominators and retained sizes (Georgiadis: Linear-Time Algorithms for Dominators, 2005).

All tree arrays are indexed by depth-first number, so that path compression walks memory that lies together; number 0 is
the virtual root above all GC roots. Edges into GC roots never matter (the virtual root reaches them at once) and are
skipped. During the search a forward edge lowers its target's semidominator at once; an edge into the tree of an earlier
root makes the virtual root its target's dominator; only the other cross and back edges are kept, in one linked list a
target. The graph comes as cells (``kernels.cells``): an edge costs one cache line, a visit no other.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import prefetch
from flinkscope.heap.kernels.cells import OWN, ROOT, UNSEEN
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width

NONE, SETTLED = -1, -2  # no kept edge; dominated by the virtual root whatever comes
AHEAD = 12  # edges and nodes asked for early; 8 to 16 are equally good on the 1.6 GB dump
KEPT_AHEAD = 16  # targets between asking for a list of kept edges, for what it leads to, and the look at it


@kernel
def search(cells: Array, roots: Array, order: Array, links: Array, kept: Array, stack: Array, state: Array) -> Number:
    """Numbers what is reachable from ``roots`` (cells) depth first; 0, or 1 if ``stack`` is full (grow, call again).

    A node's own cells become (number, head of its kept edges). ``order[number]``: its first cell;
    ``links[number]``: (parent, smallest source of a tree or forward edge); ``kept[e]``: (source number, next edge).
    ``stack``: rows (next edge, end, number). ``state``: next number, kept edges, position in ``roots``, depth or -1,
    number of the root of the current tree.
    No array is reassigned in the loop: numba would count references at every step (5x slower, measured).
    """
    count, kept_count, root_at, depth, tree = state[0], state[1], state[2], state[3], state[4]
    status = 0
    while True:
        if depth < 0:
            if root_at == len(roots):
                break
            root = np.int64(roots[root_at])
            root_at += 1
            if cells[root] != ROOT:
                continue
            cells[root] = ROOT - count
            order[count] = root
            links[count, 0] = 0
            links[count, 1] = 0
            tree = count
            depth = 0
            stack[0, 0], stack[0, 1], stack[0, 2] = root + OWN, root + OWN + np.int64(cells[root + 1]), count
            count += 1
        if depth + 1 == len(stack):
            status = 1
            break
        at = stack[depth, 0]
        limit = stack[depth, 1]
        source = stack[depth, 2]
        while at < limit:
            if at + 9 < limit:  # of big arrays: the elements, and what these refer to
                prefetch(cells, np.int64(cells[at + 8]))
                ahead = np.int64(cells[at + 4])
                for edge in range(ahead + OWN, ahead + OWN + 3):
                    prefetch(cells, np.int64(cells[edge]))
            node = np.int64(cells[at])
            at += 1
            seen = np.int64(cells[node])
            if seen == UNSEEN:
                begin = node + OWN
                end = begin + np.int64(cells[node + 1])
                cells[node] = count
                cells[node + 1] = NONE
                order[count] = node
                links[count, 0] = source
                links[count, 1] = source
                count += 1
                if begin < end:
                    stack[depth, 0] = at
                    depth += 1
                    stack[depth, 0], stack[depth, 1], stack[depth, 2] = begin, end, count - 1
                    for edge in range(begin, min(end, begin + AHEAD)):
                        prefetch(cells, np.int64(cells[edge]))
                    break
            elif seen > source:
                links[seen, 1] = min(links[seen, 1], source)
            elif seen >= 0 and seen < tree:
                cells[node + 1] = SETTLED
            elif seen >= 0 and seen != source and cells[node + 1] != SETTLED:
                kept[kept_count, 0] = source
                kept[kept_count, 1] = cells[node + 1]
                cells[node + 1] = kept_count
                kept_count += 1
        else:
            depth -= 1
    state[0], state[1], state[2], state[3], state[4] = count, kept_count, root_at, depth, tree
    return status


@kernel
def take_heads(cells: Array, first: Number, last: Number, order: Array) -> None:
    """``order[number]``: head of its kept edges instead of its first cell, for numbers ``first:last``."""
    for w in range(max(first, 1), last):
        if w + AHEAD < last:
            prefetch(cells, np.int64(order[w + AHEAD]) + 1)
        order[w] = cells[order[w] + 1]


@kernel
def semidominators(w: Number, semis: Array, links: Array, kept: Array, idom: Array, path: Array) -> Number:
    """From number ``w`` down to 1: ``semis``, before it heads of kept edges, becomes the semidominator's number,
    ``idom`` the parent's.

    Path compression on ``links``: (nearest unfinished ancestor, smallest semidominator below it). Returns 0, or the
    number at which ``path`` was too short: grow it and go on from there.
    """
    while w > 0:
        if w > 3 * KEPT_AHEAD:  # of each target's list the first three edges and the sources of two
            prefetch(kept, 2 * np.int64(semis[w - 3 * KEPT_AHEAD]))
            head = np.int64(semis[w - 2 * KEPT_AHEAD])
            if 0 <= head < len(kept):  # where the semidominator is the root anyway, the head may be anything
                prefetch(links, 2 * np.int64(kept[head, 0]))
                prefetch(kept, 2 * np.int64(kept[head, 1]))
            head = np.int64(semis[w - KEPT_AHEAD])
            after = np.int64(kept[head, 1]) if 0 <= head < len(kept) else np.int64(NONE)
            if 0 <= after < len(kept):
                prefetch(links, 2 * np.int64(kept[after, 0]))
                prefetch(kept, 2 * np.int64(kept[after, 1]))
        edge = np.int64(semis[w])
        semi = np.int64(links[w, 1]) if edge != SETTLED else np.int64(0)
        while edge >= 0 and semi > 0:
            top = np.int64(kept[edge, 0])
            edge = np.int64(kept[edge, 1])
            length = 0
            while links[top, 0] > w:
                if length == len(path):
                    return w
                path[length] = top
                length += 1
                top = np.int64(links[top, 0])
            best = np.int64(links[top, 1])
            above = links[top, 0]
            while length > 0:
                length -= 1
                u = path[length]
                best = min(best, np.int64(links[u, 1]))
                links[u, 1] = best
                links[u, 0] = above
            semi = min(semi, best)
        links[w, 1] = semi
        idom[w] = links[w, 0]
        semis[w] = semi
        w -= 1
    return 0


@kernel
def immediate_dominators(count: Number, semis: Array, idom: Array) -> None:
    """``idom[number]``: parent before, immediate dominator after (0: the virtual root): the nearest common ancestor
    of parent and semidominator in the tree made so far."""
    for w in range(1, count):
        semi = semis[w]
        d = idom[w]
        while d > semi:
            d = idom[d]
        idom[w] = d


@kernel
def sizes_by_number(order: Array, shallow: Array, first: Number, last: Number, sums: Array) -> None:
    """``sums[number]``: the node's own bytes, for numbers ``first:last``; the virtual root has none."""
    if first == 0:
        sums[0] = 0
    for w in range(max(first, 1), last):
        if w + AHEAD < last:
            prefetch(shallow, np.int64(order[w + AHEAD]))
        sums[w] = shallow[order[w]]


@kernel
def sum_retained(count: Number, idom: Array, sums: Array) -> None:
    """``sums[number]``: own bytes before, bytes retained by the node of that number after; ``sums[0]``: by all."""
    for w in range(count - 1, 0, -1):
        sums[idom[w]] += sums[w]


@kernel
def retained_by_node(order: Array, sums: Array, first: Number, last: Number, retained: Array) -> None:
    """Sums by number into sums by node, for numbers ``first:last``."""
    for w in range(max(first, 1), last):
        retained[order[w]] = sums[w]


@kernel
def dominators_by_node(order: Array, idom: Array, first: Number, last: Number, idom_node: Array) -> None:
    """Numbers into nodes, for numbers ``first:last``; -1 below the virtual root."""
    for w in range(max(first, 1), last):
        idom_node[order[w]] = order[idom[w]] if idom[w] > 0 else -1


@kernel
def chain_children(idom_node: Array, first_child: Array, sibling: Array) -> Number:
    """Child lists of the dominator tree, in index order; returns the first top-level node. -2: unreachable."""
    top = -1
    for i in range(len(idom_node) - 1, -1, -1):
        d = idom_node[i]
        if d >= 0:
            sibling[i] = first_child[d]
            first_child[d] = i
        elif d == -1:
            sibling[i] = top
            top = i
    return top


@kernel
def class_retained(
    top: Number, first_child: Array, sibling: Array, class_of: Array, row_of_mirror: Array, retained: Array, sums: Array
) -> None:
    """MAT's minimum retained size a class row: what the topmost of {class object, instances} retain, summed.

    ``row_of_mirror``: rows (object index of a class object, class row), sorted. One walk of the dominator tree with a
    counter of open ancestors a class.
    """
    open_ = np.zeros(len(sums), np.int32)
    path = np.empty(len(first_child), np.int32)
    depth = 0
    node = top
    while True:
        while node >= 0:
            row = class_of[node]
            if row >= 0:
                if open_[row] == 0:
                    sums[row] += retained[node]
                open_[row] += 1
            own = mirror_row(node, row_of_mirror)
            if own >= 0:
                if open_[own] == 0:
                    sums[own] += retained[node]
                open_[own] += 1
            path[depth] = node
            depth += 1
            node = first_child[node]
        if depth == 0:
            return
        depth -= 1
        node = path[depth]
        row = class_of[node]
        if row >= 0:
            open_[row] -= 1
        own = mirror_row(node, row_of_mirror)
        if own >= 0:
            open_[own] -= 1
        node = sibling[node]


@kernel
def mirror_row(node: Number, row_of_mirror: Array) -> Number:
    """The class row whose class object ``node`` is; -1 for any other object."""
    at = np.searchsorted(row_of_mirror[:, 0], node)
    if at < len(row_of_mirror) and row_of_mirror[at, 0] == node:
        return int(row_of_mirror[at, 1])
    return -1


@kernel
def mark_without(starts: Array, targets: Array, roots: Array, mark: Array) -> Number:
    """Marks (1) all that ``roots`` reach without entering a node already marked (2 in ``mark``: the excluded set)."""
    queue = np.empty(len(mark), np.int32)  # only as much of it as is used takes memory
    total = 0
    for root in roots:
        if mark[root] == 0:
            mark[root] = 1
            queue[total] = root
            total += 1
    at = 0
    while at < total:
        if at + AHEAD < total:
            prefetch(starts, np.int64(queue[at + AHEAD]))
        node = queue[at]
        at += 1
        for slot in range(starts[node], starts[node + 1]):
            target = targets[slot]
            if slot + AHEAD < len(targets):
                prefetch(mark, np.int64(targets[slot + AHEAD]))
            if mark[target] == 0:
                mark[target] = 1
                queue[total] = target
                total += 1
    return total


@kernel
def mark_targets(starts: Array, targets: Array, sources: Array, mark: Array) -> None:
    """Marks what the chosen sources refer to, themselves aside."""
    for i in range(len(sources)):
        if sources[i]:
            for at in range(starts[i], starts[i + 1]):
                if targets[at] != i:
                    mark[targets[at]] = True


@kernel
def cycle_seeds(starts: Array, targets: Array, mark: Array) -> Array:
    """One object, the lowest, of each group of objects with mark 0 that the ones before do not reach; marks them."""
    stack = np.empty(len(mark), np.int32)
    seeds = np.empty(len(mark), np.int32)
    found = 0
    for i in range(len(mark)):
        if mark[i] != 0:
            continue
        seeds[found] = i
        found += 1
        mark[i] = 1
        stack[0] = i
        depth = 1
        while depth > 0:
            depth -= 1
            node = stack[depth]
            for at in range(starts[node], starts[node + 1]):
                target = targets[at]
                if mark[target] == 0:
                    mark[target] = 1
                    stack[depth] = target
                    depth += 1
    return seeds[:found].copy()


@kernel
def add_up(rows: Array, sizes: Array, chosen: Array, counts: Array, sums: Array) -> None:
    """Objects and bytes by class row, of those ``chosen`` (bool by object; empty: all); row -1: the last slot."""
    everything = len(chosen) == 0
    for i in range(len(rows)):
        if everything or chosen[i]:
            counts[rows[i]] += 1
            sums[rows[i]] += sizes[i]
