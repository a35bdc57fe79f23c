"""Concurrent collections that have no line of their own: which pauses and phases of one ``GC(n)`` make a cycle.

ZGC prints a line at a cycle's begin and at its end; Shenandoah prints only the phases, so its cycle spans them.
"""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.formats.gclog.records import MISSING, NO_TRIPLE, EventBuilder, Flag, Kind, Triple
from flinkscope.formats.gclog.unified_sizes import METASPACE, PendingSizes

_OPEN_CYCLES_KEPT = 1_000


@dataclass(slots=True)
class _Cycle:
    gc_id: int
    kind: Kind
    start_ns: int
    end_ns: int
    before: int = MISSING
    after: int = MISSING
    capacity: int = MISSING
    complete: bool = False
    metaspace: Triple = NO_TRIPLE
    goes_on: bool = False  # marks the old generation under the number of the young collection before it
    at: int = 0  # where its last line stands in the chunk
    line: int = MISSING  # which line that is, if it was in an earlier chunk
    stopped: bool = False  # a degenerated or full collection, which has an event of its own


class CycleTracker:
    """Remembers begun cycles. ``active``: the collector is Shenandoah, and its cycles are put together here."""

    def __init__(self, builder: EventBuilder, sizes: PendingSizes) -> None:
        self.active = False
        self._sizes = sizes
        self._builder = builder
        self._begun: dict[int, int] = {}
        self._cycle: _Cycle | None = None
        self._last_written = MISSING

    def begin(self, gc_id: int, now: int) -> None:
        """A line that says that a cycle begins."""
        if len(self._begun) > _OPEN_CYCLES_KEPT:
            self._begun.clear()
        self._begun.setdefault(gc_id, now)

    def began(self, gc_id: int) -> int:
        """When that cycle began; MISSING if no line said so."""
        return self._begun.pop(gc_id, MISSING)

    def end_chunk(self, chunk: bytes) -> None:
        """Offsets count anew: remembers which line it was. To be called when the builder has counted the lines."""
        cycle = self._cycle
        if cycle is not None and cycle.line == MISSING:
            cycle.line = self._builder.coverage.lines - chunk.count(b"\n", cycle.at) + chunk.endswith(b"\n")

    def phase(self, title: bytes, gc_id: int, times_ns: tuple[int, int], sizes: list[int] | None, at: int) -> None:
        """A concurrent phase of Shenandoah. A clean-up (first builds of JDK 8: a reset of bitmaps) completes its cycle.

        JDK 8 and 11 tell sizes on other phases too.
        """
        cycle = self._of(title, gc_id, times_ns, at)
        if sizes is not None:
            if cycle.before == MISSING:
                cycle.before = sizes[1]
            cycle.after, cycle.capacity = sizes[2], sizes[3]
            cycle.complete = cycle.complete or b"cleanup" in title or b"reset bitmaps" in title

    def pause(self, title: bytes, gc_id: int, times_ns: tuple[int, int], at: int) -> None:
        """A pause of Shenandoah. A degenerated or full collection has its own event and needs none of a cycle."""
        cycle = self._of(title, gc_id, times_ns, at)
        if title.startswith((b"Pause Full", b"Pause Degenerated")):
            cycle.stopped = True

    def metaspace(self, sizes: Triple) -> None:
        """The metaspace after the cycle at hand."""
        if self._cycle is not None:
            self._cycle.metaspace = sizes

    def finish(self) -> None:
        """Writes the cycle at hand; one that was cancelled before it freed anything is marked as ABORTED."""
        cycle, self._cycle = self._cycle, None
        if cycle is None or cycle.stopped or cycle.gc_id + cycle.goes_on <= self._last_written:
            return
        self._last_written = cycle.gc_id
        row = self._builder.add(
            cycle.kind,
            "Concurrent collection" if cycle.complete else "Concurrent collection (cancelled)",
            start_ns=cycle.start_ns,
            duration_ns=MISSING if cycle.start_ns == MISSING else cycle.end_ns - cycle.start_ns,
            gc_id=cycle.gc_id,
            offset=cycle.at,
            line=cycle.line,
            flags=0 if cycle.complete else Flag.ABORTED,
        )
        told = self._sizes.take(cycle.gc_id)[METASPACE : METASPACE + 3]
        metaspace = cycle.metaspace if cycle.metaspace != NO_TRIPLE else (told[0], told[1], told[2])
        self._builder.add_sizes(row, heap=(cycle.before, cycle.after, cycle.capacity), metaspace=metaspace)

    def restart(self) -> None:
        """Another JVM begins: its collections are counted from 0 again."""
        self.finish()
        self._begun.clear()
        self._last_written = MISSING

    def _of(self, title: bytes, gc_id: int, times_ns: tuple[int, int], at: int) -> _Cycle:
        start_ns, end_ns = times_ns
        if self._cycle is None or self._cycle.gc_id != gc_id:
            self.finish()
            self._cycle = _Cycle(gc_id, _kind(title), start_ns, end_ns)
        elif self._cycle.kind == Kind.MINOR_CYCLE and b"(Old)" in title:
            # the JVM's bean counts the increment of old marking that follows a young collection by itself
            self.finish()
            self._cycle = _Cycle(gc_id, Kind.MAJOR_CYCLE, start_ns, end_ns, goes_on=True)
        self._cycle.end_ns = max(self._cycle.end_ns, end_ns)
        self._cycle.at, self._cycle.line = at, MISSING
        return self._cycle


def _kind(title: bytes) -> Kind:
    """Generational Shenandoah says in each title what it collects."""
    if b"(Young)" in title:
        return Kind.MINOR_CYCLE
    return Kind.MAJOR_CYCLE if b"(Global)" in title or b"(Old)" in title else Kind.CYCLE
