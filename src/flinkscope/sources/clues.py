"""What a file tells about the process that wrote it: role, resource id, -Xmx, process ids, first and last time.

Only clues for joining files to processes; what the files mean is the readers' business. Texts are looked at where they
begin (256 KiB) and end (64 KiB), so a log of gigabytes costs no more than a small one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flinkscope.sources.recognise import head_of

_TAIL_BYTES = 64 << 10
_GZIP = b"\x1f\x8b"
_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

# "Starting TaskManager (Version: 2.3.0, …)": EnvironmentInformation.logEnvironmentInfo, all of 1.10 to 2.3
_START = re.compile(r"Starting ([A-Za-z ]{3,60}?) \(Version:")
_RESOURCE = re.compile(r"Starting TaskManager with ResourceID: ([\w.:-]{1,200})")
_MAX_HEAP = (
    re.compile(r"-XX:MaxHeapSize=(\d+)()"),
    re.compile(r"-Xmx(\d+)([kKmMgGtT]?)"),
    re.compile(r"Heap Max Capacity: (\d+)([KMGT])"),
    re.compile(r"Maximum heap size (\d+)()\b"),
)
_PID_IN_NAME = re.compile(r"(?:pid|gc[-_.]|jvm[-_.])(\d{1,8})(?!\d|-\d)")
_PID_IN_TEXT = re.compile(r"(?:java_pid|hs_err_pid)(\d{1,8})\.|^#.*\bpid=(\d{1,8})", re.MULTILINE)
_DUMP_NAME = re.compile(r"^Dumping heap to (?:\S*/)?([^\s/]{1,200}) \.\.\.", re.MULTILINE)
_STAMP = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")
_TEXTS = frozenset({"flink_log", "stdout", "gc_log", "hs_err", "thread_dump", "gcutil", "command_line"})


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known; None or empty where the file does not tell.

    ``begun_s``, ``ended_s``: seconds on the clock of the process' own machine, without its zone.
    """

    role: str | None = None
    resource_id: str | None = None
    max_heap_bytes: int | None = None
    pids: frozenset[int] = frozenset()
    dumps: frozenset[str] = frozenset()
    out_of_memory: bool = False
    begun_s: int | None = None
    ended_s: int | None = None


def clues_of(path: Path, kind: str) -> Clues:
    """The clues of one file; of what cannot be read only those of its name. Cost: 320 KiB read."""
    pids = {int(found) for found in _PID_IN_NAME.findall(path.name)}
    if kind not in _TEXTS:
        return Clues(pids=frozenset(pids))
    head, tail = _ends_of(path)
    both = head + tail
    pids |= {int(a or b) for a, b in _PID_IN_TEXT.findall(both)}
    resource = _RESOURCE.search(head)
    return Clues(
        role=_role(head),
        resource_id=resource[1] if resource else None,
        max_heap_bytes=_max_heap(head),
        pids=frozenset(pids),
        dumps=frozenset(_DUMP_NAME.findall(both)),
        out_of_memory="java.lang.OutOfMemoryError" in both,
        begun_s=_moment(_STAMP.search(head)),
        ended_s=_moment(_last(_STAMP.finditer(tail))),
    )


def joined(clues: Iterable[Clues]) -> Clues:
    """The clues of several files of the same process: the first that tells, the whole time."""
    rows = tuple(clues)
    return Clues(
        role=next((c.role for c in rows if c.role), None),
        resource_id=next((c.resource_id for c in rows if c.resource_id), None),
        max_heap_bytes=next((c.max_heap_bytes for c in rows if c.max_heap_bytes), None),
        pids=frozenset().union(*(c.pids for c in rows)),
        dumps=frozenset().union(*(c.dumps for c in rows)),
        out_of_memory=any(c.out_of_memory for c in rows),
        begun_s=min((c.begun_s for c in rows if c.begun_s is not None), default=None),
        ended_s=max((c.ended_s for c in rows if c.ended_s is not None), default=None),
    )


def _ends_of(path: Path) -> tuple[str, str]:
    """The head and the tail of a text; of a packed one its head twice. Empty when it cannot be read."""
    try:
        head = head_of(path)
        with path.open("rb") as stream:
            packed = stream.read(2) == _GZIP
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = head if packed else stream.read(_TAIL_BYTES)
    except OSError:
        return "", ""
    return head.decode("utf-8", errors="replace"), tail.decode("utf-8", errors="replace")


def _role(head: str) -> str | None:
    found = _START.search(head)
    if found is None:
        return None
    return "taskmanager" if re.search(r"Task ?(Manager|Executor)", found[1]) else "jobmanager"


def _max_heap(head: str) -> int | None:
    found = next((match for pattern in _MAX_HEAP if (match := pattern.search(head))), None)
    return int(found[1]) * _SIZES[found[2].lower()] if found else None


def _last(matches: Iterable[re.Match[str]]) -> re.Match[str] | None:
    last = None
    for last in matches:  # noqa: B007 - only the last one counts
        pass
    return last


def _moment(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    try:
        moment = datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return int((moment - datetime(1970, 1, 1)).total_seconds())
