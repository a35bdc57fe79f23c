"""What a dialect of GC log is: something that recognises a sample and reads chunks of whole lines into a builder."""

from __future__ import annotations

from typing import Protocol

from flinkscope.formats.gclog.records import EventBuilder


class DialectParser(Protocol):
    """Reads one dialect. Made per log with ``Parser(builder)``; chunks come in reading order, files one after another.

    Lines end in ``\\n`` (``\\r\\n`` is already cleaned), wrapper prefixes are already taken off, no line is longer than
    64 KiB (the source cuts longer ones). The parser keeps what it needs of an unfinished event between chunks.
    It calls ``builder.end_chunk(chunk)`` at the end of each chunk, ``builder.restart()`` when it sees another JVM
    begin, and counts ``gc_lines`` and ``understood_gc_lines`` of ``builder.coverage``.
    """

    def __init__(self, builder: EventBuilder) -> None: ...

    def feed(self, chunk: bytes) -> None:
        """Reads the next chunk of whole lines."""

    def settle(self) -> None:
        """No line has come for a while (a followed log): the last event is written as far as it is told."""

    def finish(self) -> None:
        """No more lines: settles unfinished events (flag TORN, counted in ``coverage.torn_events``)."""

    @staticmethod
    def recognise(sample: bytes) -> int:
        """How many lines of the sample (up to 64 KiB from the log's head) are surely of this dialect."""
