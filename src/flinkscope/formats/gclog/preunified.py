"""GC logs of JDK 7 and 8 (``-XX:+PrintGC…``): Serial, Parallel, CMS with iCMS, G1, with any mix of the flags.

Three readers of one grammar: ``preunified_blocks`` takes the lines that are whole collections by their shape, many at
once; ``preunified_records`` puts the lines of all others together; ``preunified_events`` says what their brackets mean.
One pass; memory for one block and one unfinished collection.
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog.preunified_blocks import BlockReader
from flinkscope.formats.gclog.preunified_clock import Clock
from flinkscope.formats.gclog.preunified_events import EventWriter
from flinkscope.formats.gclog.preunified_records import Assembler
from flinkscope.formats.gclog.preunified_text import SKIPPED_STAMPS
from flinkscope.formats.gclog.records import EventBuilder

_BLOCK = 512 * 1024
_WORKERS = re.compile(rb"\[Parallel Time: [\d.,]{1,20} ms, GC Workers: (\d{1,5})\]")
_SNIFFED = 64 * 1024
_COMMA_SEEN = re.compile(
    rb"user=\d{1,6},\d\d |, ?\d{1,6},\d{7} secs|\b\d{1,9},\d{3}: (?:#\d{1,9}: )?\[|stopped: \d{1,6},\d{7} "
)
COMMA = re.compile(rb"(?<=\d),(?=\d)")
_SURE = re.compile(
    SKIPPED_STAMPS + rb"(?:\[(?:Full )?GC(?: pause | remark | cleanup |[- ]{0,3}(?:\(|\d|\[)|\[|\{)|\[CMS-concurrent-"
    rb"|\[GC concurrent-|\[Full GC|Total time for which application threads were stopped: |Application time: "
    rb"|CommandLine flags: |\{?Heap (?:before|after) (?:GC|gc) invocations=| ?\[PSYoungGen: )",
    re.MULTILINE,
)


class PreunifiedParser:
    """Reads one log (see :class:`flinkscope.formats.gclog.dialect.DialectParser`)."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._clock = Clock(builder)
        self._writer = EventWriter(builder, self._clock)
        self._assembler = Assembler(builder, self._clock, self._writer)
        self._blocks = BlockReader(builder, self._clock, self._writer, self._assembler)
        self._comma = False

    @staticmethod
    def recognise(sample: bytes) -> int:
        """How many lines of the sample are surely of this dialect."""
        if _COMMA_SEEN.search(sample):
            sample = COMMA.sub(b".", sample)
        return sum(1 for line in sample.split(b"\n") if _SURE.match(line))

    def feed(self, chunk: bytes) -> None:
        """Reads the next chunk of whole lines."""
        self._comma = self._comma or _COMMA_SEEN.search(chunk, 0, _SNIFFED) is not None
        text = COMMA.sub(b".", chunk) if self._comma else chunk
        begin = 0
        while begin < len(text):
            end = text.find(b"\n", begin + _BLOCK)
            end = len(text) if end < 0 else end
            self._blocks.read(text[begin:end], begin)
            begin = end + 1
        self._assembler.next_chunk()
        self._settle(chunk)

    def settle(self) -> None:
        """No line has come for a while: the last event is written without waiting for its CPU times."""
        self._writer.settle()

    def finish(self) -> None:
        """No more lines: an unfinished collection becomes a torn event."""
        self._assembler.finish()
        self._writer.settle()
        self._clock.finish()
        for segment in self._builder.segments:
            segment.jvm.jdk = segment.jvm.jdk or "<=8"
        self._settle(b"")

    def _settle(self, chunk: bytes) -> None:
        """The chunk's end: line numbers and counts become final."""
        self._clock.keep()
        if self._builder.jvm.collector == "G1" and self._builder.jvm.parallel_workers is None:
            workers = _WORKERS.search(chunk)
            self._builder.jvm.parallel_workers = int(workers[1]) if workers else None
        coverage = self._builder.coverage
        coverage.gc_lines += self._assembler.gc_lines
        coverage.understood_gc_lines += self._assembler.understood_gc_lines
        self._assembler.gc_lines = self._assembler.understood_gc_lines = 0
        self._builder.end_chunk(chunk)
