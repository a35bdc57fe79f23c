"""A JVM in a pod, reached by ``kubectl exec``: /proc, hsperfdata and attach with what every Flink image has (sh, cat).

Attach needs a Unix socket inside the container: ``jcmd`` where the image has a JDK, else a few lines of Perl, which
Debian and Ubuntu images always have (package perl-base). The rules of ``sources.attach`` hold: no signal to a JVM that
does not handle it or has attaching switched off.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from flinkscope.capture.reach import PACKS_SINCE, JvmIdentity
from flinkscope.errors import FlinkscopeError, SourceError
from flinkscope.formats.hsperf import PerfData, parse_hsperf
from flinkscope.jvm.live import flink_role, main_class
from flinkscope.sources.case import CaseProcess
from flinkscope.sources.kubectl import Kubectl
from flinkscope.sources.process import SIGQUIT_BIT

_FIND = 'for p in /proc/[0-9]*; do grep -q libjvm.so "$p/maps" 2>/dev/null && echo "${p#/proc/}"; done; true'
_DESCRIBE = """
cat "/proc/$1/cmdline"; printf '\\n<flinkscope>\\n'; cat "/proc/$1/environ"; printf '\\n<flinkscope>\\n'
cat "/proc/$1/stat"; printf '\\n<flinkscope>\\n'; readlink "/proc/$1/cwd"; printf '\\n<flinkscope>\\n'
cat "/proc/$1/status"
"""
_CGROUP = 'cd /sys/fs/cgroup && for f in memory.* pids.* memory/memory.* ; do [ -r "$f" ] && [ -f "$f" ] && ' \
          'printf "<flinkscope>%s\\n" "$f" && cat "$f"; done 2>/dev/null; true'  # fmt: skip
_LIST = 'for f in $1; do [ -f "$f" ] && echo "$f"; done; true'  # unquoted: the shell expands the pattern
_TRIMMED = 'head -c 1048576 "$1"; printf "\\n... flinkscope left out %d bytes here\\n" "$3"; tail -c "$2" "$1"'
_FAILED = (
    "Unable to create ", "Dump failed", "Flight Recorder can not", "Could not ", "java.lang.", "Unknown diagnostic",
    "Exception in thread", "Error: ", "Insufficient memory", "No recording", "Native memory tracking is not",
)  # fmt: skip
_HEAD_BYTES = 1 << 20


class PodJvm:
    """The JVM of a container: Flink's if there are several. Raises SourceError when none runs or nothing can be run."""

    def __init__(self, kubectl: Kubectl, process: CaseProcess) -> None:
        self._kubectl = kubectl
        pids = [int(line) for line in kubectl.shell(_FIND).split()]
        if not pids:
            raise SourceError(f"pod {kubectl.address}: no JVM runs in the container", hint="name another one with -c")
        found = [(pid, self._describe(pid)) for pid in pids[:8]]
        pid, described = min(found, key=lambda f: (flink_role(main_class(_words(f[1][0]))) == "jvm", f[0]))
        self._status = described[4].decode("utf-8", "replace")
        self.jvm = self._identity(pid, described, process)

    def matching(self, pattern: str) -> list[str]:
        """The plain files that the pattern names."""
        quoted = pattern.replace("\\", "\\\\").replace(" ", "?")  # the shell splits at blanks
        return self._kubectl.shell(_LIST, quoted).decode("utf-8", "replace").splitlines()

    def copy(self, path: str, destination: Path, most_bytes: int) -> int:
        """Copies a file; a transfer that is cut off goes on where it was."""
        size_bytes = int(self._kubectl.shell('wc -c < "$1"', path).strip() or b"0")
        if size_bytes <= most_bytes:
            self._kubectl.fetch(path, destination)
            return 0
        end_bytes = most_bytes - _HEAD_BYTES
        left_out = size_bytes - most_bytes
        destination.write_bytes(self._kubectl.shell(_TRIMMED, path, str(end_bytes), str(left_out), timeout_s=600.0))
        return left_out

    def counters(self) -> PerfData:
        """hsperfdata now."""
        data = self._kubectl.shell('cat /tmp/hsperfdata_*/"$1"', str(self.jvm.pid))
        return parse_hsperf(data, f"pod {self._kubectl.address} hsperfdata")

    def cgroup(self) -> dict[str, str]:
        """The memory files of the container's control group, by name."""
        text = self._kubectl.shell(_CGROUP).decode("utf-8", "replace")
        parts = (part.partition("\n") for part in text.split("<flinkscope>")[1:])
        found = {name.removeprefix("memory/"): body for name, _, body in parts if body.strip()}
        if not found:
            raise SourceError(f"pod {self._kubectl.address}: no memory files below /sys/fs/cgroup")
        return found

    def ask(self, command: str, timeout_s: float) -> str:
        """A diagnostic command by jcmd or by Perl. Nothing is sent to a JVM that would die of it or not answer."""
        self._check()
        pid = str(self.jvm.pid)
        if self._has("jcmd"):
            text = self._kubectl.run("jcmd", pid, *command.split(" "), timeout_s=timeout_s).decode("utf-8", "replace")
            answer = text.partition("\n")[2] if text.startswith(f"{pid}:") else text
        elif self._has("perl"):
            script = files("flinkscope.capture").joinpath("attach.pl").read_bytes()
            text = self._kubectl.run("perl", "-", pid, command, stdin=script, timeout_s=timeout_s).decode(
                "utf-8", "replace"
            )
            code, _, answer = text.partition("\n")
            if code.strip() != "0":
                raise SourceError(f"{command}: {answer.strip()[:300] or f'code {code.strip()[:40]}'}")
        else:
            raise SourceError("attach needs jcmd or perl in the image, and neither is there",
                              hint="an ephemeral container with them: kubectl debug --target")  # fmt: skip
        first = answer.strip().splitlines()[:1]
        if first and first[0].startswith(_FAILED):
            raise SourceError(f"{command}: {first[0]}")
        return answer

    def packs_dump(self) -> bool:
        """Wherever the JVM can: the file goes through kubectl, and a pod's /tmp is small."""
        return (self.jvm.java_major or 0) >= PACKS_SINCE

    def heap_dump(self, destination: Path) -> None:
        """Written to the container's /tmp, fetched, removed there."""
        options = "-gz=1 " if destination.suffix == ".gz" else ""
        inside = f"/tmp/flinkscope-{secrets.token_hex(8)}{''.join(destination.suffixes)}"
        try:
            self.ask(f"GC.heap_dump {options}{inside}", 900.0)
            self._kubectl.fetch(inside, destination)
        finally:
            self._remove(inside)

    def record(self, destination: Path, seconds: int) -> None:
        """A flight recording, ended whatever happens."""
        name = f"flinkscope-{secrets.token_hex(4)}"
        inside = f"/tmp/{name}.jfr"
        self.ask(f"JFR.start name={name} settings=profile", 60.0)
        try:
            time.sleep(seconds)
            self.ask(f"JFR.dump name={name} filename={inside}", 120.0)
            self._kubectl.fetch(inside, destination)
        finally:
            with suppress(SourceError):
                self.ask(f"JFR.stop name={name}", 60.0)
            self._remove(inside)

    def _remove(self, path: str) -> None:
        with suppress(SourceError):
            self._kubectl.run("rm", "-f", "--", path)

    def _has(self, program: str) -> bool:
        return bool(self._kubectl.shell('command -v "$1" || true', program).strip())

    def _check(self) -> None:
        if "-XX:+DisableAttachMechanism" in self.jvm.flags:
            raise SourceError("attaching is switched off (-XX:+DisableAttachMechanism)")
        with suppress(FlinkscopeError):
            if (self.counters().text("sun.rt.jvmCapabilities") or "1")[0] == "0":
                raise SourceError("attaching is switched off (-XX:+DisableAttachMechanism)")
        caught = next((line.split()[1] for line in self._status.splitlines() if line.startswith("SigCgt:")), "0")
        if not int(caught, 16) & SIGQUIT_BIT:
            raise SourceError("the JVM does not handle SIGQUIT (-Xrs); it would die of the signal that attach needs")

    def _describe(self, pid: int) -> list[bytes]:
        parts = self._kubectl.shell(_DESCRIBE, str(pid)).split(b"\n<flinkscope>\n")
        if len(parts) != 5:
            raise SourceError(f"pod {self._kubectl.address}: /proc/{pid} cannot be read in the container")
        return parts

    def _identity(self, pid: int, described: list[bytes], process: CaseProcess) -> JvmIdentity:
        command = _words(described[0])
        environment = dict(pair.split("=", 1) for pair in _words(described[1]) if "=" in pair)
        stat_text = described[2].decode("utf-8", "replace")
        start_ticks = stat_text[stat_text.rindex(")") + 2 :].split()[19]
        self.jvm = JvmIdentity(process, "", pid, command, (), environment, "/", None, 0)
        reading: PerfData | None = None
        with suppress(FlinkscopeError):
            reading = self.counters()
        arguments = reading.text("java.rt.vmArgs") if reading else None
        flags = arguments.split() if arguments else [word for word in command[1:] if word.startswith("-")]
        role = flink_role(main_class(command))
        return JvmIdentity(
            process=CaseProcess(
                id=process.id,
                role=role if role != "jvm" else process.role,
                java_version=reading.text("java.property.java.version") if reading else None,
                exit_code=None,
                started_at=process.started_at,
            ),
            key=f"java {pid} started at tick {start_ticks}",
            pid=pid,
            arguments=command,
            flags=(*environment.get("JAVA_TOOL_OPTIONS", "").split(), *flags),
            environment=environment,
            folder=described[3].decode("utf-8", "replace").strip() or "/",
            java_major=reading.java_major if reading else None,
            heap_used_bytes=_heap_used(reading) or _resident(self._status),
        )


def _words(data: bytes) -> tuple[str, ...]:
    return tuple(part.decode("utf-8", "replace") for part in data.split(b"\0") if part)


def _heap_used(reading: PerfData | None) -> int:
    if reading is None:
        return 0
    spaces = ((0, 0), (0, 1), (0, 2), (1, 0))
    return sum(reading.number(f"sun.gc.generation.{g}.space.{s}.used") or 0 for g, s in spaces)


def _resident(status: str) -> int:
    line = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) * 1024
