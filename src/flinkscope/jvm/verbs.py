"""What a live JVM can be asked to do by attach, each with its cost; failures that come with code 0 are recognised.

Costs measured on 11 to 25: thread dump and class-loader statistics 1 to 20 ms at a safepoint; a class histogram of live
objects and a heap dump stop the process for a full collection and the walk (about 0.15 s for 45 MB).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.formats.class_histogram import ClassHistogram, parse_class_histogram
from flinkscope.formats.hsperf import parse_hsperf
from flinkscope.formats.thread_dump import ThreadDump, parse_thread_dump
from flinkscope.sources.attach import AttachError, AttachRefusedError, attach
from flinkscope.sources.process import JavaProcess, java_process, memory_of, read_perf_file

# beginnings of lines that tell of a failure although the code may be 0: anywhere, and in the first line only
_FAILED = (
    "Unable to create ", "Dump failed", "Flight Recorder can not be enabled", "Could not start recording",
    "Could not dump", "No recording to dump", "Native memory tracking is not enabled", "Dump file is incomplete",
)  # fmt: skip
_UNKNOWN = "Unknown diagnostic command"  # Java 8 says so in an IllegalArgumentException
_FAILED_AT_ONCE = ("java.lang.", _UNKNOWN, "Exception in thread", "Error: ", "Insufficient memory")
# 25 bytes an object and 8 a reference: maps of one entry take 1.6 times the heap, objects of 16 bytes 2.1 times
_DUMP_PER_RESIDENT = 2
_HEAP_DUMP_TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class HeapDumpReceipt:
    """A heap dump that was fetched: where it lies now, its size, and what the JVM said."""

    path: Path
    file_bytes: int
    answer: str


@dataclass(frozen=True, slots=True)
class HeapDumpCost:
    """What a heap dump will take, told before it is made. ``needed_bytes``: upper bound of the uncompressed file."""

    needed_bytes: int
    free_in_target_bytes: int
    free_here_bytes: int
    stops_the_process: bool = True


class JvmVerbs:
    """One JVM, ready to be asked. Each method is one request; each may raise AttachError (not reached, no answer) or
    AttachRefusedError (the JVM's own refusal)."""

    def __init__(self, process: JavaProcess) -> None:
        self.process = process
        self.java_major, self._allowed = _capabilities(process)

    def jcmd(self, command: str, *, timeout_s: float = 60.0, on_text: Callable[[bytes], None] | None = None) -> str:
        """Any diagnostic command (``VM.version``, ``GC.heap_info``) and its text."""
        return self._ask("jcmd", command, timeout_s=timeout_s, on_text=on_text)

    def class_histogram(self, *, all_objects: bool = False) -> ClassHistogram:
        """Objects by class. Live ones cost a full collection; ``all_objects`` counts garbage too and needs none."""
        text = self.jcmd("GC.class_histogram" + (" -all" if all_objects else ""), timeout_s=300.0)
        return parse_class_histogram(text, f"process {self.process.pid} GC.class_histogram")

    def threads(self, *, locks: bool = False) -> ThreadDump:
        """All threads with their monitors; a safepoint of some milliseconds. Deadlocks are found either way.

        ``locks``: also which thread holds each java.util.concurrent lock that nobody waits for; the JVM walks its whole
        heap for that, at the safepoint.
        """
        text = self.jcmd("Thread.print -l" if locks else "Thread.print")
        return parse_thread_dump(text, f"process {self.process.pid} Thread.print")

    def class_loader_stats(self) -> str:
        """``VM.classloader_stats``: each loader with classes and metaspace, as text; no collection."""
        return self.jcmd("VM.classloader_stats")

    def class_loaders(self) -> str:
        """``VM.classloaders``: the tree of loaders, as text."""
        return self.jcmd("VM.classloaders")

    def metaspace(self) -> str:
        """``VM.metaspace``: live use by kind (hsperfdata knows only the state at the last collection)."""
        return self.jcmd("VM.metaspace")

    def flags(self) -> dict[str, str]:
        """All flags that are set, with their values: ``{"MaxMetaspaceSize": "268435456", "UseG1GC": "true"}``."""
        found = {}
        for word in self.jcmd("VM.flags").split():
            if word.startswith("-XX:"):
                name, separator, value = word[4:].partition("=")
                switched = {"+": "true", "-": "false"}.get(name[:1])
                if separator:
                    found[name] = value
                elif switched is not None:
                    found[name[1:]] = switched
        return found

    def native_memory(self) -> str:
        """``VM.native_memory summary``, as text; refused where -XX:NativeMemoryTracking is off."""
        return self.jcmd("VM.native_memory summary")

    def heap_info(self) -> str:
        """``GC.heap_info``, as text."""
        return self.jcmd("GC.heap_info")

    def heap_dump_cost(self, destination: Path, folder: str = "/tmp") -> HeapDumpCost:
        """The space that a dump needs at most, and what is free in the target's ``folder`` and at ``destination``."""
        resident = memory_of(self.process).get("VmRSS", 0)
        inside = _inside(self.process, folder)
        try:
            free = shutil.disk_usage(inside).free
        except OSError as error:
            raise SourceError(f"process {self.process.pid}: {folder} in its file system: {error.strerror}") from error
        return HeapDumpCost(_DUMP_PER_RESIDENT * resident, free, shutil.disk_usage(destination.parent).free)

    def heap_dump(
        self, destination: Path, *, folder: str = "/tmp", live: bool = True, gzip: bool = False
    ) -> HeapDumpReceipt:
        """Dumps the heap and fetches the file to ``destination``. **Stops the process** for the whole dump.

        The JVM writes into ``folder`` of its own file system; the file is moved out through its namespace and never
        left there. ``live``: reachable objects only (costs a full collection). ``gzip``: from Java 17 on. Raises
        UsageError when the destination exists, SourceError when space is short.
        """
        if destination.exists():
            raise UsageError(f"{destination} exists already", hint="choose another name")
        if gzip and (self.java_major or 0) < 17:
            raise UsageError("this JVM cannot compress heap dumps", hint="Java 17 and later can")
        cost = self.heap_dump_cost(destination, folder)
        if not gzip and cost.needed_bytes > min(cost.free_in_target_bytes, cost.free_here_bytes):
            raise SourceError(
                f"a heap dump may need {cost.needed_bytes:,} bytes; free: {cost.free_in_target_bytes:,} in the "
                f"target's {folder}, {cost.free_here_bytes:,} at {destination.parent}",
                hint="choose another folder, or compress (Java 17 and later)",
            )
        name = f"{folder.rstrip('/')}/flinkscope-{secrets.token_hex(8)}.hprof{'.gz' if gzip else ''}"
        options = ("" if live else " -all") + (" -gz=1" if gzip else "")
        inside = _inside(self.process, name)
        try:
            answer = self.jcmd(f"GC.heap_dump{options} {name}", timeout_s=_HEAP_DUMP_TIMEOUT_S)
            size_bytes = _fetch(self.process, inside, destination)
        finally:
            with contextlib.suppress(OSError):
                inside.unlink()
        return HeapDumpReceipt(destination, size_bytes, answer.strip())

    def start_recording(self, name: str, settings: str = "profile") -> str:
        """Starts a flight recording; refused on a runtime without the module jdk.jfr. First one takes 0.7 to 2 s."""
        return self.jcmd(f"JFR.start name={name} settings={settings}", timeout_s=60.0)

    def dump_recording(self, name: str, destination: Path, *, folder: str = "/tmp") -> int:
        """Writes what the recording holds so far to ``destination``; its size in bytes."""
        inside_name = f"{folder.rstrip('/')}/flinkscope-{secrets.token_hex(8)}.jfr"
        inside = _inside(self.process, inside_name)
        try:
            self.jcmd(f"JFR.dump name={name} filename={inside_name}", timeout_s=120.0)
            return _fetch(self.process, inside, destination)
        finally:
            with contextlib.suppress(OSError):
                inside.unlink()

    def stop_recording(self, name: str) -> str:
        """Ends the recording and discards it."""
        return self.jcmd(f"JFR.stop name={name}")

    def record(self, destination: Path, seconds: int, *, settings: str = "profile", folder: str = "/tmp") -> int:
        """A flight recording of so many seconds, fetched to ``destination``; always ended; its size in bytes."""
        name = f"flinkscope-{secrets.token_hex(4)}"
        self.start_recording(name, settings)
        try:
            time.sleep(seconds)
            return self.dump_recording(name, destination, folder=folder)
        finally:
            self.stop_recording(name)

    def load_agent(self, library: str, options: str, *, timeout_s: float = 60.0) -> str:
        """Loads a native agent from an absolute path in the target's file system."""
        return self._ask("load", library, "true", options, timeout_s=timeout_s)

    def _ask(self, verb: str, *arguments: str, timeout_s: float, on_text: Callable[[bytes], None] | None = None) -> str:
        answer = attach(
            self.process, verb, *arguments, allowed=self._allowed, java_major=self.java_major, timeout_s=timeout_s,
            on_text=on_text,
        )  # fmt: skip
        lines = answer.text.lstrip().splitlines()
        failure = next((line for line in lines if line.startswith(_FAILED)), None)
        if failure is None and lines and lines[0].startswith(_FAILED_AT_ONCE):
            failure = lines[0]
        if answer.code != 0 or failure is not None:
            said = (failure or answer.text.strip() or f"code {answer.code}").strip()
            asked = " ".join((verb, *arguments)).strip()
            if _UNKNOWN in said:
                said = f"Java {self.java_major or '?'} does not know this command"
            raise AttachRefusedError(f"process {self.process.pid}: {asked}: {said}", answer.text, hint=_hint(said))
        return answer.text


def open_verbs(pid: int) -> JvmVerbs:
    """The JVM of that pid, ready to be asked. Raises SourceError when it is none. Nothing is sent yet."""
    return JvmVerbs(java_process(pid))


def _capabilities(process: JavaProcess) -> tuple[int | None, bool | None]:
    """The release, and whether attaching is allowed: the first digit of ``sun.rt.jvmCapabilities``."""
    try:
        reading = parse_hsperf(read_perf_file(process), str(process.perf_file))
    except (SourceError, UnreadableInputError):
        return None, None
    capabilities = reading.text("sun.rt.jvmCapabilities") or ""
    return reading.java_major, capabilities[0] == "1" if capabilities else None


def _inside(process: JavaProcess, path: str) -> Path:
    """A path of the target's file system as a path for us."""
    if not path.startswith("/") or ".." in Path(path).parts:
        raise UsageError(f"{path!r} is not an absolute path in the target's file system")
    return process.root / path.lstrip("/")


def _fetch(process: JavaProcess, inside: Path, destination: Path) -> int:
    """Moves a file out of the target's namespace: renamed where both are one file system, else copied.

    Only a plain file of the target's own user is taken: no link that a hostile container may have put there.
    """
    try:
        with open(os.open(inside, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source:
            found = os.fstat(source.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_uid != process.uid:
                raise AttachError(f"{inside} is not a plain file of user {process.uid}; it was left alone")
            if found.st_dev == destination.parent.stat().st_dev and process.same_namespaces:
                os.replace(inside, destination)
            else:
                with destination.open("xb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except OSError as error:
        raise AttachError(f"{inside}: the file cannot be fetched: {error.strerror}") from error
    return found.st_size


def _hint(said: str) -> str:
    if "No such file" in said or "Permission denied" in said:
        return "the folder must exist in the target's own file system and be writable by its user"
    if "Native memory" in said:
        return "start the JVM with -XX:NativeMemoryTracking=summary (costs 5 to 10 %)"
    if "does not know this command" in said:
        return "`flinkscope jvm PID jcmd help` lists what it knows; Java 8 tells metaspace in `heap-info` and `gcutil`"
    if "Flight Recorder" in said:
        return "this runtime lacks the module jdk.jfr"
    return ""
