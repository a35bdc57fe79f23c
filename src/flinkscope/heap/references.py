"""Soft, weak, phantom and finalizer references: how many, to what, what they alone keep; objects that wait to
finalize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.histogram import count_classes
from flinkscope.heap.labels import ObjectRef, follow, object_ref, reference_column, static_reference
from flinkscope.heap.strength import REFERENCE_CLASSES, reference_objects, shortest_paths

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

FINALIZER = "java.lang.ref.Finalizer"


@dataclass(frozen=True, slots=True)
class ReferentClass:
    """Referents of one class. ``only_bytes``: shallow bytes of those that nothing stronger reaches."""

    class_name: str
    objects: int
    shallow_bytes: int
    only_objects: int
    only_bytes: int


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One kind. ``cleared``: references whose referent is null. ``only_objects``, ``only_bytes``: all objects, not just
    referents, that would be unreachable if references of this kind did not hold theirs (shallow bytes)."""

    kind: str
    references: int
    cleared: int
    referents: int
    shallow_bytes: int
    only_objects: int
    only_bytes: int
    classes: tuple[ReferentClass, ...]


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """All kinds. ``strong_bytes``: shallow bytes reached without any of them. ``registered``: objects with a finalizer;
    ``waiting``: those of them that wait in the finalizer's queue (counted, at most ``limit`` listed);
    ``in_finalization``: what the finalizer thread works at, None if nothing."""

    rows: tuple[ReferenceRow, ...]
    strong_bytes: int
    registered: int
    waiting_count: int
    waiting: tuple[ObjectRef, ...]
    in_finalization: ObjectRef | None


def reference_report(heap: Heap, *, top: int = 10, limit: int = 100) -> ReferenceReport:
    """Statistics of all reference kinds with their ``top`` referent classes. Cost: five passes over the edges."""
    rows = tuple(_row(heap, kind, top) for kind in REFERENCE_CLASSES)
    parent, _, _ = shortest_paths(heap)
    waiting = _queue(heap)
    current = _in_finalization(heap)
    registered = reference_objects(heap, "final")
    return ReferenceReport(
        rows=rows,
        strong_bytes=int(heap.shallow_bytes[parent >= -1].sum(dtype=np.int64)),
        registered=len(registered),
        waiting_count=len(waiting),
        waiting=tuple(object_ref(heap, i) for i in waiting[:limit]),
        in_finalization=object_ref(heap, current) if current > 0 else None,
    )


def _row(heap: Heap, kind: str, top: int) -> ReferenceRow:
    references = reference_objects(heap, kind)
    held = reference_column(heap, references, "referent")
    referents = np.unique(held[held > 0])
    only = np.zeros(heap.object_count, bool)
    if len(referents):
        parent, _, _ = shortest_paths(heap, (kind,))
        only = heap.reachable & (parent == -2)
    sizes = heap.shallow_bytes
    return ReferenceRow(
        kind=kind,
        references=len(references),
        cleared=int((held < 0).sum()),
        referents=len(referents),
        shallow_bytes=int(sizes[referents].sum(dtype=np.int64)),
        only_objects=int(only.sum()),
        only_bytes=int(sizes[only].sum(dtype=np.int64)),
        classes=_classes(heap, referents, only, top),
    )


def _classes(heap: Heap, referents: Array, only: Array, top: int) -> tuple[ReferentClass, ...]:
    counts, sums = count_classes(heap.store, heap.shallow_bytes, referents)
    weak_counts, weak_sums = count_classes(heap.store, heap.shallow_bytes, referents[only[referents]])
    order = np.lexsort((-counts, -weak_sums))
    names = heap.store.classes.names
    return tuple(
        ReferentClass(names[row], int(counts[row]), int(sums[row]), int(weak_counts[row]), int(weak_sums[row]))
        for row in order[:top].tolist()
        if counts[row]
    )


def _queue(heap: Heap) -> list[int]:
    """Objects in Finalizer.queue: its references are linked by ``next``; the last refers to itself."""
    found: list[int] = []
    for info in heap.classes_named(FINALIZER):
        node = follow(heap, static_reference(heap, info.index, "queue"), "head")
        seen: set[int] = set()
        while node > 0 and node not in seen:
            seen.add(node)
            referent = follow(heap, node, "referent")
            if referent > 0:
                found.append(referent)
            node = follow(heap, node, "next")
    return found


def _in_finalization(heap: Heap) -> int:
    """The object that the finalizer thread holds in a frame: the referent of a Finalizer among its locals."""
    pairs = heap.roots.locals
    for thread, local in pairs.tolist():
        is_finalizer = heap.class_name_of(thread) == "java.lang.ref.Finalizer$FinalizerThread"
        if is_finalizer and heap.class_name_of(local) == FINALIZER:
            return follow(heap, local, "referent")
    return -1
