"""The columns behind the charts, thinned so that no chart grows with the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flinkscope.formats.gclog.records import MISSING
from flinkscope.gc.memory import allocations, live_trend, promotions
from flinkscope.gc.pauses import gc_share
from flinkscope.gc.timeline import Ints, Mask

if TYPE_CHECKING:
    from flinkscope.gc.log import GcLog

WINDOWS = 240
MOST_POINTS = 4_000
_SHORTEST_WINDOW_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """One line or cloud of points: ``time_ns`` and named columns of the same length (int64; -1 where unknown)."""

    time_ns: Ints
    columns: dict[str, Ints]


def series(log: GcLog) -> dict[str, Series]:
    """Charts by name; empty where the log has no stamps or tells no such thing.

    ``heap`` (time of each collection's end; heap, young, old before and after, capacity), ``metaspace`` (after,
    capacity), ``pauses`` (start; duration_ns, kind), ``gc_share`` (windows; share_bp), ``rates`` (the same windows;
    allocated and promoted bytes per second), ``live_set`` (points; size_bytes, trend_bytes), ``full_gcs`` (markers),
    ``restarts`` (markers). At most 4,000 points each, the extreme ones kept.
    """
    if not log.timeline.has_clock:
        return {}
    charts = {
        "heap": _heap(log),
        "metaspace": _sized(
            log, log.events["metaspace_after_bytes"] != MISSING, ("metaspace_after", "metaspace_capacity")
        ),
        "pauses": _pauses(log),
        "live_set": _live(log),
        "full_gcs": _markers(log, log.timeline.full),
        "restarts": Series(np.array([run.start_ns or 0 for run in log.segments[1:]], dtype=np.int64), {}),
        **_windows(log),
    }
    return {name: chart for name, chart in charts.items() if len(chart.time_ns)}


def _heap(log: GcLog) -> Series:
    rows = (log.events["heap_after_bytes"] != MISSING) & (log.timeline.pauses | log.timeline.cycles)
    parts = ("heap", "young", "old")
    names = [f"{part}_{when}" for part in parts for when in ("before", "after")]
    return _sized(log, rows, (*names, "heap_capacity"))


def _sized(log: GcLog, rows: Mask, names: tuple[str, ...]) -> Series:
    chosen = _thin(log, np.flatnonzero(rows & (log.events.start_ns != MISSING)), log.events[f"{names[0]}_bytes"])
    end = log.events.start_ns[chosen] + np.maximum(log.events.duration_ns[chosen], 0)
    columns = {f"{name}_bytes": log.events[f"{name}_bytes"][chosen] for name in names}
    return Series(end, {name: column for name, column in columns.items() if (column != MISSING).any()})


def _pauses(log: GcLog) -> Series:
    rows = log.timeline.pauses & (log.events.start_ns != MISSING) & (log.events.duration_ns != MISSING)
    chosen = _thin(log, np.flatnonzero(rows), log.events.duration_ns)
    return Series(
        log.events.start_ns[chosen],
        {"duration_ns": log.events.duration_ns[chosen], "kind": log.events.kind[chosen].astype(np.int64)},
    )


def _live(log: GcLog) -> Series:
    live = log.live_set
    known = live.time_ns != MISSING
    columns = {"size_bytes": live.size_bytes[known]}
    trend = live_trend(live)
    if trend is not None:
        behind_s = (live.time_ns[known] - live.time_ns[live.of_trend][-1]) / 1e9
        line = np.maximum(trend.level_bytes + trend.slope_bytes_per_s * behind_s, 0).astype(np.int64)
        columns["trend_bytes"] = np.where(live.of_trend[known], line, MISSING)
    return Series(live.time_ns[known], columns)


def _markers(log: GcLog, rows: Mask) -> Series:
    chosen = np.flatnonzero(rows & (log.events.start_ns != MISSING))
    return Series(log.events.start_ns[chosen], {"duration_ns": log.events.duration_ns[chosen]})


def _windows(log: GcLog) -> dict[str, Series]:
    observed = log.timeline.observed_ns
    edges, share = gc_share(log.timeline, max(_SHORTEST_WINDOW_NS, observed // WINDOWS))
    if len(edges) < 2:
        return {}
    middle = (edges[1:] + edges[:-1]) // 2
    seconds = np.maximum(np.diff(edges), 1) / 1e9
    rates: dict[str, Ints] = {}
    for name, (rows, amounts) in (
        ("allocated_bytes_per_s", allocations(log.timeline)),
        ("promoted_bytes_per_s", promotions(log.timeline)),
    ):
        starts = log.events.start_ns[rows]
        known = starts != MISSING
        if known.any():
            at = np.clip(np.searchsorted(edges, starts[known], side="right") - 1, 0, len(middle) - 1)
            sums = np.bincount(at, weights=np.maximum(amounts[known], 0), minlength=len(middle))
            rates[name] = np.round(sums / seconds).astype(np.int64)
    charts = {"rates": Series(middle, rates)} if rates else {}
    if not (log.timeline.cycles.any() and not log.timeline.pauses.any()):
        charts["gc_share"] = Series(middle, {"share_bp": share})
    return charts


def _thin(log: GcLog, rows: Ints, by: Ints) -> Ints:
    """At most 4,000 of the rows in order of time: of each stretch the lowest and the highest."""
    rows = rows[np.argsort(log.events.start_ns[rows], kind="stable")]
    if len(rows) <= MOST_POINTS:
        return rows
    kept: list[int] = []
    for part in np.array_split(rows, MOST_POINTS // 2):
        low, high = int(part[np.argmin(by[part])]), int(part[np.argmax(by[part])])
        kept.extend(sorted({low, high}))
    return np.array(kept, dtype=np.int64)
