"""The reference graph in one CSR pair, and what is a GC root.

Edges as in Eclipse MAT: instance → class, class → super class, loader, statics; thread → its locals where the thread is
known (else the local is a root). The edge to a class that is itself a GC root is left out of the arrays: it can change
neither reachability nor dominators nor a shortest path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.formats.hprof.records import WORKERS
from flinkscope.heap.kernels import index as kernels
from flinkscope.heap.kernels.index import Layout
from flinkscope.heap.objects import ObjectStore
from flinkscope.heap.shares import in_shares
from flinkscope.heap.space import Space
from flinkscope.progress import Progress

Array = npt.NDArray[Any]

THREAD_LOCAL = (tags.ROOT_JNI_LOCAL, tags.ROOT_JAVA_FRAME, tags.ROOT_NATIVE_STACK)


@dataclass(frozen=True, slots=True)
class Roots:
    """``indices``: objects that are GC roots, ascending, int32. ``records``: rows (kind tag, object index or -1, thread
    serial or -1, frame or -1) as the dump has them. ``locals``: rows (thread object, local object), sorted.
    ``thread_of_serial``: thread serial → object index. ``implied``: boot classes are roots because none is declared."""

    indices: Array
    records: Array
    locals: Array
    thread_of_serial: dict[int, int]
    implied: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """``targets[starts[i]:starts[i + 1]]`` are i's references (int32). ``unresolved``: references to no object."""

    starts: Array
    targets: Array
    unresolved: int


def find_roots(store: ObjectStore) -> Roots:
    """The GC roots as Eclipse MAT counts them."""
    raw = store.records.roots
    rows = raw.copy()
    rows[:, 1] = store.lookup(raw[:, 1])
    threads = rows[(rows[:, 0] == tags.ROOT_THREAD_OBJECT) & (rows[:, 1] >= 0)]
    thread_of_serial = {int(serial): int(index) for _, index, serial, _ in threads}
    is_local = np.isin(rows[:, 0], THREAD_LOCAL)
    owner = np.array([thread_of_serial.get(int(s), -1) for s in rows[:, 2]], np.int64)
    owned = is_local & (owner >= 0)
    found = rows[:, 1] >= 0
    indices = rows[found & ~owned][:, 1]
    implied = not (rows[:, 0] == tags.ROOT_STICKY_CLASS).any()
    if implied:
        indices = np.concatenate([indices, _boot_classes(store)])
    pairs = np.unique(np.stack([owner, rows[:, 1]], axis=1)[found & owned], axis=0)
    return Roots(np.unique(indices).astype(np.int32), rows, pairs, thread_of_serial, implied)


def _boot_classes(store: ObjectStore) -> Array:
    plain = np.array([not name.endswith("[]") for name in store.classes.names], bool)
    chosen: Array = store.mirror_index[plain & (store.classes.heads[:, 2] == 0) & (store.mirror_index >= 0)]
    return chosen


def layout_of(store: ObjectStore, roots: Roots) -> Layout:
    """Where references lie in each class's instances, and the class edge if it is needed."""
    first, positions = store.classes.reference_positions
    target = store.mirror_index.astype(np.int32).copy()
    target[np.isin(target, roots.indices)] = -1
    return Layout(first, positions, target)


def build_graph(store: ObjectStore, roots: Roots, progress: Progress, space: Space) -> Graph:
    """All edges, on two threads. Memory: 4 bytes an object and 4 an edge (8 an object past 2^32 - 1 edges)."""
    starts, targets, used, unresolved = build_edges(store, roots, progress, space)
    return Graph(starts, targets[:used], unresolved)


def build_edges(
    store: ObjectStore,
    roots: Roots,
    progress: Progress,
    space: Space,
    own: int = 0,
    wide: int = 1 << 62,
    slack: int = 0,
) -> tuple[Array, Array, int, int]:
    """(starts, cells, cells used, unresolved) with ``own`` cells of room before each object's references.

    Cells have 8 bytes from ``wide`` of them on. ``slack``: cells at the end.
    """
    progress.phase("building the reference graph", store.object_count, "objects")
    data, id_size, layout = store.records.data, store.records.id_size, layout_of(store, roots)
    columns, total = (data, store.offsets, store.class_of), store.object_count
    bounds = in_shares(total, lambda a, b: kernels.count_edges(*columns, a, b, id_size, layout) + len(roots.locals))
    room = int(sum(bounds)) + own * total + slack
    cells = space.empty(room, np.int32 if room < wide else np.int64)
    starts = space.empty(total + 1, np.uint32 if sum(bounds) < 1 << 32 else np.int64)
    begins = {total * k // WORKERS: int(sum(bounds[:k])) for k in range(WORKERS)}

    def part(first: int, last: int) -> tuple[int, int]:
        begin = begins[first] + own * first
        end, lost = kernels.build_graph(
            *columns, first, last, id_size, store.map, layout, roots.locals, starts, cells, begin, own
        )
        return int(end), int(lost)

    found = in_shares(total, part)
    used = found[0][0]
    cuts = [total * k // WORKERS for k in range(WORKERS + 1)]
    for k in range(1, WORKERS):
        begin = begins[cuts[k]] + own * cuts[k]
        used = kernels.close_gap(starts, cells, cuts[k], cuts[k + 1], begin, found[k][0], used)
    starts[total] = used - own * total
    progress.advance(total)
    return starts, cells, int(used), int(sum(lost for _, lost in found))
