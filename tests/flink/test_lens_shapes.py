"""Structures of another shape: what lacks a field is told and left out; nothing is guessed, nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope.flink.lens import FlinkView, view
from strategies.flink_heap import HEAP, OPERATORS, WINDOWING, FlinkHeap, Pane
from strategies.java_heap import REF

DAY = 86_400_000
PANES = [Pane(k, 0, DAY, [DAY - 1, 180_000], ["fire-time"]) for k in range(9)]


def renamed(class_name: str, field: str, folder: Path) -> FlinkView:
    """The view of a window task whose class calls one of its fields otherwise."""
    heap = FlinkHeap()
    heap.window_task(PANES)
    fields = next(c for c in heap.dump.classes if c.address == heap.classes[class_name]).fields
    fields[:] = [(name + "2" if name == field else name, kind) for name, kind in fields]
    return view(heap.open(folder))


@pytest.mark.parametrize(
    ("class_name", "field", "entries", "timers"),
    [
        (HEAP + "HeapKeyedStateBackend", "registeredKVStates", 0, 18),
        (HEAP + "StateTable", "keyGroupedStateMaps", 0, 18),
        (HEAP + "StateTable", "metaInfo", 0, 18),
        (HEAP + "CopyOnWriteStateMap", "primaryTable", 0, 18),
        (HEAP + "CopyOnWriteStateMap$StateMapEntry", "key", 9, 18),
        (HEAP + "CopyOnWriteStateMap$StateMapEntry", "namespace", 9, 18),
        (HEAP + "HeapPriorityQueueSet", "queue", 9, 0),
        (OPERATORS + "TimerHeapInternalTimer", "timestamp", 9, 0),
        (OPERATORS + "InternalTimerServiceImpl", "eventTimeTimersQueue", 9, 0),
        (OPERATORS + "InternalTimeServiceManagerImpl", "timerServices", 9, 0),
        (OPERATORS + "AbstractStreamOperator", "stateHandler", 0, 18),
        (WINDOWING + "windows.TimeWindow", "end", 9, 18),
    ],
)
def test_a_renamed_field_is_told_and_the_rest_is_read(
    class_name: str, field: str, entries: int, timers: int, tmp_path: Path
) -> None:
    found = renamed(class_name, field, tmp_path)
    simple = class_name.rsplit(".", 1)[-1]
    (sentence,) = [s for s in found.state.unknown_shapes if s.startswith(simple)]
    assert field in sentence
    assert sum(t.timers for t in found.state.timers) == timers
    if field not in ("primaryTable",):
        assert sum(s.entries for s in found.state.states) == entries
    assert sum(o.size_bytes for o in found.ownership.owners) > 0


def test_what_cannot_be_read_is_counted_as_unowned(tmp_path: Path) -> None:
    found = renamed(HEAP + "StateTable", "keyGroupedStateMaps", tmp_path)
    assert (found.state.unowned_entries, found.state.unowned_timers) == (9, 0)
    assert "StateTable has no field keyGroupedStateMaps: 1 objects are not read" in found.state.unknown_shapes


def test_a_backend_and_a_queue_of_another_class_are_told(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task(PANES)
    heap.cls(HEAP + "HeapKeyedStateBackend2", {"registeredKVStates": REF})
    heap.cls(HEAP + "TreeQueue", {"queue": REF})
    for thing in heap.dump.objects:
        for name in ("HeapKeyedStateBackend", "HeapPriorityQueueSet"):
            if getattr(thing, "cls", None) == heap.classes[HEAP + name] and hasattr(thing, "values"):
                other = "HeapKeyedStateBackend2" if name == "HeapKeyedStateBackend" else "TreeQueue"
                thing.cls = heap.classes[HEAP + other]
                thing.values = thing.values[:1]
    found = view(heap.open(tmp_path))
    assert found.state.states == ()
    assert "state backend HeapKeyedStateBackend2 is not read" in found.state.unknown_shapes
    assert "timers in TreeQueue are not read" in found.state.unknown_shapes


def test_nothing_unknown_in_the_usual_shape(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task(PANES)
    assert view(heap.open(tmp_path)).state.unknown_shapes == ()
