"""Shenandoah of JDK 8 (the builds that have it): ``12.345: [Concurrent marking 16M->17M(128M), 4.523 ms]``.

The titles are those of JDK 11 and later; only the brackets and the missing ``GC(n)`` differ. So each line is written in
the form of unified logging, with cycles counted here, and read by that dialect. Older builds stamp a line with its
begin, later ones with its end: which of the two is seen by how the first lines follow one another.
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog.preunified_text import STAMPS, uptime_ns, wall_ns
from flinkscope.formats.gclog.records import EventBuilder
from flinkscope.formats.gclog.unified import UnifiedParser

_TITLE = (
    rb"(?:Pause (?:Init|Final) (?:Mark|Update Refs)|Pause (?:Degenerated|Full)|Pause Final Evac|Pause Verify"
    rb"|Concurrent (?:reset|marking|precleaning|evacuation|update references|cleanup|partial|traversal|uncommit))"
)
_SURE = re.compile(
    rb"(?m)^(?:[\d.T:+-]{1,40}: ){0,2}(?:#\d{1,9}: )?\[" + _TITLE + rb"[^\]\n]{0,200}, (?:\d{1,9}\.\d{3} ms|start)\]"
)
_LINE = re.compile(
    rb"(?m)^" + STAMPS + rb"(?:\[(" + _TITLE + rb"[^\]\n>,]{0,200}?)"
    rb"(?: {1,2}(\d{1,12}[KMG]->\d{1,12}[KMG]\(\d{1,12}[KMG]\)))?"
    rb"((?:\n[ \t][^\n]{0,300}){0,30}\n)?, (\d{1,9}\.\d{3}) ms\]"  # what other threads say meanwhile comes between
    rb"|(Total time for which application threads were stopped: ))"
)
_SLACK_NS = 1_500_000  # stamps are told in milliseconds


class Shenandoah8Parser:
    """Reads one log (see :class:`flinkscope.formats.gclog.dialect.DialectParser`)."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._unified = UnifiedParser(builder)
        self._number = -1
        self._last = b""
        self._stamped_at_begin: bool | None = None

    @staticmethod
    def recognise(sample: bytes) -> int:
        """How many lines of the sample are surely of this dialect."""
        return sum(1 for _ in _SURE.finditer(sample))

    def feed(self, chunk: bytes) -> None:
        """Reads the next chunk of whole lines."""
        if self._stamped_at_begin is None:
            self._stamped_at_begin = _stamped_at_begin(chunk)
        text = _LINE.sub(self._in_new_form, chunk)
        self._builder.jvm.collector = "Shenandoah"
        self._unified.put_cycles_together()
        self._unified.feed(text)

    def settle(self) -> None:
        """No line has come for a while."""
        self._unified.settle()

    def finish(self) -> None:
        """No more lines."""
        for segment in self._builder.segments:
            segment.jvm.collector, segment.jvm.jdk = "Shenandoah", segment.jvm.jdk or "<=8"
        self._unified.finish()

    def _in_new_form(self, match: re.Match[bytes]) -> bytes:
        date, uptime, number, title, sizes, between, duration, stopped = match.groups()
        later_ms = round(float(duration)) if duration and self._stamped_at_begin else 0
        stamps = b"[%dms]" % (wall_ns(date) // 1_000_000 + later_ms) if date else b""
        if uptime:
            end_ms = uptime_ns(uptime) // 1_000_000 + later_ms
            stamps += b"[%d.%03ds]" % divmod(end_ms, 1000)
        if stopped:
            return stamps + b"[safepoint] " + stopped
        self._count(title)
        if number:
            self._number = int(number)
        line = b"%s[gc] GC(%d) %s%s %sms" % (stamps, self._number, title, b" " + sizes if sizes else b"", duration)
        return line + b"\n" * between.count(b"\n") if between else line

    def _count(self, title: bytes) -> None:
        """A reset, or a mark without one, begins a cycle; so does a collection in a pause after a whole one."""
        last, self._last = self._last, title
        inside = last.startswith(b"Concurrent reset") and b"bitmaps" not in last
        over = last.startswith((b"Pause Full", b"Pause Degenerated", b"Concurrent cleanup")) or not last
        if (
            (title.startswith((b"Concurrent reset", b"Concurrent partial")) and b"bitmaps" not in title)
            or (title.startswith(b"Pause Init Mark") and not inside)
            or (title.startswith((b"Pause Full", b"Pause Degenerated GC (Outside of Cycle)")) and over)
            or self._number < 0
        ):
            self._number += 1


def _stamped_at_begin(chunk: bytes) -> bool:
    """Whether lines bear the moment of their begin: then none begins before the one before it is over."""
    begins = ends = 0
    before_ns, ended_ns = 0, 0
    for match in _LINE.finditer(chunk):
        if match[2] is None or match[7] is None:
            continue
        stamp_ns, duration_ns = uptime_ns(match[2]), round(float(match[7]) * 1e6)
        begins += stamp_ns + _SLACK_NS < ended_ns
        ends += stamp_ns - duration_ns + _SLACK_NS < before_ns
        before_ns, ended_ns = stamp_ns, stamp_ns + duration_ns
    return begins <= ends
