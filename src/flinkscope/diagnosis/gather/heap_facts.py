"""Facts from a heap dump: the whole heap's figures, and Flink's state through the lens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flinkscope.diagnosis.facts import ClassCount, DominatorShare, HeapFacts, OwnerShare, TreeShare
from flinkscope.diagnosis.gather.user_holds import generated_classes, user_holds
from flinkscope.flink.lens import view
from flinkscope.flink.lens.families import JDK, family_of
from flinkscope.flink.lens.ownership import Ownership
from flinkscope.flink.lens.process import ProcessView
from flinkscope.flink.loaders import UserLoader, user_loaders
from flinkscope.flink.state_facts import StateFacts
from flinkscope.heap import open_heap
from flinkscope.heap.class_tree import class_tree
from flinkscope.heap.store import Heap
from flinkscope.place import Place
from flinkscope.progress import Progress

_TOP_CLASSES = 40
_TOP_DOMINATORS = 20


@dataclass(frozen=True, slots=True)
class DumpFacts:
    """What one dump says: the heap, Flink's state in it, and the process as its own objects describe it."""

    heap: HeapFacts
    state: StateFacts
    process: ProcessView
    loaders: tuple[UserLoader, ...]


def heap_facts(path: Path, name: str, progress: Progress) -> DumpFacts:
    """The facts of one dump; ``name`` is used in places.

    Cost: that of the heap engine with dominators, and some array passes. Raises FormatError for what is no dump.
    """
    heap = open_heap(path, progress=progress)
    progress.phase("reading Flink's state")
    seen = view(heap, name, details=False)
    return DumpFacts(_whole_heap(heap, path, name, seen.ownership), seen.state, seen.process, user_loaders(heap))


def _whole_heap(heap: Heap, path: Path, name: str, ownership: Ownership) -> HeapFacts:
    every = heap.histogram()
    rows = sorted(every, key=lambda r: -r.shallow_bytes)[:_TOP_CLASSES]
    others = [r for r in every if r.retained_bytes is not None and family_of(r.class_name) != JDK]
    keepers = sorted(others, key=lambda r: -(r.retained_bytes or 0))[:_TOP_CLASSES]
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
        retained=tuple(ClassCount(r.class_name, r.objects, r.shallow_bytes, r.retained_bytes) for r in keepers),
        holds=user_holds(heap),
        class_count=len(heap.classes),
        generated=generated_classes(c.name for c in heap.classes),
        owners=tuple(OwnerShare(o.what, o.task or "", o.objects, o.size_bytes) for o in ownership.owners),
        tree=tuple(TreeShare(n.depth, n.class_name, n.objects, n.retained_bytes) for n in class_tree(heap)),
    )
