"""Figures of time: counts, pauses, stalls, safepoints, throughput, share of GC time by window."""

from __future__ import annotations

import numpy as np

from flinkscope.formats.gclog.records import MISSING, Flag, Kind
from flinkscope.gc.figure import Figure, Figures, unknown
from flinkscope.gc.timeline import CYCLE_KINDS, Ints, Mask, Timeline, covered_ns, in_order
from flinkscope.units import share_bp

PERCENTILES = (("p50", 50.0), ("p75", 75.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99_9", 99.9))
THRASH_WINDOW_NS = 60_000_000_000
MOST_WINDOWS = 2_000
_WANT_PHASES = "log with -Xlog:gc*"
_WANT_STAMPS = "log with a stamp: -Xlog:gc*:file=gc.log:time,uptime,level,tags"
_WANT_SAFEPOINTS = "log with -Xlog:gc*,safepoint (JDK 8: -XX:+PrintGCApplicationStoppedTime)"
_TROUBLES = (
    ("evacuation_failure_count", Flag.EVACUATION_FAILURE),
    ("promotion_failure_count", Flag.PROMOTION_FAILED),
    ("concurrent_mode_failure_count", Flag.CONCURRENT_MODE_FAILURE),
    ("concurrent_mode_interrupted_count", Flag.CONCURRENT_MODE_INTERRUPTED),
)
CONCURRENT_COLLECTORS = ("ZGC", "Generational ZGC")  # they stop the program only for phases, never to collect
_SWEEPS = ("CMS-concurrent-sweep", "Concurrent Sweep")  # JDK 8, JDK 9-13
SHENANDOAH = ("Shenandoah", "Generational Shenandoah")


def time_figures(timeline: Timeline, collector: str | None) -> Figures:
    """All figures of time of the log."""
    figures: Figures = {}
    hidden = collector in CONCURRENT_COLLECTORS and not timeline.pauses.any() and bool(timeline.cycles.any())
    figures.update(_counts(timeline, collector))
    figures.update(_pauses("pause", timeline.own_ns[_timed(timeline, timeline.pauses)], hidden))
    figures.update(_pauses("young_gc_pause", timeline.own_ns[_timed(timeline, timeline.young)], False))
    figures.update(_pauses("full_gc_pause", timeline.own_ns[_timed(timeline, timeline.full)], False))
    if hidden:
        figures["pause_count"] = unknown("pause_count", "this log holds the cycles but not their pauses", _WANT_PHASES)
    figures.update(_intervals("pause_interval", timeline, timeline.pauses))
    figures.update(_intervals("full_gc_interval", timeline, timeline.full))
    figures.update(_throughput(timeline, hidden))
    figures.update(_stalls(timeline))
    figures.update(_safepoints(timeline))
    return figures


def _timed(timeline: Timeline, rows: Mask) -> Mask:
    timed: Mask = rows & (timeline.events.duration_ns != MISSING)
    return timed


def _count(rows: Mask) -> Figure:
    return Figure(int(np.count_nonzero(rows)), "count")


def _counts(timeline: Timeline, collector: str | None) -> Figures:
    events, whole = timeline.events, timeline.whole
    generational = collector in ("Generational ZGC", "Generational Shenandoah")
    minor, major = timeline.of_kind(Kind.MINOR_CYCLE), timeline.of_kind(Kind.MAJOR_CYCLE)
    figures: Figures = {
        "pause_count": _count(timeline.pauses),
        "young_gc_count": _count(timeline.young),
        "mixed_gc_count": _count(timeline.of_kind(Kind.MIXED)),
        "full_gc_count": _count(timeline.full),
        "concurrent_cycle_count": Figure(cycle_count(timeline, collector), "count"),
        "degenerated_gc_count": _count(timeline.of_kind(Kind.DEGENERATED)),
        "consecutive_full_gc_max": Figure(_longest_run(timeline), "count"),
        "explicit_gc_count": _count(cause_rows(timeline, "System.gc()", "System") & whole & ~timeline.safepoints),
        "metaspace_gc_count": _count(cause_rows(timeline, *METASPACE_CAUSES) & whole & ~timeline.safepoints),
        "jvm_run_count": Figure(len(timeline.runs), "count"),
        "out_of_memory_count": Figure(sum(len(run.jvm.out_of_memory) for run in timeline.runs), "count"),
        "torn_event_count": _count(~whole),
    }
    if generational:
        figures["young_gc_count"] = figures["minor_cycle_count"] = _count(minor)
        figures["major_cycle_count"] = _count(major)
    if collector in CONCURRENT_COLLECTORS:
        figures["full_gc_count"] = Figure(0, "count", "this collector has no full stop-the-world collection")
    if collector in ("ZGC", "Shenandoah"):
        figures["young_gc_count"] = Figure(0, "count", "this collector has one generation")
    for name, flag in _TROUBLES:
        figures[name] = _count((events.flags & flag) != 0)
    return figures


METASPACE_CAUSES = ("Metadata GC Threshold", "Metadata GC Clear Soft References", "Last ditch collection", "Perm")


def cause_rows(timeline: Timeline, *starts: str) -> Mask:
    """Rows whose cause begins with one of these words."""
    codes = [i for i, name in enumerate(timeline.events.names) if name.startswith(starts)]
    rows: Mask = np.isin(timeline.events.cause_code, codes)
    return rows


def cycle_count(timeline: Timeline, collector: str | None) -> int:
    """Concurrent cycles: their own lines where there are such, else the pauses that begin one.

    Shenandoah counts as its bean "Shenandoah Cycles" does: cancelled, degenerated and full ones too. CMS' bean counts a
    cycle when it has swept (and foreground collections, which are full ones here): measured on JDK 8 and 11. G1 up to
    JDK 8 ends a cycle with the cleanup pause.
    """
    if collector in SHENANDOAH:
        return int(np.count_nonzero(timeline.of_kind(*CYCLE_KINDS, Kind.DEGENERATED, Kind.FULL)))
    if timeline.of_kind(*CYCLE_KINDS).any():
        return int(np.count_nonzero(timeline.cycles))
    phases = timeline.of_kind(Kind.CONCURRENT_PHASE)
    if collector == "CMS" and phases.any():
        sweeps = [i for i, name in enumerate(timeline.events.names) if name in _SWEEPS]
        swept = np.isin(timeline.events.name_code, sweeps) & ((timeline.events.flags & Flag.ABORTED) == 0)
        return int(np.count_nonzero(phases & swept))
    if collector == "G1" and phases.any():
        return int(np.count_nonzero(timeline.of_kind(Kind.CLEANUP)))
    return int(np.count_nonzero(timeline.of_kind(Kind.INITIAL_MARK, Kind.YOUNG_INITIAL_MARK)))


def _longest_run(timeline: Timeline) -> int:
    """The longest row of full collections with no other collection between."""
    collections = timeline.young | timeline.full
    longest = run = 0
    for full in timeline.full[collections].tolist():
        run = run + 1 if full else 0
        longest = max(longest, run)
    return longest


def _pauses(stem: str, duration_ns: Ints, hidden: bool) -> Figures:
    names = ["total", "min", "max", "avg", "sd", *(name for name, _ in PERCENTILES)]
    if hidden:
        reason = "this log holds the cycles but not their pauses"
        return {f"{stem}_{n}_ns": unknown(f"{stem}_{n}_ns", reason, _WANT_PHASES) for n in names}
    figures: Figures = {f"{stem}_total_ns": Figure(int(duration_ns.sum()), "ns")}
    if len(duration_ns) == 0:
        return figures | {f"{stem}_{n}_ns": unknown(f"{stem}_{n}_ns", "no such pause in the log") for n in names[1:]}
    values = [duration_ns.min(), duration_ns.max(), duration_ns.mean(), duration_ns.std()]
    values += np.percentile(duration_ns, [p for _, p in PERCENTILES], method="nearest").tolist()
    return figures | {f"{stem}_{n}_ns": Figure(round(float(v)), "ns") for n, v in zip(names[1:], values, strict=True)}


def _intervals(stem: str, timeline: Timeline, rows: Mask) -> Figures:
    """From the end of one to the start of the next, within each JVM's run."""
    names = [f"{stem}_{what}_ns" for what in ("avg", "min", "max")]
    start, duration = timeline.events.start_ns, timeline.events.duration_ns
    gaps = []
    for run in timeline.runs:
        inside = run.first_event + np.flatnonzero(rows[run.first_event : run.end_event])
        inside = in_order(inside[start[inside] != MISSING], start)
        gaps.append(np.maximum(start[inside][1:] - (start[inside] + np.maximum(duration[inside], 0))[:-1], 0))
    gap = np.concatenate(gaps) if gaps else np.empty(0, dtype=np.int64)
    if len(gap) == 0:
        return {name: unknown(name, "fewer than two of them with stamps in the log") for name in names}
    values = (round(float(gap.mean())), int(gap.min()), int(gap.max()))
    return {name: Figure(value, "ns") for name, value in zip(names, values, strict=True)}


def _throughput(timeline: Timeline, hidden: bool) -> Figures:
    observed = timeline.observed_ns
    figures: Figures = {"log_duration_ns": Figure(observed, "ns")}
    names = ("throughput_bp", "gc_share_max_1min_bp")
    if not timeline.has_clock or observed <= 0:
        reason = "the log has no stamps" if not timeline.has_clock else "the log covers no time"
        figures["log_duration_ns"] = unknown("log_duration_ns", reason, _WANT_STAMPS)
        return figures | {name: unknown(name, reason, _WANT_STAMPS) for name in names}
    if hidden:
        reason = "this log holds the cycles but not their pauses"
        return figures | {name: unknown(name, reason, _WANT_PHASES) for name in names}
    start, end = timeline.pause_intervals
    stopped = min(int((end - start).sum()), observed)
    figures["throughput_bp"] = Figure(10_000 - share_bp(stopped, observed), "bp")
    _, share = gc_share(timeline, THRASH_WINDOW_NS)
    figures["gc_share_max_1min_bp"] = Figure(int(share.max()) if len(share) else 0, "bp")
    return figures


def gc_share(timeline: Timeline, window_ns: int) -> tuple[Ints, Ints]:
    """Edges of windows over the log, and of each the share (basis points) in which the collector stopped the program.

    Windows are made longer where there would be more than 2,000. A last window that is cut off counts its own length.
    """
    runs = [run for run in timeline.runs if run.start_ns is not None and run.end_ns is not None]
    if not runs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first, last = int(runs[0].start_ns or 0), int(runs[-1].end_ns or 0)
    window_ns = max(window_ns, -(-(last - first) // MOST_WINDOWS))
    edges = np.append(np.arange(first, last, window_ns, dtype=np.int64), last)
    length = np.maximum(np.diff(edges), 1)
    if len(edges) > 2 and length[-1] * 2 < window_ns:  # a short rest would exaggerate: part of the window before it
        edges = np.delete(edges, -2)
        length = np.diff(edges)
    covered = covered_ns(timeline.pause_intervals, edges)
    return edges, np.minimum(covered * 10_000 // length, 10_000)


def _stalls(timeline: Timeline) -> Figures:
    figures: Figures = {}
    for name, kind in (("allocation_stall", Kind.ALLOCATION_STALL), ("relocation_stall", Kind.RELOCATION_STALL)):
        duration = timeline.events.duration_ns[timeline.of_kind(kind)]
        figures[f"{name}_count"] = Figure(len(duration), "count")
        figures[f"{name}_total_ns"] = Figure(int(duration.sum()), "ns", "summed over threads")
        figures[f"{name}_max_ns"] = (
            Figure(int(duration.max()), "ns") if len(duration) else unknown(f"{name}_max_ns", "no stall in the log")
        )
    return figures


def _safepoints(timeline: Timeline) -> Figures:
    rows = timeline.safepoints
    if not rows.any():
        reason = "the log has no safepoint lines"
        names = (
            "safepoint_count",
            "stopped_total_ns",
            "stopped_outside_gc_ns",
            "safepoint_max_ns",
            "time_to_safepoint_total_ns",
            "time_to_safepoint_max_ns",
        )
        return {name: unknown(name, reason, _WANT_SAFEPOINTS) for name in names}
    duration = timeline.events.duration_ns[rows]
    figures: Figures = {
        "safepoint_count": _count(rows),
        "stopped_total_ns": Figure(int(duration.sum()), "ns"),
        "safepoint_max_ns": Figure(int(duration.max()), "ns"),
        "stopped_outside_gc_ns": Figure(int(outside_gc_ns(timeline).sum()), "ns"),
    }
    reaching = (("total", timeline.reaching_total_ns), ("max", timeline.reaching_max_ns))
    for what, value in reaching:
        name = f"time_to_safepoint_{what}_ns"
        told = timeline.reaching_max_row is not None
        figures[name] = Figure(value, "ns") if told else unknown(name, "the safepoint lines do not tell it")
    return figures


def outside_gc_ns(timeline: Timeline) -> Ints:
    """For each safepoint (in the log's order) the part of it in which the collector did not work.

    The line of a safepoint follows the lines of the pauses in it, so the pauses since the safepoint before are taken
    off. That needs no stamps (JDK 8 prints none there) and is not spoilt by their rounding.
    """
    rows, pauses = np.flatnonzero(timeline.safepoints), np.flatnonzero(timeline.pauses)
    paused = np.concatenate(([0], np.cumsum(np.maximum(timeline.own_ns[pauses], 0))))
    upto = paused[np.searchsorted(pauses, rows)]
    outside: Ints = np.maximum(timeline.events.duration_ns[rows] - np.diff(upto, prepend=0), 0)
    return outside
