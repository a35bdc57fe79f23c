"""Unified logging (JDK 9-25, ``-Xlog:gc…``): Serial, Parallel, CMS, G1, ZGC, Shenandoah, Epsilon.

One alternation (:mod:`.unified_lines`) finds every line that matters in a chunk; the lines between cost no Python. The
stamp is read backwards from a match only where an event needs it. Sizes come on lines of their own before a
collection's last line and CPU times after it; ``GC(n)`` holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flinkscope.formats.gclog import jvmlines
from flinkscope.formats.gclog.cycles import CycleTracker
from flinkscope.formats.gclog.decoration import NO_LAYOUT, LineStamps, sniff
from flinkscope.formats.gclog.inference import infer_collectors
from flinkscope.formats.gclog.numbers import CENTIS, SIZES, ms_ns, seconds_ms, seconds_ns, whole_ns
from flinkscope.formats.gclog.records import MISSING, EventBuilder, Flag, Kind
from flinkscope.formats.gclog.titles import read_title
from flinkscope.formats.gclog.unified_lines import BEGUN, EVENTFUL, SURE, TROUBLE, alternation, gc_lines
from flinkscope.formats.gclog.unified_sizes import CPU, EMPTY, HEAP, OLD, YOUNG, PendingSizes

_BACKWARDS_NS = 500_000_000  # stamps of different threads may be a little out of order; more is another clock
_TAIL_BYTES = 1 << 16
_SNIFFED_LINES = 400
_OUT_OF_MEMORY = b"java.lang.OutOfMemoryError"  # flags like -XX:+HeapDumpOnOutOfMemoryError are no error


class UnifiedParser:
    """Reads chunks of a unified log into a builder; see :class:`flinkscope.formats.gclog.dialect.DialectParser`."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._layout = NO_LAYOUT
        self._stamps = LineStamps(NO_LAYOUT)
        self._begun = False
        self._sizes = PendingSizes(builder)
        self._cycles = CycleTracker(builder, self._sizes)
        self._open: list[int] | None = None  # sizes of the last event; CPU times may still come
        self._open_gc = MISSING
        self._codes: dict[bytes, int] = {}
        self._stop_reason = b"Safepoint"
        self._old_safepoints = False
        self._last_ns = MISSING
        self._last_collection = MISSING
        self._troubles: dict[int, int] = {}
        self._not_understood = 0
        self._outside = 0
        self._safepoints = 0
        self._tail = b""

    @staticmethod
    def recognise(sample: bytes) -> int:
        """How many lines of the sample are surely unified logging."""
        return sum(1 for _ in SURE.finditer(sample))

    def feed(self, chunk: bytes) -> None:
        """Reads whole lines."""
        if not self._begun:
            self._begin(chunk)
        text = b"\n" + chunk if chunk.endswith(b"\n") else b"\n" + chunk + b"\n"
        self._stamps.text = text
        self._not_understood = self._outside = self._safepoints = 0
        handlers = self._handlers
        for match in self._pattern.finditer(text):
            handle, first = handlers[match.lastindex or 0]
            try:
                handle(match, first)
            except ValueError:  # a number that cannot be one: the line is damaged
                self._lost(match.start(), text[match.start() + 1 : match.end()])
        self._count(text)
        self._stamps.note_edges(self._builder.segment, first_chunk=len(self._builder.segments) == 1)
        self._tail = (self._tail + text[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        self._builder.end_chunk(chunk)

    def settle(self) -> None:
        """No line has come for a while: writes the sizes of the last event without waiting for its CPU times."""
        self._flush()

    def finish(self) -> None:
        """Writes what is still open, and notes a collection that had begun but not ended."""
        self._flush()
        self._cycles.finish()
        self._torn_collection()
        infer_collectors(self._builder, self._sizes.collector)
        self._builder.end_chunk(b"")

    def _begin(self, chunk: bytes) -> None:
        self._begun = True
        self._layout = layout = sniff(gc_lines(chunk, _SNIFFED_LINES))
        self._stamps = LineStamps(layout)
        anchor = b"] " if layout.roles else b"\n"
        self._pattern, ends = alternation(anchor, len(layout.roles), layout.clock_at)
        self._handlers: list[tuple[Callable[[re.Match[bytes], int], None], int]] = [
            (self._handler(handler), first) for handler, first in ends
        ]
        self._anchor = anchor
        self._block_groups = (1, *range(ends.index(("block", 2)), len(ends) - ends[::-1].index(("block", 2)) - 1))
        self._builder.segment.clock = layout.clock

    def _handler(self, kind: str) -> Callable[[re.Match[bytes], int], None]:
        return {
            "": _ignore,
            "block": self._block,
            "paused": self._paused,
            "pause": self._pause,
            "phase": self._phase,
            "collection": self._collection,
            "stall": self._stall,
            "safepoint": self._safepoint,
            "stopped": self._stopped,
            "entering": self._entering,
            "cpu": self._cpu,
            "trouble": self._trouble,
            "fact": self._fact,
            "cycle_metaspace": self._cycle_metaspace,
            "rest": self._rest,
            "torn": self._torn,
            "region": self._sizes.region,
            "generation": self._sizes.generation,
            "metaspace": self._sizes.metaspace,
            "zmetaspace": self._sizes.zmetaspace,
        }[kind]

    # --- runs of JVMs ---------------------------------------------------------------------------------------------

    def _notice_clock(self, end_ns: int, gc_id: int, at: int) -> None:
        """Another JVM begins where the uptime falls back and the collections are counted anew."""
        if end_ns == MISSING:
            if gc_id + 2 < self._last_collection:
                self._builder.coverage.headless_restarts += 1
                self._restart(at)
        elif end_ns + _BACKWARDS_NS < self._last_ns:
            if gc_id <= self._last_collection:
                self._builder.coverage.headless_restarts += 1
                self._restart(at)
            else:
                self._builder.coverage.clock_jumps += 1
        self._last_ns = end_ns
        self._last_collection = gc_id

    def _restart(self, at: int) -> None:
        self._flush()
        self._cycles.restart()
        self._sizes.restart()
        segment = self._builder.restart(at)
        segment.clock = self._layout.clock
        segment.first_ns = self._stamps.now(at)
        self._last_ns = self._last_collection = MISSING

    # --- lines that make events ---------------------------------------------------------------------------------

    def _code(self, title: bytes) -> int:
        code = self._codes.get(title)
        if code is None:
            read = read_title(title)
            names = self._builder.name_code
            code = read.kind | names(read.name) << 8 | names(read.cause) << 24 | read.flags << 40
            if len(self._codes) < 10_000:
                self._codes[title] = code
        return code

    def _flush(self) -> None:
        if self._open is not None:
            self._builder.add_size_row(self._open)
            self._open = None

    def _block(self, match: re.Match[bytes], first: int) -> None:
        """All lines of one collection of G1, from ``Eden regions`` to its safepoint, in one match."""
        texts = match.group(*self._block_groups)
        gc_id, at = int(texts[0]), match.start(first + 16)
        sizes = self._sizes.of_block(texts)
        if texts[21]:
            sizes[CPU], sizes[CPU + 1], sizes[CPU + 2] = CENTIS[texts[21]], CENTIS[texts[22]], CENTIS[texts[23]]
        self._collected(gc_id, at, self._stamps.read(texts[16]), texts[17:21], sizes)
        if texts[25]:
            self._safepoint_event(
                texts[25], whole_ns(texts[26]), whole_ns(texts[27]), self._stamps.read(texts[24]), match.end() - 1
            )

    def _paused(self, match: re.Match[bytes], first: int) -> None:
        """``Pause Young (Normal) (G1 Evacuation Pause) 6M->1M(128M) 1.594ms``"""
        gc_id = int(match[1])
        at = match.start()
        self._collected(gc_id, at, self._stamps.now(at), match.group(*range(first, first + 4)), self._sizes.take(gc_id))

    def _collected(self, gc_id: int, at: int, end: int, texts: tuple[bytes, ...], sizes: list[int]) -> None:
        """A pause with sizes. ``texts``: title with the size before it, size after, capacity, milliseconds."""
        title, _, before = texts[0].rpartition(b" ")
        sizes[HEAP] = SIZES[before[:-1]]
        sizes[HEAP + 1] = SIZES[texts[1]]
        sizes[HEAP + 2] = SIZES[texts[2]]
        if sizes[OLD + 1] >= 0 and sizes[YOUNG + 1] >= 0:
            self._sizes.refine(sizes)
        duration = ms_ns(texts[3])
        code = self._code(title)
        if self._troubles:
            code |= self._troubles.pop(gc_id, 0) << 40
        if code & 0xFF <= Kind.FULL:
            if gc_id <= self._last_collection or end + _BACKWARDS_NS < self._last_ns:
                self._notice_clock(end, gc_id, at)
            else:
                self._last_ns, self._last_collection = end, gc_id
        start = MISSING if end == MISSING else max(0, end - duration)
        if self._open is not None and self._open_gc == gc_id + 1:
            self._sizes.tell_inner(self._open, sizes)
        self._flush()
        sizes[0] = self._builder.add_coded(start, duration, code, gc_id, at)
        self._open, self._open_gc = sizes, gc_id
        if self._cycles.active:
            self._cycles.pause(title, gc_id, start, end)

    def _pause(self, match: re.Match[bytes], first: int) -> None:
        """``Pause Mark Start 0.010ms``"""
        gc_id, at = int(match[1]), match.start()
        duration, end = ms_ns(match[first + 1]), self._stamps.now(at)
        start = MISSING if end == MISSING else max(0, end - duration)
        code = self._code(match[first])
        self._flush()
        row = self._builder.add_coded(start, duration, code, gc_id, at)
        self._open, self._open_gc = [row, *EMPTY[1:]], gc_id
        if self._cycles.active:
            self._cycles.pause(match[first], gc_id, start, end)

    def _phase(self, match: re.Match[bytes], first: int) -> None:
        """``Concurrent Mark 45.977ms``, ``Concurrent cleanup 48M->16M(128M) 0.021ms``"""
        gc_id, at = int(match[1]), match.start()
        duration, end = ms_ns(match[first + 4]), self._stamps.now(at)
        start = MISSING if end == MISSING else max(0, end - duration)
        self._flush()
        row = self._builder.add_coded(start, duration, self._code(match[first]), gc_id, at)
        sizes = None
        if match[first + 1]:
            sizes = [row, *(SIZES[match[first + i]] for i in (1, 2, 3)), *EMPTY[4:]]
            self._open, self._open_gc = sizes, gc_id
        if self._cycles.active:
            self._cycles.phase(match[first], gc_id, start, end, sizes)

    def _collection(self, match: re.Match[bytes], first: int) -> None:
        """``Garbage Collection (Warmup) 14M(11%)->20M(16%)``; without sizes it is the line of its beginning."""
        gc_id, at = int(match[1]), match.start()
        now = self._stamps.now(at)
        if match[first + 1] is None:
            if now != MISSING and now + _BACKWARDS_NS < self._last_ns:
                self._notice_clock(now, gc_id, at)
            self._cycles.begin(gc_id, now)
            return
        if now != MISSING:
            self._last_ns, self._last_collection = now, gc_id
        began = self._cycles.began(gc_id)
        duration = now - began if began != MISSING and now != MISSING else MISSING
        if match[first + 3]:
            duration = max(seconds_ns(match[first + 3]), duration)
        start = now if duration == MISSING or now == MISSING else max(0, now - duration)
        sizes = self._sizes.take(gc_id)
        sizes[HEAP], sizes[HEAP + 1] = SIZES[match[first + 1]], SIZES[match[first + 2]]
        self._flush()
        sizes[0] = self._builder.add_coded(start, duration, self._code(match[first]), gc_id, at)
        self._open, self._open_gc = sizes, gc_id

    def _stall(self, match: re.Match[bytes], first: int) -> None:
        """``Allocation Stall (main) 33.014ms``"""
        kind = Kind.ALLOCATION_STALL if match[first][:1] == b"A" else Kind.RELOCATION_STALL
        duration, end = ms_ns(match[first + 2]), self._stamps.now(match.start())
        self._outside += 1
        self._builder.add(
            kind,
            match[first].decode(),
            cause=match[first + 1][1:-1].decode("utf-8", "replace"),
            start_ns=MISSING if end == MISSING else max(0, end - duration),
            duration_ns=duration,
            gc_id=int(match[1]) if match[1] else MISSING,
            offset=match.start(),
        )

    def _safepoint_event(self, name: bytes, reaching_ns: int, total_ns: int, end: int, at: int) -> None:
        code = self._codes.get(name)
        if code is None:
            code = Kind.SAFEPOINT | self._builder.name_code(name.decode("utf-8", "replace")) << 8
            self._codes[name] = code
        start = MISSING if end == MISSING else max(0, end - total_ns)
        self._builder.add_coded(start, total_ns, code, MISSING, at)
        self._builder.segment.note_reaching(reaching_ns, len(self._builder) - 1)
        self._safepoints += 1

    def _safepoint(self, match: re.Match[bytes], first: int) -> None:
        """JDK 12+: ``Safepoint "G1CollectFull", Time since last: …, Reaching safepoint: 1703 ns, … Total: … ns``"""
        self._safepoint_event(
            match[first],
            whole_ns(match[first + 1]),
            whole_ns(match[first + 2]),
            self._stamps.now(match.start()),
            match.start(),
        )

    def _entering(self, match: re.Match[bytes], first: int) -> None:
        """JDK 9-11: the reason stands on a line before."""
        self._stop_reason = match[first]
        self._old_safepoints = True
        self._outside += 1

    def _stopped(self, match: re.Match[bytes], first: int) -> None:
        """JDK 9-11: ``Total time for which application threads were stopped: 0.06 seconds, Stopping …``"""
        reaching = seconds_ns(match[first + 1]) if match[first + 1] else MISSING
        self._safepoint_event(
            self._stop_reason, reaching, seconds_ns(match[first]), self._stamps.now(match.start()), match.start()
        )
        self._stop_reason = b"Safepoint"

    # --- lines that belong to an event --------------------------------------------------------------------------

    def _cpu(self, match: re.Match[bytes], first: int) -> None:
        """``User=0.01s Sys=0.00s Real=0.04s`` of the event just before"""
        if self._open is not None and self._open_gc == int(match[1]):
            self._open[CPU:] = [seconds_ms(match[first + i]) for i in (0, 1, 2)]

    def _trouble(self, match: re.Match[bytes], first: int) -> None:
        self._troubles[int(match[1])] = TROUBLE[match[first][:1].lower() + match[first][-1:]]

    def _cycle_metaspace(self, match: re.Match[bytes], first: int) -> None:
        """Shenandoah's ``Metaspace: 676K(832K)->1135K(1280K) …``, which follows a cycle without its number."""
        self._outside += 1
        self._cycles.metaspace((SIZES[match[first]], SIZES[match[first + 1]], SIZES[match[first + 2]]))

    def _fact(self, match: re.Match[bytes], first: int) -> None:
        """A line in which the JVM tells about itself."""
        self._outside += 1
        text = match[first].decode("utf-8", "replace").rstrip()
        if text.startswith(("Using ", "Initializing The Z")) and len(self._builder) > self._builder.segment.first_event:
            now = self._stamps.now(match.start())
            if now == MISSING or now < self._last_ns or self._layout.clock == "wall":
                self._restart(match.start())
        jvmlines.note(self._builder, text)
        if self._builder.jvm.collector in ("Shenandoah", "Generational Shenandoah"):
            self._cycles.active = True

    # --- coverage -----------------------------------------------------------------------------------------------

    def _rest(self, match: re.Match[bytes], first: int) -> None:
        """A line under ``GC(n)`` that no pattern took: a known kind of detail by its tags, or not understood."""
        at = match.start()
        line = self._stamps.text[at + len(self._anchor) : self._stamps.text.find(b"\n", at + 1)]
        if self._layout.tags_at >= 0:
            fields = [field.strip() for field in self._stamps.fields(at)]
            plain = fields[-1].strip(b"[ ") == b"gc" and b"debug" not in fields and b"trace" not in fields
            unknown = plain and not jvmlines.PLAIN_DETAIL.match(line)
        else:
            unknown = EVENTFUL.search(line) is not None and not jvmlines.PLAIN_DETAIL.match(line)
        if unknown:
            self._lost(at, line)

    def _torn(self, match: re.Match[bytes], first: int) -> None:
        """A pause with sizes that is not whole."""
        self._lost(match.start(), self._stamps.text[match.start() + len(self._anchor) : match.end()])

    def _lost(self, at: int, line: bytes) -> None:
        self._not_understood += 1
        self._builder.not_understood(max(0, at - 1), line)

    def _count(self, text: bytes) -> None:
        """How many GC lines the chunk has and how many of them were understood."""
        if self._layout.tags_at >= 0:
            # up to JDK 11 a safepoint has lines that no pattern needs; counting them costs, so only where they are
            safepoint_lines = text.count(b"[safepoint") if self._old_safepoints else self._safepoints
            gc_lines = text.count(b"][gc" if self._layout.tags_at else b"[gc") + safepoint_lines
        else:
            gc_lines = text.count(self._anchor + b"GC(") + self._outside + self._safepoints
        coverage = self._builder.coverage
        coverage.gc_lines += gc_lines
        coverage.understood_gc_lines += max(0, gc_lines - self._not_understood)
        found = text.find(_OUT_OF_MEMORY)
        while found >= 0:
            begin, end = text.rfind(b"\n", 0, found) + 1, text.find(b"\n", found)
            self._builder.out_of_memory(
                begin - 1, text[begin : min(end, begin + 300)].decode("utf-8", "replace").strip()
            )
            found = text.find(_OUT_OF_MEMORY, end)

    def _torn_collection(self) -> None:
        """A collection that has begun and not ended: kept as an event without duration."""
        begun = next(reversed(list(BEGUN.finditer(self._tail))), None)
        if begun is None or re.search(rb"GC\(%d\) Pause [^\n]*ms" % int(begun[1]), self._tail[begun.end() :]):
            return
        self._stamps.text = self._tail
        read = read_title(begun[2])
        at = begun.start()
        start = self._stamps.now(self._tail.rfind(b"] ", 0, begun.start(1)) if self._anchor == b"] " else at)
        self._builder.add(
            read.kind, read.name, cause=read.cause, start_ns=start, gc_id=int(begun[1]), flags=read.flags | Flag.TORN
        )
        self._builder.coverage.torn_events += 1


def _ignore(match: re.Match[bytes], first: int) -> None:
    """A match that belongs to no line kind; the alternation makes none."""
