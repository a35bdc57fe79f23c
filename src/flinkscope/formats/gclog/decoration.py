"""The decorations of unified logging: ``[2026-11-21T04:58:50.701+0000][0.191s][info][gc,start    ] message``.

Which decorations a log has is fixed by its ``-Xlog`` option, so they are looked at once (:func:`sniff`) and read by
position afterwards. Order and forms: JDK 9-25, ``logging/logDecorators.hpp`` and ``logDecorations.cpp``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from flinkscope.formats.gclog.records import MISSING

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
    """Which decoration tells what, by position. ``clock``: ``uptime``, ``wall`` or ``none``; -1: not there.

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
        clock_at, clock = nanos[-1], "uptime"
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
