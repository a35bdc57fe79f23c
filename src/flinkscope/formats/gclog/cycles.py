"""Concurrent collections that have no line of their own: which pauses and phases of one ``GC(n)`` make a cycle.

ZGC prints a line at a cycle's begin and at its end; Shenandoah prints only the phases, so its cycle spans them.
"""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.formats.gclog.records import MISSING, EventBuilder, Kind

_OPEN_CYCLES_KEPT = 1_000


@dataclass(slots=True)
class _Cycle:
    gc_id: int
    start_ns: int
    end_ns: int
    before: int = MISSING
    after: int = MISSING
    capacity: int = MISSING
    complete: bool = False
    full: bool = False


class CycleTracker:
    """Remembers begun cycles. ``active``: the collector is Shenandoah, and its cycles are put together here."""

    def __init__(self, builder: EventBuilder) -> None:
        self.active = False
        self._builder = builder
        self._begun: dict[int, int] = {}
        self._cycle: _Cycle | None = None

    def begin(self, gc_id: int, now: int) -> None:
        """A line that says that a cycle begins."""
        if len(self._begun) > _OPEN_CYCLES_KEPT:
            self._begun.clear()
        self._begun.setdefault(gc_id, now)

    def began(self, gc_id: int) -> int:
        """When that cycle began; MISSING if no line said so."""
        return self._begun.pop(gc_id, MISSING)

    def phase(self, gc_id: int, start_ns: int, end_ns: int, sizes: list[int] | None) -> None:
        """A concurrent phase of Shenandoah; a clean-up with sizes completes its cycle."""
        cycle = self._of(gc_id, start_ns, end_ns)
        if sizes is not None:
            if cycle.before == MISSING:
                cycle.before = sizes[1]
            cycle.after, cycle.capacity = sizes[2], sizes[3]
            cycle.complete = True

    def pause(self, gc_id: int, start_ns: int, end_ns: int, sizes: list[int] | None) -> None:
        """A pause of Shenandoah. One with sizes is a degenerated or full collection and needs no cycle event."""
        cycle = self._of(gc_id, start_ns, end_ns)
        if sizes is not None:
            cycle.full = True

    def finish(self) -> None:
        """Writes the cycle at hand, if it was completed."""
        cycle, self._cycle = self._cycle, None
        self._begun.clear()
        if cycle is None or not cycle.complete or cycle.full:
            return
        duration = MISSING if cycle.start_ns == MISSING else cycle.end_ns - cycle.start_ns
        row = self._builder.add(
            Kind.CYCLE, "Concurrent collection", start_ns=cycle.start_ns, duration_ns=duration, gc_id=cycle.gc_id
        )
        self._builder.add_sizes(row, heap=(cycle.before, cycle.after, cycle.capacity))

    def _of(self, gc_id: int, start_ns: int, end_ns: int) -> _Cycle:
        if self._cycle is None or self._cycle.gc_id != gc_id:
            self.finish()
            self._cycle = _Cycle(gc_id, start_ns, end_ns)
        self._cycle.end_ns = max(self._cycle.end_ns, end_ns)
        return self._cycle
