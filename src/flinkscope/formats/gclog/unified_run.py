"""What a unified log's lines add up to: events with their sizes, and the run of one JVM after another."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog.cycles import CycleTracker
from flinkscope.formats.gclog.decoration import NO_LAYOUT, Layout, LineStamps
from flinkscope.formats.gclog.numbers import SIZES, ms_ns
from flinkscope.formats.gclog.records import MISSING, EventBuilder, Kind
from flinkscope.formats.gclog.titles import read_title
from flinkscope.formats.gclog.unified_sizes import HEAP, OLD, YOUNG, PendingSizes

BACKWARDS_NS = 500_000_000  # stamps of different threads may be a little out of order; more is another clock
_TITLES_KEPT = 10_000
_MOST_RESTARTS = 1_000  # JVMs that write into one log by turns are no thousands of JVMs


class RunWriter:
    """Writes events; remembers what the next line may still say about the last one.

    ``open_sizes``: sizes of the last event, whose CPU times may still come. ``troubles``: flags told ahead of their
    event, by ``GC(n)``. ``last_ns``, ``last_collection``: how far the run at hand has come.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self.builder = builder
        self.layout = NO_LAYOUT
        self.stamps = LineStamps(NO_LAYOUT)
        self.sizes = PendingSizes(builder)
        self.cycles = CycleTracker(builder, self.sizes)
        self.open_sizes: list[int] | None = None
        self.open_gc = MISSING
        self.troubles: dict[int, int] = {}
        self.last_ns = MISSING
        self.last_collection = MISSING
        self.safepoints = 0
        self.not_understood = 0
        self._codes: dict[bytes, int] = {}

    def begin(self, layout: Layout) -> None:
        """The decorations are known."""
        self.layout, self.stamps = layout, LineStamps(layout)
        self.builder.segment.clock = layout.clock

    def flush(self) -> None:
        """No CPU times will come for the last event."""
        if self.open_sizes is not None:
            self.builder.add_size_row(self.open_sizes)
            self.open_sizes = None

    def hold(self, sizes: list[int], gc_id: int) -> None:
        """Keeps the sizes of the event just written until its CPU times or another event comes."""
        self.open_sizes, self.open_gc = sizes, gc_id

    def code(self, title: bytes) -> int:
        """Kind, name, cause and flags of a title as one number of the event table."""
        code = self._codes.get(title)
        if code is None:
            read = read_title(title)
            names = self.builder.name_code
            code = read.kind | names(read.name) << 8 | names(read.cause) << 24 | read.flags << 40
            self._keep(title, code)
        return code

    def safepoint_code(self, name: bytes) -> int:
        """The same for the reason of a safepoint."""
        code = self._codes.get(name)
        if code is None:
            code = Kind.SAFEPOINT | self.builder.name_code(name.decode("utf-8", "replace")) << 8
            self._keep(name, code)
        return code

    def _keep(self, title: bytes, code: int) -> None:
        if len(self._codes) < _TITLES_KEPT:
            self._codes[title] = code

    def collected(self, gc_id: int, at: int, end: int, texts: tuple[bytes, ...], sizes: list[int]) -> None:
        """A pause with sizes. ``texts``: title with the size before it, size after, capacity, milliseconds."""
        title, _, before = texts[0].rpartition(b" ")
        sizes[HEAP] = SIZES[before[:-1]]
        sizes[HEAP + 1] = SIZES[texts[1]]
        sizes[HEAP + 2] = SIZES[texts[2]]
        if sizes[OLD + 1] >= 0 and sizes[YOUNG + 1] >= 0:
            self.sizes.refine(sizes)
        duration = ms_ns(texts[3])
        code = self.code(title)
        if self.troubles:
            code |= self.troubles.pop(gc_id, 0) << 40
        if code & 0xFF <= Kind.FULL:
            if gc_id <= self.last_collection or end + BACKWARDS_NS < self.last_ns:
                self.notice_clock(end, gc_id, at)
            else:
                self.last_ns, self.last_collection = end, gc_id
        start = MISSING if end == MISSING else max(0, end - duration)
        if self.open_sizes is not None and self.open_gc == gc_id + 1:
            self.sizes.tell_inner(self.open_sizes, sizes)
        self.flush()
        sizes[0] = self.builder.add_coded(start, duration, code, gc_id, at)
        self.hold(sizes, gc_id)
        if self.cycles.active:
            self.cycles.pause(title, gc_id, (start, end), at)

    def stopped(self, name: bytes, reaching_ns: int, total_ns: int, end: int, at: int) -> None:
        """A safepoint that ended at ``end``."""
        start = MISSING if end == MISSING else max(0, end - total_ns)
        row = self.builder.add_coded(start, total_ns, self.safepoint_code(name), MISSING, at)
        self.builder.segment.note_reaching(reaching_ns, row)
        self.safepoints += 1

    def notice_clock(self, end_ns: int, gc_id: int, at: int) -> None:
        """Another JVM begins where the uptime falls back and the collections are counted anew."""
        coverage = self.builder.coverage
        back = end_ns != MISSING and end_ns + BACKWARDS_NS < self.last_ns
        if gc_id + 2 < self.last_collection or (back and gc_id <= self.last_collection):
            coverage.headless_restarts += 1
            if coverage.headless_restarts < _MOST_RESTARTS:
                self.restart(at)
        elif back:
            coverage.clock_jumps += 1
        elif gc_id == self.last_collection:
            coverage.repeated_numbers += 1
        self.last_ns = end_ns
        self.last_collection = gc_id

    def restart(self, at: int) -> None:
        """Another JVM's lines begin at ``at``."""
        self.flush()
        self.cycles.restart()
        self.sizes.restart()
        segment = self.builder.restart(at)
        segment.clock = self.layout.clock
        segment.first_ns = self.stamps.now(at)
        self.last_ns = self.last_collection = MISSING

    def lost(self, at: int, line: bytes | None = None) -> None:
        """A line, or what begins at ``at``, was not understood."""
        if line is None:
            text = self.stamps.text
            line = text[text.rfind(b"\n", 0, at) + 1 : text.find(b"\n", at)]
        self.not_understood += 1
        self.builder.not_understood(max(0, at - 1), line)

    def stopped_together(self, reaching_ns: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Counts safepoints, whose rows are still to be written."""
        longest = int(reaching_ns.argmax())
        segment = self.builder.segment
        segment.note_reaching(int(reaching_ns[longest]), int(rows[longest]))
        segment.reaching_total_ns += int(reaching_ns.sum() - reaching_ns[longest])
        self.safepoints += len(rows)

    def write_together(self, rows: array[int], sizes: array[int], last: list[int], gc_id: int) -> None:
        """Many events at once, in order; ``last``: the sizes of the last collection, kept open."""
        self.flush()
        self.builder.add_rows(rows)
        self.builder.add_size_row(sizes)
        self.hold(last, gc_id)
