"""Figures of memory: live set and its trend, heap, allocation, promotion, freed memory, metaspace, humongous, CPU."""

from __future__ import annotations

import numpy as np

from flinkscope.absent import Absent
from flinkscope.formats.gclog.records import MISSING, EventTable, Kind
from flinkscope.gc.figure import Figure, Figures, not_applicable, unknown
from flinkscope.gc.liveset import LiveSet
from flinkscope.gc.timeline import Ints, Mask, Timeline, in_order
from flinkscope.gc.trend import Trend, theil_sen, trend_of
from flinkscope.units import share_bp

_MIB = 1 << 20
_WANT_DETAILS = "log with -Xlog:gc* (JDK 8: -XX:+PrintGCDetails)"
_WANT_STAMPS = "log with a stamp: -Xlog:gc*:file=gc.log:time,uptime,level,tags"
_LONG_UNTIL_FULL_NS = 1 << 62


def memory_figures(timeline: Timeline, live: LiveSet, max_heap_bytes: int | None) -> Figures:
    """All figures of memory of the log."""
    figures: Figures = {}
    figures.update(_live_set(live, max_heap_bytes))
    figures.update(_heap(timeline))
    figures["humongous_share_max_bp"] = _humongous(timeline)
    figures.update(_allocation(timeline))
    figures.update(_promotion(timeline))
    figures.update(_metaspace(timeline))
    figures.update(_processor(timeline))
    return figures


def live_trend(live: LiveSet) -> Trend | None:
    """The trend of the live set in the last JVM, a window's saw-tooth removed; None where it has too few points."""
    return trend_of(live.time_ns[live.of_trend], live.size_bytes[live.of_trend])


def _live_set(live: LiveSet, max_heap_bytes: int | None) -> Figures:
    names = ("last", "max", "min")
    if not len(live.rows):
        reason = "no collection in the log tells the heap's size"
        figures: Figures = {f"live_set_{n}_bytes": unknown(f"live_set_{n}_bytes", reason) for n in names}
    else:
        values = (live.size_bytes[-1], live.size_bytes.max(), live.size_bytes.min())
        figures = {
            f"live_set_{n}_bytes": Figure(int(v), "bytes", live.note) for n, v in zip(names, values, strict=True)
        }
    figures["live_set_point_count"] = Figure(len(live.rows), "count", live.basis)
    trend = live_trend(live)
    wanted = ("live_set_trend_bytes_per_s", "live_set_period_ns", "time_to_exhaustion_ns")
    if trend is None:
        reason = "fewer than three points of the live set with a stamp in one JVM"
        return figures | {name: unknown(name, reason) for name in wanted}
    figures["live_set_trend_bytes_per_s"] = Figure(
        round(trend.slope_bytes_per_s), "bytes_per_s", "certain (95 %)" if trend.rising else "not certain"
    )
    figures["live_set_period_ns"] = (
        Figure(trend.period_ns, "ns", "saw-tooth removed")
        if trend.period_ns
        else unknown(wanted[1], "no saw-tooth found")
    )
    figures["time_to_exhaustion_ns"] = _exhaustion(trend, max_heap_bytes)
    return figures


def _exhaustion(trend: Trend, max_heap_bytes: int | None) -> Figure | Absent:
    name = "time_to_exhaustion_ns"
    if not trend.rising:
        return not_applicable(name, "the live set does not rise for certain")
    if max_heap_bytes is None:
        return unknown(name, "the log does not tell the heap's maximum", _WANT_DETAILS)
    left_ns = (max_heap_bytes - trend.level_bytes) / trend.slope_bytes_per_s * 1e9
    return Figure(min(_LONG_UNTIL_FULL_NS, max(0, round(left_ns))), "ns", "after the last point, if the trend goes on")


def _heap(timeline: Timeline) -> Figures:
    events = timeline.events
    figures: Figures = {}
    for name, column in (
        ("heap_used_max_bytes", "heap_before_bytes"),
        ("heap_capacity_max_bytes", "heap_capacity_bytes"),
    ):
        largest = int(events[column].max(initial=MISSING))
        figures[name] = (
            unknown(name, "not in the log", _WANT_DETAILS) if largest == MISSING else Figure(largest, "bytes")
        )
    before, after = events["heap_before_bytes"], events["heap_after_bytes"]
    sized = (before != MISSING) & (after != MISSING)
    collected = sized & (timeline.pauses | timeline.cycles)
    for stem, rows in (("heap_after_gc", collected), ("heap_after_full_gc", collected & timeline.full)):
        figures.update(_footprint(timeline, stem, rows, after))
    figures.update(_freed(timeline, sized, before, after))
    return figures


def _footprint(timeline: Timeline, stem: str, rows: Mask, after: Ints) -> Figures:
    """How much is left after these collections on average, and its slope."""
    names = (f"{stem}_avg_bytes", f"{stem}_slope_bytes_per_s")
    if not rows.any():
        return {name: unknown(name, "no such collection tells the heap's size") for name in names}
    figures: Figures = {names[0]: Figure(round(float(after[rows].mean())), "bytes")}
    stamped = rows & (timeline.events.start_ns != MISSING)
    slope = theil_sen(timeline.events.start_ns[stamped], after[stamped])
    reason = "fewer than three such collections with sizes and stamps"
    figures[names[1]] = Figure(round(slope.slope_bytes_per_s), "bytes_per_s") if slope else unknown(names[1], reason)
    return figures


def _freed(timeline: Timeline, sized: Mask, before: Ints, after: Ints) -> Figures:
    """What pauses freed, by kind, and how fast."""
    outer = np.zeros(len(sized), dtype=np.bool_)
    outer[timeline.nested[1]] = True  # a full collection inside has freed it
    kinds = (
        ("young_gc", timeline.young & ~outer),
        ("full_gc", timeline.full),
        ("pauses", timeline.pauses & ~outer),
    )
    figures: Figures = {}
    for stem, rows in kinds:
        names = (f"freed_by_{stem}_total_bytes", f"freed_by_{stem}_bytes_per_pause_s")
        if not sized.any():
            figures.update({name: unknown(name, "no sizes in the log") for name in names})
            continue
        rows = rows & sized
        freed = int(np.maximum(before[rows] - after[rows], 0).sum())
        paused_ns = int(np.maximum(timeline.own_ns[rows], 0).sum())
        figures[names[0]] = Figure(freed, "bytes")
        figures[names[1]] = (
            Figure(round(freed / (paused_ns / 1e9)), "bytes_per_s") if paused_ns else unknown(names[1], "no such pause")
        )
    return figures


def _humongous(timeline: Timeline) -> Figure | Absent:
    rows = np.flatnonzero(timeline.events["humongous_before_bytes"] > 0)
    if not len(rows):
        if (timeline.events["humongous_before_bytes"] == 0).any():
            return Figure(0, "bp", "of the heap's capacity")
        return unknown("humongous_share_max_bp", "no humongous regions are told (G1 only)", _WANT_DETAILS)
    size, capacity = timeline.events["humongous_before_bytes"][rows], timeline.events["heap_capacity_bytes"][rows]
    share = size[capacity > 0] * 10_000 // capacity[capacity > 0]
    if not len(share):
        return unknown("humongous_share_max_bp", "the heap's capacity is not told", _WANT_DETAILS)
    return Figure(int(share.max()), "bp", "of the heap's capacity")


def allocations(timeline: Timeline) -> tuple[Ints, Ints]:
    """Rows of collections and what was allocated since the one before (used before it - used after the last one).

    A drop of more than a rounding step means that memory was freed concurrently: then what was allocated is not told
    and counts 0, so that the sum is a lower bound. The first collection of each JVM counts from its start.
    """
    events = timeline.events
    usable = (events["heap_before_bytes"] != MISSING) & (timeline.pauses | timeline.cycles)
    usable &= events["heap_after_bytes"] != MISSING
    usable[timeline.nested[0]] = False
    rows = in_order(np.flatnonzero(usable), events.start_ns) if timeline.has_clock else np.flatnonzero(usable)
    grown = events["heap_before_bytes"][rows]
    left = events["heap_after_bytes"][rows[:-1]]
    runs = np.searchsorted([run.first_event for run in timeline.runs], rows, side="right")
    first = np.flatnonzero(np.diff(runs)) + 1
    left[first - 1] = 0
    grown[1:] -= left
    for at in [0, *first.tolist()] if len(rows) else ():
        if events.gc_id[rows[at]] != 0:  # not from the JVM's start on
            grown[at] = 0
    return rows, np.where(grown < -_MIB, 0, grown)


def _allocation(timeline: Timeline) -> Figures:
    names = ("allocated_total_bytes", "allocation_rate_bytes_per_s")
    rows, grown = allocations(timeline)
    if len(rows) < 2:
        return {name: unknown(name, "fewer than two collections tell the heap's size") for name in names}
    concurrent = bool(timeline.cycles[rows].any())
    note = "lower bound: without what was allocated while a cycle ran" if concurrent else ""
    total = max(0, int(grown.sum()))
    figures: Figures = {names[0]: Figure(total, "bytes", note)}
    span = _span_ns(timeline, rows)
    if span <= 0:
        return figures | {names[1]: unknown(names[1], "the log has no stamps", _WANT_STAMPS)}
    return figures | {names[1]: Figure(round(total / (span / 1e9)), "bytes_per_s", note)}


def _span_ns(timeline: Timeline, rows: Ints) -> int:
    """Time over which these collections saw the heap grow: from the JVM's start (or its first one) to the last."""
    start, span = timeline.events.start_ns, 0
    for run in timeline.runs:
        inside = rows[(rows >= run.first_event) & (rows < run.end_event)]
        inside = inside[start[inside] != MISSING]
        if len(inside) and run.start_ns is not None:
            from_start = timeline.events.gc_id[inside[0]] == 0
            span += int(start[inside].max()) - (run.start_ns if from_start else int(start[inside].min()))
    return span


def promotions(timeline: Timeline) -> tuple[Ints, Ints]:
    """Rows of young collections and what each moved into the old generation.

    Old generation after - before where the log tells it; else what young lost and the heap did not.
    """
    events = timeline.events
    rows = np.flatnonzero(timeline.of_kind(Kind.YOUNG, Kind.YOUNG_INITIAL_MARK))
    moved, told = _growth(events, "old", rows)
    if not told.all():
        young, young_told = _growth(events, "young", rows)
        heap, heap_told = _growth(events, "heap", rows)
        moved = np.where(told, moved, heap - young)
        told |= young_told & heap_told
    return rows[told], np.maximum(moved[told], 0)


def _growth(events: EventTable, part: str, rows: Ints) -> tuple[Ints, Mask]:
    """By how much a part of the heap grew in these collections, and which of them tell it."""
    before, after = events[f"{part}_before_bytes"][rows], events[f"{part}_after_bytes"][rows]
    return after - before, (before != MISSING) & (after != MISSING)


def _promotion(timeline: Timeline) -> Figures:
    names = ("promotion_total_bytes", "promotion_avg_bytes", "promotion_rate_bytes_per_s", "premature_promotion_bp")
    rows, moved = promotions(timeline)
    if not len(rows):
        reason = "no young collection tells the sizes of the generations"
        return {name: unknown(name, reason, _WANT_DETAILS) for name in names}
    figures: Figures = {
        names[0]: Figure(int(moved.sum()), "bytes"),
        names[1]: Figure(round(float(moved.mean())), "bytes"),
    }
    observed = timeline.observed_ns
    figures[names[2]] = (
        Figure(round(int(moved.sum()) / (observed / 1e9)), "bytes_per_s")
        if observed
        else unknown(names[2], "the log has no stamps", _WANT_STAMPS)
    )
    figures[names[3]] = _premature(timeline, int(moved.sum()))
    return figures


def _premature(timeline: Timeline, promoted: int) -> Figure | Absent:
    """Of what was promoted, the share that the next full collections threw away again."""
    events = timeline.events
    before, after = events["old_before_bytes"], events["old_after_bytes"]
    rows = timeline.full & (before != MISSING) & (after != MISSING)
    if not rows.any() or promoted == 0:
        return unknown("premature_promotion_bp", "no full collection tells the old generation's sizes", _WANT_DETAILS)
    died = int(np.maximum(before[rows] - after[rows], 0).sum())
    return Figure(min(10_000, share_bp(died, promoted)), "bp", "died in the old generation")


def _metaspace(timeline: Timeline) -> Figures:
    used, capacity = (
        timeline.events["metaspace_after_bytes"],
        timeline.events["metaspace_capacity_bytes"].max(initial=-1),
    )
    known = used != MISSING
    names = (
        "metaspace_floor_bytes",
        "metaspace_last_bytes",
        "metaspace_used_max_bytes",
        "metaspace_capacity_max_bytes",
    )
    if not known.any():
        return {name: unknown(name, "no metaspace lines in the log", _WANT_DETAILS) for name in names}
    rows = known & unloading(timeline)
    floor_rows, note = (rows, "") if rows.any() else (known, "no collection unloaded classes")
    values = (used[floor_rows].min(), used[known][-1], used.max(), capacity)
    figures: Figures = {name: Figure(int(v), "bytes") for name, v in zip(names, values, strict=True) if v != MISSING}
    figures[names[0]] = Figure(int(values[0]), "bytes", note)
    figures.setdefault(names[3], unknown(names[3], "not in the log", _WANT_DETAILS))
    stamped = floor_rows & (timeline.events.start_ns != MISSING)
    slope = theil_sen(timeline.events.start_ns[stamped], used[stamped])
    name = "metaspace_floor_slope_bytes_per_s"
    figures[name] = (
        Figure(round(slope.slope_bytes_per_s), "bytes_per_s", "certain (95 %)" if slope.rising else "not certain")
        if slope
        else unknown(name, "fewer than three points with a stamp")
    )
    return figures


def unloading(timeline: Timeline) -> Mask:
    """Collections after which unloaded classes are gone from the metaspace: full ones and whole concurrent cycles."""
    return timeline.full | timeline.of_kind(Kind.CYCLE, Kind.MAJOR_CYCLE)


def _processor(timeline: Timeline) -> Figures:
    columns = ("user_ms", "sys_ms", "real_ms")
    rows = timeline.pauses.copy()
    for column in columns:
        rows &= timeline.events[column] != MISSING
    names = ("gc_user_total_ns", "gc_sys_total_ns", "gc_real_total_ns", "gc_parallelism_milli")
    if not rows.any():
        return {name: unknown(name, "no CPU times in the log", _WANT_DETAILS) for name in names}
    sums = [int(timeline.events[column][rows].sum()) for column in columns]
    figures: Figures = {n: Figure(v * 1_000_000, "ns") for n, v in zip(names, sums, strict=False)}
    figures[names[3]] = (
        Figure((sums[0] + sums[1]) * 1000 // sums[2], "milli", "CPU time per elapsed time; times are told in 10 ms")
        if sums[2]
        else unknown(names[3], "all pauses were shorter than the 10 ms in which CPU times are told")
    )
    return figures
