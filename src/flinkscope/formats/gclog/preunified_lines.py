"""The few forms that make up most of a pre-unified GC log, read by one pattern: a whole collection on one line.

Everything that this pattern does not take goes through the bracket tree (``preunified_text.frames``), which reads these
lines too, four times slower; a test holds both ways against each other.
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog.preunified_clock import Clock
from flinkscope.formats.gclog.preunified_events import EventWriter, Pause, cause_of, g1_pause, words_of
from flinkscope.formats.gclog.preunified_text import SKIPPED_STAMPS, STAMPS, seconds_ns, size_bytes
from flinkscope.formats.gclog.records import MISSING, EventBuilder, Flag, Kind, Triple

_CAUSE = rb"(?:\(([^()\d][^()]{0,60}(?:\(\))?)\) ?)?"
_SECS = rb"(\d{1,9}\.\d{1,9})"
_K = rb"(\d{1,15})K"
_UNIT = rb"(\d{1,12}(?:\.\d)?)([BKMG])"
_LINE = re.compile(
    STAMPS
    + rb"(?:\[GC(?: pause ((?:\([^()]{1,60}(?:\(\))?\) ?){1,5})(?:"  # 4: G1's words
    + _UNIT + rb"->" + _UNIT + rb"\(" + _UNIT + rb"\))?, " + _SECS + rb" secs\] ?"  # 5-10, 11
    + rb"|(--)? ?" + _CAUSE + SKIPPED_STAMPS  # 12, 13
    + rb"\[(ParNew|PSYoungGen|DefNew): " + _K + rb"->" + _K + rb"\(" + _K + rb"\)(?:, \d{1,9}\.\d{1,9} secs)?\] "  # 14-17
    + _K + rb"->" + _K + rb"\(" + _K + rb"\)(?: icms_dc=\d{1,3} )?, " + _SECS + rb" secs\]"  # 18-20, 21
    + rb" \[Times: user=(\d{1,9}\.\d\d) sys=(\d{1,9}\.\d\d), real=(\d{1,9}\.\d\d) secs\] ?"  # 22-24
    + rb")|Total time for which application threads were stopped: " + _SECS  # 25
    + rb" seconds(?:, Stopping threads took: \d{1,9}\.\d{1,9} seconds)? ?"
    + rb"|\[(GC|Full GC) {0,2}" + _CAUSE + rb" ?" + _UNIT + rb"->" + _UNIT + rb"\(" + _UNIT + rb"\), "  # 26, 27, 28-33
    + _SECS + rb" secs\] ?"  # 34
    + rb")$"
)  # fmt: skip
_OF_G1, _OF_YOUNG, _OF_STOP = 11, 24, 25
_COLLECTORS = {b"ParNew": "CMS", b"PSYoungGen": "Parallel", b"DefNew": "Serial"}


class LineReader:
    """Reads single lines that are whole events."""

    def __init__(self, builder: EventBuilder, clock: Clock, writer: EventWriter) -> None:
        self._builder = builder
        self._clock = clock
        self._writer = writer
        self._young_codes: dict[tuple[bytes, bytes | None, bytes | None], int] = {}
        self._g1_words: dict[bytes, tuple[int, str, str, int]] = {}
        self._stop_code = Kind.SAFEPOINT | builder.name_code("stopped") << 8

    def match(self, line: bytes) -> re.Match[bytes] | None:
        """The match to hand to :meth:`read`; None where the line is of no common form."""
        return _LINE.match(line)

    @staticmethod
    def is_stop(found: re.Match[bytes]) -> bool:
        """Whether the line tells a safepoint and no collection."""
        return found.lastindex == _OF_STOP

    def read(self, found: re.Match[bytes], offset: int) -> None:
        """Writes the event of a matched line."""
        form = found.lastindex
        if form == _OF_YOUNG:
            self._young(found, offset)
        elif form == _OF_STOP:
            moment = self._clock.read_uptime(found[1], found[2]) if found[1] or found[2] else MISSING
            duration = seconds_ns(found[25])
            start = moment - duration if moment >= duration else MISSING
            self._builder.add_coded(start, duration, self._stop_code, MISSING, offset)
        elif form == _OF_G1:
            self._g1(found, offset)
        else:
            self._bare(found, offset)

    def _young(self, found: re.Match[bytes], offset: int) -> None:
        (date, uptime, number, failed, cause, generation, young_before, young_after, young_capacity,
         before, after, capacity, secs, user, sys, real) = found.group(
            1, 2, 3, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)  # fmt: skip
        self._writer.settle()
        start = self._clock.read_uptime(date, uptime)
        code = self._young_codes.get((generation, cause, failed))
        if code is None:
            code = self._young_code(generation, cause, failed)
        row = self._builder.add_coded(
            start, round(float(secs) * 1e9), code, MISSING if number is None else int(number), offset
        )
        heap0, heap1, heap2 = int(before) << 10, int(after) << 10, int(capacity) << 10
        young0, young1, young2 = int(young_before) << 10, int(young_after) << 10, int(young_capacity) << 10
        self._builder.add_size_row((
            row, heap0, heap1, heap2, young0, young1, young2,
            heap0 - young0 if heap0 >= young0 else -1,
            heap1 - young1 if heap1 >= young1 else -1,
            heap2 - young2 if heap2 >= young2 else -1,
            -1, -1, -1, -1, -1, -1,
            int(user[:-3] + user[-2:]) * 10, int(sys[:-3] + sys[-2:]) * 10, int(real[:-3] + real[-2:]) * 10,
        ))  # fmt: skip

    def _young_code(self, generation: bytes, cause: bytes | None, failed: bytes | None) -> int:
        self._writer.collector(_COLLECTORS[generation])
        builder = self._builder
        code = Kind.YOUNG | builder.name_code(generation.decode()) << 8 | _cause_code(builder, cause) << 24
        if failed:
            code |= Flag.PROMOTION_FAILED << 40
        if builder.jvm.collector == _COLLECTORS[generation]:  # else look again in the next JVM's segment
            self._young_codes[generation, cause, failed] = code
        return code

    def _g1(self, found: re.Match[bytes], offset: int) -> None:
        words = found[4]
        known = self._g1_words.get(words)
        if known is None:
            told = words_of(words)
            kind, name, flags = g1_pause(told)
            known = self._g1_words[words] = (kind, name, cause_of(told), flags)
        kind, name, cause, flags = known
        self._writer.collector("G1")
        start = self._clock.read_uptime(found[1], found[2])
        gc_id = MISSING if found[3] is None else int(found[3])
        pause = Pause(kind, name, cause, start, seconds_ns(found[11]), flags, gc_id)
        if found[5] is not None:
            pause.sizes["heap"] = _heap(found, 5)
        self._writer.write(pause, offset)

    def _bare(self, found: re.Match[bytes], offset: int) -> None:
        full = found[26] == b"Full GC"
        cause = "" if found[27] is None else cause_of([found[27].decode("utf-8", "replace")])
        start = self._clock.read_uptime(found[1], found[2])
        gc_id = MISSING if found[3] is None else int(found[3])
        pause = Pause(Kind.FULL if full else Kind.YOUNG, "Full GC" if full else "GC", cause, start)
        pause.duration_ns, pause.gc_id = seconds_ns(found[34]), gc_id
        pause.sizes["heap"] = _heap(found, 28)
        if full:
            self._writer.cycle_ends()
        self._writer.write(pause, offset)


def _heap(found: re.Match[bytes], group: int) -> Triple:
    parts = found.group(*range(group, group + 6))
    return size_bytes(*parts[0:2]), size_bytes(*parts[2:4]), size_bytes(*parts[4:6])


def _cause_code(builder: EventBuilder, cause: bytes | None) -> int:
    return 0 if cause is None else builder.name_code(cause_of([cause.decode("utf-8", "replace")]))
