"""What the heap dump shows, cut to what a person can read: classes, owners, keyed state, timers, window operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flinkscope.diagnosis.facts import HeapFacts
from flinkscope.flink.loaders import PinGroup, UserLoader, pin_groups
from flinkscope.flink.state_facts import KeyedState, StateFacts, TimerService, WindowOperator, WindowSpan
from flinkscope.report.model import (
    MAX_CLASSES,
    MAX_DOMINATORS,
    MAX_NODES,
    MAX_OWNERS,
    MAX_PINS,
    ClassRow,
    FlinkStateRow,
    HeapRow,
    LoadersRow,
    OperatorRow,
    OwnerRow,
    PinRow,
    StateRow,
    TimerRow,
    TreeRow,
)
from flinkscope.report.wording import exact_ms, one_of, shortened

MAX_STATES = 50


def heap_row(heap: HeapFacts) -> HeapRow:
    """The dump in figures, its biggest classes and owners."""
    return HeapRow(
        dump=shortened(str(heap.place)),
        file_bytes=heap.file_bytes,
        objects=heap.object_count,
        reachable_objects=heap.reachable_object_count,
        used_bytes=heap.used_bytes,
        unreachable_bytes=heap.unreachable_bytes,
        oom_thread=shortened(heap.oom_thread or ""),
        classes=tuple(
            ClassRow(shortened(c.class_name), c.objects, c.shallow_bytes, c.retained_bytes)
            for c in heap.histogram[:MAX_CLASSES]
        ),
        owners=_owners(heap),
        dominators=_dominators(heap, MAX_DOMINATORS),
        note=heap.gap or "",
        tree=tuple(
            TreeRow(n.depth, shortened(n.class_name), n.objects, n.retained_bytes) for n in heap.tree[:MAX_NODES]
        ),
    )


def loaders_row(loaders: Sequence[UserLoader], dump: str) -> LoadersRow | None:
    """The user class loaders and what keeps the leaked ones; None where the process has none."""
    if not loaders:
        return None
    leaked = [loader for loader in loaders if loader.state == "leaked"]
    return LoadersRow(
        leaked=len(leaked),
        live=sum(loader.state == "live" for loader in loaders),
        awaiting_gc=sum(loader.state == "awaiting_gc" for loader in loaders),
        metaspace_bytes=sum(loader.metaspace_bytes for loader in leaked),
        pins=tuple(_pin(group) for group in pin_groups(leaked)[:MAX_PINS]),
        place=shortened(dump),
    )


def _pin(group: PinGroup) -> PinRow:
    pin = group.example
    return PinRow(
        text=group.text,
        library=shortened(group.library),
        code=shortened(group.code or ""),
        thread=shortened(group.thread or ""),
        loaders=group.loaders,
        pins=group.pins,
        chain=tuple(shortened(step) for step in pin.chain[:12]),
        remedy=pin.remedy,
        certainty_bp=pin.certainty_bp,
    )


def _owners(heap: HeapFacts) -> tuple[OwnerRow, ...]:
    """In Flink's terms where the lens found owners; else the biggest dominators."""
    if heap.owners:
        return tuple(OwnerRow(shortened(o.what), o.size_bytes, shortened(o.task)) for o in heap.owners[:MAX_OWNERS])
    return _dominators(heap, MAX_OWNERS)


def _dominators(heap: HeapFacts, limit: int) -> tuple[OwnerRow, ...]:
    return tuple(
        OwnerRow(shortened(d.class_name), d.retained_bytes, shortened(d.label), f"{d.address:#x}")
        for d in heap.dominators[:limit]
    )


def state_row(state: StateFacts) -> FlinkStateRow:
    """Keyed state and timers, the biggest first, and how their operators are set up."""
    states = sorted(state.states, key=lambda s: (-s.total_bytes, s.task, s.name))[:MAX_STATES]
    timers = sorted(state.timers, key=lambda t: (-t.own_bytes, t.task, t.service))[:MAX_STATES]
    return FlinkStateRow(
        backend=state.backend or "",
        total_bytes=state.state_bytes,
        keys_and_windows_bytes=state.keys_and_windows_bytes,
        states=tuple(_state(s) for s in states),
        timers=tuple(_timers(t) for t in timers),
        operators=tuple(_operator(o) for o in state.operators[:MAX_STATES]),
        note=_left_out(state, len(states), len(timers)),
    )


def _state(state: KeyedState) -> StateRow:
    return StateRow(
        task=shortened(state.task),
        name=shortened(state.name),
        kind=state.kind,
        entries=state.entries,
        keys=state.keys,
        windows=state.namespaces,
        bytes=state.total_bytes,
        bytes_per_entry=state.total_bytes // state.entries if state.entries else 0,
        span=_span(state.windows),
        place=shortened(str(state.place)),
    )


def _timers(timers: TimerService) -> TimerRow:
    soon = ""
    if timers.next_time_ms is not None:
        soon = f"{one_of(timers.due_next, 'timer')} at {moment(timers.next_time_ms)}"
    return TimerRow(
        task=shortened(timers.task),
        service=shortened(timers.service),
        domain=timers.domain,
        timers=timers.timers,
        keys=timers.keys,
        cleanup=timers.cleanup,
        firing=timers.firing,
        bytes=timers.own_bytes,
        next=soon,
        place=shortened(str(timers.place)),
    )


def _operator(operator: WindowOperator) -> OperatorRow:
    size = f" of {exact_ms(operator.size_ms)}" if operator.size_ms else ""
    trigger = "(".join(operator.trigger) + ")" * (len(operator.trigger) - 1) if operator.trigger else "not known"
    every = f", every {exact_ms(operator.trigger_interval_ms)}" if operator.trigger_interval_ms else ""
    late = f", lateness {exact_ms(operator.allowed_lateness_ms)}" if operator.allowed_lateness_ms else ""
    kept = operator.evictor_window_ms
    evictor = operator.evictor or "none"
    return OperatorRow(
        task=shortened(operator.task),
        window=shortened(f"{operator.assigner or 'not known'}{size}{late}"),
        trigger=shortened(f"{trigger}{every}"),
        evictor=shortened(evictor if kept is None else f"{evictor} keeping {exact_ms(kept)}"),
        function=shortened(operator.function or "not known"),
        watermark=moment(operator.watermark_ms) if operator.watermark_ms is not None else "not known",
        place=shortened(str(operator.place)),
    )


def moment(unix_ms: int) -> str:
    """A moment in UTC; what no calendar has (Flink's Long.MIN watermark) as it is."""
    try:
        return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{unix_ms} ms"


def _span(windows: Sequence[WindowSpan]) -> str:
    if not windows:
        return ""
    first, last = min(w.start_ms for w in windows), max(w.end_ms for w in windows)
    return f"{moment(first)} – {moment(last)}"


def _left_out(state: StateFacts, states: int, timers: int) -> str:
    notes = []
    if len(state.states) > states:
        notes.append(f"the biggest {states} of {len(state.states):,} states are shown")
    if len(state.timers) > timers:
        notes.append(f"the biggest {timers} of {len(state.timers):,} timer services are shown")
    if state.unknown_shapes:
        shapes = ", ".join(shortened(s, 120) for s in state.unknown_shapes[:10])
        notes.append(f"not understood: {shapes}")
    return "; ".join(notes)
