"""The way by attach with the async-profiler that every flink-dist jar from 1.19 on carries (2.9).

Its library is taken out of the target's own jar, put into the target's /tmp, loaded with the attach verb ``load`` and
deleted again at once: the mapping lives on until the process ends, the file does not. A copy that is loaded already
(Flink's profiler, or we before) is used again by its old path, since a second one cannot hook ``dlopen``.
Measured on 11 to 25: loading takes some milliseconds; cpu and wall cost below 1 % at these intervals.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from flinkscope.formats.collapsed import allocated_bytes, parse_collapsed
from flinkscope.formats.stacks import StackProfile
from flinkscope.jvm.flame_folder import TargetFolder, WayUnavailable
from flinkscope.jvm.flame_wait import waited
from flinkscope.jvm.verbs import JvmVerbs
from flinkscope.progress import Progress
from flinkscope.sources.attach import AttachError, AttachRefusedError
from flinkscope.sources.process import PROC, JavaProcess, environment_of

ALLOCATION_INTERVAL_BYTES = 512 * 1024  # HotSpot's own default (JEP 331): 2,000 samples a second at 1 GB/s
_STARTS = {
    "cpu": "event=itimer,interval=10000000",
    "alloc": f"event=alloc,alloc={ALLOCATION_INTERVAL_BYTES}",
    "wall": "event=wall,interval=50000000",
    "lock": "event=lock,lock=10000",
}
_MORE_SECONDS = 60  # after which the profiler ends itself, should we be killed
_ENTRIES = {"x86_64": "linux-x64/libasyncProfiler.so", "aarch64": "linux-arm64/libasyncProfiler.so"}
_LARGEST_LIBRARY_BYTES = 8 << 20
_LOADED = re.compile(r" (/[^\n]*(?:libasyncProfiler|flinkscope-)[^\n/]*\.so)(?: \(deleted\))?$", re.MULTILINE)
_DIST = re.compile(r"(?:^|/)flink-dist[^/]*\.jar(?: \(deleted\))?$")
_RETURNED = re.compile(r"return code: (-?\d+)")


def profile_with_async(
    verbs: JvmVerbs, event: str, seconds: int, *, folder: str, progress: Progress, library: Path | None = None
) -> StackProfile:
    """Profiles for so many seconds: cpu and wall in samples, alloc in estimated bytes, lock in nanoseconds of waiting.

    ``library``: a flink-dist or async-profiler jar, or the .so itself, instead of what the target's class path has.
    Raises WayUnavailable when it cannot be loaded or started, and then nothing is left running.
    """
    source = f"process {verbs.process.pid} async-profiler"
    with TargetFolder(verbs.process, folder) as files:
        agent = _Agent(verbs, files, _loaded(verbs.process) or files.put(_library(verbs.process, library), ".so"))
        agent.run(f"start,{_STARTS[event]},threads,timeout={seconds + _MORE_SECONDS}")
        try:
            agent.remove_library()
            waited(verbs.process, seconds, f"profiling {event} with async-profiler", progress)
        finally:
            agent.run("stop")
        counts = agent.dump("samples")
        totals = agent.dump("total") if event in ("alloc", "lock") else ""
        agent.close()
    if event == "alloc":
        return allocated_bytes(counts, totals, ALLOCATION_INTERVAL_BYTES, source)
    if event == "lock":
        return parse_collapsed(totals, source, event=event, unit="ns")
    return parse_collapsed(counts, source, event=event)


class _Agent:
    """The loaded library; each command is one request. Its errors go into a log of ours, not to the target's output."""

    def __init__(self, verbs: JvmVerbs, files: TargetFolder, library: str) -> None:
        self._verbs, self._files, self._library = verbs, files, library
        self._log = files.name(".log")

    def run(self, command: str) -> None:
        """One command; WayUnavailable with the profiler's own words when it fails."""
        self._load(f"{command},log={self._log}")

    def dump(self, what: str) -> str:
        """The collapsed stacks, valued by ``samples`` or ``total``."""
        name = self._files.name(".collapsed")
        self.run(f"dump,file={name},collapsed,{what},threads,ann")
        data = self._files.read(name)
        self._files.remove(name)
        return data.decode("utf-8", "replace")

    def remove_library(self) -> None:
        """Deletes our copy; one that somebody else put there stays."""
        self._files.remove_own(self._library)

    def close(self) -> None:
        """Makes it let go of our log: a command without one turns to its standard output, and this one says nothing."""
        with contextlib.suppress(WayUnavailable):
            self._load(f"list,file={self._files.name('.txt')}")

    def _load(self, options: str) -> None:
        try:
            answer = self._verbs.load_agent(self._library, options)
        except AttachRefusedError as error:
            raise WayUnavailable(self._said() or error.answer.strip() or error.message) from error
        except AttachError as error:
            raise WayUnavailable(error.message) from error
        code = _RETURNED.search(answer)
        if code is None or code[1] != "0":
            raise WayUnavailable(self._said() or answer.strip() or "the library was not loaded")

    def _said(self) -> str:
        try:
            lines = self._files.read(self._log).decode("utf-8", "replace").split("\n")
        except WayUnavailable:
            return ""
        errors = [line.removeprefix("[ERROR] ") for line in lines if line.startswith("[ERROR]")]
        return errors[-1] if errors else ""


def _loaded(process: JavaProcess) -> str | None:
    """The path under which an async-profiler was loaded, whether or not the file is still there."""
    found = _LOADED.search(_maps(process))
    return found[1] if found else None


def _maps(process: JavaProcess) -> str:
    try:
        return (PROC / str(process.pid) / "maps").read_text(errors="replace")
    except OSError as error:
        raise WayUnavailable(f"its mappings cannot be read: {error.strerror}") from error


def _library(process: JavaProcess, given: Path | None) -> bytes:
    if "ld-musl" in _maps(process):
        raise WayUnavailable("the process runs on musl; the library in flink-dist is for glibc")
    entry = _ENTRIES.get(platform.machine())
    if entry is None:
        raise WayUnavailable(f"flink-dist has no library for {platform.machine()}")
    for jar in [given] if given is not None else _flink_jars(process):
        data = _from(jar, entry)
        if data is not None:
            return data
    where = str(given) if given is not None else "the flink-dist jar of its class path"
    raise WayUnavailable(f"{where} has no async-profiler (Flink 1.19 and later have it)")


def _from(path: Path, entry: str) -> bytes | None:
    """The library out of a jar, or the file itself."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) == b"\x7fELF":
                stream.seek(0)
                return stream.read(_LARGEST_LIBRARY_BYTES)
            with zipfile.ZipFile(stream) as jar, jar.open(entry) as member:
                data = member.read(_LARGEST_LIBRARY_BYTES)
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, EOFError):
        return None
    return data if data[:4] == b"\x7fELF" else None


def _flink_jars(process: JavaProcess) -> Iterator[Path]:
    """The target's flink-dist jars: those that it holds open, by descriptor (right in any namespace, even when
    deleted), and those of its class path that it has not looked into yet."""
    base = PROC / str(process.pid)
    with contextlib.suppress(OSError):
        for number in os.listdir(base / "fd"):
            with contextlib.suppress(OSError):
                if _DIST.search(os.readlink(base / "fd" / number)):
                    yield base / "fd" / number
    for entry in _class_path(process):
        if _DIST.search(entry):
            yield process.root / entry.lstrip("/") if entry.startswith("/") else base / "cwd" / entry


def _class_path(process: JavaProcess) -> list[str]:
    words = process.command
    given = [words[n + 1] for n, word in enumerate(words[:-1]) if word in ("-cp", "-classpath", "--class-path")]
    return (given[-1] if given else environment_of(process).get("CLASSPATH", "")).split(":")
