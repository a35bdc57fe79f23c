"""Structures whose classes are in the dump but lack the fields that the lens reads: told, not guessed around."""

from __future__ import annotations

import numpy as np

from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.reader import NULL, Indices, Reader, simple_name

_HEAP = "org.apache.flink.runtime.state.heap."
_OPERATORS = "org.apache.flink.streaming.api.operators."
# Class → fields without which its content cannot be read. Alternatives, oldest last, stand in one tuple.
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    _HEAP + "HeapKeyedStateBackend": (("registeredKVStates",),),
    _HEAP + "StateTable": (("keyGroupedStateMaps", "state"), ("metaInfo",)),
    _HEAP + "CopyOnWriteStateMap": (("primaryTable",), ("incrementalRehashTable",)),
    _HEAP + "CopyOnWriteStateMap$StateMapEntry": (("key",), ("namespace",), ("state",), ("next",)),
    _HEAP + "HeapPriorityQueueSet": (("queue",), ("deduplicationMapsByKeyGroup",)),
    _OPERATORS + "TimerHeapInternalTimer": (("key",), ("namespace",), ("timestamp",)),
    _OPERATORS + "InternalTimerServiceImpl": (("eventTimeTimersQueue",), ("processingTimeTimersQueue",)),
    _OPERATORS + "InternalTimeServiceManagerImpl": (("timerServices",),),
    _OPERATORS + "AbstractStreamOperator": (("stateHandler", "keyedStateBackend"), ("runtimeContext",)),
    "org.apache.flink.streaming.api.windowing.windows.TimeWindow": (("start",), ("end",)),
    "org.apache.flink.streaming.runtime.operators.windowing.WindowOperator": (("windowAssigner",), ("trigger",)),
}
_STATE_MAP = _HEAP + "CopyOnWriteStateMap"
_TIME_SERVICE = _OPERATORS + "InternalTimeServiceManagerImpl"
_QUEUES = ("HeapPriorityQueueSet", "KeyGroupPartitionedPriorityQueue")  # the second: timers in RocksDB or ForSt


def unknown_shapes(reader: Reader, operators: list[Operator]) -> tuple[str, ...]:
    """A sentence for each structure that cannot be read as it is. Cost: a look at a dozen classes."""
    found = []
    for name, needed in _NEEDED.items():
        for info in reader.heap.classes_named(name):
            fields = {f.name for f in reader.heap.store.classes.fields(info.index)}
            lost = [choice[0] for choice in needed if not fields.intersection(choice)]
            used = (info.instance_count or len(reader.instances(name, subclasses=True))) if lost else 0
            if used:
                found.append(f"{simple_name(name)} has no field {', '.join(lost)}: {used:,} objects are not read")
    return (*dict.fromkeys(found), *_unknown_maps(reader), *_unknown_services(reader, operators))


def _unknown_maps(reader: Reader) -> list[str]:
    """State maps of another class than the copy-on-write one (nested maps up to 1.16, skip lists of extensions)."""
    tables = reader.instances(_HEAP + "StateTable", subclasses=True)
    _, maps = reader.elements(reader.references(tables, "keyGroupedStateMaps"))
    names = {reader.class_name(int(m)) or "?" for m in _one_of_each_class(reader, maps)}
    return [f"state in {simple_name(name)} is not read" for name in sorted(names) if name != _STATE_MAP]


def _unknown_services(reader: Reader, operators: list[Operator]) -> list[str]:
    """Timer services and queues of classes that the lens does not know."""
    found = set()
    for operator in operators:
        manager = operator.time_service_manager
        name = reader.class_name(manager)
        if manager != NULL and name is not None and name != _TIME_SERVICE:
            found.add(f"timers in {simple_name(name)} are not read")
        for _, service in reader.map_entries(reader.follow(manager, "timerServices")):
            for field in ("eventTimeTimersQueue", "processingTimeTimersQueue"):
                queue = simple_name(reader.class_name(reader.follow(service, field)))
                if queue is not None and queue not in _QUEUES:
                    found.add(f"timers in {queue} are not read")
    return sorted(found)


def _one_of_each_class(reader: Reader, objects: Indices) -> Indices:
    _, firsts = np.unique(reader.heap.class_of[objects], return_index=True)
    return objects[firsts]
