"""One time axis for all JVM runs of a log, and which events are pauses, collections, stalls, safepoints on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog.records import MISSING, EventTable, Flag, JvmFacts, Kind, Segment

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_LATE_START_NS = 600_000_000_000  # a nanosecond clock that begins later is System.nanoTime, not the uptime

YOUNG_KINDS = (Kind.YOUNG, Kind.YOUNG_INITIAL_MARK, Kind.MIXED)
CYCLE_KINDS = (Kind.CYCLE, Kind.MINOR_CYCLE, Kind.MAJOR_CYCLE)


@dataclass(frozen=True, slots=True)
class JvmRun:
    """One JVM inside the log. Times on the log's common axis; ``None`` where the log has no stamps."""

    jvm: JvmFacts
    first_event: int
    end_event: int
    first_line: int
    start_ns: int | None
    end_ns: int | None

    @property
    def duration_ns(self) -> int:
        """Observed time; 0 where the log has no stamps."""
        return 0 if self.start_ns is None or self.end_ns is None else self.end_ns - self.start_ns


class Timeline:
    """The events of a log on one axis. Time 0: the first JVM's start where the log tells uptimes, else its first line.

    ``zero_wall_ns``: wall clock of time 0 (ns since 1970), or None. Rewrites ``start_ns`` of the table in place.
    """

    def __init__(self, table: EventTable, segments: list[Segment]) -> None:
        self.events = table
        self.runs: list[JvmRun] = []
        self.zero_wall_ns: int | None = None
        ends = [*(s.first_event for s in segments[1:]), len(table)]
        before_ns = 0
        slowest = max(segments, key=lambda segment: segment.reaching_max_ns)
        self.reaching_total_ns = sum(segment.reaching_total_ns for segment in segments)
        self.reaching_max_ns = slowest.reaching_max_ns
        self.reaching_max_row = None if slowest.reaching_max_row == MISSING else slowest.reaching_max_row
        for segment, end in zip(segments, ends, strict=True):
            before_ns = self._place(segment, end, before_ns)
        self.has_clock = any(run.start_ns is not None for run in self.runs)

    def _place(self, segment: Segment, end: int, before_ns: int) -> int:
        """Moves one segment's events onto the common axis and returns where the segment ends on it."""
        start, duration = (
            self.events.start_ns[segment.first_event : end],
            self.events.duration_ns[segment.first_event : end],
        )
        known = start != MISSING
        if segment.clock == "none" or not (known.any() or segment.first_ns != MISSING):
            self.runs.append(JvmRun(segment.jvm, segment.first_event, end, segment.first_line, None, None))
            return before_ns
        stamps = [stamp for stamp in (segment.first_ns, segment.last_ns) if stamp != MISSING]
        first = min([*stamps, *([int(start[known].min())] if known.any() else [])])
        last = max([*stamps, *([int((start + np.maximum(duration, 0))[known].max())] if known.any() else [])])
        offset = self._offset(segment, first, before_ns)
        start[known] += offset
        self.runs.append(
            JvmRun(segment.jvm, segment.first_event, end, segment.first_line, first + offset, last + offset)
        )
        return last + offset

    def _offset(self, segment: Segment, first: int, before_ns: int) -> int:
        wall = first if segment.clock == "wall" else segment.zero_wall_ns
        if not self.runs or self.zero_wall_ns is None:
            own_zero = first if segment.clock == "wall" or (segment.clock == "nanos" and first > _LATE_START_NS) else 0
            if not self.runs:
                self.zero_wall_ns = wall
            return (0 if not self.runs else before_ns) - own_zero
        if wall is None:
            return before_ns - first
        zero = -self.zero_wall_ns if segment.clock == "wall" else wall - self.zero_wall_ns
        return max(zero, before_ns - first)  # a clock that was set back does not turn the order round

    def of_kind(self, *kinds: Kind) -> Mask:
        """Which rows are of these kinds, torn ones left out."""
        rows: Mask = np.isin(self.events.kind, kinds) & self.whole
        return rows

    @cached_property
    def whole(self) -> Mask:
        """Rows whose event is complete in the log."""
        rows: Mask = (self.events.flags & Flag.TORN) == 0
        return rows

    @cached_property
    def pauses(self) -> Mask:
        """Stop-the-world work of the collector."""
        rows: Mask = (self.events.kind < Kind.CYCLE) & self.whole
        return rows

    @cached_property
    def safepoints(self) -> Mask:
        """Safepoints: for a collection or for anything else."""
        rows: Mask = self.events.kind == Kind.SAFEPOINT
        return rows

    @cached_property
    def full(self) -> Mask:
        """Full collections."""
        return self.of_kind(Kind.FULL)

    @cached_property
    def young(self) -> Mask:
        """Young pauses, mixed ones among them."""
        return self.of_kind(*YOUNG_KINDS)

    @cached_property
    def cycles(self) -> Mask:
        """Concurrent cycles that were completed."""
        rows: Mask = self.of_kind(*CYCLE_KINDS) & ((self.events.flags & Flag.ABORTED) == 0)
        return rows

    @property
    def collections(self) -> Mask:
        """Pauses that collect and whole concurrent cycles: what a person wants to see one by one."""
        rows: Mask = (self.pauses & (self.events.kind != Kind.PHASE_PAUSE)) | self.cycles
        return rows

    @property
    def observed_ns(self) -> int:
        """Time that the log covers, gaps between two JVMs left out; 0 where it has no stamps."""
        return sum(run.duration_ns for run in self.runs)

    def intervals(self, rows: Mask) -> tuple[Ints, Ints]:
        """Start and end of the union of these events' intervals, sorted, overlaps merged; only those with a stamp."""
        rows = rows & (self.events.start_ns != MISSING) & (self.events.duration_ns > 0)
        start = self.events.start_ns[rows]
        return merged(start, start + self.events.duration_ns[rows])

    @cached_property
    def nested(self) -> tuple[Ints, Ints]:
        """Rows of full collections that ran inside a young one, and the rows of those.

        Serial and CMS up to JDK 11 begin a young collection, see that it cannot promote, and do a full one inside: its
        line comes first though its number is higher.
        """
        rows = np.flatnonzero(self.young | self.full)
        number, kind = self.events.gc_id[rows], self.events.kind[rows]
        inner = (kind[:-1] == Kind.FULL) & (kind[1:] != Kind.FULL) & (number[1:] >= 0) & (number[:-1] == number[1:] + 1)
        return rows[:-1][inner], rows[1:][inner]

    @cached_property
    def own_ns(self) -> Ints:
        """Durations; of a collection with another one inside only its own part, so that sums count no time twice."""
        inner, outer = self.nested
        if not len(inner):
            return self.events.duration_ns
        own = self.events.duration_ns.copy()
        own[outer] = np.maximum(own[outer] - np.maximum(own[inner], 0), 0)
        return own

    @property
    def pause_intervals(self) -> tuple[Ints, Ints]:
        """When the collector had stopped the program. Cost: one sort."""
        return self.intervals(self.pauses)


def in_order(rows: Ints, start_ns: Ints) -> Ints:
    """The rows by their start; those that begin together stay as they are. Cost: a sort if they are not in order."""
    start = start_ns[rows]
    return rows[np.argsort(start, kind="stable")] if (start[1:] < start[:-1]).any() else rows


def merged(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """The union of intervals as disjoint ones in order. Cost: one sort."""
    if len(start) == 0:
        return start, end
    if (start[1:] < start[:-1]).any():  # a log's events are mostly in order
        order = np.argsort(start, kind="stable")
        start, end = start[order], end[order]
    end = np.maximum.accumulate(end)
    fresh = np.concatenate(([True], start[1:] > end[:-1]))
    last = np.concatenate((np.flatnonzero(fresh)[1:] - 1, [len(start) - 1]))
    return start[fresh], end[last]


def covered_ns(intervals: tuple[Ints, Ints], edges: Ints) -> Ints:
    """How much of each window ``edges[i]..edges[i + 1]`` the disjoint intervals cover."""
    start, end = intervals
    if len(start) == 0:
        return np.zeros(max(0, len(edges) - 1), dtype=np.int64)
    total = np.concatenate(([0], np.cumsum(end - start)))
    at = np.searchsorted(start, edges, side="right")
    inside = np.where(at > 0, np.minimum(edges, end[np.maximum(at - 1, 0)]) - start[np.maximum(at - 1, 0)], 0)
    upto = np.where(at > 0, total[np.maximum(at - 1, 0)] + inside, 0)
    covered: Ints = np.diff(upto)
    return covered
