"""Keyed state outside the heap (RocksDB, ForSt): what the heap knows of it. Entries and bytes it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.reader import NULL, Indices, Reader, simple_name
from flinkscope.flink.lens.tasks import backend_name
from flinkscope.flink.state_facts import EmbeddedState, Home
from flinkscope.place import Place

_TIMERS = "_timer_state/"
_QUEUES = (
    "org.apache.flink.state.rocksdb.RocksDBCachingPriorityQueueSet",
    "org.apache.flink.contrib.streaming.state.RocksDBCachingPriorityQueueSet",
    "org.apache.flink.state.forst.sync.ForStDBCachingPriorityQueueSet",
)


def read_embedded(reader: Reader, operators: Sequence[Operator], source: str) -> tuple[EmbeddedState, ...]:
    """One row for each operator whose backend registers column families (``kvStateInformation``), by job and task."""
    groups: dict[Home, list[Operator]] = {}
    for operator in operators:
        if operator.backend != NULL and reader.follow(operator.backend, "kvStateInformation") != NULL:
            groups.setdefault(operator.home, []).append(operator)
    rows = [_row(reader, group, source) for group in groups.values()]
    return tuple(sorted(rows, key=lambda row: (row.job or "", row.job_id, row.task, row.operator)))


def _row(reader: Reader, group: list[Operator], source: str) -> EmbeddedState:
    first = group[0]
    pairs = [reader.map_entries(reader.follow(o.backend, "kvStateInformation")) for o in group]
    kinds = {
        reader.text(key) or "?": (reader.text(info, "metaInfo", "stateType", "name") or "unknown").lower()
        for key, info in pairs[0]
    }
    shared = {reader.follow(o.backend, "optionsContainer", "sharedResources", "resourceHandle"): o for o in group}
    shared.pop(NULL, None)
    resources = [reader.follow(o.backend, "optionsContainer", "sharedResources") for o in shared.values()]
    factory = simple_name(reader.class_name(reader.follow(first.backend, "priorityQueueFactory")))
    return EmbeddedState(
        task=first.task,
        backend=backend_name(reader, first.backend),
        states=tuple(sorted((n, k) for n, k in kinds.items() if not n.startswith(_TIMERS))),
        timer_queues=tuple(sorted(n.removeprefix(_TIMERS) for n in kinds if n.startswith(_TIMERS))),
        timers_on_heap=None if factory is None else factory.startswith("Heap"),
        databases=len(group),
        column_families=sum(len(found) for found in pairs),
        cache_bytes=_sum(reader.number(r, "size") for r in resources),
        write_buffer_bytes=_sum(reader.number(handle, "writeBufferManagerCapacity") for handle in shared),
        place=Place(source, address=reader.heap.address_of(first.backend)),
        job=first.job,
        job_id=first.job_id,
        operator=first.name,
    )


def peeked_timers(reader: Reader) -> Indices:
    """Timer objects that are only the head of an embedded queue: one a key group at most, the rest is outside."""
    queues = np.concatenate([reader.instances(name) for name in _QUEUES])
    return reader.distinct(reader.references(queues.astype(np.int32), "peekCache"))


def _sum(values: Iterable[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None
