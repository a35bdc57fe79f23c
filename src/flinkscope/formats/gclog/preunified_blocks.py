"""Reads a block of pre-unified log: lines are known by their shape, numbers are read together, events in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog import preunified_jvm as jvm_lines
from flinkscope.formats.gclog.preunified_clock import Clock
from flinkscope.formats.gclog.preunified_events import EventWriter
from flinkscope.formats.gclog.preunified_records import LAYOUT_WORDS, LIKE_GC, NOISE_INSIDE, OPENING, Assembler
from flinkscope.formats.gclog.preunified_shapes import DIGITS, Template, as_array, template_of
from flinkscope.formats.gclog.preunified_terms import OLD, YOUNG, cause_of, g1_pause, words_of
from flinkscope.formats.gclog.preunified_text import Stamp, stamps_in
from flinkscope.formats.gclog.records import MISSING, EventBuilder, Flag, Kind

SHAPES_KEPT = 4096
_SHAPE_WIDTH = 1024
_NOTHING, _BETWEEN, _OPENS, _OTHER = "nothing", "between", "opens", "other"
_INSIDE_OF_OTHERS = ("regions", "times", "begin", "phase", "phase of G1")  # what other threads or later lines tell


_Values = tuple[int, int, int, int]  # of one line: stamp and duration in ns, number of the collection, which line it is


@dataclass(slots=True)
class _Reading:
    """The lines of one template in the block at hand."""

    template: Template
    lines: list[bytes] = field(default_factory=list)
    values: Iterator[_Values] = field(default_factory=lambda: iter(()))
    sizes: NDArray[np.int64] | None = None
    lists: list[list[int]] | None = None
    rows: list[int] = field(default_factory=list)  # of the event table, and which of the lines each is
    places: list[int] = field(default_factory=list)
    reaching: list[int] = field(default_factory=list)  # of safepoints: time until all threads had stopped
    code: int = MISSING
    collector: str | None = None
    emit: Callable[[_Reading, _Values, bytes, int], None] = field(init=False)

    def size_lists(self) -> list[list[int]]:
        """The size rows as lists, for events whose sizes are still open."""
        if self.lists is None:
            self.lists = [] if self.sizes is None else self.sizes.tolist()
        return self.lists


class BlockReader:
    """Keeps what is known of the log's shapes from block to block."""

    def __init__(self, builder: EventBuilder, clock: Clock, writer: EventWriter, assembler: Assembler) -> None:
        self._builder = builder
        self._clock = clock
        self._writer = writer
        self._assembler = assembler
        self._shapes: dict[bytes, str | _Reading] = {}
        self._unnamed = True  # the segment's collector may not be known yet

    def read(self, block: bytes, base: int) -> None:
        """Reads whole lines; ``base`` is the block's offset in the chunk."""
        lines = block.split(b"\n")
        shapes = block.translate(None, DIGITS).split(b"\n")
        known = self._shapes.get
        kinds = [known(shape) or self._learn(line, shape) for line, shape in zip(lines, shapes, strict=True)]
        self._assembler.understand(kinds.count(_BETWEEN))
        active = [i for i, kind in enumerate(kinds) if kind is not _BETWEEN and kind is not _NOTHING]
        offsets = list(accumulate(map(len, lines), initial=base))
        if _OPENS in kinds:
            active = self._join(active, kinds, lines, shapes)
        self._prepare(active, kinds, lines)
        assembler = self._assembler
        busy, emitted = assembler.busy, 0
        for i in active:
            kind = kinds[i]
            if isinstance(kind, str):
                assembler.line(lines[i], offsets[i] + i)
                busy = assembler.busy
                self._unnamed = True
                continue
            values = next(kind.values)
            if busy:
                taken = self._stands_alone(kind, lines[i], offsets[i] + i)
                busy = assembler.busy
                if not taken:
                    continue
            emitted += 1
            kind.emit(kind, values, lines[i], offsets[i] + i)
        assembler.understand(emitted)
        self._write_sizes()

    def _learn(self, line: bytes, shape: bytes) -> str | _Reading:
        """What lines of this shape are; remembered while there is room."""
        if not shape.strip():
            return _NOTHING
        if b"[x" in shape and (line[:1] == b" " or jvm_lines.is_heap_space(line)):
            return _BETWEEN  # addresses hold letters too: their shapes are many and not worth keeping
        kind = self._kind_of(line)
        if len(self._shapes) < SHAPES_KEPT and len(shape) <= _SHAPE_WIDTH:
            self._shapes[shape] = kind
        return kind

    def _kind_of(self, line: bytes) -> str | _Reading:
        template = template_of(line)
        if template is not None:
            return self._reading(template)
        if jvm_lines.changes_nothing(line) or jvm_lines.is_detail(line):
            return _BETWEEN
        if OPENING.match(line) and line.count(b"[") > line.count(b"]") and b"YG occupancy" not in line:
            return _OPENS
        if not any(mark in line for mark in (b"[", b"]", b"->", b"}", *LAYOUT_WORDS)) and not (
            LIKE_GC.search(line) or jvm_lines.is_fact(line)
        ):
            return _NOTHING
        return _OTHER

    def _reading(self, template: Template) -> _Reading:
        words = template.words
        cause = cause_of([words["cause"]]) if "cause" in words else ""
        generation = words.get("old_generation") or words.get("generation")
        collector = (OLD | YOUNG)[generation.encode()] if generation else None
        flags = Flag.PROMOTION_FAILED if "failed" in words else 0
        form = template.form
        if form == "pause":
            told = words_of(words["words"].encode())
            kind, name, flags = g1_pause(told)
            flags |= Flag.EVACUATION_FAILURE if "failed" in words else 0
            cause, collector = cause_of(told), "G1"
        elif form in ("begin", "phase", "phase of G1"):
            kind, name = Kind.CONCURRENT_PHASE, words["phase"]
            collector = "CMS" if name.startswith("CMS") else "G1"
        else:
            kind, name = {
                "young": (Kind.YOUNG, words.get("generation", "")),
                "full": (Kind.FULL, "Full GC"),
                "bare": (Kind.YOUNG, "GC"),
                "initial-mark": (Kind.INITIAL_MARK, "CMS-initial-mark"),
                "remark": (Kind.REMARK, "CMS-remark"),
            }.get(form, (Kind.SAFEPOINT, "stopped"))
            collector = "CMS" if name.startswith("CMS-") else collector
        number = self._builder.name_code
        code = kind | number(name) << 8 | number(cause) << 24 | flags << 40
        reading = _Reading(template, code=code, collector=collector)
        emitters: dict[str, Callable[[_Reading, _Values, bytes, int], None]] = {
            "times": self._emit_times,
            "regions": self._emit_regions,
            "begin": self._emit_begin,
            "stop": self._emit_stop,
            "phase": self._emit_phase,
            "phase of G1": self._emit_phase,
            "pause": self._emit_pause,
            "young": self._emit_young,
            "bare": self._emit_young,
        }
        reading.emit = emitters.get(form, self._emit_whole)
        return reading

    def _join(
        self, active: list[int], kinds: list[str | _Reading], lines: list[bytes], shapes: list[bytes]
    ) -> list[int]:
        """Joins collections that survivor tables and the like split in two, where the whole is of a known form."""
        kept: list[int] = []
        tail = MISSING
        for at, i in enumerate(active):
            if i == tail:
                continue
            kept.append(i)
            if kinds[i] is not _OPENS or at + 1 == len(active):
                continue
            after = active[at + 1]
            head, shape = lines[i], shapes[i] + shapes[after]
            noise = NOISE_INSIDE.search(head)
            if noise is not None:
                head = head[: noise.start()]
                shape = head.translate(None, DIGITS) + shapes[after]
            if isinstance(kinds[after], str) and kinds[after] is not _OPENS:
                whole = self._shapes.get(shape) or self._learn(head + lines[after], shape)
                if not isinstance(whole, str):
                    kinds[i], lines[i], tail = whole, head + lines[after], after
                    self._assembler.understand()
        return kept

    def _prepare(self, active: list[int], kinds: list[str | _Reading], lines: list[bytes]) -> None:
        """Reads the numbers of all templates' lines; lines that do not fit after all are left to the assembler."""
        present: dict[int, _Reading] = {}
        for i in active:
            kind = kinds[i]
            if not isinstance(kind, str):
                kind.lines.append(lines[i])
                present[id(kind)] = kind
        self._present = list(present.values())
        for reading in self._present:
            template = reading.template
            numbers = template.numbers(reading.lines)
            reading.lines = []
            if numbers is None:
                for i in active:
                    kinds[i] = _OTHER if kinds[i] is reading else kinds[i]
                continue
            reading.values = zip(
                template.starts_ns(numbers),
                template.durations_ns(numbers),
                template.gc_ids(numbers),
                range(numbers.shape[1]),
                strict=True,
            )
            reading.rows, reading.places, reading.lists = [], [], None
            reading.reaching = template.reaching_ns(numbers) if template.reaching != MISSING else []
            reading.sizes = template.size_rows(numbers) if template.sizes or template.form == "pause" else None

    def _stands_alone(self, reading: _Reading, line: bytes, offset: int) -> bool:
        """While a collection is unfinished: whether this line is an event of its own all the same."""
        form = reading.template.form
        if form == "stop":
            return True
        if form in _INSIDE_OF_OTHERS:
            self._assembler.line(line, offset)
            return False
        return self._assembler.stands_alone(line, offset)

    def _emit_times(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        self._writer.late_cpu_ms(reading.size_lists()[values[3]][16:])

    def _emit_regions(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        self._writer.late_sizes(reading.size_lists()[values[3]])

    def _emit_begin(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        self._writer.phase_begins(reading.template.words["phase"], self._moment(reading, values[0], line))

    def _emit_stop(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        moment, duration_ns, gc_id, at = values
        if not self._goes_on(moment):
            moment = self._moment(reading, moment, line)
        begun = moment - duration_ns if moment >= duration_ns else MISSING
        row = self._builder.add_coded(begun, duration_ns, reading.code, gc_id, offset)
        if reading.reaching:
            self._builder.segment.note_reaching(reading.reaching[at], row)

    def _emit_phase(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        self._writer.settle()
        reading.rows.append(len(self._builder))
        reading.places.append(values[3])
        self._name(reading)
        self._emit_stop(reading, values, line, offset)
        self._writer.phase_ends(reading.template.words["phase"])

    def _emit_pause(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        moment, duration_ns, gc_id, at = values
        moment = self._moment(reading, moment, line)
        self._writer.settle()
        row = self._builder.add_coded(moment, duration_ns, reading.code, gc_id, offset)
        sizes = reading.size_lists()[at]
        sizes[0] = row
        self._writer.hold(sizes)

    def _emit_young(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        moment, duration_ns, gc_id, at = values
        if self._unnamed or not self._goes_on(moment):
            moment = self._moment(reading, moment, line)
        if self._writer.open_sizes:
            self._writer.settle()
        reading.rows.append(self._builder.add_coded(moment, duration_ns, reading.code, gc_id, offset))
        reading.places.append(at)

    def _emit_whole(self, reading: _Reading, values: _Values, line: bytes, offset: int) -> None:
        form = reading.template.form
        self._unnamed = True  # names its collector for sure, whatever was guessed before
        self._emit_young(reading, values, line, offset)
        if form == "full":
            self._writer.cycle_ends()
        else:
            self._writer.cms_mark(form == "initial-mark")

    def _goes_on(self, moment: int) -> bool:
        """Whether the stamp simply goes on from the line before: no header, no restart, no other clock."""
        clock = self._clock
        if moment < clock.last_ns or not clock.counts_uptime or clock.heading is not None:
            return False
        clock.last_ns = moment
        return True

    def _moment(self, reading: _Reading, moment: int, line: bytes) -> int:
        """The line's stamp on the clock of its segment; names the segment's collector."""
        clock = self._clock
        unstamped = reading.template.unstamped and clock.started and clock.heading is None
        if not unstamped and not self._goes_on(moment):
            moment = clock.read(_stamp_of(line, reading.template))
            self._unnamed = True  # it may be another JVM
        self._name(reading)
        return moment

    def _name(self, reading: _Reading) -> None:
        if self._unnamed and reading.collector is not None:
            self._writer.collector(reading.collector)
            self._unnamed = False

    def _write_sizes(self) -> None:
        for reading in self._present:
            if reading.template.sizes and reading.sizes is not None and reading.rows:
                table = reading.sizes[reading.places]
                table[:, 0] = reading.rows
                self._builder.add_size_row(as_array(table))
            reading.sizes = None


def _stamp_of(line: bytes, template: Template) -> Stamp:
    """The stamp that begins a template's line."""
    if template.unstamped:
        return Stamp()
    if template.uptime == MISSING and line[:1].isdigit():
        return Stamp(line[:28])
    stamps = stamps_in(line)
    return stamps[0] if stamps else Stamp()  # none: of the right shape, but no stamp of HotSpot's
