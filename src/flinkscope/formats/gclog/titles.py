"""What the title of an event means: ``Pause Young (Normal) (G1 Evacuation Pause)`` → kind, name, cause, flags.

Titles of JDK 9-25 unified logging (``gcTraceTime``, ``g1CollectedHeap``, ``shenandoahHeap``, ``zStat``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.formats.gclog.records import Flag, Kind

# parentheses that say which variant it is, not why it was done
_VARIANTS = frozenset(
    (
        *("Normal", "Mixed", "Prepare Mixed", "Concurrent Start", "Cleanup", "Initial Mark"),
        *("unload classes", "process weakrefs", "update refs", "Bootstrap Old"),
        *("Major", "Minor", "Young", "Old", "Global", "Promote All", "Collect Roots", "In-place"),
    )
)
# pinned objects (JDK 22+) make an evacuation fail too, but not for want of memory
_EVACUATION_FAILURE = re.compile(
    r"\(Evacuation Failure(?:: [^)]*Allocation[^)]*)?\)|\(to-space exhausted\)", re.IGNORECASE
)
_TIMES = re.compile(r" \(\d+[.,]\d+s(?:, \d+[.,]\d+s)?\)")
_FIRST_WORDS = (
    ("Pause Young (Concurrent Start)", Kind.YOUNG_INITIAL_MARK),
    ("Pause Young (Initial Mark)", Kind.YOUNG_INITIAL_MARK),
    ("Pause Young (Mixed)", Kind.MIXED),
    ("Pause Mixed", Kind.MIXED),
    ("Pause Young", Kind.YOUNG),
    ("Pause Full", Kind.FULL),
    ("Pause Remark", Kind.REMARK),
    ("Pause Cleanup", Kind.CLEANUP),
    ("Pause Degenerated", Kind.DEGENERATED),
    ("Pause Mark ", Kind.PHASE_PAUSE),
    ("Pause Relocate ", Kind.PHASE_PAUSE),
    ("Pause Init ", Kind.PHASE_PAUSE),
    ("Pause Final ", Kind.PHASE_PAUSE),
    ("Pause Verify", Kind.PHASE_PAUSE),
    ("Pause ", Kind.OTHER_PAUSE),
    ("Garbage Collection", Kind.CYCLE),
    ("Minor Collection", Kind.MINOR_CYCLE),
    ("Major Collection", Kind.MAJOR_CYCLE),
    ("Concurrent Mark Cycle", Kind.CYCLE),
    ("Concurrent Cycle", Kind.CYCLE),
    ("Concurrent Undo Cycle", Kind.CYCLE),
    ("Concurrent ", Kind.CONCURRENT_PHASE),
)
_COLLECTIONS = frozenset(
    {
        Kind.YOUNG,
        Kind.YOUNG_INITIAL_MARK,
        Kind.MIXED,
        Kind.FULL,
        Kind.DEGENERATED,
        Kind.CYCLE,
        Kind.MINOR_CYCLE,
        Kind.MAJOR_CYCLE,
    }
)


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart."""

    kind: Kind
    name: str
    cause: str
    flags: Flag


def read_title(raw: bytes) -> Title:
    """Takes a title apart. A pause that nobody knows is an OTHER_PAUSE, anything else a CONCURRENT_PHASE."""
    text = _TIMES.sub("", raw.decode("utf-8", "replace")).strip()
    generation, text = (text[:3], text[3:]) if text[1:3] == ": " else ("", text)
    flags = Flag(0)
    if _EVACUATION_FAILURE.search(text):
        flags |= Flag.EVACUATION_FAILURE
    stem, groups = _split_groups(text)
    groups = [g for g in groups if not g.startswith("Evacuation Failure") and g.lower() != "to-space exhausted"]
    kind = next((kind for start, kind in _FIRST_WORDS if text.startswith(start)), Kind.CONCURRENT_PHASE)
    cause = ""
    if kind in _COLLECTIONS and groups and groups[-1] not in _VARIANTS:
        cause = groups.pop()
    if text.startswith("Pause Initial Mark"):
        kind = Kind.YOUNG_INITIAL_MARK if groups else Kind.INITIAL_MARK
        cause = groups.pop() if groups else ""
    if "Undo Cycle" in text:
        flags |= Flag.ABORTED
    name = " ".join([generation + stem, *(f"({group})" for group in groups)])
    return Title(kind, name, cause, flags)


def _split_groups(text: str) -> tuple[str, list[str]]:
    """``Pause Full (System.gc())`` → ``Pause Full`` and ``["System.gc()"]``; parentheses may nest."""
    groups: list[str] = []
    stem, depth, begin = text, 0, 0
    for at, char in enumerate(text):
        if char == "(":
            if depth == 0:
                begin = at
                if not groups:
                    stem = text[:at].rstrip()
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            if depth == 0:
                groups.append(text[begin + 1 : at])
    return stem, groups
