"""What a dump is: the facts that ``heap info`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from flinkscope.formats.hprof import tags
from flinkscope.heap.histogram import HistogramRow

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap


@dataclass(frozen=True, slots=True)
class HeapInfo:
    """Facts of a dump. ``class_count``: reachable classes (Eclipse MAT's number); ``dumped_classes``: all; ``roots``:
    GC root records by kind; ``loaders``: class loaders that define classes, the boot loader included; ``time_ms``: of
    the dump, since 1970; ``size_rule`` and ``reference_how``: where sizes come from; ``clamped_classes``: classes whose
    objects lie too loosely to measure; ``java_version``: of the process, None if its properties are not in the dump."""

    path: str
    file_bytes: int
    format: str
    time_ms: int
    date: str
    id_bytes: int
    reference_bytes: int
    reference_how: str
    size_rule: str
    alignment_bytes: int
    clamped_classes: int
    object_count: int
    instances: int
    object_arrays: int
    primitive_arrays: int
    class_count: int
    dumped_classes: int
    loaders: int
    roots: dict[str, int]
    root_objects: int
    threads: int
    reachable_object_count: int
    used_bytes: int
    unreachable_object_count: int
    unreachable_bytes: int
    unreachable: tuple[HistogramRow, ...]
    unresolved_references: int
    oom_thread: str | None
    java_version: str | None
    segments: int


def describe(heap: Heap, top_unreachable: int = 10) -> HeapInfo:
    """The facts. Cost: graph and dominator tree if they are not there yet."""
    records = heap.records
    kinds, counts = np.unique(records.roots[:, 0], return_counts=True)
    heads = heap.store.classes.heads
    loader_ids = {int(i) for i in heads[:, 2]}
    return HeapInfo(
        path=heap.path,
        file_bytes=len(records.data),
        format=records.version,
        time_ms=records.time_ms,
        date=_date(records.time_ms),
        id_bytes=records.id_size,
        reference_bytes=heap.sizes.reference_bytes,
        reference_how=heap.sizes.reference_how,
        size_rule=heap.sizes.how,
        alignment_bytes=heap.sizes.align,
        clamped_classes=heap.sizes.clamped,
        object_count=heap.object_count,
        instances=int(records.instances),
        object_arrays=int(records.object_arrays),
        primitive_arrays=int(records.primitive_arrays),
        class_count=heap.class_count,
        dumped_classes=len(heap.store.classes),
        loaders=len(loader_ids),
        roots={tags.ROOT_KINDS[int(k)]: int(n) for k, n in zip(kinds, counts, strict=True)},
        root_objects=len(heap.roots.indices),
        threads=int((records.roots[:, 0] == tags.ROOT_THREAD_OBJECT).sum()),
        reachable_object_count=heap.reachable_object_count,
        used_bytes=heap.used_bytes,
        unreachable_object_count=heap.object_count - heap.reachable_object_count,
        unreachable_bytes=heap.unreachable_bytes,
        unreachable=tuple(heap.histogram(unreachable=True)[:top_unreachable]),
        unresolved_references=heap.graph.unresolved,
        oom_thread=heap.oom_thread,
        java_version=java_version(heap),
        segments=len(records.segments),
    )


def _date(time_ms: int) -> str:
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "unreadable"


def java_version(heap: Heap) -> str | None:
    """``java.version`` as the class java.lang.VersionProps of the dump has it (JDK 9+); None if it is not there."""
    for name in ("java.lang.VersionProps", "sun.misc.Version"):
        for info in heap.classes_named(name):
            for static in ("java_runtime_version", "java_version"):
                value = heap.static(info.index, static)
                if isinstance(value, int) and value > 0:
                    return heap.string(value)
    return None
