"""The order of a rotated set, told by what the files hold: stamps and collection numbers, never the suffix.

After ``filecount`` files the JVM begins again at ``.0``, so the suffix says nothing. With wall clock stamps the order
is that of the stamps; with uptime alone, files are chained (the next one goes on where the last one stopped), and
chains of different JVMs follow one another by the time of their last change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.formats.gclog import decoration
from flinkscope.formats.gclog.records import MISSING
from flinkscope.sources.logfiles import LogFile
from flinkscope.sources.wrappers import cleaner

_OLD_STAMP = re.compile(
    rb"(?m)^(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}[+-]\d{4}): ?)?(?:(\d{1,12})[.,](\d{3}): ?)(?:#\d+: ?)?\["
)
_OLD_DATE = re.compile(rb"(?m)^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}[+-]\d{4}): ?\[")
_BEGINS = re.compile(
    rb"(?:\] |^)(?:Using (?:G1|Serial|Parallel|Concurrent Mark|The Z|Shenandoah|Epsilon)|Initializing The Z)",
    re.MULTILINE,
)
_GC_ID = re.compile(rb"GC\((\d{1,12})\) ")


@dataclass(frozen=True, slots=True)
class Reach:
    """From when to when one file goes; MISSING where it does not say so. ``begins``: a JVM's first lines are in it."""

    file: LogFile
    first_wall_ns: int
    last_wall_ns: int
    first_ns: int
    last_ns: int
    first_gc: int
    last_gc: int
    changed_s: float
    begins: bool = False


def in_order(files: list[LogFile]) -> list[LogFile]:
    """The files in the order in which they were written. Reads 64 KiB at both ends of each."""
    if len(files) < 2:
        return files
    return [reach.file for reach in ordered([reach_of(file) for file in files])]


def ordered(reaches: list[Reach]) -> list[Reach]:
    """The same for what is known of the files."""
    if all(reach.first_wall_ns != MISSING for reach in reaches):
        return sorted(reaches, key=lambda reach: (reach.first_wall_ns, reach.first_ns, reach.first_gc))
    chains: list[list[Reach]] = []
    for reach in sorted(reaches, key=lambda reach: (reach.first_ns, reach.first_gc)):
        chain = next((c for c in chains if _goes_on(c[-1], reach)), None)
        if chain is None:
            chains.append([reach])
        else:
            chain.append(reach)
    chains.sort(key=lambda chain: chain[-1].changed_s)
    return [reach for chain in chains for reach in chain]


def _goes_on(before: Reach, after: Reach) -> bool:
    if after.begins:
        return False
    if before.last_ns != MISSING and after.first_ns != MISSING and after.first_ns + 1_000_000_000 < before.last_ns:
        return False
    if before.last_gc != MISSING and after.first_gc != MISSING:
        return before.last_gc - 50 <= after.first_gc <= before.last_gc + 50
    return before.last_ns != MISSING and after.first_ns != MISSING


def reach_of(file: LogFile) -> Reach:
    """First and last stamps and collection numbers of one file."""
    head = file.sample()
    clean = cleaner(head)
    head, tail = clean(head), clean(file.tail())
    first_wall, first = _first_stamps(head, head, last=False)
    last_wall, last = _first_stamps(head, tail, last=True)
    numbers = [int(m[1]) for text in (head, tail) for m in _GC_ID.finditer(text)] or [MISSING]
    begins = _BEGINS.search(head) is not None
    try:
        changed = file.path.stat().st_mtime
    except OSError:
        changed = 0.0
    return Reach(file, first_wall, last_wall, first, last, numbers[0], numbers[-1], changed, begins)


def _first_stamps(head: bytes, text: bytes, *, last: bool) -> tuple[int, int]:
    """Wall clock and uptime of the first (last) line that has them."""
    layout = decoration.sniff(head)
    lines = text.split(b"\n")
    for line in reversed(lines[1:] if len(lines) > 1 else lines) if last else lines:
        if layout.roles:
            found = decoration.GROUPS.match(line)
            if found is None:
                continue
            fields = decoration.split_fields(found[1])
            wall, stamp = layout.wall_ns(fields), layout.stamp_ns(fields)
        else:
            wall, stamp = _old_stamps(line)
        if wall != MISSING or stamp != MISSING:
            return wall, stamp
    return MISSING, MISSING


def _old_stamps(line: bytes) -> tuple[int, int]:
    found = _OLD_STAMP.match(line)
    if found:
        wall = decoration.field_ns("iso", found[1]) if found[1] else MISSING
        return wall, (int(found[2]) * 1000 + int(found[3])) * 1_000_000
    found = _OLD_DATE.match(line)
    return (decoration.field_ns("iso", found[1]), MISSING) if found else (MISSING, MISSING)
