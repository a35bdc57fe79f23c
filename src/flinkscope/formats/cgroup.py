"""The memory files of a control group, v2 or v1: limit, use, peak, and how often the kernel killed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flinkscope.absent import Absent, AbsentKind
from flinkscope.errors import UnreadableInputError
from flinkscope.place import Place

_V1_UNLIMITED = 1 << 62  # the kernel writes LONG_MAX rounded down to a page
_HOW = "cat /sys/fs/cgroup/memory.* in the container"


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """Memory of one control group in bytes. ``limit_bytes`` None: no limit is set. What no file tells is Absent.

    ``stat``: memory.stat as it stands (``anon``, ``file``, ``kernel``, …; v1: ``total_rss``, ``total_cache``).
    """

    place: Place
    version: int
    limit_bytes: int | Absent | None
    used_bytes: int | Absent
    peak_bytes: int | Absent
    oom_kills: int | Absent
    limit_hits: int | Absent
    swap_limit_bytes: int | Absent | None
    processes: int | Absent
    processes_limit: int | Absent | None
    stat: Mapping[str, int]


def read_cgroup(folder: Path, source: str | None = None) -> CgroupMemory:
    """Reads the files of a folder: ``/sys/fs/cgroup`` of a container, or a copy of its files.

    Raises UnreadableInputError when no memory file of a control group is in it.
    """
    name = source or str(folder)
    if any((folder / file).is_file() for file in ("memory.max", "memory.current", "memory.events")):
        return _second(_Files(folder, name))
    for inner in (folder, folder / "memory"):
        if (inner / "memory.limit_in_bytes").is_file() or (inner / "memory.usage_in_bytes").is_file():
            return _first(_Files(inner, name))
    raise UnreadableInputError(f"{name}: no memory.max, memory.current or memory.limit_in_bytes here", hint=_HOW)


class _Files:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    def text(self, file: str) -> str | None:
        try:
            return (self.folder / file).read_text(errors="replace")[:65536].strip()
        except OSError:
            return None

    def number(self, file: str, what: str) -> int | Absent:
        text = self.text(file)
        return int(text) if text is not None and text.isdigit() else self.absent(file, what, text)

    def limit(self, file: str, what: str) -> int | Absent | None:
        """None stands for no limit."""
        text = self.text(file)
        if text in ("max", "-1"):
            return None
        if text is None or not text.isdigit():
            return self.absent(file, what, text)
        return None if int(text) >= _V1_UNLIMITED else int(text)

    def table(self, file: str) -> dict[str, int]:
        rows = (line.split() for line in (self.text(file) or "").splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}

    def absent(self, file: str, what: str, text: str | None) -> Absent:
        if text is None:
            return Absent(what, AbsentKind.NOT_COLLECTED, f"no {file}", _HOW)
        return Absent(what, AbsentKind.UNREADABLE, f"{file} holds {text[:40]!r}")


def _second(files: _Files) -> CgroupMemory:
    events = files.table("memory.events")
    count = _counter(events, files, "memory.events")
    return CgroupMemory(
        Place(files.name), 2,
        files.limit("memory.max", "memory limit"),
        files.number("memory.current", "memory in use"),
        files.number("memory.peak", "peak of memory"),
        count("oom_kill", "kills for memory"),
        count("max", "times at the limit"),
        files.limit("memory.swap.max", "swap limit"),
        files.number("pids.current", "processes"),
        files.limit("pids.max", "limit of processes"),
        files.table("memory.stat"),
    )  # fmt: skip


def _first(files: _Files) -> CgroupMemory:
    count = _counter(files.table("memory.oom_control"), files, "memory.oom_control")
    return CgroupMemory(
        Place(files.name), 1,
        files.limit("memory.limit_in_bytes", "memory limit"),
        files.number("memory.usage_in_bytes", "memory in use"),
        files.number("memory.max_usage_in_bytes", "peak of memory"),
        count("oom_kill", "kills for memory"),
        files.number("memory.failcnt", "times at the limit"),
        files.limit("memory.memsw.limit_in_bytes", "swap limit"),
        files.number("pids.current", "processes"),
        files.limit("pids.max", "limit of processes"),
        files.table("memory.stat"),
    )  # fmt: skip


def _counter(table: Mapping[str, int], files: _Files, file: str) -> Callable[[str, str], int | Absent]:
    def count(key: str, what: str) -> int | Absent:
        return table[key] if key in table else files.absent(file, what, None)

    return count
