"""Native Memory Tracking's summary (``jcmd PID VM.native_memory summary``): what HotSpot has taken, by purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flinkscope.errors import UnreadableInputError
from flinkscope.place import Place

_UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_TOTAL = re.compile(r"^Total: reserved=(\d+)([KMG]?B?), committed=(\d+)([KMG]?B?)")
_PART = re.compile(r"^-\s{1,40}(?P<name>[A-Z][\w ]{1,60}?) \(reserved=(\d+)([KMG]?B?), committed=(\d+)([KMG]?B?)")


@dataclass(frozen=True, slots=True)
class NativeMemory:
    """Committed bytes by purpose (``Java Heap``, ``Class``, ``Thread``, ``Code``, ``GC``, ``Other`` …) and in all.

    Tracking counts what HotSpot takes and direct buffers (``Other``), not what a native library such as RocksDB takes
    from malloc.
    """

    place: Place
    committed_bytes: int
    parts: Mapping[str, int]


def parse_native_memory(text: str, source: str) -> NativeMemory:
    """Reads a summary in any unit. Raises UnreadableInputError for any other text, also “not enabled”."""
    total: int | None = None
    parts: dict[str, int] = {}
    for line in text.splitlines():
        if total is None and (match := _TOTAL.match(line)):
            total = int(match[3]) * _UNITS[match[4]]
        elif part := _PART.match(line):
            parts[part["name"]] = int(part[4]) * _UNITS[part[5]]
    if total is None or not parts:
        raise UnreadableInputError(
            f"{source}: not a summary of Native Memory Tracking: no “Total: reserved=…, committed=…”",
            hint="-XX:NativeMemoryTracking=summary in env.java.opts, then jcmd PID VM.native_memory summary",
        )
    return NativeMemory(Place(source), total, parts)
