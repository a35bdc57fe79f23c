"""Puts the lines of one pre-unified collection together, and reads what is not a whole collection on one line.

A collection's lines are joined until its brackets balance, without what other flags print between; the whole is read
through its bracket tree. Memory: one unfinished collection, at most ``_OPEN_LIMIT`` bytes.
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog import preunified_jvm as jvm_lines
from flinkscope.formats.gclog.preunified_clock import Clock
from flinkscope.formats.gclog.preunified_events import EventWriter
from flinkscope.formats.gclog.preunified_terms import torn_pause
from flinkscope.formats.gclog.preunified_text import (
    NO_STAMP,
    SKIPPED_STAMPS,
    STAMPS,
    Stamp,
    frames,
    seconds_ns,
    stamps_in,
)
from flinkscope.formats.gclog.records import MISSING, EventBuilder, Kind

_OPEN_LIMIT = 256 * 1024
OPENING = re.compile(SKIPPED_STAMPS + rb"\[(?:GC(?! ?concurrent| ref-proc)|Full GC|Class Histogram)")
_CONCURRENT = re.compile(SKIPPED_STAMPS + rb"\[(?:CMS-|GC )concurrent-")
_LAYOUT = re.compile(rb"\{?Heap (?:before|after) (?:GC|gc) invocations=\d{1,9}[^:\n]{0,40}:?")
_STOP = re.compile(
    STAMPS + rb"Total time for which application threads were stopped: (\d{1,9}\.\d{1,9}) seconds"
    rb"(?:, Stopping threads took: (\d{1,9}\.\d{1,9}) seconds)?"
)
_TIMES = re.compile(rb"\[Times: [^\[\]]{1,200}\]")
LAYOUT_WORDS = (b"Heap before ", b"Heap after ")
NOISE_INSIDE = re.compile(
    rb"(?:AdaptiveSize(?:Start|Stop|Policy)|PSAdaptiveSizePolicy|CMSAdaptiveSizePolicy|Before GC:|After GC:"
    rb"|\s?GC time (?:would|is|exceed)|GC locker: )"
)
_TAIL = re.compile(rb"[^\[]{0,200}\d secs\]")
LIKE_GC = re.compile(
    rb"\[(?:Full )?GC\b|\[CMS|\[ParNew|\[PSYoungGen|\d[KM]->\d{1,15}[KM]\(|\d secs\]|threads were stopped: "
)


class Assembler:
    """Takes lines one by one; writes events as their collections become complete."""

    def __init__(self, builder: EventBuilder, clock: Clock, writer: EventWriter) -> None:
        self._builder = builder
        self._clock = clock
        self._writer = writer
        self._open: list[bytes] = []
        self._open_size = 0
        self._open_depth = 0
        self._open_offset = 0
        self._open_lines = 0
        self._loose = NO_STAMP
        self._in_layout = False
        self._rotated = False
        self.gc_lines = 0
        self.understood_gc_lines = 0

    @property
    def busy(self) -> bool:
        """Whether the next line may belong to what came before."""
        return bool(self._open) or bool(self._loose)

    def understand(self, lines: int = 1) -> None:
        """Counts GC lines that were understood."""
        self.gc_lines += lines
        self.understood_gc_lines += lines

    def next_chunk(self) -> None:
        """Offsets start again at 0: an unfinished collection is then placed at the chunk's first line."""
        self._open_offset = 0

    def finish(self) -> None:
        """No more lines: an unfinished collection becomes a torn event."""
        if self._open:
            self._tear()

    def line(self, line: bytes, offset: int) -> None:
        """Reads one line of whatever kind."""
        if b"threads were stopped: " in line:
            line = _STOP.sub(lambda stop: self._stop(stop, offset), line)
            if not line.strip():
                self.understand()
                return
        if self._open:
            self._inside(line, offset)
        else:
            self._fresh(line, offset)

    def stands_alone(self, line: bytes, offset: int) -> bool:
        """A whole collection on one line ends an unfinished one as torn; False where it belongs inside of that."""
        if self._loose or (self._open and self._nests(line)):
            self.line(line, offset)
            return False
        if self._open:
            self._tear()
        return True

    def _fresh(self, line: bytes, offset: int) -> None:
        """A line outside of any unfinished collection which is no whole collection itself."""
        bare = line.strip(b" ")
        if (_TIMES.fullmatch(bare) and self._writer.late_cpu(bare[1:])) or (
            bare.startswith((b"[Eden: ", b"[ ")) and self._writer.late_regions(bare)
        ):
            self.understand()
        elif any(word in line for word in LAYOUT_WORDS) and (layout := _LAYOUT.search(line)):
            self._layout(line, layout, offset)
        elif self._outside(line, offset):
            pass
        elif b"[" in line and (OPENING.search(line) or _CONCURRENT.search(line)):
            self._begin(line, offset)
        elif _TAIL.match(line):
            self.gc_lines += 1
            self._builder.coverage.torn_events += 1
            self._builder.not_understood(offset, line)
        elif LIKE_GC.search(line):
            self.gc_lines += 1
            self._builder.not_understood(offset, line)

    def _outside(self, line: bytes, offset: int) -> bool:
        """Lines that are no part of a collection: what flags print between, the header, out of memory, the layout."""
        if jvm_lines.is_out_of_memory(line):
            self._builder.out_of_memory(offset, line.decode("utf-8", "replace").strip())
        elif jvm_lines.is_header(line):
            jvm_lines.read_header(line, self._clock.header(offset))
            self._clock.heading_of_rotation |= self._rotated
            self.understand()
        elif line[:1] == b"}":
            self._in_layout = False
            if line[1:].strip():
                self.line(line[1:].lstrip(), offset)
            else:
                self.understand()
        elif jvm_lines.is_heap_space(line):
            self._builder.jvm.heap_at_exit |= not self._in_layout and line.strip() == b"Heap"
            region = jvm_lines.region_bytes(line)
            if region is not None:
                self._builder.jvm.region_bytes = region
            self.understand()
        elif jvm_lines.is_detail(line):
            self.understand()
        elif jvm_lines.between(line):
            self._rotated = jvm_lines.is_rotation(line)
            self.understand()
        else:
            return False
        return True

    def _stop(self, stop: re.Match[bytes], offset: int) -> bytes:
        """PrintGCApplicationStoppedTime prints, and stamps, when the threads run again. Nothing is left of its text."""
        moment = self._clock.read(Stamp(stop[1], stop[2]))
        duration = seconds_ns(stop[4])
        start = moment - duration if moment >= duration else MISSING
        row = self._builder.add(Kind.SAFEPOINT, "stopped", start_ns=start, duration_ns=duration, offset=offset)
        if stop[5] is not None:
            self._builder.segment.note_reaching(seconds_ns(stop[5]), row)
        return b""

    def _layout(self, line: bytes, layout: re.Match[bytes], offset: int) -> None:
        """PrintHeapAtGC begins here, perhaps behind the beginning of a collection."""
        self._in_layout = True
        head = line[: layout.start()]
        if head.strip():
            self.line(head, offset)
        else:
            self.understand()

    def _begin(self, line: bytes, offset: int) -> None:
        self._open_offset = offset
        self._open_size = self._open_depth = self._open_lines = 0
        self._append(line, offset)

    def _inside(self, line: bytes, offset: int) -> None:
        """A line while a collection is unfinished: its continuation, something between, or a sign that it was torn."""
        if any(word in line for word in LAYOUT_WORDS) and (layout := _LAYOUT.search(line)):
            self._layout(line, layout, offset)
        elif OPENING.match(line) and not self._nests(line):
            self._tear()
            self._fresh(line, offset)
        elif self._outside(line, offset):
            pass
        elif b"[" in line or b"]" in line or b"->" in line:
            self._append(line, offset)
        elif LIKE_GC.search(line):
            self.gc_lines += 1
            self._builder.not_understood(offset, line)

    def _nests(self, line: bytes) -> bool:
        """What begins inside of another: the young collection of CMSScavengeBeforeRemark, a histogram of classes."""
        if b"[Class Histogram" in line:
            return True
        return b"YG occupancy" not in line and any(b"YG occupancy" in part for part in self._open)

    def _append(self, line: bytes, offset: int) -> None:
        self._open_lines += 1
        noise = NOISE_INSIDE.search(line)
        if noise is not None:
            line = line[: noise.start()]
        self._open.append(line)
        self._open_size += len(line)
        self._open_depth += line.count(b"[") - line.count(b"]")
        if self._open_depth <= 0:
            self._complete(offset)
        elif self._open_size > _OPEN_LIMIT:
            self._tear()

    def _complete(self, offset: int) -> None:
        text = b"".join(self._open)
        self._open = []
        self.gc_lines += self._open_lines
        if self._writer.record(frames(text), self._stamp_of(text), self._open_offset):
            self.understood_gc_lines += self._open_lines
        else:
            self._builder.not_understood(offset, text)

    def _stamp_of(self, text: bytes) -> Stamp:
        """The stamp for a record that has none of its own: another thread's line took it along (two stamps)."""
        before = stamps_in(text[: text.find(b"[")])
        loose, self._loose = self._loose, NO_STAMP
        if len(before) > 1 and _CONCURRENT.search(text[: 4 * 80]):
            self._loose = before[0]
        return loose if not before else NO_STAMP

    def _tear(self) -> None:
        """The unfinished collection will not end: its event is kept, without what was not read."""
        text = b"".join(self._open)
        self._open = []
        self.gc_lines += self._open_lines
        self._builder.coverage.torn_events += 1
        self._builder.not_understood(self._open_offset, text)
        pause = torn_pause(frames(text))
        if pause is not None:
            stamps = stamps_in(text[: text.find(b"[")])
            pause.start_ns = self._clock.read(stamps[-1]) if stamps else MISSING
            self._writer.write(pause, self._open_offset)
