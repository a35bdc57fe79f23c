"""GC logs of JDK 7 and 8 (``-XX:+PrintGC…``): Serial, Parallel, CMS with iCMS, G1, with any mix of the flags.

The reader puts the lines of one collection together until its brackets are balanced, leaving out what other flags print
between, and reads the whole through its bracket tree. Whole collections on one line, the bulk of most logs, are taken by
one pattern. Costs: one pass, memory for one unfinished collection (at most ``_OPEN_LIMIT`` bytes).
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog import preunified_jvm as jvm_lines
from flinkscope.formats.gclog.preunified_clock import Clock
from flinkscope.formats.gclog.preunified_events import EventWriter, torn_pause
from flinkscope.formats.gclog.preunified_lines import LineReader
from flinkscope.formats.gclog.preunified_text import NO_STAMP, SKIPPED_STAMPS, Stamp, frames, stamps_in
from flinkscope.formats.gclog.records import MISSING, EventBuilder

_OPEN_LIMIT = 256 * 1024
_SNIFFED = 64 * 1024
_COMMA_SEEN = re.compile(rb"user=\d{1,6},\d\d |, ?\d{1,6},\d{7} secs|\b\d{1,9},\d{3}: \[|stopped: \d{1,6},\d{7} ")
_COMMA = re.compile(rb"(?<=\d),(?=\d)")
_OPENING = re.compile(SKIPPED_STAMPS + rb"\[(?:GC(?! ?concurrent| ref-proc)|Full GC)")
_CONCURRENT = re.compile(rb" {0,2}(?:CMS: abort preclean due to time )?" + SKIPPED_STAMPS + rb"\[(?:CMS-|GC )concurrent-")
_SURE = re.compile(
    SKIPPED_STAMPS + rb"(?:\[(?:Full )?GC(?: pause | remark | cleanup |[- ]{0,3}(?:\(|\d|\[)|\[|\{)|\[CMS-concurrent-"
    rb"|\[GC concurrent-|\[Full GC|Total time for which application threads were stopped: |Application time: "
    rb"|CommandLine flags: |\{?Heap (?:before|after) (?:GC|gc) invocations=| ?\[PSYoungGen: )",
    re.MULTILINE,
)
_LAYOUT = re.compile(rb"\{?Heap (?:before|after) (?:GC|gc) invocations=\d{1,9}[^:\n]{0,40}:?")
_LAYOUT_WORDS = (b"Heap before ", b"Heap after ")
_NOISE_INSIDE = re.compile(
    rb"(?:AdaptiveSize(?:Start|Stop|Policy)|PSAdaptiveSizePolicy|CMSAdaptiveSizePolicy|Before GC:|After GC:"
    rb"|\s?GC time (?:would|is|exceed)|GC locker: )"
)
_TAIL = re.compile(rb"[^\[]{0,200}\d secs\]")
_LIKE_GC = re.compile(rb"\[(?:Full )?GC\b|\[CMS|\[ParNew|\[PSYoungGen|\d[KM]->\d{1,15}[KM]\(|\d secs\]")


class PreunifiedParser:
    """Reads one log (see :class:`flinkscope.formats.gclog.dialect.DialectParser`)."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._clock = Clock(builder)
        self._writer = EventWriter(builder, self._clock)
        self._lines = LineReader(builder, self._clock, self._writer)
        self._open: list[bytes] = []
        self._open_size = 0
        self._open_depth = 0
        self._open_offset = 0
        self._open_lines = 0
        self._loose = NO_STAMP
        self._in_layout = False
        self._comma = False
        self._rotated = False
        self._gc_lines = 0
        self._understood = 0

    @staticmethod
    def recognise(sample: bytes) -> int:
        """How many lines of the sample are surely of this dialect."""
        if _COMMA_SEEN.search(sample):
            sample = _COMMA.sub(b".", sample)
        return sum(1 for line in sample.split(b"\n") if _SURE.match(line))

    def feed(self, chunk: bytes) -> None:
        """Reads the next chunk of whole lines."""
        self._comma = self._comma or _COMMA_SEEN.search(chunk, 0, _SNIFFED) is not None
        offset = 0
        for line in (_COMMA.sub(b".", chunk) if self._comma else chunk).split(b"\n"):
            if line:
                self._line(line, offset)
            offset += len(line) + 1
        self._clock.keep()
        self._open_offset = 0
        self._count()
        self._builder.end_chunk(chunk)

    def finish(self) -> None:
        """No more lines: an unfinished collection becomes a torn event."""
        if self._open:
            self._tear()
        self._writer.settle()
        self._clock.finish()
        for segment in self._builder.segments:
            segment.jvm.jdk = segment.jvm.jdk or "<=8"
        self._count()
        self._builder.end_chunk(b"")

    def _count(self) -> None:
        coverage = self._builder.coverage
        coverage.gc_lines += self._gc_lines
        coverage.understood_gc_lines += self._understood
        self._gc_lines = self._understood = 0

    def _line(self, line: bytes, offset: int) -> None:
        if line.startswith(b"   ") and self._detail(line):
            self._understand()
        elif line.startswith((b"- age ", b"Desired survivor size ")):
            self._understand()
        elif self._open:
            self._inside(line, offset)
        else:
            found = self._lines.match(line)
            if found is not None and not (self._loose and found[1] is None and found[2] is None):
                self._lines.read(found, offset)
                self._understand()
            else:
                self._fresh(line, offset)

    def _understand(self) -> None:
        self._gc_lines += 1
        self._understood += 1

    def _detail(self, line: bytes) -> bool:
        """G1's details, indented by three or more; True for one of them."""
        if self._builder.jvm.collector != "G1":
            return False
        if line.startswith((b"   [Eden", b"   [ ")):
            return self._writer.late_regions(line)
        workers = line.find(b"GC Workers: ", 0, 60)
        if workers > 0 and self._builder.jvm.parallel_workers is None:
            digits = line[workers + 12 :].rstrip(b"] ")
            self._builder.jvm.parallel_workers = int(digits) if digits.isdigit() and len(digits) < 6 else None
        return line[3:4] in b" [" and b"->" not in line and not jvm_lines.is_heap_space(line)

    def _fresh(self, line: bytes, offset: int) -> None:
        """A line outside of any unfinished collection which is no whole collection itself."""
        if line.startswith(b" [Times: ") and self._writer.late_cpu(line[2:]):
            self._understand()
        elif any(word in line for word in _LAYOUT_WORDS) and (layout := _LAYOUT.search(line)):
            self._layout(line, layout, offset)
        elif self._outside(line, offset):
            pass
        elif b"[" in line and (_OPENING.search(line) or _CONCURRENT.search(line)):
            self._begin(line, offset)
        elif _TAIL.match(line):
            self._gc_lines += 1
            self._builder.coverage.torn_events += 1
            self._builder.not_understood(offset, line)
        elif _LIKE_GC.search(line):
            self._gc_lines += 1
            self._builder.not_understood(offset, line)

    def _outside(self, line: bytes, offset: int) -> bool:
        """Lines that are no part of a collection: what flags print between, the header, out of memory, the layout."""
        if jvm_lines.is_out_of_memory(line):
            self._builder.out_of_memory(offset, line.decode("utf-8", "replace").strip())
        elif jvm_lines.is_header(line):
            jvm_lines.read_header(line, self._clock.header(offset))
            self._clock.heading_of_rotation |= self._rotated
            self._understand()
        elif line[:1] == b"}":
            self._in_layout = False
            if line[1:].strip():
                self._line(line[1:].lstrip(), offset)
            else:
                self._understand()
        elif jvm_lines.is_heap_space(line):
            self._builder.jvm.heap_at_exit |= not self._in_layout and line.strip() == b"Heap"
            region = jvm_lines.region_bytes(line)
            if region is not None:
                self._builder.jvm.region_bytes = region
            self._understand()
        elif jvm_lines.between(line):
            self._rotated = b"GC log file created" in line
            self._understand()
        else:
            return False
        return True

    def _layout(self, line: bytes, layout: re.Match[bytes], offset: int) -> None:
        """PrintHeapAtGC begins here, perhaps behind the beginning of a collection."""
        self._in_layout = True
        head = line[: layout.start()]
        if head.strip():
            self._line(head, offset)
        else:
            self._understand()

    def _begin(self, line: bytes, offset: int) -> None:
        self._open_offset = offset
        self._open_size = self._open_depth = self._open_lines = 0
        self._append(line, offset)

    def _inside(self, line: bytes, offset: int) -> None:
        """A line while a collection is unfinished: its continuation, something between, or a sign that it was torn."""
        if any(word in line for word in _LAYOUT_WORDS) and (layout := _LAYOUT.search(line)):
            self._layout(line, layout, offset)
            return
        found = self._lines.match(line)
        if found is not None and self._lines.is_stop(found):
            self._lines.read(found, offset)
            self._understand()
        elif (found is not None or _OPENING.match(line)) and not self._nests(line):
            self._tear()
            self._line(line, offset)
        elif self._outside(line, offset):
            pass
        elif b"[" in line or b"]" in line or b"->" in line:
            self._append(line, offset)
        elif _LIKE_GC.search(line):
            self._gc_lines += 1
            self._builder.not_understood(offset, line)

    def _nests(self, line: bytes) -> bool:
        """CMSScavengeBeforeRemark: a young collection inside of the remark is the only one that begins inside of one."""
        return b"YG occupancy" not in line and any(b"YG occupancy" in part for part in self._open)

    def _append(self, line: bytes, offset: int) -> None:
        self._open_lines += 1
        noise = _NOISE_INSIDE.search(line)
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
        self._gc_lines += self._open_lines
        if self._writer.record(frames(text), self._stamp_of(text), self._open_offset):
            self._understood += self._open_lines
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
        self._gc_lines += self._open_lines
        self._builder.coverage.torn_events += 1
        self._builder.not_understood(self._open_offset, text)
        pause = torn_pause(frames(text))
        if pause is not None:
            stamps = stamps_in(text[: text.find(b"[")])
            pause.start_ns = self._clock.read(stamps[-1]) if stamps else MISSING
            self._writer.write(pause, self._open_offset)
