"""Shortest paths to a few goals of a large heap, without a walk over all of it.

The walk begins breadth-first as ``strength.shortest_paths`` does. After a small share of the objects it stops: what it
has seen keeps its path whatever follows. Of all others only those matter that reach a goal through objects not seen
yet; a few passes over the edges in the order of the file, one bit an object, find them. The walk goes on with these
alone. They are closed under "refers to", so that each path to a goal is the very one that the full walk finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.kernels import goals as kernels
from flinkscope.heap.kernels import walks
from flinkscope.heap.strength import ALL_KINDS, walk_roots, weak_referents

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

FIRST_SHARE = 64  # one object in so many is walked before the passes (1.6 GB dump: 0.03 s)
FIRST_OBJECTS = 20_000
MOST_CHUNKS = 2_048
MOST_PASSES = 4  # over all chunks in sum; beyond that a full walk costs no more
ROOM = 65_536  # references into what is forbidden; a second look makes room for more


class GoalWalk:
    """A breadth-first walk from the GC roots that answers for ``goals`` (object indices) and what leads to them.

    ``parent``: int32 by object, as of ``strength.shortest_paths``, but an object from which no goal can be reached may
    read as not reached; ``order``: what was reached, by distance; ``referents``: those not followed. ``forbidden``:
    bool by object, all of them goals, never entered before ``enter``. Cost: about one pass over the edges in file
    order, a sixth of a full walk where goals are few, at most two full walks; 13 bytes an object.
    """

    def __init__(
        self,
        heap: Heap,
        goals: Array,
        forbidden: Array | None = None,
        kinds: tuple[str, ...] = ALL_KINDS,
        referents: Array | None = None,
    ) -> None:
        self.referents: Array = weak_referents(heap, kinds) if referents is None else referents
        self.forbidden = np.zeros(heap.object_count, bool) if forbidden is None else forbidden
        self.parent: Array = heap.space.full(heap.object_count, walks.UNSEEN, np.int32)
        self._order = heap.space.empty(heap.object_count, np.int32)
        self._edges = np.empty((ROOM, 2), np.int32)
        self._graph = heap.graph
        self._state = np.array([0, 0, -1, 0], np.int64)
        self._begin(walk_roots(heap), self.forbidden)
        everything = np.empty(0, np.uint8)
        self._go_on(self.forbidden, everything, max(FIRST_OBJECTS, heap.object_count // FIRST_SHARE))
        done = self._state[0] == self._state[1]
        self._useful = everything if done else self._towards(np.asarray(goals, np.int64))
        self._go_on(self.forbidden, self._useful, heap.object_count + 1)
        self.order: Array = self._order[: int(self._state[1])]
        self._met = int(self._state[3])

    def enter(self, entries: Array) -> None:
        """Goes on from these forbidden objects, with nothing forbidden any more; ``order`` and ``entering`` stay."""
        nothing = np.zeros(len(self.parent), bool)
        self._begin(entries, nothing)
        self._go_on(nothing, self._useful, len(self.parent) + 1)

    def reached(self, indices: Array) -> Array:
        """bool for each of these goals: reached so far."""
        found: Array = self.parent[indices] != walks.UNSEEN
        return found

    def entering(self) -> Array:
        """Rows (source, target): references from ``order`` into what is forbidden, by distance of the source."""
        if self._met > ROOM:
            columns = (self._graph.starts, self._graph.targets, self.order, self.referents, self.forbidden)
            return entering(*columns)
        found: Array = self._edges[: self._met]
        return found

    def _begin(self, entries: Array, forbidden: Array) -> None:
        self._state[1] = kernels.begin_at(entries, forbidden, self.parent, self._order, self._state[1])

    def _go_on(self, forbidden: Array, useful: Array, enough: int) -> None:
        columns = (self._graph.starts, self._graph.targets, self.referents, forbidden, useful)
        kernels.walk_on(*columns, self.parent, self._order, self._edges, self._state, enough)

    def _towards(self, goals: Array) -> Array:
        """A bit for each unseen object that reaches a goal through unseen ones; empty (all) if that took too long."""
        total = len(self.parent)
        useful, seen = np.zeros((2, (total >> 3) + 1), np.uint8)
        kernels.mark(self._order[: int(self._state[1])], seen)
        shift = max(6, (total // MOST_CHUNKS).bit_length())
        chunks = (total >> shift) + 1
        leads, new = np.zeros((chunks, chunks), bool), np.zeros(chunks, bool)
        columns = (self._graph.starts, self._graph.targets, self.parent, useful, shift, leads)
        kernels.mark_goals(goals, self.parent, useful)
        kernels.survey(*columns, seen, new)
        looked_at, upwards = chunks, False
        while new.any():
            if looked_at > MOST_PASSES * chunks:
                return np.empty(0, np.uint8)
            changed, new = np.flatnonzero(new), np.zeros(chunks, bool)
            looked_at += int(kernels.mark_holders(*columns, upwards, changed, new))
            upwards = not upwards
        return useful


def entering(starts: Array, targets: Array, order: Array, weak: Array, inside: Array) -> Array:
    """Rows (source, target): references from the objects of ``order`` into ``inside``."""
    count = int(walks.entering_edges(starts, targets, order, weak, inside, np.empty((0, 2), np.int32), 0))
    edges = np.empty((count, 2), np.int32)
    walks.entering_edges(starts, targets, order, weak, inside, edges, count)
    return edges
