"""The text of pre-unified GC logs (JDK 1.4 to 8): numbers with units, stamps, and the tree of square brackets.

HotSpot prints a collection as nested brackets, ``[title … , 0.12 secs]``, opened at its start and closed at its end
(``GCTraceTime`` of jdk8u), so whatever other threads print meanwhile lands between an opening and its closing. Reading
the brackets as a tree therefore reads every mix of flags: a frame that nobody knows is simply a child that nobody asks.

All patterns bound their repeats, so that each is linear in the length of a line whatever the line holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from flinkscope.formats.gclog.records import MISSING, Triple

DATE = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}"
UPTIME = rb"\d{1,9}\.\d{3}"
STAMPS = rb"(?:(" + DATE + rb"): ?)?(?:(" + UPTIME + rb"): ?)?(?:#(\d{1,9}): ?)?"
"""Group 1: date stamp, group 2: seconds since the JVM's start, group 3: number of the collection (PrintGCID)."""
SKIPPED_STAMPS = rb"(?:" + DATE + rb": ?)?(?:" + UPTIME + rb": ?)?(?:#\d{1,9}: ?)?"

_BRACKET = re.compile(rb"[\[\]]")
_STAMP = re.compile(rb"(" + DATE + rb"): ?(?:(" + UPTIME + rb"): ?)?|(?<![\d.])(" + UPTIME + rb"): ?")
_GC_NUMBER = re.compile(rb"#(\d{1,9}): ?$")
_LAST_MOMENT_ns = 1 << 62
_DEPTH_READ = 32  # real logs nest five deep
_STAMP_ROOM = 80  # bytes before a bracket in which its stamps can be
_AMOUNT = rb"(\d{1,15}(?:\.\d{1,3})?)([BKMG])"
_CHANGE = re.compile(_AMOUNT + rb"(?:\(" + _AMOUNT + rb"\))?-> ?" + _AMOUNT + rb"\(" + _AMOUNT + rb"\)")
_LEVEL = re.compile(rb"(?<![>\d.])" + _AMOUNT + rb"\(" + _AMOUNT + rb"\)(?!->)")
_SECONDS = re.compile(rb"(\d{1,9}\.\d{1,9}) secs?\b")
_CPU = re.compile(rb"Times: user=(\d{1,9}\.\d\d) sys=(\d{1,9}\.\d\d), real=(\d{1,9}\.\d\d) secs")
SIZE_LIMIT = 1 << 60
UNIT_BYTES = {b"B": 1, b"K": 1 << 10, b"M": 1 << 20, b"G": 1 << 30}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands before a bracket: date, seconds since the JVM's start, the collection's number; all may be absent."""

    date: bytes | None = None
    uptime: bytes | None = None
    gc_id: int = MISSING

    def __bool__(self) -> bool:
        return self.date is not None or self.uptime is not None


NO_STAMP = Stamp()


@dataclass(slots=True)
class Frame:
    """One pair of brackets: ``own`` is its text without that of its children."""

    stamp: Stamp = NO_STAMP
    own: bytes = b""
    children: list[Frame] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)


def frames(text: bytes) -> Frame:
    """The bracket tree of ``text``: a root frame whose ``own`` is what stands outside of all brackets. Linear.

    A closing bracket too many is ignored; a frame that is never closed ends with the text.
    """
    root = Frame()
    stack = [root]
    position = 0
    for bracket in _BRACKET.finditer(text):
        at = bracket.start()
        piece = text[position:at]
        position = at + 1
        top = stack[-1]
        top.pieces.append(piece)
        if text[at] == 0x5B and len(stack) > _DEPTH_READ:
            top.pieces.append(b"[")
        elif text[at] == 0x5B:
            child = Frame(stamp_before(piece))
            top.children.append(child)
            stack.append(child)
        elif len(stack) > 1:
            _close(stack.pop())
    stack[-1].pieces.append(text[position:])
    while stack:
        _close(stack.pop())
    return root


def _close(frame: Frame) -> None:
    frame.own = b"".join(frame.pieces)
    frame.pieces.clear()


def stamp_before(piece: bytes) -> Stamp:
    """The stamp that ends ``piece``, the text just before a bracket."""
    if not piece.rstrip().endswith(b":"):
        return NO_STAMP
    piece = piece[-_STAMP_ROOM:]
    number = _GC_NUMBER.search(piece)
    gc_id = int(number[1]) if number else MISSING
    end = number.start() if number else len(piece)
    stamps = list(_STAMP.finditer(piece, 0, end))
    if not stamps or stamps[-1].end() != end:
        return Stamp(gc_id=gc_id)
    last = stamps[-1]
    return Stamp(last[1], last[2] or last[3], gc_id)


def stamps_in(piece: bytes) -> list[Stamp]:
    """All stamps of a short text, in order: two before one bracket mean that two threads printed at once."""
    return [Stamp(found[1], found[2] or found[3]) for found in _STAMP.finditer(piece[: 2 * _STAMP_ROOM])]


def size_bytes(number: bytes, unit: bytes) -> int:
    """``34.3``, ``M`` in bytes, rounded to the nearest; MISSING for what no machine has (a corrupt number)."""
    size = round(float(number) * UNIT_BYTES[unit]) if b"." in number else int(number) * UNIT_BYTES[unit]
    return size if size < SIZE_LIMIT else MISSING


def change(text: bytes) -> Triple | None:
    """The first ``before->after(capacity)`` of a text in bytes, also as ``before(capacity)->after(capacity)``."""
    found = _CHANGE.search(text)
    if found is None:
        return None
    return size_bytes(found[1], found[2]), size_bytes(found[5], found[6]), size_bytes(found[7], found[8])


def level(text: bytes) -> Triple | None:
    """The first ``used(capacity)`` of a text as (used, used, capacity): a pause that collects nothing tells no more."""
    found = _LEVEL.search(text)
    if found is None:
        return None
    used = size_bytes(found[1], found[2])
    return used, used, size_bytes(found[3], found[4])


def uptime_ns(seconds: bytes) -> int:
    """A stamp such as ``12.345`` in nanoseconds, exactly."""
    return int(seconds[:-4] + seconds[-3:]) * 1_000_000


def seconds_ns(seconds: bytes) -> int:
    """A duration such as ``0.0158160`` in nanoseconds, to its printed digits."""
    return round(float(seconds) * 1e9)


def last_seconds_ns(text: bytes) -> int:
    """The last ``… secs`` of a text, MISSING where there is none."""
    found = _SECONDS.findall(text)
    return seconds_ns(found[-1]) if found else MISSING


def cpu_ms(text: bytes) -> Triple | None:
    """(user, sys, real) of a ``Times:`` frame in milliseconds (printed to 10 ms)."""
    found = _CPU.match(text)
    if found is None:
        return None
    return tuple(int(part[:-3] + part[-2:]) * 10 for part in found.groups())  # type: ignore[return-value]


def wall_ns(date: bytes) -> int:
    """``2014-11-29T06:23:55.892+0000`` since 1970 in nanoseconds; MISSING for a date that the calendar has not."""
    text = date.decode("ascii")
    try:
        moment = round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000) * 1_000_000
        return moment if 0 <= moment < _LAST_MOMENT_ns else MISSING
    except (ValueError, OverflowError):
        return MISSING
