"""Unified logging (JDK 9-25, ``-Xlog:gc…``): Serial, Parallel, CMS, G1, ZGC, Shenandoah, Epsilon.

One alternation (:mod:`.unified_lines`) finds every line that matters in a chunk; the lines between cost no Python. What
G1 tells in one piece is taken in one (:mod:`.unified_blocks`). The stamp is read backwards from a match only where an
event needs it. Sizes come on lines of their own before a collection's last line and CPU times after it; ``GC(n)`` holds
them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flinkscope.formats.gclog import jvmlines
from flinkscope.formats.gclog.decoration import sniff
from flinkscope.formats.gclog.inference import infer_collectors
from flinkscope.formats.gclog.numbers import SIZES, ms_ns, seconds_ms, seconds_ns, whole_ns
from flinkscope.formats.gclog.records import MISSING, EventBuilder, Flag, Kind
from flinkscope.formats.gclog.titles import read_title
from flinkscope.formats.gclog.unified_blocks import BlockReader
from flinkscope.formats.gclog.unified_lines import BEGUN, EVENTFUL, SURE, TIMED, TROUBLE, alternation, gc_lines
from flinkscope.formats.gclog.unified_run import BACKWARDS_NS, RunWriter
from flinkscope.formats.gclog.unified_sizes import CPU, EMPTY, HEAP

_TAIL_BYTES = 1 << 16
_SNIFFED_LINES = 400
_OUT_OF_MEMORY = b"java.lang.OutOfMemoryError"  # flags like -XX:+HeapDumpOnOutOfMemoryError are no error


class UnifiedParser:
    """Reads chunks of a unified log into a builder; see :class:`flinkscope.formats.gclog.dialect.DialectParser`."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._writer = RunWriter(builder)
        self._blocks = BlockReader(self._writer)
        self._begun = False
        self._stop_reason = b"Safepoint"
        self._old_safepoints = False
        self._outside = 0
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
        self._writer.stamps.text = text
        self._writer.not_understood = self._outside = self._writer.safepoints = 0
        handlers = self._handlers
        for begin, end in self._blocks.between(text):
            for match in self._pattern.finditer(text, begin, end):
                handle, first = handlers[match.lastindex or 0]
                try:
                    handle(match, first)
                except ValueError:  # a number that cannot be one: the line is damaged
                    self._writer.lost(match.start(), text[match.start() + 1 : match.end()])
        self._count(text)
        self._writer.stamps.note_edges(self._builder.segment, first_chunk=len(self._builder.segments) == 1)
        self._tail = (self._tail + text[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        self._builder.end_chunk(chunk)
        self._writer.cycles.end_chunk(chunk)

    def put_cycles_together(self) -> None:
        """The collector is Shenandoah, whose cycles have no line of their own."""
        self._writer.cycles.active = True

    def settle(self) -> None:
        """No line has come for a while: writes the sizes of the last event without waiting for its CPU times."""
        self._writer.flush()

    def finish(self) -> None:
        """Writes what is still open, and notes a collection that had begun but not ended."""
        self._writer.flush()
        self._writer.cycles.finish()
        self._torn_collection()
        infer_collectors(self._builder, self._writer.sizes.collector)
        self._builder.end_chunk(b"")

    def _begin(self, chunk: bytes) -> None:
        self._begun = True
        layout = sniff(gc_lines(chunk, _SNIFFED_LINES))
        self._writer.begin(layout)
        self._blocks.begin(len(layout.roles), layout.clock_at)
        self._anchor = b"] " if layout.roles else b"\n"
        self._pattern, ends = alternation(self._anchor)
        self._handlers: list[tuple[Callable[[re.Match[bytes], int], None], int]] = [
            (self._handler(handler), first) for handler, first in ends
        ]

    def _handler(self, kind: str) -> Callable[[re.Match[bytes], int], None]:
        return {
            "": _ignore,
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
            "region": self._writer.sizes.region,
            "generation": self._writer.sizes.generation,
            "metaspace": self._writer.sizes.metaspace,
            "zmetaspace": self._writer.sizes.zmetaspace,
        }[kind]

    # --- lines that make events ---------------------------------------------------------------------------------

    def _paused(self, match: re.Match[bytes], first: int) -> None:
        """``Pause Young (Normal) (G1 Evacuation Pause) 6M->1M(128M) 1.594ms``"""
        writer, gc_id, at = self._writer, int(match[1]), match.start()
        texts = match.group(*range(first, first + 4))
        writer.collected(gc_id, at, writer.stamps.now(at), texts, writer.sizes.take(gc_id))

    def _pause(self, match: re.Match[bytes], first: int) -> None:
        """``Pause Mark Start 0.010ms``"""
        gc_id, at = int(match[1]), match.start()
        duration, end = ms_ns(match[first + 1]), self._writer.stamps.now(at)
        start = MISSING if end == MISSING else max(0, end - duration)
        code = self._writer.code(match[first])
        self._writer.flush()
        row = self._builder.add_coded(start, duration, code, gc_id, at)
        self._writer.hold([row, *EMPTY[1:]], gc_id)
        if self._writer.cycles.active:
            self._writer.cycles.pause(match[first], gc_id, (start, end), at)

    def _phase(self, match: re.Match[bytes], first: int) -> None:
        """``Concurrent Mark 45.977ms``, ``Concurrent cleanup 48M->16M(128M) 0.021ms``"""
        gc_id, at = int(match[1]), match.start()
        duration, end = ms_ns(match[first + 4]), self._writer.stamps.now(at)
        start = MISSING if end == MISSING else max(0, end - duration)
        self._writer.flush()
        row = self._builder.add_coded(start, duration, self._writer.code(match[first]), gc_id, at)
        sizes = None
        if match[first + 1]:
            sizes = [row, *(SIZES[match[first + i]] for i in (1, 2, 3)), *EMPTY[4:]]
            self._writer.hold(sizes, gc_id)
        if self._writer.cycles.active:
            self._writer.cycles.phase(match[first], gc_id, (start, end), sizes, at)

    def _collection(self, match: re.Match[bytes], first: int) -> None:
        """``Garbage Collection (Warmup) 14M(11%)->20M(16%)``; without sizes it is the line of its beginning."""
        gc_id, at = int(match[1]), match.start()
        now = self._writer.stamps.now(at)
        if match[first + 1] is None:
            if now != MISSING and now + BACKWARDS_NS < self._writer.last_ns:
                self._writer.notice_clock(now, gc_id, at)
            self._writer.cycles.begin(gc_id, now)
            return
        if now != MISSING:
            self._writer.last_ns, self._writer.last_collection = now, gc_id
        began = self._writer.cycles.began(gc_id)
        duration = now - began if began != MISSING and now != MISSING else MISSING
        if match[first + 3]:
            duration = max(seconds_ns(match[first + 3]), duration)
        start = now if duration == MISSING or now == MISSING else max(0, now - duration)
        sizes = self._writer.sizes.take(gc_id)
        sizes[HEAP], sizes[HEAP + 1] = SIZES[match[first + 1]], SIZES[match[first + 2]]
        self._writer.flush()
        sizes[0] = self._builder.add_coded(start, duration, self._writer.code(match[first]), gc_id, at)
        self._writer.hold(sizes, gc_id)

    def _stall(self, match: re.Match[bytes], first: int) -> None:
        """``Allocation Stall (main) 33.014ms``"""
        kind = Kind.ALLOCATION_STALL if match[first][:1] == b"A" else Kind.RELOCATION_STALL
        duration, end = ms_ns(match[first + 2]), self._writer.stamps.now(match.start())
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

    def _safepoint(self, match: re.Match[bytes], first: int) -> None:
        """JDK 12+: ``Safepoint "G1CollectFull", Time since last: …, Reaching safepoint: 1703 ns, … Total: … ns``"""
        self._writer.stopped(
            match[first],
            whole_ns(match[first + 1]),
            whole_ns(match[first + 2]),
            self._writer.stamps.now(match.start()),
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
        self._writer.stopped(
            self._stop_reason, reaching, seconds_ns(match[first]), self._writer.stamps.now(match.start()), match.start()
        )
        self._stop_reason = b"Safepoint"

    # --- lines that belong to an event --------------------------------------------------------------------------

    def _cpu(self, match: re.Match[bytes], first: int) -> None:
        """``User=0.01s Sys=0.00s Real=0.04s`` of the event just before"""
        if self._writer.open_sizes is not None and self._writer.open_gc == int(match[1]):
            self._writer.open_sizes[CPU:] = [seconds_ms(match[first + i]) for i in (0, 1, 2)]

    def _trouble(self, match: re.Match[bytes], first: int) -> None:
        self._writer.troubles[int(match[1])] = TROUBLE[match[first][:1].lower() + match[first][-1:]]

    def _cycle_metaspace(self, match: re.Match[bytes], first: int) -> None:
        """Shenandoah's ``Metaspace: 676K(832K)->1135K(1280K) …``, which follows a cycle without its number."""
        self._outside += 1
        self._writer.cycles.metaspace((SIZES[match[first]], SIZES[match[first + 1]], SIZES[match[first + 2]]))

    def _fact(self, match: re.Match[bytes], first: int) -> None:
        """A line in which the JVM tells about itself."""
        self._outside += 1
        text = match[first].decode("utf-8", "replace").rstrip()
        if text.startswith(("Using ", "Initializing The Z")) and len(self._builder) > self._builder.segment.first_event:
            now = self._writer.stamps.now(match.start())
            if now == MISSING or now < self._writer.last_ns or self._writer.layout.clock == "wall":
                self._writer.restart(match.start())
        jvmlines.note(self._builder, text)
        if self._builder.jvm.collector in ("Shenandoah", "Generational Shenandoah"):
            self.put_cycles_together()

    # --- coverage -----------------------------------------------------------------------------------------------

    def _rest(self, match: re.Match[bytes], first: int) -> None:
        """A line under ``GC(n)`` that no pattern took: a known kind of detail by its tags, or not understood."""
        at = match.start()
        line = self._writer.stamps.text[at + len(self._anchor) : self._writer.stamps.text.find(b"\n", at + 1)]
        if self._writer.layout.tags_at >= 0:
            fields = [field.strip() for field in self._writer.stamps.fields(at)]
            if fields[-1].strip(b"[ ") != b"gc" or b"debug" in fields or b"trace" in fields:
                return
            told = EVENTFUL.search(line) or TIMED.search(line)
        else:
            told = EVENTFUL.search(line)
        if told and not jvmlines.PLAIN_DETAIL.match(line):
            self._writer.lost(at, line)

    def _torn(self, match: re.Match[bytes], first: int) -> None:
        """A pause with sizes that is not whole."""
        self._writer.lost(match.start(), self._writer.stamps.text[match.start() + len(self._anchor) : match.end()])

    def _count(self, text: bytes) -> None:
        """How many GC lines the chunk has and how many of them were understood."""
        if self._writer.layout.tags_at >= 0:
            # up to JDK 11 a safepoint has lines that no pattern needs; counting them costs, so only where they are
            safepoint_lines = text.count(b"[safepoint") if self._old_safepoints else self._writer.safepoints
            gc_lines = text.count(b"][gc" if self._writer.layout.tags_at else b"[gc") + safepoint_lines
        else:
            gc_lines = text.count(self._anchor + b"GC(") + self._outside + self._writer.safepoints
        coverage = self._builder.coverage
        coverage.gc_lines += gc_lines
        coverage.understood_gc_lines += max(0, gc_lines - self._writer.not_understood)
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
        self._writer.stamps.text = self._tail
        read = read_title(begun[2])
        at = begun.start()
        start = self._writer.stamps.now(self._tail.rfind(b"] ", 0, begun.start(1)) if self._anchor == b"] " else at)
        self._builder.add(
            read.kind, read.name, cause=read.cause, start_ns=start, gc_id=int(begun[1]), flags=read.flags | Flag.TORN
        )
        self._builder.coverage.torn_events += 1


def _ignore(match: re.Match[bytes], first: int) -> None:
    """A match that belongs to no line kind; the alternation makes none."""
