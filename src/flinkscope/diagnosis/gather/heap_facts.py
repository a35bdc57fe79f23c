"""Facts from a heap dump: the whole heap's figures, and Flink's state through the lens."""

from __future__ import annotations

from pathlib import Path

from flinkscope.diagnosis.facts import ClassCount, DominatorShare, HeapFacts
from flinkscope.flink.lens import read_state
from flinkscope.flink.state_facts import StateFacts
from flinkscope.heap import open_heap
from flinkscope.heap.store import Heap
from flinkscope.place import Place
from flinkscope.progress import Progress

_TOP_CLASSES = 40
_TOP_DOMINATORS = 20


def heap_facts(path: Path, name: str, progress: Progress) -> tuple[HeapFacts, StateFacts, str | None]:
    """(the heap, its Flink state, the process' role as its classes tell it or None). ``name`` is used in places.

    Cost: that of the heap engine with dominators, and some array passes. Raises FormatError for what is no dump.
    """
    heap = open_heap(path, progress=progress)
    progress.phase("reading Flink's state")
    state = read_state(heap, name)
    return _whole_heap(heap, path, name), state, _role(heap)


def _whole_heap(heap: Heap, path: Path, name: str) -> HeapFacts:
    rows = sorted(heap.histogram(), key=lambda r: -r.shallow_bytes)[:_TOP_CLASSES]
    return HeapFacts(
        place=Place(name),
        file_bytes=path.stat().st_size,
        object_count=heap.object_count,
        reachable_object_count=heap.reachable_object_count,
        used_bytes=heap.used_bytes,
        unreachable_bytes=heap.unreachable_bytes,
        histogram=tuple(ClassCount(r.class_name, r.objects, r.shallow_bytes, r.retained_bytes) for r in rows),
        dominators=tuple(
            DominatorShare(d.class_name, d.address, d.retained_bytes, label=d.label)
            for d in heap.dominators(limit=_TOP_DOMINATORS)
        ),
        oom_thread=heap.oom_thread,
        gap=heap.gap,
    )


def _role(heap: Heap) -> str | None:
    """Told by which of Flink's two servers has an instance."""
    for name, role in (
        ("org.apache.flink.runtime.taskexecutor.TaskExecutor", "taskmanager"),
        ("org.apache.flink.runtime.dispatcher.StandaloneDispatcher", "jobmanager"),
        ("org.apache.flink.runtime.dispatcher.MiniDispatcher", "jobmanager"),
    ):
        if any(len(heap.instances(c.index)) for c in heap.classes_named(name)):
            return role
    return None
