"""Leak suspects as Eclipse MAT's leak report finds them: big single objects, big groups, their accumulation points.

The algorithm is that of MAT's FindLeaksQuery: a single suspect is a top-level dominator that retains more than a
share of the heap; the rest of the top level is grouped by class, and a group that retains more in sum is a suspect
too. The accumulation point is where the retained size falls apart: down the biggest child while it keeps 0.7 of its
parent; for a group, down the merged shortest paths of a sample while more than 0.8 of them go through one object.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.kernels import walks
from flinkscope.heap.labels import ObjectRef, is_kind, object_ref
from flinkscope.heap.pins import PathStep, path_from_root
from flinkscope.heap.sets import children_of
from flinkscope.heap.strength import Walk, path_tree, weak_referents
from flinkscope.heap.threads import ThreadRow, thread_rows
from flinkscope.units import share_bp

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

MAX_DEPTH = 1000
MAX_SAMPLE = 10_000
GROUP_SHARE_BP = 8_000


@dataclass(frozen=True, slots=True)
class ChildClass:
    """Objects of one class among those that the accumulation point dominates."""

    class_name: str
    objects: int
    shallow_bytes: int
    retained_bytes: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """One suspect. ``kind``: "object" or "group". ``share_bp``: of the used heap. ``instances``: 1, or the group's
    size.

    ``object``: the suspect, of a group one of it. ``accumulation_point``: None where the size never gathers in one
    object. ``path``: from a GC root to the accumulation point (else to ``object``), without weak and finalizer
    references where there is such a path. ``accumulated``: what it dominates, by class. ``thread``: the thread that
    the suspect is, or whose locals hold it.
    """

    kind: str
    class_name: str
    instances: int
    retained_bytes: int
    share_bp: int
    object: ObjectRef
    accumulation_point: ObjectRef | None
    accumulated_bytes: int
    path: tuple[PathStep, ...]
    accumulated: tuple[ChildClass, ...]
    thread: ThreadRow | None


def find_suspects(heap: Heap, *, threshold_bp: int = 1_000, drop_bp: int = 7_000, top: int = 10) -> list[Suspect]:
    """The suspects, largest first; none if nothing retains more than ``threshold_bp`` of the used heap.

    ``drop_bp``: how much of its parent the biggest child must keep to go on. ``top``: classes below the
    accumulation point. Cost: dominator tree, and one or two passes over the edges.
    """
    threshold = heap.used_bytes * threshold_bp // 10_000
    level = children_of(heap, -1)
    retained = heap.retained_bytes[level]
    singles = level[retained > threshold]
    rest = level[len(singles) :]
    points = accumulation_points(heap, singles, drop_bp)  # before the walks: their columns and these never meet
    search = _Search(heap, drop_bp, top)
    found = [search.single(index, point) for index, point in zip(singles.tolist(), points, strict=True)]
    found += [search.group(members) for members in _groups(heap, rest, threshold)]
    return sorted(found, key=lambda suspect: (-suspect.retained_bytes, suspect.object.address))


def _groups(heap: Heap, rest: Array, threshold: int) -> list[Array]:
    """Members of each class (of one loader) that retains more than the threshold in sum, largest sum first."""
    sums = np.zeros(len(heap.store.classes) + 1, np.int64)
    np.add.at(sums, heap.class_of[rest], heap.retained_bytes[rest])
    rows = [row for row in np.argsort(-sums[:-1], kind="stable").tolist() if sums[row] > threshold]
    return [rest[heap.class_of[rest] == row] for row in rows]


@dataclass(frozen=True)
class _Search:
    """What the suspects of one heap share: walks and threads, made when the first suspect needs them."""

    heap: Heap
    drop_bp: int
    top: int

    @cached_property
    def referents(self) -> Array:
        """What soft, weak, phantom and final references hold, by object."""
        return weak_referents(self.heap)

    @cached_property
    def threads(self) -> dict[int, ThreadRow]:
        """Threads by object index."""
        return {row.index: row for row in thread_rows(self.heap)}

    @cached_property
    def walk(self) -> Walk:
        """The columns of all walks, one after the other."""
        return Walk(self.heap)

    def walk_to(self, indices: Array) -> tuple[Array, Array]:
        """(parent, order) of a walk that reaches all of these: over strong references, else over all. Gone with the
        next walk."""
        strong = self.walk.to(indices, self.referents)
        if (strong[0][indices] >= walks.ROOT).all():
            return strong
        return self.walk.to(indices, weak_referents(self.heap, ()))

    def single(self, index: int, point: int) -> Suspect:
        retained = int(self.heap.retained_bytes[index])
        return self._suspect("object", index, 1, retained, point)

    def group(self, members: Array) -> Suspect:
        sample = members
        if len(members) > MAX_SAMPLE:
            sample = np.random.default_rng(0).choice(members, MAX_SAMPLE, replace=False)
        point = self._group_point(sample)
        return self._suspect(
            "group", int(members[0]), len(members), int(self.heap.retained_bytes[members].sum()), point
        )

    def _group_point(self, sample: Array) -> int:
        """The object through which most paths of the sample go, as deep as their retained bytes stay together."""
        parent, order = self.walk_to(sample)
        found = sample[parent[sample] >= walks.ROOT]
        tree = path_tree(parent, order, found, self.heap.retained_bytes[found])
        point = position = -1
        while True:
            below = tree.below(position)[:1]
            if not len(below) or (point >= 0 and 10_000 * tree.sums[below[0]] < self.drop_bp * tree.sums[position]):
                return point
            position = int(below[0])
            if 10_000 * tree.counts[position] <= GROUP_SHARE_BP * len(sample):
                return -1
            point = int(tree.nodes[position])

    def _suspect(self, kind: str, index: int, instances: int, retained: int, point: int) -> Suspect:
        heap = self.heap
        at = point if point >= 0 else index
        parent, _ = self.walk_to(np.array([at]))
        return Suspect(
            kind=kind,
            class_name=heap.class_name_of(index),
            instances=instances,
            retained_bytes=retained,
            share_bp=share_bp(retained, heap.used_bytes),
            object=object_ref(heap, index),
            accumulation_point=object_ref(heap, point) if point >= 0 else None,
            accumulated_bytes=int(heap.retained_bytes[point]) if point >= 0 else 0,
            path=path_from_root(heap, parent, at) if parent[at] >= walks.ROOT else (),
            accumulated=_child_classes(heap, point, self.top) if point >= 0 else (),
            thread=self._thread(index, at),
        )

    def _thread(self, index: int, at: int) -> ThreadRow | None:
        if is_kind(self.heap, index, "java.lang.Thread"):
            return self.threads.get(index)
        owners = self.heap.roots.locals[np.isin(self.heap.roots.locals[:, 1], [index, at]), 0]
        return self.threads.get(int(owners[0])) if len(owners) else None


def accumulation_points(heap: Heap, indices: Array, drop_bp: int) -> list[int]:
    """``accumulation_point`` of each object. Memory: 4 bytes an object meanwhile."""
    if not len(indices):
        return []
    heaviest = heap.space.full(heap.object_count, -1, np.int32)
    walks.heaviest_children(heap.idom, heap.retained_bytes, heaviest)
    return [accumulation_point(heap, heaviest, index, drop_bp) for index in indices.tolist()]


def accumulation_point(heap: Heap, heaviest: Array, index: int, drop_bp: int) -> int:
    """Down the dominator tree while the biggest child keeps ``drop_bp`` of its parent; -1 past MAX_DEPTH.

    ``heaviest``: the biggest child of each object, -1 for none (``kernels.walks.heaviest_children``).
    """
    for _ in range(MAX_DEPTH):
        child = int(heaviest[index])
        if child < 0 or 10_000 * heap.retained_bytes[child] < drop_bp * heap.retained_bytes[index]:
            return index
        index = child
    return -1


def _child_classes(heap: Heap, point: int, top: int) -> tuple[ChildClass, ...]:
    names = [*heap.store.classes.names, "unknown class"]  # the last one is what class row -1 finds
    counts, sums = np.zeros(len(names), np.int64), np.zeros((len(names), 2), np.int64)
    walks.add_up_children(heap.idom, point, heap.class_of, heap.shallow_bytes, heap.retained_bytes, counts, sums)
    found = [
        ChildClass(names[row], int(counts[row]), int(sums[row, 0]), int(sums[row, 1]))
        for row in np.flatnonzero(counts).tolist()
    ]
    return tuple(sorted(found, key=lambda c: (-c.retained_bytes, c.class_name))[:top])
