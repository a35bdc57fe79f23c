"""Who holds a set of objects: shortest paths to GC roots merged into one tree, and all independent pins of the set.

The shortest path is not enough: cut one and another holds. For a set (say a closed class loader) its *inside* is
the set, the classes that its class loaders define and their instances; a breadth-first walk from the GC roots that
never enters the inside finds every edge that leads in. Each such edge is a pin of its own: the set goes only when
all are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UsageError
from flinkscope.heap.goal_walk import GoalWalk
from flinkscope.heap.kernels import walks
from flinkscope.heap.labels import ObjectRef, edge_names, object_ref, root_kinds
from flinkscope.heap.loaders import loader_of_class
from flinkscope.heap.strength import ALL_KINDS, PathTree, path_tree, shortest_paths, walk_roots

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

MAX_DEPTH = 200
PATH_ENDS = 100
SAMPLE = 200  # edges between the same two classes whose fields are looked at one by one


@dataclass(frozen=True, slots=True)
class PathStep:
    """One object of a path. ``field``: how the object before holds it; of the first, as what it is a GC root."""

    field: str
    object: ObjectRef


@dataclass(frozen=True, slots=True)
class MergedNode:
    """A node of the merged tree. ``reached``: how many of the objects asked for lie on paths through it;
    ``reached_bytes``: their shallow bytes; ``children``: most reached first, cut at the call's limit.
    ``is_target``: one of those itself."""

    field: str
    object: ObjectRef
    reached: int
    reached_bytes: int
    retained_bytes: int
    is_target: bool
    children: tuple[MergedNode, ...]


@dataclass(frozen=True, slots=True)
class MergedPaths:
    """Shortest paths from GC roots to many objects. ``unreached``: those with no path without the excluded
    references."""

    targets: int
    unreached: int
    roots: tuple[MergedNode, ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """One way into the set from outside. ``path``: from a GC root to the object that holds; ``field`` and
    ``target``: the edge into the set; ``edges``: how many edges of the same shape (class, field, target class)
    there are."""

    field: str
    holder: ObjectRef
    target: ObjectRef
    edges: int
    path: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class Pins:
    """All independent pins of a set. ``inside``: objects of the set with what belongs to it; ``root_members``: its
    objects that are GC roots themselves; ``edges``: all edges into it. No pin and no root member: only the excluded
    kinds of references hold it, or nothing does."""

    inside: int
    root_members: tuple[PathStep, ...]
    edges: int
    pins: tuple[Pin, ...]


def path_from_root(heap: Heap, parent: Array, index: int) -> tuple[PathStep, ...]:
    """The steps from a GC root to the object, along ``parent`` of ``strength.shortest_paths``.

    Of a path longer than 200 objects (a linked list) only both ends: the step between says how many are left out.
    """
    chain = [index]
    while parent[chain[-1]] >= 0:
        chain.append(int(parent[chain[-1]]))
    chain.reverse()
    steps = [PathStep(_root_name(heap, chain[0]), object_ref(heap, chain[0]))]
    for place, (source, target) in enumerate(pairwise(chain), 1):
        if len(chain) <= 2 * PATH_ENDS or not PATH_ENDS <= place < len(chain) - PATH_ENDS:
            steps.append(PathStep(_edge(heap, source, target), object_ref(heap, target)))
        elif place == PATH_ENDS:
            steps.append(PathStep(f"… {len(chain) - 2 * PATH_ENDS:,} objects left out …", object_ref(heap, target)))
    return tuple(steps)


def _root_name(heap: Heap, index: int) -> str:
    return ", ".join(root_kinds(heap, index)) or "kept: its holder is missing from the dump"


def _edge(heap: Heap, source: int, target: int) -> str:
    return ", ".join(edge_names(heap, source, target)) or "?"


def merged_paths(
    heap: Heap, indices: Array, *, exclude: tuple[str, ...] = ALL_KINDS, depth: int = 40, width: int = 8
) -> MergedPaths:
    """The shortest paths of all these objects, merged from the GC roots down.

    ``exclude``: kinds of references whose referent is not followed. ``depth``, ``width``: where the tree is cut.
    Cost: one pass over the edges; memory 13 bytes an object.
    """
    indices = np.unique(np.asarray(indices, dtype=np.int64))
    parent, order, _ = shortest_paths(heap, exclude, goals=indices)
    found = indices[parent[indices] >= walks.ROOT]
    tree = path_tree(parent, order, found, heap.shallow_bytes[found])
    drawn = _Drawing(heap, tree, frozenset(found.tolist()), width)
    roots = tuple(drawn.node(-1, k, min(depth, MAX_DEPTH)) for k in tree.below(-1)[:width].tolist())
    return MergedPaths(len(indices), len(indices) - len(found), roots)


@dataclass(frozen=True, slots=True)
class _Drawing:
    heap: Heap
    tree: PathTree
    targets: frozenset[int]
    width: int

    def node(self, above: int, position: int, depth: int) -> MergedNode:
        """The node at one position with what hangs below."""
        tree, index = self.tree, int(self.tree.nodes[position])
        below = tree.below(position)[: self.width].tolist() if depth > 0 else []
        return MergedNode(
            _root_name(self.heap, index) if above < 0 else _edge(self.heap, int(tree.nodes[above]), index),
            object_ref(self.heap, index),
            int(tree.counts[position]),
            int(tree.sums[position]),
            int(self.heap.retained_bytes[index]),
            index in self.targets,
            tuple(self.node(position, k, depth - 1) for k in below),
        )


def inside_of(heap: Heap, indices: Array, with_classes: bool = True) -> Array:
    """bool by object: the set; of the class loaders in it also their classes and all instances of these."""
    inside = np.zeros(heap.object_count, bool)
    inside[indices] = True
    if with_classes:
        owned = inside[loader_of_class(heap)]
        owned[loader_of_class(heap) == 0] = False
        mirrors = heap.store.mirror_index[owned]
        inside[mirrors[mirrors >= 0]] = True
        inside |= np.where(heap.class_of >= 0, owned[heap.class_of], False)
    inside[0] = False
    return inside


def independent_pins(
    heap: Heap,
    indices: Array,
    *,
    exclude: tuple[str, ...] = ALL_KINDS,
    with_classes: bool = True,
    limit: int = 50,
) -> Pins:
    """Every edge from the outside into the set, grouped by shape, the shortest path first.

    Cost: that of a ``GoalWalk``. Raises UsageError for an empty set.
    """
    if not len(indices):
        raise UsageError("no objects to look for", hint="give addresses or a class that has instances")
    inside = inside_of(heap, indices, with_classes)
    walk = GoalWalk(heap, np.flatnonzero(inside), inside, exclude)
    edges = walk.entering()
    members = walk_roots(heap)
    members = members[inside[members]][:limit]
    pins = _pins(heap, edges, walk.parent, limit)
    own = tuple(PathStep(_root_name(heap, int(i)), object_ref(heap, int(i))) for i in members)
    return Pins(int(inside.sum()), own, len(edges), pins)


def _pins(heap: Heap, edges: Array, parent: Array, limit: int) -> tuple[Pin, ...]:
    """Edges are in breadth-first order, so the first of each shape has the shortest path."""
    pairs = heap.class_of[edges].astype(np.int64)
    _, pair, counts = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_inverse=True, return_counts=True)
    groups: dict[tuple[int, str], list[int]] = {}
    for k in _first_of_each(pair, counts).tolist():
        name = _shape(_edge(heap, int(edges[k, 0]), int(edges[k, 1])))
        groups.setdefault((int(pair[k]), name), []).append(k)
    pins = []
    for (kind, name), members in list(groups.items())[:limit]:
        first = members[0]
        pins.append(
            Pin(
                name,
                object_ref(heap, int(edges[first, 0])),
                object_ref(heap, int(edges[first, 1])),
                int(counts[kind]) if counts[kind] > SAMPLE else len(members),
                path_from_root(heap, parent, int(edges[first, 0])),
            )
        )
    return tuple(pins)


def _first_of_each(pair: Array, counts: Array) -> Array:
    """Positions of the first SAMPLE members of each group, ascending."""
    order = np.argsort(pair, kind="stable")
    place = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[place < SAMPLE])


def _shape(name: str) -> str:
    return "[…]" if name.startswith("[") else name
