"""Key figures of a process under stable names: the tiles of the page, and what ``compare`` puts side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from flinkscope.absent import Absent
from flinkscope.diagnosis.facts import CheckpointFacts, GcFacts, HeapFacts, ProcessFacts
from flinkscope.flink.state_facts import StateFacts
from flinkscope.report.chart_model import Unit
from flinkscope.report.model import FigureRow

T = TypeVar("T")


def figures_of(process: ProcessFacts) -> Iterator[FigureRow]:
    """Every key figure, in a fixed order; one that is not known says why and how to get it."""
    yield _figure("max_heap_bytes", "largest heap (-Xmx)", "bytes", process.gc, lambda g: g.max_heap_bytes)
    yield _figure("live_set_bytes", "live set after the last full GC", "bytes", process.gc, _live_set)
    yield _figure("gc_share_bp", "share of time in GC", "bp", process.gc, lambda g: g.gc_share_bp)
    yield _figure(
        "gc_share_worst_minute_bp",
        "time in GC, worst minute",
        "bp",
        process.gc,
        lambda g: g.gc_share_worst_minute_bp,
    )
    yield _figure("full_gc_count", "full collections", "count", process.gc, lambda g: len(g.full_gcs))
    yield _figure("metaspace_floor_bytes", "metaspace after collections", "bytes", process.gc, _metaspace_floor)
    yield _figure("observed_ns", "time observed in the GC log", "ns", process.gc, lambda g: g.duration_ns or None)
    yield _figure("heap_used_bytes", "reachable in the heap dump", "bytes", process.heap, lambda h: h.used_bytes)
    yield _figure("heap_objects", "objects in the heap dump", "count", process.heap, _objects)
    yield _figure("state_bytes", "keyed state and timers", "bytes", process.state, lambda s: s.state_bytes)
    yield _figure("state_entries", "state entries", "count", process.state, _entries)
    yield _figure("timers", "timers", "count", process.state, _timers)
    yield _figure("checkpoint_bytes", "largest completed checkpoint", "bytes", process.checkpoints, _checkpoint)
    yield _figure("checkpoint_ns", "duration of that checkpoint", "ns", process.checkpoints, _checkpoint_duration)
    yield _figure("process_bytes", "process size", "bytes", process.config, lambda c: _of(c.memory, "process_bytes"))
    yield _figure(
        "metaspace_limit_bytes", "metaspace limit", "bytes", process.config, lambda c: _of(c.memory, "metaspace_bytes")
    )


def _figure(name: str, title: str, unit: Unit, fact: T | Absent, read: Callable[[T], int | Absent | None]) -> FigureRow:
    value = fact if isinstance(fact, Absent) else read(fact)
    place = "" if isinstance(fact, Absent) else str(getattr(fact, "place", ""))
    if value is None:
        return FigureRow(name, title, unit, absent="the evidence does not tell", place=place)
    if isinstance(value, Absent):
        how = f"; {value.how_to_get}" if value.how_to_get else ""
        return FigureRow(name, title, unit, absent=f"{value}{how}", place=place)
    return FigureRow(name, title, unit, int(value), place=place)


def _live_set(gc: GcFacts) -> int | Absent:
    return gc.live_set_last_bytes


def _metaspace_floor(gc: GcFacts) -> int | None:
    return gc.figures.get("metaspace_floor_bytes")


def _objects(heap: HeapFacts) -> int:
    return heap.reachable_object_count


def _entries(state: StateFacts) -> int:
    return sum(s.entries for s in state.states)


def _timers(state: StateFacts) -> int:
    return sum(t.timers for t in state.timers)


def _checkpoint(checkpoints: CheckpointFacts) -> int | None:
    return max(checkpoints.sizes_bytes, default=None)


def _checkpoint_duration(checkpoints: CheckpointFacts) -> int | None:
    """How long the largest one took."""
    if not checkpoints.sizes_bytes:
        return None
    at = checkpoints.sizes_bytes.index(max(checkpoints.sizes_bytes))
    return checkpoints.durations_ms[at] * 1_000_000


def _of(fact: object, name: str) -> int | Absent:
    return fact if isinstance(fact, Absent) else int(getattr(fact, name))
