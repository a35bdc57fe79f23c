"""How a JVM is reached: the few things that recording needs, the same for a process here and one in a pod."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from flinkscope.errors import SourceError
from flinkscope.formats.hsperf import PerfData
from flinkscope.sources.case import CaseProcess

HEAD_BYTES = 1 << 20
LINKS_FOLLOWED = 40
PACKS_SINCE = 17  # jcmd GC.heap_dump -gz=1


@dataclass(frozen=True, slots=True)
class JvmIdentity:
    """A JVM as it describes itself. ``pid`` is its own (in its namespace); ``key`` differs after each restart."""

    process: CaseProcess
    key: str
    pid: int
    arguments: tuple[str, ...]
    flags: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    java_major: int | None
    heap_used_bytes: int


class Reach(Protocol):
    """One JVM. Each method may raise SourceError; paths are those of the target's own file system."""

    @property
    def jvm(self) -> JvmIdentity:
        """Who it is, as found at the beginning."""

    def matching(self, pattern: str) -> list[str]:
        """The plain files that the pattern names."""

    def copy(self, path: str, destination: Path, most_bytes: int) -> int:
        """Copies a file; of a larger one the first MiB and the end. The bytes left out (0: whole)."""

    def counters(self) -> PerfData:
        """The performance counters now."""

    def cgroup(self) -> dict[str, str]:
        """The memory files of its control group, by name."""

    def ask(self, command: str, timeout_s: float) -> str:
        """A diagnostic command of the JVM (``Thread.print``) by attach."""

    def packs_dump(self) -> bool:
        """Whether a dump should be compressed by the JVM, which stands still for it more than twice as long."""

    def heap_dump(self, destination: Path) -> None:
        """Dumps the live objects to ``destination``; leaves nothing behind in the target."""


def without_middle(source: BinaryIO, size_bytes: int, target: BinaryIO, most_bytes: int) -> int:
    """Copies the head and the end of a large file, whole lines, with a line between that says how much is missing."""
    if size_bytes <= most_bytes:
        left = size_bytes
        while left > 0 and (chunk := source.read(min(left, 1 << 20))):
            target.write(chunk)
            left -= len(chunk)
        return 0
    head = source.read(HEAD_BYTES)
    head = head[: head.rfind(b"\n") + 1]
    source.seek(size_bytes - (most_bytes - HEAD_BYTES))
    skipped = source.readline()
    left_out = source.tell() - len(head)
    del skipped
    target.write(head + b"... flinkscope left out %d bytes here\n" % left_out)
    while chunk := source.read(1 << 20):
        target.write(chunk)
    return left_out


def inside(root: Path, path: str) -> Path:
    """A path of a target's file system as a path for us, its links followed inside of ``root`` as the target would.

    A link of a hostile container to ``/etc/shadow`` names the container's file, never ours. Raises SourceError for
    more than 40 links.
    """
    waiting = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    found: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            found = found[:-1]
            continue
        here = root.joinpath(*found, part)
        if here.is_symlink():
            links += 1
            if links > LINKS_FOLLOWED:
                raise SourceError(f"{path}: too many links")
            target = os.readlink(here)
            if target.startswith("/"):
                found = []
            waiting += [piece for piece in reversed(target.split("/")) if piece not in ("", ".")]
        else:
            found.append(part)
    return root.joinpath(*found)
