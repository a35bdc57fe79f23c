"""The kernel's log (``dmesg``, ``journalctl -k``): which process it killed for memory, of which group, at what size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flinkscope.place import Place

_KIB = 1024
_KILLED = re.compile(
    r"(?P<memcg>Memory cgroup )?[Oo]ut of memory: Kill(?:ed)? process (?P<pid>\d+) \((?P<name>[^)]{1,64})\)"
    r"(?:.{0,40}total-vm:(?P<vm>\d+)kB, anon-rss:(?P<anon>\d+)kB, file-rss:(?P<file>\d+)kB"
    r"(?:, shmem-rss:(?P<shmem>\d+)kB)?)?"
)
_SIZES = re.compile(
    r"Killed process (?P<pid>\d+) \((?P<name>[^)]{1,64})\),?(?: UID \d+,)? "
    r"total-vm:(?P<vm>\d+)kB, anon-rss:(?P<anon>\d+)kB"
    r", file-rss:(?P<file>\d+)kB(?:, shmem-rss:(?P<shmem>\d+)kB)?"
)
_CONSTRAINT = re.compile(
    r"oom-kill:constraint=(?P<constraint>\w+).*?(?:oom_memcg=(?P<group>[^,]+),)?task_memcg=(?P<task>[^,]+)"
)
_OLD_GROUP = re.compile(r"Task in \S+ killed as a result of limit of (?P<group>\S+)")
_USAGE = re.compile(r"memory: usage (?P<used>\d+)kB, limit (?P<limit>\d+)kB, failcnt (?P<hits>\d+)")
_TIME = re.compile(r"\[ *(?P<uptime>\d+\.\d+)\]|\[(?P<date>[A-Z][a-z]{2} [^\]]{10,40})\]|(?P<iso>\d{4}-\d\d-\d\dT\S+)")


@dataclass(frozen=True, slots=True)
class KernelKill:
    """A process that the kernel killed for memory; sizes in bytes, None where the line does not tell.

    ``in_group``: it was the container's own limit (True) or the machine's memory (False) that was exhausted.
    """

    place: Place
    time: str | None
    pid: int
    name: str
    in_group: bool
    group: str | None
    virtual_bytes: int | None
    anonymous_bytes: int | None
    file_bytes: int | None
    group_used_bytes: int | None
    group_limit_bytes: int | None

    @property
    def resident_bytes(self) -> int | None:
        """Anonymous and file pages together; None if not told."""
        return None if self.anonymous_bytes is None else self.anonymous_bytes + (self.file_bytes or 0)


def kernel_kills(lines: Iterable[str], source: str) -> Iterator[KernelKill]:
    """The kills in a kernel log, in order. Text that holds none gives none; no line can make it fail."""
    group: str | None = None
    used = limit = None
    pending: KernelKill | None = None
    for number, line in enumerate(lines, 1):
        text = line[:4096]
        if usage := _USAGE.search(text):
            used, limit = int(usage["used"]) * _KIB, int(usage["limit"]) * _KIB
        elif old := _OLD_GROUP.search(text):
            group = old["group"]
        elif constraint := _CONSTRAINT.search(text):
            group = constraint["group"] or constraint["task"]
        elif killed := _KILLED.search(text):
            if pending is not None:
                yield pending
            in_group = bool(killed["memcg"])
            pending = KernelKill(
                Place(source, line=number), _time(text), int(killed["pid"]), killed["name"], in_group,
                group if in_group else None, *_sizes(killed), used if in_group else None, limit if in_group else None,
            )  # fmt: skip
            group, used, limit = None, None, None
        elif (sizes := _SIZES.search(text)) and pending is not None and int(sizes["pid"]) == pending.pid:
            virtual, anonymous, file = _sizes(sizes)
            pending = replace(pending, virtual_bytes=virtual, anonymous_bytes=anonymous, file_bytes=file)
    if pending is not None:
        yield pending


def _sizes(match: re.Match[str]) -> tuple[int | None, int | None, int | None]:
    virtual, anonymous, file = (None if match[n] is None else int(match[n]) * _KIB for n in ("vm", "anon", "file"))
    return virtual, anonymous, file


def _time(text: str) -> str | None:
    match = _TIME.search(text)
    return None if match is None else match["uptime"] or match["date"] or match["iso"]
