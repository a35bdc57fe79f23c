"""The decorations of unified logging: ``[2026-11-21T04:58:50.701+0000][0.191s][info][gc,start    ] message``.

Which decorations a log has is fixed by its ``-Xlog`` option, so they are looked at once (:func:`sniff`) and read by
position afterwards. Order and forms: JDK 9-25, ``logging/logDecorators.hpp`` and ``logDecorations.cpp``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from flinkscope.formats.gclog.records import MISSING, Segment

GROUPS = re.compile(rb"((?:\[[^\]\n]{0,300}\])+) ?")
_INSIDE = re.compile(rb" ((?:\[[^\]\n]{0,300}\])+) (?:GC\(|Using |Safepoint )")
_ROLES = (
    ("iso", re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}[+-]\d{4}$")),
    ("uptime", re.compile(rb"\d+[.,]\d{3}s$")),
    ("ms", re.compile(rb"\d+ms$")),
    ("ns", re.compile(rb"\d+ns$")),
    ("level", re.compile(rb"(?:trace|debug|info|warning|error) *$")),
    ("number", re.compile(rb"\d+$")),
    ("tags", re.compile(rb"(?:gc|safepoint)[a-z0-9_,]* *$")),
    ("word", re.compile(rb"")),
)
_WALL_MS = 10**11  # a millisecond stamp past this (March 1973) counts since 1970, below it since the JVM's start
_SAMPLE_LINES = 400
_LATEST_NS = 1 << 62  # the year 2116


@dataclass(frozen=True, slots=True)
class Layout:
    """Which decoration tells what, by position. ``clock``: ``uptime``, ``nanos``, ``wall`` or ``none``; -1: not there.

    ``prefixed``: something that is no decoration stands before them.
    """

    roles: tuple[str, ...]
    clock: str
    clock_at: int
    clock_role: str
    wall_at: int
    tags_at: int
    prefixed: bool = False

    def stamp_ns(self, fields: list[bytes]) -> int:
        """The line's time on the layout's clock, MISSING where the field is not there or not a time."""
        if not 0 <= self.clock_at < len(fields):
            return MISSING
        return field_ns(self.clock_role, fields[self.clock_at])

    def wall_ns(self, fields: list[bytes]) -> int:
        """The line's wall clock in ns since 1970, MISSING where the line has none."""
        if not 0 <= self.wall_at < len(fields):
            return MISSING
        return field_ns(self.roles[self.wall_at], fields[self.wall_at])


NO_LAYOUT = Layout((), "none", -1, "", -1, -1)


def sniff(sample: bytes) -> Layout:
    """The layout most lines of the sample have (of those with a GC tag, if any has); NO_LAYOUT without decorations."""
    lines = sample.split(b"\n")[:_SAMPLE_LINES]
    for prefixed, pattern in ((False, GROUPS.match), (True, _INSIDE.search)):
        votes: Counter[tuple[str, ...]] = Counter()
        for line in lines:
            found = pattern(line)
            if found:
                votes[tuple(role_of(field) for field in split_fields(found[1]))] += 1
        tagged = Counter({roles: count for roles, count in votes.items() if "tags" in roles})
        if votes and not (prefixed is False and not tagged and any(_INSIDE.search(line) for line in lines)):
            return _layout((tagged or votes).most_common(1)[0][0], prefixed)
    return NO_LAYOUT


def split_fields(head: bytes) -> list[bytes]:
    """``[a][b][c ]`` as ``a, b, c`` (with padding)."""
    return head.strip(b"[]").split(b"][")


def role_of(field: bytes) -> str:
    """What one decoration looks like."""
    for role, pattern in _ROLES:
        if pattern.match(field):
            if role == "ms" and int(field[:-2]) > _WALL_MS:
                return "wall_ms"
            return role
    return "word"


def _layout(roles: tuple[str, ...], prefixed: bool) -> Layout:
    last_tags = max((i for i, role in enumerate(roles) if role == "tags"), default=-1)
    nanos = [i for i, role in enumerate(roles) if role == "ns"]
    wall = next((roles.index(role) for role in ("iso", "wall_ms") if role in roles), -1)
    if nanos:
        # two of them: timenanos (System.nanoTime) comes first, uptimenanos second
        clock_at, clock = nanos[-1], "uptime" if len(nanos) == 2 else "nanos"
    elif "uptime" in roles:
        clock_at, clock = roles.index("uptime"), "uptime"
    elif "ms" in roles:
        clock_at, clock = roles.index("ms"), "uptime"
    else:
        clock_at, clock = wall, "wall" if wall >= 0 else "none"
    role = roles[clock_at] if clock_at >= 0 else ""
    return Layout(roles, clock, clock_at, role, wall, last_tags, prefixed)


_seconds: dict[bytes, int] = {}


def field_ns(role: str, field: bytes) -> int:
    """One time decoration in nanoseconds; MISSING when it is not of that role (a torn or foreign line)."""
    try:
        if role == "uptime" and field[-1:] == b"s":
            stamp = (int(field[:-5]) * 1000 + int(field[-4:-1])) * 1_000_000
        elif role in ("ms", "wall_ms") and field[-2:] == b"ms":
            stamp = int(field[:-2]) * 1_000_000
        elif role == "ns" and field[-2:] == b"ns":
            stamp = int(field[:-2])
        elif role == "iso":
            stamp = _iso_ns(field)
        else:
            return MISSING
    except (ValueError, OverflowError):
        return MISSING
    return stamp if 0 <= stamp < _LATEST_NS else MISSING


def _iso_ns(field: bytes) -> int:
    """``2026-11-21T04:58:50.701+0000``; whole seconds are remembered, because neighbouring lines share them."""
    key = field[:19] + field[23:]
    seconds = _seconds.get(key)
    if seconds is None:
        text = f"{field[:19].decode('ascii', 'replace')}{field[23:].decode('ascii', 'replace')}"
        seconds = int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp())
        if len(_seconds) > 4096:
            _seconds.clear()
        _seconds[key] = seconds
    return seconds * 1_000_000_000 + int(field[20:23]) * 1_000_000


class LineStamps:
    """Reads the decorations of lines of ``text``, the chunk at hand (with a line break before its first line)."""

    def __init__(self, layout: Layout) -> None:
        self.text = b""
        self._layout = layout
        self._last_field = b""
        self._last_stamp = MISSING

    def fields(self, at: int) -> list[bytes]:
        """The decorations of the line whose decorations end at ``at``."""
        text = self.text
        begin = text.rfind(b"\n", 0, at) + 2
        if self._layout.prefixed:  # what a wrapper wrote ends with a blank; decorations hold none before a bracket
            begin = max(begin, text.rfind(b" [", begin, at) + 2)
        return text[begin:at].split(b"][")

    def now(self, at: int) -> int:
        """That line's time on the layout's clock in ns; MISSING where it has none."""
        layout = self._layout
        if layout.clock_at < 0:
            return MISSING
        fields = self.fields(at)
        stamp = self.read(fields[layout.clock_at]) if len(fields) > layout.clock_at else MISSING
        if stamp == MISSING:
            for field in fields:
                if role_of(field) == layout.clock_role:
                    return field_ns(layout.clock_role, field)
        return stamp

    def read(self, field: bytes) -> int:
        """A time decoration in ns; MISSING where it is not one."""
        if field == self._last_field:  # neighbouring lines share their stamp
            return self._last_stamp
        self._last_field = field
        self._last_stamp = stamp = field_ns(self._layout.clock_role, field)
        return stamp

    def note_edges(self, segment: Segment, *, first_chunk: bool) -> None:
        """Notes first and last stamp of the chunk, and the wall clock of uptime 0. Another JVM's first is known."""
        first, last = self.text.find(b"] "), self.text.rfind(b"] ")
        if first < 0 or not self._layout.roles:
            return
        if segment.first_ns == MISSING and first_chunk:
            segment.first_ns = self.now(first)
        segment.last_ns = max(segment.last_ns, self.now(last))
        if segment.zero_wall_ns is None:
            fields = self.fields(last)
            wall, stamp = self._layout.wall_ns(fields), self._layout.stamp_ns(fields)
            if wall != MISSING and stamp != MISSING:
                segment.zero_wall_ns = 0 if self._layout.clock == "wall" else wall - stamp
