"""JVM processes of this machine, seen through /proc: also those in other pid, mount and user namespaces.

Nothing here touches the target: /proc is read, and the hsperfdata file is found behind ``/proc/PID/root``, which is the
target's own view of its files. Linux only.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import SourceError

PROC = Path("/proc")
SIGQUIT_BIT = 1 << 2  # signal 3 in the mask of /proc/PID/status
_PERF_MAPPING = re.compile(rb"/hsperfdata_([^/\n]+)/(\d+)( \(deleted\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JavaProcess:
    """A JVM as the kernel knows it. ``namespace_pid``: its pid in its own namespace; ``start_ticks`` tells reused pids.

    ``virtual_machine``: hotspot, openj9 or unknown (other user: maps unreadable). ``perf_file``: readable through our
    own file system; None if the JVM keeps none or it must not be read, and then ``perf_absence`` says why.
    """

    pid: int
    namespace_pid: int
    uid: int
    gid: int
    start_ticks: int
    command: tuple[str, ...]
    virtual_machine: str
    caught_signals: int
    same_namespaces: bool
    perf_file: Path | None = None
    perf_absence: str = ""

    @property
    def root(self) -> Path:
        """The target's root directory, as a path for us."""
        return PROC / str(self.pid) / "root"

    @property
    def catches_sigquit(self) -> bool:
        """Whether SIGQUIT is handled; a process that does not handle it dies of it."""
        return bool(self.caught_signals & SIGQUIT_BIT)

    def alive(self) -> bool:
        """Whether this very process still runs (not a zombie, not another process with the same pid)."""
        try:
            state, start_ticks = _stat(self.pid)
        except (OSError, ValueError):
            return False
        return start_ticks == self.start_ticks and state not in "ZX"

    def stopped(self) -> bool:
        """Whether a signal or a debugger stopped the process: it cannot answer."""
        try:
            return _stat(self.pid)[0] in "Tt"
        except (OSError, ValueError):
            return False


def java_processes() -> Iterator[JavaProcess]:
    """All JVMs that we may see, by pid. Raises SourceError where there is no /proc."""
    for pid in sorted(int(entry.name) for entry in _proc().iterdir() if entry.name.isdigit()):
        try:
            process = _inspect(pid)
        except (OSError, ValueError):
            continue
        if process is not None:
            yield process


def java_process(pid: int) -> JavaProcess:
    """The JVM of that pid. Raises SourceError when there is no such process, or it is not Java, saying which."""
    proc = _proc()
    if not (proc / str(pid)).is_dir():
        raise SourceError(f"process {pid}: no such process", hint="`flinkscope ps` lists the JVMs of this machine")
    try:
        process = _inspect(pid)
    except (OSError, ValueError) as error:
        if not (proc / str(pid)).is_dir():
            raise SourceError(f"process {pid}: ended while it was looked at") from error
        raise SourceError(
            f"process {pid}: cannot be looked at: {error}", hint="run as the process' own user or as root"
        ) from error
    if process is None:
        name = _comm(pid)
        raise SourceError(
            f"process {pid} ({name}) is not a JVM: no libjvm.so is loaded", hint="`flinkscope ps` lists the JVMs"
        )
    return process


def read_perf_file(process: JavaProcess) -> bytes:
    """The bytes of the JVM's hsperfdata file (usually 32 KiB). Raises SourceError, telling why there is none."""
    if process.virtual_machine == "openj9":
        raise SourceError(
            f"process {process.pid} is an OpenJ9 JVM, which has no hsperfdata",
            hint="flinkscope reads live HotSpot JVMs only; give it the GC log or a heap dump instead",
        )
    if process.perf_file is None:
        raise SourceError(f"process {process.pid}: no hsperfdata: {process.perf_absence}", hint=_perf_hint(process))
    try:
        return process.perf_file.read_bytes()
    except OSError as error:
        if not process.alive():
            raise SourceError(f"process {process.pid} has ended") from error
        raise SourceError(
            f"{process.perf_file}: {error.strerror}", hint="run as the process' own user or as root"
        ) from error


def memory_of(process: JavaProcess) -> dict[str, int]:
    """Memory of the process as the kernel counts it: ``VmRSS``, ``VmHWM``, ``RssAnon`` … in bytes; empty when gone."""
    try:
        status = (PROC / str(process.pid) / "status").read_text()
    except OSError:
        return {}
    return {name: int(kib) * 1024 for name, kib in re.findall(r"^((?:Vm|Rss)\w+):\s+(\d+) kB$", status, re.MULTILINE)}


def uptime_ms(process: JavaProcess) -> int:
    """Milliseconds since the process started, by the kernel's clock."""
    since_boot_s = float((PROC / "uptime").read_text().split()[0])
    return max(0, int(since_boot_s * 1000) - process.start_ticks * 1000 // os.sysconf("SC_CLK_TCK"))


def environment_of(process: JavaProcess) -> dict[str, str]:
    """The environment that the process started with; empty where it must not be read. May hold secrets."""
    try:
        raw = (PROC / str(process.pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition("=") for entry in raw.decode("utf-8", "replace").split("\0") if "=" in entry)
    return {name: value for name, _, value in pairs}


def _proc() -> Path:
    if not (PROC / "self").exists():
        raise SourceError(f"live processes need Linux's /proc; this is {sys.platform}")
    return PROC


def _inspect(pid: int) -> JavaProcess | None:
    base = PROC / str(pid)
    command = tuple(part.decode("utf-8", "replace") for part in (base / "cmdline").read_bytes().split(b"\0")[:-1])
    if not command:  # a kernel thread or a zombie
        return None
    try:
        maps: bytes | None = (base / "maps").read_bytes()
    except PermissionError:
        maps = None
    machine = _virtual_machine(maps, command)
    if machine is None:
        return None
    status = dict(re.findall(r"^(\w+):\s*(.*)$", (base / "status").read_text(errors="replace"), re.MULTILINE))
    namespace_pid = int(status.get("NSpid", str(pid)).split()[-1])
    perf_file, absence = _perf_file(pid, namespace_pid, maps)
    return JavaProcess(
        pid=pid,
        namespace_pid=namespace_pid,
        uid=int(status["Uid"].split()[1]),
        gid=int(status["Gid"].split()[1]),
        start_ticks=_stat(pid)[1],
        command=command,
        virtual_machine=machine,
        caught_signals=int(status.get("SigCgt", "0"), 16),
        same_namespaces=_same_namespaces(pid),
        perf_file=perf_file,
        perf_absence=absence,
    )


def _virtual_machine(maps: bytes | None, command: tuple[str, ...]) -> str | None:
    if maps is None:
        return "unknown" if os.path.basename(command[0]) == "java" else None
    if b"libj9vm" in maps:
        return "openj9"
    return "hotspot" if b"/libjvm.so" in maps else None


def _perf_file(pid: int, namespace_pid: int, maps: bytes | None) -> tuple[Path | None, str]:
    temporary = PROC / str(pid) / "root" / "tmp"
    if maps is None:
        candidates = _perf_candidates(temporary, namespace_pid)
        return (candidates[0], "") if candidates else (None, "it belongs to another user")
    mapping = _PERF_MAPPING.search(maps)
    if mapping is None:
        return None, "the JVM maps no such file (-XX:-UsePerfData, -XX:+PerfDisableSharedMem, or a user without a name)"
    path = temporary / f"hsperfdata_{os.fsdecode(mapping[1])}" / mapping[2].decode()
    if mapping[3] or not path.exists():
        return None, "the file was deleted while the JVM runs"
    return path, ""


def _perf_candidates(temporary: Path, namespace_pid: int) -> list[Path]:
    try:
        return [path for path in temporary.glob(f"hsperfdata_*/{namespace_pid}") if os.access(path, os.R_OK)]
    except OSError:
        return []


def _perf_hint(process: JavaProcess) -> str:
    if process.virtual_machine == "unknown":
        return f"run as user {process.uid} or as root"
    return "use the GC log or attach (`flinkscope threads`) instead; a restart without -XX:-UsePerfData brings it back"


def _stat(pid: int) -> tuple[str, int]:
    text = (PROC / str(pid) / "stat").read_text(errors="replace")
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])


def _same_namespaces(pid: int) -> bool:
    try:
        return all(
            os.readlink(PROC / str(pid) / "ns" / kind) == os.readlink(PROC / "self" / "ns" / kind)
            for kind in ("pid", "mnt")
        )
    except OSError:
        return True


def _comm(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return "?"
