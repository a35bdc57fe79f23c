"""What a GC log alone says is wrong: plain conditions with their thresholds, each with evidence and its place.

The thresholds are rules of thumb from HotSpot's own limits (GCTimeLimit 98, GCHeapFreeLimit 2) and from the practice of
GCViewer, Jifa and garbagecat; docs/explain/gc-figures.md says where each comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog.records import MISSING, Flag, Kind
from flinkscope.gc.figure import Figure
from flinkscope.gc.memory import live_trend
from flinkscope.gc.pauses import METASPACE_CAUSES, THRASH_WINDOW_NS, cause_rows, outside_gc_ns
from flinkscope.place import Place
from flinkscope.units import human_bp, human_bytes, human_ns, share_bp

if TYPE_CHECKING:
    from flinkscope.gc.log import GcLog

LIVE_SHARE_BP = 7_000  # more of the heap is live than collectors can work with
THRASH_SHARE_BP = 5_000  # of one minute
CONSECUTIVE_FULL = 3
METASPACE_HEAP_BP = 5_000  # a metaspace-driven collection found the heap emptier than this
HUMONGOUS_SHARE_BP = 2_000
LONG_SAFEPOINT_NS = 500_000_000
LONG_REACHING_NS = 200_000_000
SWAP_ROWS = 3
SMALL_SERIAL_HEAP_BYTES = 512 << 20  # with one processor
SERIAL_HEAP_BYTES = 1_792 << 20  # from here on HotSpot calls a machine with two processors a server
TREND_POINTS = 5
BOUND_SPAN_NS = 600_000_000_000
RISE_SPAN_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class GcFinding:
    """``id`` is stable. ``evidence``: claims with the place that shows them. ``remedy``: what to do, in a sentence."""

    id: str
    title: str
    severity: str
    evidence: tuple[tuple[str, Place], ...]
    remedy: str


def findings(log: GcLog) -> tuple[GcFinding, ...]:
    """All that hold, in a fixed order."""
    return tuple(found for check in _CHECKS for found in check(log))


def _value(log: GcLog, name: str) -> int | None:
    figure = log.figures[name]
    return figure.value if isinstance(figure, Figure) else None


def _row_place(log: GcLog, rows: np.ndarray, last: bool = False) -> Place:
    return log.place_of(int(rows[-1 if last else 0]))


def _too_small(log: GcLog) -> Iterator[GcFinding]:
    live, heap = log.live_set, log.max_heap_bytes
    if live.basis != "full collections" or not heap:
        return
    last = int(live.size_bytes[-1])
    share = share_bp(last, heap)
    if share >= LIVE_SHARE_BP:
        text = (
            f"{human_bytes(last)} of {human_bytes(heap)} ({human_bp(share)}) stay in use after the last full collection"
        )
        yield GcFinding(
            "heap-too-small-for-live-set",
            "The heap is too small for what is alive in it",
            "error" if share >= 9_000 else "warning",
            ((text, _row_place(log, live.rows, last=True)),),
            "Find what holds the memory (heap dump), or give the heap at least twice the live set.",
        )


def _leak(log: GcLog) -> Iterator[GcFinding]:
    trend = live_trend(log.live_set)
    if log.is_mixed or trend is None or trend.points < TREND_POINTS or not trend.rising:
        return
    hourly = trend.slope_bytes_per_s * 3600
    live = log.live_set
    time_ns, size_bytes = live.time_ns[live.of_trend], live.size_bytes[live.of_trend]
    span = max(1, int(time_ns[-1] - time_ns[0]))
    if span < (BOUND_SPAN_NS if live.note else RISE_SPAN_NS):
        return  # a program that starts fills its tables; what floats above the live set may rise for minutes
    risen = trend.slope_bytes_per_s * span / 1e9
    if risen < 0.05 * float(size_bytes.max()):
        return
    kind = f" ({live.note})" if live.note else ""
    removed = f", saw-tooth of {human_ns(trend.period_ns)} removed" if trend.period_ns else ""
    text = f"the live set{kind} rises by {human_bytes(round(hourly))} an hour over {trend.points} points{removed}"
    yield GcFinding(
        "live-set-rises",
        "The live set rises: memory is not given back",
        "warning",
        ((text, _row_place(log, live.rows, last=True)),),
        "Compare two heap dumps taken apart in time; in Flink look at state without expiry and at growing collections.",
    )


def _thrash(log: GcLog) -> Iterator[GcFinding]:
    share, run = _value(log, "gc_share_max_1min_bp"), _value(log, "consecutive_full_gc_max") or 0
    if (share is None or share < THRASH_SHARE_BP) and run < CONSECUTIVE_FULL:
        return
    evidence = []
    rows = np.flatnonzero(log.timeline.pauses)
    if share is not None and share >= THRASH_SHARE_BP and len(rows):
        stretch = "in the worst minute" if log.timeline.observed_ns > THRASH_WINDOW_NS else "over the whole log"
        longest = rows[[int(np.argmax(log.events.duration_ns[rows]))]]
        evidence.append((f"{stretch} {human_bp(share)} of the time went into pauses", _row_place(log, longest)))
    full = np.flatnonzero(log.timeline.full)
    if run >= CONSECUTIVE_FULL:
        evidence.append((f"{run} full collections came one after another", _row_place(log, full, last=True)))
    if evidence:
        yield GcFinding(
            "gc-thrash",
            "The program hardly runs: the collector takes its time",
            "error",
            tuple(evidence),
            "More heap, or less in it; see the live set.",
        )


def _metaspace(log: GcLog) -> Iterator[GcFinding]:
    rows = np.flatnonzero(cause_rows(log.timeline, *METASPACE_CAUSES) & log.timeline.full)
    if not len(rows):
        return
    before, capacity = log.events["heap_before_bytes"][rows], log.events["heap_capacity_bytes"][rows]
    told = (before != MISSING) & (capacity > 0)
    empty = rows[told][before[told] * 10_000 < capacity[told] * METASPACE_HEAP_BP]
    if len(empty):
        share = int(np.median(before[told] * 10_000 // capacity[told]))
        text = f"{len(empty)} full collections for the metaspace, the heap {human_bp(share)} full before them (median)"
        yield GcFinding(
            "metaspace-full-gc",
            "The metaspace, not the heap, drives full collections",
            "error" if _fruitless_for_metaspace(log, empty) >= CONSECUTIVE_FULL else "info",
            ((text, _row_place(log, empty)),),
            "Look for class loaders that are not unloaded (one more each job start); else raise "
            "taskmanager.memory.jvm-metaspace.size.",
        )


def _fruitless_for_metaspace(log: GcLog, rows: NDArray[np.intp]) -> int:
    """How many of them in a row freed less than a tenth of the metaspace and found it no tenth larger than the last.

    A start passes HotSpot's threshold several times, each 1.6 times the one before (MinMetaspaceFreeRatio 40); a
    metaspace that is collected at its limit falls. Neither is a full one.
    """
    longest = run = 0
    last: int | None = None
    for row in rows.tolist():
        before, after = (int(log.events[f"metaspace_{side}_bytes"][row]) for side in ("before", "after"))
        known = after != MISSING
        stuck = known and (before == MISSING or (before - after) * 10 < before)
        run = run + 1 if stuck and last is not None and after * 10 <= last * 11 else int(stuck)
        last, longest = (after if known else None), max(longest, run)
    return longest


def _explicit(log: GcLog) -> Iterator[GcFinding]:
    rows = np.flatnonzero(cause_rows(log.timeline, "System.gc()", "System") & log.timeline.pauses)
    if len(rows) < CONSECUTIVE_FULL:
        return
    text = f"{len(rows)} pauses because the program called System.gc()"
    yield GcFinding(
        "explicit-gc",
        "Something calls System.gc()",
        "info",
        ((text, _row_place(log, rows)),),
        "RMI and direct memory do it too; -XX:+ExplicitGCInvokesConcurrent makes it cheap. "
        "Do not disable it where direct memory is tight.",
    )


def _flagged(flag: Flag, identity: str, title: str, what: str, remedy: str) -> Callable[[GcLog], Iterator[GcFinding]]:
    def check(log: GcLog) -> Iterator[GcFinding]:
        rows = np.flatnonzero((log.events.flags & flag) != 0)
        if len(rows):
            yield GcFinding(identity, title, "warning", ((f"{len(rows)} × {what}", _row_place(log, rows)),), remedy)

    return check


def _humongous(log: GcLog) -> Iterator[GcFinding]:
    share = _value(log, "humongous_share_max_bp")
    if share is not None and share >= HUMONGOUS_SHARE_BP:
        rows = np.flatnonzero(log.events["humongous_before_bytes"] == log.events["humongous_before_bytes"].max())
        text = f"up to {human_bp(share)} of the heap are humongous regions"
        yield GcFinding(
            "humongous",
            "Very large objects take much of G1's heap",
            "warning",
            ((text, _row_place(log, rows)),),
            "A larger -XX:G1HeapRegionSize, or smaller arrays (network and batch buffers, large records).",
        )


def _safepoints(log: GcLog) -> Iterator[GcFinding]:
    timeline = log.timeline
    if not timeline.safepoints.any():
        return
    rows = np.flatnonzero(timeline.safepoints)
    outside = outside_gc_ns(timeline)
    evidence = []
    longest = int(np.argmax(outside))
    if outside[longest] >= LONG_SAFEPOINT_NS:
        name = log.events.name_of(int(rows[longest]))
        text = f"all threads stood still for {human_ns(int(outside[longest]))} without a collection ({name})"
        evidence.append((text, log.place_of(int(rows[longest]))))
    reaching, row = timeline.reaching_max_ns, timeline.reaching_max_row
    if row is not None and reaching >= LONG_REACHING_NS:
        evidence.append((f"it took {human_ns(reaching)} until all threads had stopped", log.place_of(row)))
    if evidence:
        yield GcFinding(
            "long-safepoint",
            "Long stops that are not collections",
            "warning",
            tuple(evidence),
            "Look for swapping, a throttled container, slow disks under the log, or huge array copies.",
        )


def _swap(log: GcLog) -> Iterator[GcFinding]:
    user, system = log.events["user_ms"], log.events["sys_ms"]
    rows = np.flatnonzero((user != MISSING) & (system > user) & (system >= 100))
    if len(rows) >= SWAP_ROWS:
        text = f"in {len(rows)} pauses the kernel took more CPU time than the collector"
        yield GcFinding(
            "sys-above-user",
            "The machine is busy with itself during collections",
            "warning",
            ((text, _row_place(log, rows)),),
            "Swapping, transparent huge pages or a slow disk under the log file: check the host.",
        )


def _wrong_collector(log: GcLog) -> Iterator[GcFinding]:
    heap, jvm = log.max_heap_bytes, log.segments[-1].jvm
    if log.collector != "Serial" or not heap or "-XX:+UseSerialGC" in jvm.flags:
        return
    if heap < (SMALL_SERIAL_HEAP_BYTES if jvm.cpus == 1 else SERIAL_HEAP_BYTES):
        return
    cpus = f" and sees {jvm.cpus} processor(s)" if jvm.cpus else ""
    text = f"the JVM uses Serial for a heap of {human_bytes(heap)}{cpus}"
    yield GcFinding(
        "serial-by-accident",
        "The Serial collector was probably chosen by accident",
        "warning",
        ((text, log.place_of_line(log.segments[-1].first_line)),),
        "A container with less than two processors gets it by default: set -XX:+UseG1GC in env.java.opts, or more CPU.",
    )


def _out_of_memory(log: GcLog) -> Iterator[GcFinding]:
    for run in log.segments:
        for line, text in run.jvm.out_of_memory[:1]:
            yield GcFinding(
                "out-of-memory",
                "The JVM threw an OutOfMemoryError",
                "error",
                ((text.strip()[:200], log.place_of_line(line)),),
                "The text says which memory ran out; see `flinkscope diagnose`.",
            )


def _stalls(log: GcLog) -> Iterator[GcFinding]:
    count, total = _value(log, "allocation_stall_count"), _value(log, "allocation_stall_total_ns")
    if count and total is not None:
        rows = np.flatnonzero(log.timeline.of_kind(Kind.ALLOCATION_STALL))
        yield GcFinding(
            "allocation-stall",
            "Threads had to wait for memory",
            "warning",
            ((f"{count} stalls, {human_ns(total)} summed over threads", _row_place(log, rows)),),
            "The collector cannot keep up: more heap, or more concurrent threads (-XX:ConcGCThreads).",
        )


_CHECKS: tuple[Callable[[GcLog], Iterator[GcFinding]], ...] = (
    _out_of_memory,
    _too_small,
    _leak,
    _thrash,
    _metaspace,
    _stalls,
    _flagged(
        Flag.PROMOTION_FAILED,
        "promotion-failed",
        "The old generation could not take what survived",
        "promotion failed",
        "The old generation is too full or too fragmented: more heap, or G1.",
    ),
    _flagged(
        Flag.CONCURRENT_MODE_FAILURE,
        "concurrent-mode-failure",
        "CMS began too late and fell back to a full collection",
        "concurrent mode failure",
        "A lower -XX:CMSInitiatingOccupancyFraction, more heap, or G1.",
    ),
    _flagged(
        Flag.EVACUATION_FAILURE,
        "to-space-exhausted",
        "G1 had no free regions to copy into",
        "to-space exhausted / evacuation failure",
        "More heap, an earlier start of marking (-XX:InitiatingHeapOccupancyPercent), or fewer humongous objects.",
    ),
    _humongous,
    _safepoints,
    _swap,
    _explicit,
    _wrong_collector,
)
