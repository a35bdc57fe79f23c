"""``read_gc_log``: a GC log as one object with its events, figures, full collections, findings and coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flinkscope.formats.gclog.reader import RawLog, follow_raw, read_raw
from flinkscope.formats.gclog.records import MISSING, Coverage, EventTable
from flinkscope.gc.figure import Figures, unknown
from flinkscope.gc.findings import GcFinding, findings
from flinkscope.gc.liveset import LiveSet, live_set
from flinkscope.gc.memory import memory_figures
from flinkscope.gc.pauses import time_figures
from flinkscope.gc.series import Series, series
from flinkscope.gc.timeline import JvmRun, Timeline
from flinkscope.place import Place
from flinkscope.progress import SILENT, Progress

_MIXED_FROM = 3
_OF_ONE_CLOCK = (
    *("throughput_bp", "gc_share_max_1min_bp", "log_duration_ns", "_per_s", "jvm_run_count", "time_to_exhaustion_ns"),
    *("allocated_total_bytes", "_interval_avg_ns", "_interval_min_ns", "_interval_max_ns", "live_set_period_ns"),
)


@dataclass(frozen=True, slots=True)
class FullGc:
    """One full collection; ``None``: the log does not tell. ``start_ns`` is on the axis of ``GcLog.events``."""

    start_ns: int | None
    pause_ns: int | None
    cause: str
    heap_before_bytes: int | None
    heap_after_bytes: int | None
    metaspace_after_bytes: int | None
    place: Place


class GcLog:
    """A GC log that was read. Everything is computed when asked for first, and kept."""

    def __init__(self, raw: RawLog, *, snapshot: bool = False) -> None:
        self._files = raw.files
        self.coverage: Coverage = raw.builder.coverage
        self.timeline = Timeline(raw.builder.table(snapshot=snapshot), raw.builder.segments)
        self.collector: str | None = self._last_known("collector")
        self.jdk: str | None = self._last_known("jdk")

    @property
    def files(self) -> tuple[str, ...]:
        """The files in the order in which they were read."""
        return tuple(file.name for file, _ in self._files)

    @property
    def events(self) -> EventTable:
        """The event table. ``start_ns`` counts from the first JVM's start, or from the first line's wall clock."""
        return self.timeline.events

    @property
    def segments(self) -> list[JvmRun]:
        """One entry a JVM: a restart inside the set begins the next."""
        return self.timeline.runs

    @property
    def max_heap_bytes(self) -> int | None:
        """The heap's maximum: as the JVM tells it, else the largest capacity after a collection; None if neither."""
        told = self._last_known("max_heap_bytes")
        if told is not None:
            return int(told)
        capacity = self.events["heap_capacity_bytes"]
        return int(capacity.max()) if len(capacity) and capacity.max() != MISSING else None

    @cached_property
    def live_set(self) -> LiveSet:
        """The points of the live set and what they rest on."""
        return live_set(self.timeline)

    @cached_property
    def figures(self) -> Figures:
        """All figures by name, in a fixed order. Definitions: docs/reference/gc.md."""
        figures = {
            **time_figures(self.timeline, self.collector),
            **memory_figures(self.timeline, self.live_set, self._exact_max_heap()),
        }
        if self.is_mixed:
            reason = "lines of several JVMs are mixed in this log"
            figures.update({name: unknown(name, reason) for name in figures if name.endswith(_OF_ONE_CLOCK)})
        return figures

    @property
    def is_mixed(self) -> bool:
        """Whether several JVMs wrote at the same time: the clock falls back again and again without a JVM's start."""
        return self.coverage.signs_of_mixture >= _MIXED_FROM

    @cached_property
    def full_gcs(self) -> list[FullGc]:
        """All full collections in the order of the log."""
        events = self.events
        before, after, metaspace = (
            events[f"{name}_bytes"] for name in ("heap_before", "heap_after", "metaspace_after")
        )
        rows = [int(row) for row in self.timeline.full.nonzero()[0]]
        return [
            FullGc(
                _known(events.start_ns[row]),
                _known(events.duration_ns[row]),
                events.cause_of(row),
                _known(before[row]),
                _known(after[row]),
                _known(metaspace[row]),
                self.place_of(row),
            )
            for row in rows
        ]

    @cached_property
    def findings(self) -> tuple[GcFinding, ...]:
        """What the log alone says is wrong, each with evidence and its place."""
        return findings(self)

    def series(self) -> dict[str, Series]:
        """The columns behind the charts, thinned (see :func:`flinkscope.gc.series.series`)."""
        return series(self)

    def place_of(self, row: int) -> Place:
        """File and line of one event."""
        return self.place_of_line(int(self.events.line[row]))

    def place_of_line(self, line: int) -> Place:
        """File and line of a line number that counts over all files."""
        file, first = next(((f, n) for f, n in reversed(self._files) if n <= line), self._files[0])
        return Place(Path(file.name).name, line=line - first + 1)

    def _last_known(self, fact: str) -> str | None:
        known = [getattr(run.jvm, fact) for run in self.timeline.runs if getattr(run.jvm, fact) is not None]
        return known[-1] if known else None

    def _exact_max_heap(self) -> int | None:
        told = self._last_known("max_heap_bytes")
        return None if told is None else int(told)


def follow_gc_log(path: str | Path, poll_seconds: float = 0.5) -> Iterator[GcLog]:
    """A log that is still being written: yields it anew whenever lines have come, without end.

    Each is a snapshot of all read so far (its cost grows with the events). A file that was rotated is read on.
    """
    for raw in follow_raw(Path(path), poll_seconds):
        yield GcLog(raw, snapshot=True)


def _known(value: int) -> int | None:
    return None if value == MISSING else int(value)


def read_gc_log(
    paths: str | Path | Sequence[str | Path], progress: Progress = SILENT, *, jvm: str | None = None
) -> GcLog:
    """Reads a GC log of JDK 7-25, any collector: a file, a glob, a folder, a zip, or any member of a rotated set.

    ``jvm``: which one, where several wrote into the log at the same time (``coverage.other_jvms``); by default the one
    with the most collections. Raises SourceError (cannot be reached), UsageError (logs of several JVMs at once) and
    UnreadableInputError (not a GC log). Cost: one pass at 60-95 MB per CPU-second, 50 MiB and 100 bytes an event.
    """
    return GcLog(read_raw(paths, progress, jvm))
