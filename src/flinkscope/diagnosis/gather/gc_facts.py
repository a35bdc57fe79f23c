"""Facts from a GC log: live set, full collections in a row, share of time, columns for the chart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flinkscope.absent import Absent
from flinkscope.diagnosis.facts import FullGc, GcFacts, GcSeries
from flinkscope.formats.gclog.records import MISSING
from flinkscope.gc.figure import Figure
from flinkscope.gc.findings import findings
from flinkscope.gc.log import GcLog, read_gc_log
from flinkscope.gc.pauses import gc_share
from flinkscope.gc.timeline import Timeline
from flinkscope.place import Place
from flinkscope.progress import Progress

FRUITLESS_BP = 1_000  # a full GC that frees less than a tenth of the heap
FULL_TENTHS = 7
_SHARE_WINDOW_NS = 5_000_000_000


def gc_facts(paths: Sequence[Path], name: str, progress: Progress) -> GcFacts:
    """What the log (one file, or the files of a rotated set) says. ``name`` is used in places.

    Raises UnreadableInputError for what is no GC log.
    """
    log = read_gc_log(list(paths) if len(paths) > 1 else paths[0], progress)
    fulls = tuple(_full_gcs(log))
    in_a_row, fruitless = _rows(log)
    throughput = _figure(log, "throughput_bp")
    return GcFacts(
        place=Place(name),
        collector=log.collector or "unknown",
        jdk=log.jdk,
        duration_ns=log.timeline.observed_ns,
        max_heap_bytes=log.max_heap_bytes if log.max_heap_bytes else Absent("-Xmx", how_to_get="-Xlog:gc*"),
        live_set_last_bytes=_figure(log, "live_set_last_bytes"),
        live_set_max_bytes=_figure(log, "live_set_max_bytes"),
        live_set_is_upper_bound=log.live_set.note != "",
        live_set_slope_bytes_per_s=_figure(log, "live_set_trend_bytes_per_s"),
        full_gcs=fulls,
        consecutive_full_gcs=in_a_row,
        fruitless_full_gcs=fruitless,
        gc_share_bp=throughput if isinstance(throughput, Absent) else 10_000 - throughput,
        gc_share_worst_minute_bp=_figure(log, "gc_share_max_1min_bp"),
        throughput_bp=throughput,
        oom_line=next((line for run in log.segments for line, _ in run.jvm.out_of_memory), None),
        coverage_bp=_coverage(log),
        series=_series(log.timeline),
        figures={n: f.value for n, f in log.figures.items() if isinstance(f, Figure) and isinstance(f.value, int)},
        notes=findings(log),
    )


def _figure(log: GcLog, name: str) -> int | Absent:
    found = log.figures.get(name, Absent(name))
    return found if isinstance(found, Absent) else int(found.value)


def _coverage(log: GcLog) -> int:
    total = log.coverage.gc_lines
    return 10_000 if total == 0 else log.coverage.understood_gc_lines * 10_000 // total


def _full_gcs(log: GcLog) -> list[FullGc]:
    return [
        FullGc(
            start_ns=g.start_ns or 0,
            pause_ns=g.pause_ns or 0,
            heap_before_bytes=g.heap_before_bytes,
            heap_after_bytes=g.heap_after_bytes,
            line=g.place.line,
            cause=g.cause,
        )
        for g in log.full_gcs
        if g.heap_before_bytes is not None and g.heap_after_bytes is not None
    ]


def _rows(log: GcLog) -> tuple[int, int]:
    """(longest row of full GCs, longest row of fruitless ones) with no young collection that freed memory between.

    G1 tries an evacuation between two full GCs that frees nothing; such an attempt does not break the row.
    """
    events, maximum = log.timeline.events, log.max_heap_bytes or 0
    before, after = events["heap_before_bytes"], events["heap_after_bytes"]
    useful = (before - after) * 10 >= max(maximum, 1)
    crowded = before * 10 >= maximum * FULL_TENTHS  # a full GC of a nearly empty heap has another cause: metaspace
    full = log.timeline.full & (after != MISSING)
    longest = run = longest_fruitless = fruitless = 0
    for row in np.flatnonzero((full | log.timeline.young) & (after != MISSING)).tolist():
        if full[row]:
            run += 1
            fruitless = fruitless + 1 if crowded[row] and not useful[row] else 0
        elif useful[row]:
            run = fruitless = 0
        longest, longest_fruitless = max(longest, run), max(longest_fruitless, fruitless)
    return longest, longest_fruitless


def _series(timeline: Timeline) -> GcSeries:
    events = timeline.events
    sized = (timeline.pauses | timeline.cycles) & (events["heap_after_bytes"] != MISSING) & (events.start_ns != MISSING)
    edges, share = gc_share(timeline, _SHARE_WINDOW_NS)
    return GcSeries(
        time_ns=_column(events.start_ns[sized]),
        heap_before_bytes=_column(events["heap_before_bytes"][sized]),
        heap_after_bytes=_column(events["heap_after_bytes"][sized]),
        full=tuple(bool(f) for f in timeline.full[sized].tolist()),
        pause_ns=_column(np.maximum(events.duration_ns[sized], 0) * timeline.pauses[sized]),
        share_time_ns=_column((edges[:-1] + edges[1:]) // 2) if len(edges) else (),
        share_bp=_column(share),
        start_unix_ms=None if timeline.zero_wall_ns is None else timeline.zero_wall_ns // 1_000_000,
    )


def _column(values: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(v) for v in values.tolist())
