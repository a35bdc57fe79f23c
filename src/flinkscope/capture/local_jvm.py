"""A JVM of this machine, also one in a container: through /proc, hsperfdata and attach."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flinkscope.absent import present
from flinkscope.capture.reach import PACKS_SINCE, JvmIdentity, inside, without_middle
from flinkscope.errors import FlinkscopeError, SourceError
from flinkscope.formats.hsperf import PerfData, parse_hsperf
from flinkscope.jvm.live import jvm_flags, summarize
from flinkscope.jvm.verbs import JvmVerbs
from flinkscope.sources.case import CaseProcess
from flinkscope.sources.process import PROC, environment_of, java_process, memory_of, read_perf_file

CGROUP_FILES = (
    "memory.max", "memory.high", "memory.current", "memory.peak", "memory.events", "memory.stat", "memory.swap.max",
    "pids.current", "pids.max", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes",
    "memory.failcnt", "memory.oom_control", "memory.memsw.limit_in_bytes",
)  # fmt: skip


class LocalJvm:
    """The JVM of ``pid``. Raises SourceError when there is none or it is not a JVM."""

    def __init__(self, pid: int) -> None:
        self.process = java_process(pid)
        self._verbs: JvmVerbs | None = None
        self.jvm = self._identify()

    def matching(self, pattern: str) -> list[str]:
        """The plain files that the pattern names, by name."""
        folder, name = posixpath.split(pattern)
        try:
            entries = os.listdir(inside(self.process.root, folder))
        except OSError:
            return []
        paths = [posixpath.join(folder, entry) for entry in sorted(entries) if fnmatch.fnmatchcase(entry, name)]
        return [path for path in paths if inside(self.process.root, path).is_file()]

    def copy(self, path: str, destination: Path, most_bytes: int) -> int:
        """Copies a file of the target's file system; the bytes left out of the middle."""
        found = inside(self.process.root, path)
        try:
            with open(os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:
                status = os.fstat(source.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise SourceError(f"{path}: not a plain file")
                with destination.open("wb") as target:
                    return without_middle(source, status.st_size, target, most_bytes)
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}", hint="run as the process' own user or as root") from error

    def counters(self) -> PerfData:
        """hsperfdata now."""
        return parse_hsperf(read_perf_file(self.process), str(self.process.perf_file))

    def cgroup(self) -> dict[str, str]:
        """The files of its control group with the tightest limit, as this machine sees them."""
        for folder in cgroup_folders(self.process.pid):
            found = {name: text for name in CGROUP_FILES if (text := _text(folder / name)) is not None}
            if any(name.startswith("memory.") for name in found):
                return found
        raise SourceError("its control group has no memory files", hint="no cgroup memory controller on this machine")

    def ask(self, command: str, timeout_s: float) -> str:
        """A diagnostic command by attach."""
        return self._attached().jcmd(command, timeout_s=timeout_s)

    def packs_dump(self) -> bool:
        """Only where the JVM can and there is no room for the plain file."""
        if (self.jvm.java_major or 0) < PACKS_SINCE:
            return False
        try:
            cost = self._attached().heap_dump_cost(Path.cwd() / "heap.hprof")
        except FlinkscopeError:
            return False  # the dump itself will say why it cannot be had
        return cost.needed_bytes > min(cost.free_in_target_bytes, cost.free_here_bytes)

    def heap_dump(self, destination: Path) -> None:
        """The live objects, compressed if the name says so."""
        self._attached().heap_dump(destination, gzip=destination.suffix == ".gz")

    def _attached(self) -> JvmVerbs:
        if self._verbs is None:
            self._verbs = JvmVerbs(self.process)
        return self._verbs

    def _identify(self) -> JvmIdentity:
        process, summary = self.process, summarize(self.process)
        try:
            reading: PerfData | None = self.counters()
        except FlinkscopeError:
            reading = None
        started = datetime.now(UTC) - timedelta(milliseconds=summary.uptime_ms)
        return JvmIdentity(
            process=CaseProcess(
                id=f"{summary.role}-{process.pid}",
                role=summary.role,
                flink_version=summary.flink_version,
                java_version=present(summary.java_version),
                started_at=started.isoformat(timespec="seconds"),
            ),
            key=f"pid {process.pid} started at tick {process.start_ticks}",
            pid=process.namespace_pid,
            arguments=process.command,
            flags=jvm_flags(process, reading),
            environment=environment_of(process),
            folder=_working_folder(process.pid),
            java_major=reading.java_major if reading else None,
            heap_used_bytes=present(summary.heap_used_bytes) or memory_of(process).get("VmRSS", 0),
        )


def cgroup_folders(pid: int) -> list[Path]:
    """The control group of a process and those around it that have a memory limit, the tightest first."""
    text = _text(PROC / str(pid) / "cgroup") or ""
    folders: list[tuple[int, int, Path]] = []
    for controllers, path in re.findall(r"^\d+:([^:]*):(.*)$", text, re.MULTILINE):
        if controllers and "memory" not in controllers.split(","):
            continue
        base = Path("/sys/fs/cgroup") / ("memory" if controllers else "")
        inner = base.joinpath(*(part for part in path.split("/") if part not in ("", "..")))
        for depth, folder in enumerate((inner, *inner.parents)):
            if folder.is_dir():
                limit = _text(folder / "memory.max") or _text(folder / "memory.limit_in_bytes") or ""
                folders.append((int(limit) if limit.strip().isdigit() else 1 << 63, depth, folder))
            if folder == base:
                break
    return [folder for _, _, folder in sorted(folders)]


def _working_folder(pid: int) -> str:
    try:
        return os.readlink(PROC / str(pid) / "cwd")
    except OSError:
        return "/"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
