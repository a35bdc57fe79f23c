"""Time in pre-unified GC logs: which clock the stamps are of, and where another JVM begins.

JDK 7 and 8 print a header (version, memory, flags) as the JVM starts and again at the top of every rotated file. With
both clocks printed, a start that moved is a restart, one that did not is none. With uptimes alone, one that falls back
behind a header, or below half without one, is a restart. Without uptimes a header is one, unless the line ``GC log file
created`` stands before it.
"""

from __future__ import annotations

from flinkscope.formats.gclog.preunified_text import Stamp, uptime_ns, wall_ns
from flinkscope.formats.gclog.records import MISSING, EventBuilder, JvmFacts

_SLACK_ns = 1_000_000_000  # concurrent threads print stamps that are older than the line before
_START_MOVED_ns = 5_000_000_000  # stamps are rounded, and the wall clock is corrected by NTP
_DATES_KEPT = 4096
_SEGMENTS_KEPT = 10_000  # lines of two JVMs mixed in one file look like a restart at every other line


class Clock:
    """Turns stamps into ``start_ns`` of the segment being written, and opens a new segment where the JVM changes."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._days: dict[bytes, int] = {}
        self.last_ns = MISSING
        self.counts_uptime = False
        self.started = False
        self.heading: JvmFacts | None = None
        self.heading_of_rotation = False
        self._heading_offset = 0

    @property
    def jvm(self) -> JvmFacts:
        """The facts of the segment being written."""
        return self._builder.jvm

    def header(self, offset: int) -> JvmFacts:
        """The facts that a header line fills: they belong to the segment of the next event."""
        if self.heading is None:
            self.heading = JvmFacts()
            self._heading_offset = offset
        return self.heading

    def read(self, stamp: Stamp) -> int:
        """The stamp on the segment's clock, MISSING where it has none. May open a new segment."""
        self.started = True
        headed = self.heading is not None
        if self.heading is not None:
            self._settle_heading(stamp, self.heading)
        segment = self._builder.segment
        if segment.clock == "none":
            self._choose(stamp)
        elif segment.clock == "uptime" and stamp.uptime is not None:
            moment = uptime_ns(stamp.uptime)
            if moment < self.last_ns - _SLACK_ns:
                self._fell_back(stamp, moment, headed)
        moment = self._on_clock(stamp)
        if moment > self.last_ns:
            self.last_ns = moment
        if moment != MISSING and self._builder.segment.first_ns == MISSING:
            self._builder.segment.first_ns = moment
        return moment

    def keep(self) -> None:
        """Writes the last stamp into the segment: at the end of a chunk and before a restart."""
        if self.last_ns != MISSING:
            self._builder.segment.last_ns = self.last_ns

    def finish(self) -> None:
        """No more lines: a header without events behind it belongs to the last segment."""
        if self.heading is not None:
            _merge(self._builder.jvm, self.heading)
            self.heading = None
        self.keep()

    def _choose(self, stamp: Stamp) -> None:
        segment = self._builder.segment
        if stamp.uptime is not None:
            segment.clock = "uptime"
            self.counts_uptime = True
            wall = self._wall(stamp.date)
            if wall != MISSING:
                segment.zero_wall_ns = wall - uptime_ns(stamp.uptime)
        elif stamp.date is not None:
            segment.clock = "wall"

    def _on_clock(self, stamp: Stamp) -> int:
        segment = self._builder.segment
        if segment.clock == "uptime":
            if stamp.uptime is not None:
                return uptime_ns(stamp.uptime)
            wall = self._wall(stamp.date)
            return MISSING if wall == MISSING or segment.zero_wall_ns is None else max(wall - segment.zero_wall_ns, 0)
        return self._wall(stamp.date) if segment.clock == "wall" else MISSING

    def _fell_back(self, stamp: Stamp, moment: int, headed: bool) -> None:
        moved = self._start_moved(stamp)
        restarted = headed or moment < self.last_ns // 2 if moved is None else moved
        if restarted and len(self._builder.segments) < _SEGMENTS_KEPT:
            self._restart()
            self._choose(stamp)
        else:
            self._builder.coverage.clock_jumps += 1
            self.last_ns = moment

    def _start_moved(self, stamp: Stamp) -> bool | None:
        """Whether this stamp is of a JVM that started at another time; None where only one of the clocks is printed."""
        zero, wall = self._builder.segment.zero_wall_ns, self._wall(stamp.date)
        if zero is None or wall == MISSING or stamp.uptime is None:
            return None
        # The next JVM starts after this one's whole life; clocks that drift apart never move that far.
        return abs(wall - uptime_ns(stamp.uptime) - zero) > max(_START_MOVED_ns, self.last_ns // 2)

    def _restart(self) -> None:
        self.keep()
        self._builder.restart(self._heading_offset if self.heading is not None else 0)
        self.last_ns = MISSING
        self.counts_uptime = False

    def _settle_heading(self, stamp: Stamp, heading: JvmFacts) -> None:
        """A header is of this event's JVM: another one than before, unless the clock shows that the old one goes on."""
        segment = self._builder.segment
        has_events = segment.first_event < len(self._builder)
        if has_events and segment.clock == "uptime" and stamp.uptime is None:
            return  # a line without a stamp: the next one decides
        if has_events and not self._goes_on(stamp) and len(self._builder.segments) < _SEGMENTS_KEPT:
            self._restart()
        _merge(self._builder.jvm, heading)
        self.heading = None
        self.heading_of_rotation = False

    def _goes_on(self, stamp: Stamp) -> bool:
        """Whether the JVM behind a header is the one before it."""
        moved = self._start_moved(stamp)
        if moved is not None:
            return not moved
        if self._builder.segment.clock == "uptime" and stamp.uptime is not None:
            return uptime_ns(stamp.uptime) >= self.last_ns - _SLACK_ns
        return self.heading_of_rotation

    def _wall(self, date: bytes | None) -> int:
        """As ``wall_ns``, but only once for each minute of the log: parsing dates was a third of the time."""
        if date is None:
            return MISSING
        minute = date[:16] + date[23:]
        base = self._days.get(minute)
        if base is None:
            if len(self._days) >= _DATES_KEPT:
                self._days.clear()
            base = self._days[minute] = wall_ns(date[:17] + b"00.000" + date[23:])
        if base == MISSING:
            return MISSING
        return base + int(date[17:19]) * 1_000_000_000 + int(date[20:23]) * 1_000_000


def _merge(into: JvmFacts, told: JvmFacts) -> None:
    """Takes over what the header told; what it did not tell stays."""
    for name in ("jdk", "command_line", "max_heap_bytes", "initial_heap_bytes", "region_bytes", "memory_bytes"):
        value = getattr(told, name)
        if value is not None:
            setattr(into, name, value)
    into.collector = into.collector or told.collector
    into.parallel_workers = into.parallel_workers or told.parallel_workers
    into.flags = told.flags or into.flags
