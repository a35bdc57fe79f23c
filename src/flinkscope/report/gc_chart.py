"""The charts of one GC log, or of two over each other: heap, generations, metaspace, pauses, shares and rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from flinkscope.formats.gclog.records import MISSING, Kind
from flinkscope.gc.log import GcLog
from flinkscope.gc.memory import live_trend
from flinkscope.gc.timeline import Ints, Mask
from flinkscope.report.chart_model import MAX_POINTS, ChartRow, LevelRow, MarkRow, PanelRow, SeriesKind, SeriesRow
from flinkscope.report.thinning import saw_tooth, thinned
from flinkscope.report.timeline import HUE_LIMIT, HUE_LIVE, HUE_PAUSE, HUE_SHARE, HUE_USED, MAX_MARKS
from flinkscope.units import human_bytes, human_ns

_PAUSES: tuple[tuple[str, tuple[Kind, ...], int], ...] = (
    ("young", (Kind.YOUNG, Kind.YOUNG_INITIAL_MARK), HUE_USED),
    ("mixed", (Kind.MIXED,), HUE_PAUSE),
    ("full", (Kind.FULL,), HUE_LIVE),
    ("degenerated", (Kind.DEGENERATED,), HUE_LIMIT),
    ("other phases", (Kind.INITIAL_MARK, Kind.REMARK, Kind.CLEANUP, Kind.PHASE_PAUSE, Kind.OTHER_PAUSE), 7),
    ("allocation stalls", (Kind.ALLOCATION_STALL, Kind.RELOCATION_STALL), 6),
)


def gc_chart(log: GcLog) -> ChartRow | None:
    """Everything that the log tells over time; None where it has no stamps."""
    if not log.timeline.has_clock:
        return None
    panels = [_heap(log), *_generations(log), *_metaspace(log), *_pauses(log), *_share(log, HUE_SHARE), *_rates(log)]
    zero = log.timeline.zero_wall_ns
    return ChartRow(
        "GC log over time",
        tuple(p for p in panels if p.series),
        tuple(_marks(log)),
        None if zero is None else zero // 1_000_000,
        _note(log),
    )


def overlay_chart(before: GcLog, after: GcLog) -> ChartRow | None:
    """Two logs from their own starts over each other; None where either has no stamps."""
    if not (before.timeline.has_clock and after.timeline.has_clock):
        return None
    heap: list[SeriesRow] = []
    shares: list[SeriesRow] = []
    for name, log, hue in (("before", before, HUE_LIMIT), ("after", after, HUE_USED)):
        heap += [
            _series(f"{name}: heap after GC", "line", hue, *_stamped(log, "heap_after_bytes", _sized(log))),
            _live_points(log, f"{name}: live set{_bound(log)}", hue),
        ]
        shares += [s for panel in _share(log, hue, f"{name}: ") for s in panel.series]
    panels = (
        PanelRow("Heap", "bytes", tuple(s for s in heap if s.x), tuple(_limits(before, after)), tall=True),
        PanelRow("Time stopped by GC", "bp", tuple(shares)),
    )
    return ChartRow("Before and after, each from its own start", tuple(p for p in panels if p.series))


def _limits(before: GcLog, after: GcLog) -> Iterator[LevelRow]:
    if before.max_heap_bytes == after.max_heap_bytes:
        if before.max_heap_bytes:
            yield LevelRow("-Xmx of both", before.max_heap_bytes, 7)
        return
    for name, log, hue in (("before", before, HUE_LIMIT), ("after", after, HUE_USED)):
        if log.max_heap_bytes:
            yield LevelRow(f"{name}: -Xmx", log.max_heap_bytes, hue)


def _series(name: str, kind: SeriesKind, hue: int, x: Ints, y: Ints, *, dashed: bool = False) -> SeriesRow:
    return SeriesRow(name, kind, hue, *thinned(x, y), dashed=dashed)


def _sized(log: GcLog) -> Mask:
    events = log.events
    rows: Mask = (events["heap_after_bytes"] != MISSING) & (events.start_ns != MISSING)
    return rows & (log.timeline.pauses | log.timeline.cycles)


def _stamped(log: GcLog, column: str, rows: Mask) -> tuple[Ints, Ints]:
    values = log.events[column]
    rows = rows & (values != MISSING) & (log.events.start_ns != MISSING)
    return log.events.start_ns[rows], values[rows]


def _heap(log: GcLog) -> PanelRow:
    events = log.events
    rows = _sized(log) & (events["heap_before_bytes"] != MISSING)
    used = saw_tooth(
        events.start_ns[rows], events["heap_before_bytes"][rows], events["heap_after_bytes"][rows],
        events.duration_ns[rows],
    )  # fmt: skip
    series = [
        SeriesRow("heap in use", "area", HUE_USED, *used),
        _live_points(log, f"live set{_bound(log)}", HUE_LIVE),
        *_trend(log),
    ]
    levels = (LevelRow("-Xmx", log.max_heap_bytes, HUE_LIMIT),) if log.max_heap_bytes else ()
    return PanelRow("Heap", "bytes", tuple(s for s in series if s.x), levels, tall=True)


def _bound(log: GcLog) -> str:
    return f" ({log.live_set.note})" if log.live_set.note else ""


def _live_points(log: GcLog, name: str, hue: int) -> SeriesRow:
    points = log.series().get("live_set")
    if points is None:
        return SeriesRow(name, "step", hue, (), ())
    return _series(name, "step", hue, points.time_ns, points.columns["size_bytes"])


def _trend(log: GcLog) -> Iterator[SeriesRow]:
    points, trend = log.series().get("live_set"), live_trend(log.live_set)
    if points is None or trend is None or "trend_bytes" not in points.columns:
        return
    ends = np.flatnonzero(points.columns["trend_bytes"] >= 0)[[0, -1]]
    line = points.columns["trend_bytes"][ends]
    certainty = "" if trend.rising else ", not certain"
    yield _series(f"its trend{certainty}", "line", HUE_LIVE, points.time_ns[ends], line, dashed=True)


def _generations(log: GcLog) -> Iterator[PanelRow]:
    rows = log.timeline.pauses
    series = (
        _series("old generation after GC", "line", 5, *_stamped(log, "old_after_bytes", rows)),
        _series("young generation before GC", "line", 8, *_stamped(log, "young_before_bytes", rows)),
        _series("humongous before GC", "line", 6, *_stamped(log, "humongous_before_bytes", rows)),
    )
    yield PanelRow("Generations", "bytes", tuple(s for s in series if s.x and any(s.y)))


def _metaspace(log: GcLog) -> Iterator[PanelRow]:
    used = _column(log, "metaspace", "metaspace_after_bytes", "metaspace used", "area", 6)
    capacity = _column(log, "metaspace", "metaspace_capacity_bytes", "metaspace capacity", "line", 7)
    capacity = replace(capacity, dashed=True)
    # JDK 8 to 15 tell what is reserved, up to 1 GiB of addresses: drawn only on demand, or it flattens the rest
    comparable = _highest(capacity) <= 4 * _highest(used)
    yield PanelRow("Metaspace", "bytes", tuple(s for s in (used, replace(capacity, shown=comparable)) if s.x))


def _highest(series: SeriesRow) -> int:
    return max((y for y in series.y if y is not None), default=0)


def _pauses(log: GcLog) -> Iterator[PanelRow]:
    events = log.events
    series = []
    for name, kinds, hue in _PAUSES:
        rows = log.timeline.of_kind(*kinds) & (events.duration_ns != MISSING)
        series.append(_series(name, "bars", hue, *_stamped(log, "duration_ns", rows)))
    yield PanelRow("Pauses", "ns", tuple(s for s in series if s.x))


def _share(log: GcLog, hue: int, prefix: str = "") -> Iterator[PanelRow]:
    share = _column(log, "gc_share", "share_bp", f"{prefix}share of time", "area", hue)
    yield PanelRow("Time stopped by GC", "bp", (share,) if share.x else ())


def _rates(log: GcLog) -> Iterator[PanelRow]:
    series = (
        _column(log, "rates", "allocated_bytes_per_s", "allocated", "line", HUE_USED),
        _column(log, "rates", "promoted_bytes_per_s", "promoted", "line", 5),
    )
    yield PanelRow("Rates", "bytes_per_s", tuple(s for s in series if s.x))


def _column(log: GcLog, chart: str, column: str, name: str, kind: SeriesKind, hue: int) -> SeriesRow:
    """One column of the log's own chart data; without points where the log does not tell it."""
    found = log.series().get(chart)
    if found is None or column not in found.columns:
        return SeriesRow(name, kind, hue, (), ())
    known = found.columns[column] != MISSING
    return _series(name, kind, hue, found.time_ns[known], found.columns[column][known])


def _marks(log: GcLog) -> Iterator[MarkRow]:
    fulls = [f for f in log.full_gcs if f.start_ns is not None]
    for full in fulls[:: max(1, -(-len(fulls) // MAX_MARKS))]:
        sizes = ""
        if full.heap_before_bytes is not None and full.heap_after_bytes is not None:
            sizes = f" {human_bytes(full.heap_before_bytes)} → {human_bytes(full.heap_after_bytes)}"
        took = f" in {human_ns(full.pause_ns)}" if full.pause_ns is not None else ""
        yield MarkRow(full.start_ns or 0, "full_gc", f"full GC:{sizes}{took} {full.cause} ({full.place})")
    for run in log.segments[1:]:
        if run.start_ns is not None:
            yield MarkRow(run.start_ns, "restart", "JVM restarted")
    for run in log.segments:
        if run.jvm.out_of_memory and run.end_ns is not None:
            yield MarkRow(run.end_ns, "death", "OutOfMemoryError in the log")


def _note(log: GcLog) -> str:
    if len(log.events) > MAX_POINTS // 2:
        return f"{len(log.events):,} events, thinned for drawing; every peak is kept"
    return ""
