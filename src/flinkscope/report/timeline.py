"""The chart of one process' life: heap, live set, garbage collection, checkpoints and its death on one time axis."""

from __future__ import annotations

from collections.abc import Iterator

from flinkscope.absent import Absent
from flinkscope.diagnosis.facts import CheckpointFacts, GcFacts, ProcessFacts
from flinkscope.report.chart_model import MAX_POINTS, ChartRow, LevelRow, MarkRow, PanelRow, SeriesRow
from flinkscope.report.log_marks import log_marks
from flinkscope.report.thinning import saw_tooth, thinned
from flinkscope.units import human_bytes, human_ns

HUE_USED, HUE_LIVE, HUE_LIMIT, HUE_SHARE, HUE_PAUSE, HUE_CHECKPOINT = 1, 3, 2, 4, 5, 6
MAX_MARKS = 400
HEAP_PANEL = "Heap"
AFTER_GC = "heap after each GC"
LIVE_SET = "live set (after full GC)"


def process_timeline(process: ProcessFacts) -> ChartRow | None:
    """The chart of a process, or None where neither a GC log nor checkpoints are there."""
    gc = process.gc
    checkpoints = process.checkpoints
    if isinstance(gc, Absent):
        return None if isinstance(checkpoints, Absent) else checkpoint_chart(checkpoints)
    start_unix_ms = gc.series.start_unix_ms
    panels = [p for p in (_heap_panel(gc), *_share_panel(gc), *_pause_panel(gc)) if any(s.x for s in p.series)]
    if not panels:
        return None
    if not isinstance(checkpoints, Absent) and checkpoints.end_times_ms and start_unix_ms is not None:
        panels.append(_checkpoint_panel(checkpoints, start_unix_ms))
    marks = [*_full_gc_marks(gc), *log_marks(process.log_events, gc), *_death_mark(process, gc)]
    return ChartRow("Heap over time", tuple(panels), tuple(marks), start_unix_ms, _note(gc))


def checkpoint_chart(checkpoints: CheckpointFacts) -> ChartRow | None:
    """Checkpoint sizes on a time axis of their own; None when there are none."""
    if not checkpoints.end_times_ms:
        return None
    start = checkpoints.end_times_ms[0]
    return ChartRow("Checkpoints over time", (_checkpoint_panel(checkpoints, start),), (), start)


def _heap_panel(gc: GcFacts) -> PanelRow:
    series = gc.series
    used = saw_tooth(series.time_ns, series.heap_before_bytes, series.heap_after_bytes, series.pause_ns)
    rows = [
        SeriesRow("heap in use", "area", HUE_USED, *used),
        SeriesRow(AFTER_GC, "line", 7, *thinned(series.time_ns, series.heap_after_bytes), shown=False),
    ]
    if gc.full_gcs:
        full = thinned([f.start_ns + f.pause_ns for f in gc.full_gcs], [f.heap_after_bytes for f in gc.full_gcs])
        rows.append(SeriesRow(LIVE_SET, "step", HUE_LIVE, *full))
    levels = [] if isinstance(gc.max_heap_bytes, Absent) else [LevelRow("-Xmx", gc.max_heap_bytes, HUE_LIMIT)]
    return PanelRow(HEAP_PANEL, "bytes", tuple(rows), tuple(levels), tall=True)


def _share_panel(gc: GcFacts) -> Iterator[PanelRow]:
    if gc.series.share_time_ns:
        share = thinned(gc.series.share_time_ns, gc.series.share_bp)
        yield PanelRow("Time stopped by GC", "bp", (SeriesRow("share of time in GC", "area", HUE_SHARE, *share),))


def _pause_panel(gc: GcFacts) -> Iterator[PanelRow]:
    series = gc.series
    rows = []
    for name, wanted, hue in (
        ("young GC pauses", False, HUE_PAUSE),
        ("full GC pauses", True, HUE_LIVE),
    ):
        chosen = [i for i, full in enumerate(series.full) if full is wanted]
        if chosen:
            points = thinned([series.time_ns[i] for i in chosen], [series.pause_ns[i] for i in chosen])
            rows.append(SeriesRow(name, "bars", hue, *points))
    if rows:
        yield PanelRow("GC pauses", "ns", tuple(rows))


def _checkpoint_panel(checkpoints: CheckpointFacts, start_unix_ms: int) -> PanelRow:
    times = [(t - start_unix_ms) * 1_000_000 for t in checkpoints.end_times_ms]
    sizes = thinned(times, checkpoints.sizes_bytes)
    return PanelRow("Checkpoint size", "bytes", (SeriesRow("completed checkpoint", "step", HUE_CHECKPOINT, *sizes),))


def _full_gc_marks(gc: GcFacts) -> Iterator[MarkRow]:
    stride = -(-len(gc.full_gcs) // MAX_MARKS) if gc.full_gcs else 1
    for full in gc.full_gcs[::stride]:
        sizes = f"{human_bytes(full.heap_before_bytes)} → {human_bytes(full.heap_after_bytes)}"
        cause = f", {full.cause}" if full.cause else ""
        line = f" ({gc.place.source}:{full.line})" if full.line is not None else ""
        yield MarkRow(full.start_ns, "full_gc", f"full GC: {sizes} in {human_ns(full.pause_ns)}{cause}{line}")


def _death_mark(process: ProcessFacts, gc: GcFacts) -> Iterator[MarkRow]:
    oom = next((e for e in process.log_events if e.kind.startswith("oom")), None)
    if oom is not None or gc.oom_line is not None:
        code = "" if process.exit_code is None else f" (exit code {process.exit_code})"
        yield MarkRow(gc.duration_ns, "death", f"log ends: out of memory{code}")
    elif process.exit_code not in (None, 0):
        yield MarkRow(gc.duration_ns, "death", f"log ends: exit code {process.exit_code}")


def _note(gc: GcFacts) -> str:
    notes = []
    if len(gc.series.time_ns) > MAX_POINTS // 2:
        notes.append(f"{len(gc.series.time_ns):,} collections thinned; every peak is kept")
    if gc.live_set_is_upper_bound:
        notes.append("the log has no full GC: the live set is an upper bound")
    if gc.coverage_bp < 10_000:
        notes.append(f"{(10_000 - gc.coverage_bp) / 100:.2f} % of the GC lines were not understood")
    return "; ".join(notes)
