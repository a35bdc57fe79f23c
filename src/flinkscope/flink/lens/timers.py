"""Timers on the heap: every service's queues and de-duplication maps, what fires next, what only cleans up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.kernels import fold_timers
from flinkscope.flink.lens.labels import Labels
from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.reader import NULL, Indices, Reader
from flinkscope.flink.lens.slices import slices_of
from flinkscope.flink.lens.states import window_bounds
from flinkscope.flink.state_facts import Home, TimerService
from flinkscope.place import Place


@dataclass(frozen=True, slots=True)
class TimerEntries:
    """Columns of all timers of one service: object indices."""

    keys: Indices
    namespaces: Indices


_DOMAINS = (("event", "eventTimeTimersQueue"), ("processing", "processingTimeTimersQueue"))


def read_timers(
    reader: Reader, labels: Labels, operators: list[Operator], source: str
) -> tuple[list[TimerService], list[TimerEntries]]:
    """Every timer service with timers, biggest first, and beside each its columns. Timers and queues are labelled."""
    services = _services(reader, operators)
    rows = []
    groups: dict[tuple[Home, str], list[_Service]] = {}
    for service in services:
        groups.setdefault((service.operator.home, service.name), []).append(service)
    for group in groups.values():
        for domain, field in _DOMAINS:
            row = _read_queue(reader, labels, group, (domain, field), source)
            if row is not None:
                rows.append(row)
    rows.sort(key=lambda row: (-row[0].own_bytes, row[0].task, row[0].service, row[0].job_id))
    return [service for service, _ in rows], [columns for _, columns in rows]


@dataclass(frozen=True, slots=True)
class _Service:
    """One InternalTimerServiceImpl of one operator."""

    index: int
    name: str
    operator: Operator


def _services(reader: Reader, operators: list[Operator]) -> list[_Service]:
    """The timer services of every live operator."""
    found = []
    for operator in operators:
        pairs = reader.map_entries(reader.follow(operator.time_service_manager, "timerServices"))
        found += [_Service(service, reader.text(name) or "?", operator) for name, service in pairs]
    return found


def _read_queue(
    reader: Reader, labels: Labels, group: list[_Service], queue: tuple[str, str], source: str
) -> tuple[TimerService, TimerEntries] | None:
    domain, field = queue
    services = np.array([s.index for s in group], np.int32)
    operator = group[0].operator
    queues = reader.references(services, field)
    arrays = reader.references(queues[queues >= 0], "queue")
    _, timers = reader.elements(arrays)
    if len(timers) == 0:
        return None
    (keys, namespaces), longs = reader.field_columns(timers, ("key", "namespace"), ("timestamp",))
    if longs is None:
        return None  # told by lens.shapes
    times = longs[0]
    slices = slices_of(reader, operator.index)
    _, ends = window_bounds(reader, namespaces, slices)
    lateness = reader.number(reader.follow(int(services[0]), "triggerTarget"), "allowedLateness") or 0
    size, offset = (0, 0) if slices is None or slices.slide_ms else (slices.size_ms, slices.offset_ms)
    cleanup, next_time, due_next = (int(n) for n in fold_timers(times, ends, lateness, size, offset))
    parts, nodes_bytes = _dedup_parts(reader, queues)
    own = labels.put(operator.whose, f"timers “{group[0].name}”", timers, arrays, *parts)
    service = TimerService(
        task=operator.task,
        service=group[0].name,
        domain=domain,
        timers=len(timers),
        keys=_panes(reader, keys, namespaces, ends, 0 if slices is not None else cleanup),
        cleanup=cleanup,
        firing=len(timers) - cleanup,
        next_time_ms=next_time,
        due_next=due_next,
        own_bytes=own + nodes_bytes,
        place=Place(source, address=reader.heap.address_of(int(services[0]))),
        job=operator.job,
        job_id=operator.job_id,
        operator=operator.name,
    )
    return service, TimerEntries(keys, namespaces)


def _panes(reader: Reader, keys: Indices, namespaces: Indices, ends: NDArray[np.int64], cleanup: int) -> int:
    """How many (key, window) panes these timers are of.

    Timers are a set of (time, key, window), and a window operator gives each pane one clean-up timer: their number is
    that of panes. Without any, distinct pairs of objects: timers of one pane may hold equal but different key objects,
    so this is an upper bound; the state's own key count is exact and is used where both are known.
    """
    if cleanup:
        return cleanup
    if ends[0] != NULL and (ends == ends[0]).all():
        return reader.count_distinct(keys)
    pairs = keys.astype(np.int64) << 32 | (namespaces.astype(np.int64) & 0xFFFFFFFF)
    pairs.sort()
    return 1 + int(np.count_nonzero(np.diff(pairs)))


def _dedup_parts(reader: Reader, queues: Indices) -> tuple[tuple[Indices, ...], int]:
    """HeapPriorityQueueSet's own objects: itself, its HashMaps (one a key group) and their tables; bytes of the nodes.

    Nodes hang on their table alone and hold nothing alone: the queue has the same timers. So they are what the maps
    retain besides themselves, and no chain needs to be walked.
    """
    outer = reader.references(queues, "deduplicationMapsByKeyGroup")
    _, maps = reader.elements(outer)
    tables = reader.references(maps, "table")
    return (queues, outer, maps, tables), reader.retained(maps) - reader.shallow(maps, tables)
