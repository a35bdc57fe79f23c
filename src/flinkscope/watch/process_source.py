"""Watching JVMs of this machine: hsperfdata and /proc, some 50 µs a look; nothing is sent to the process.

Only ``timers_every_s`` asks the JVM itself (a class histogram of all objects), and stops it for that walk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flinkscope.capture.local_jvm import cgroup_folders
from flinkscope.errors import FlinkscopeError, SourceError
from flinkscope.formats.hsperf import PerfData
from flinkscope.jvm.live import LiveJvm, flag_bytes, flink_role, jvm_flags, main_class
from flinkscope.jvm.verbs import JvmVerbs
from flinkscope.sources.process import PROC, JavaProcess, java_process, java_processes
from flinkscope.units import share_bp
from flinkscope.watch.measures import Reading

RESCAN_S = 10.0
_TIMER_CLASS = "org.apache.flink.streaming.api.operators.TimerHeapInternalTimer"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_NO_LIMIT = 1 << 62


class WatchedJvm:
    """One JVM, looked at again and again."""

    def __init__(self, process: JavaProcess, name: str, timers_every_s: float = 0) -> None:
        self.process = process
        self.name = name
        self.role = flink_role(main_class(process.command))
        self._jvm = LiveJvm(process)
        reading = self._jvm.read()
        flags = jvm_flags(process, reading)
        old_bytes = reading.number("sun.gc.generation.1.maxCapacity")
        heap_bytes = flag_bytes(flags, "-Xmx") or flag_bytes(flags, "-XX:MaxHeapSize=")
        known = [size & ~0xFFF for size in (old_bytes, heap_bytes) if size]
        self._limits = {
            "heap_limit_bytes": min(known, default=None),
            "metaspace_limit_bytes": flag_bytes(flags, "-XX:MaxMetaspaceSize="),
            "memory_limit_bytes": _memory_limit(process.pid),
        }
        self._collections = -1
        self._live_bytes: int | None = None
        self._before: tuple[int, int] | None = None
        self._timers: tuple[float, int | None] = (0.0, None)
        self._timers_every_s = timers_every_s

    def look(self, now_ns: int) -> Reading:
        """Reads everything once. Raises SourceError when the process has ended."""
        reading = self._jvm.read()
        values: dict[str, int | None] = dict(self._limits)
        old_bytes = reading.number("sun.gc.generation.1.space.0.used")
        collections = sum(reading.number(f"sun.gc.collector.{index}.invocations") or 0 for index in range(3))
        if collections != self._collections and collections > 0:  # else it holds what was allocated since
            self._live_bytes = old_bytes
        self._collections = collections
        unloaded = reading.number("java.cls.unloadedClasses") or 0
        loaded = reading.number("java.cls.loadedClasses")
        values |= {
            "live_set_bytes": self._live_bytes,
            "old_used_bytes": old_bytes,
            "metaspace_bytes": reading.number("sun.gc.metaspace.used") or None,
            "resident_bytes": _resident(self.process.pid),
            "gc_share_bp": self._gc_share(reading, now_ns),
            "loaded_classes": None if loaded is None else loaded - unloaded,
            "threads": reading.number("java.threads.live"),
            "timers": self._count_timers(),
        }
        known = {name: value for name, value in values.items() if value is not None}
        identity = f"{self.process.pid}/{self.process.start_ticks}"
        return Reading(self.name, self.role, identity, known, self.process.pid)

    def _gc_share(self, reading: PerfData, now_ns: int) -> int | None:
        frequency_hz = reading.number("sun.os.hrt.frequency") or 1_000_000_000
        ticks = sum(reading.number(f"sun.gc.collector.{index}.time") or 0 for index in range(3))
        busy_ns = ticks * 1_000_000_000 // frequency_hz
        before, self._before = self._before, (busy_ns, now_ns)
        return None if before is None else min(10_000, share_bp(busy_ns - before[0], now_ns - before[1]))

    def _count_timers(self) -> int | None:
        asked_at, count = self._timers
        if self._timers_every_s and time.monotonic() - asked_at >= self._timers_every_s:
            count = None
            with suppress(FlinkscopeError):
                rows = JvmVerbs(self.process).class_histogram(all_objects=True).rows
                count = next((row.objects for row in rows if row.class_name == _TIMER_CLASS), 0)
            self._timers = (time.monotonic(), count)
        return count


class ProcessSource:
    """The JVM of one pid, and its successor: after its end, one with the very same command line that started later."""

    interval_s = 0.0

    def __init__(self, pid: int, timers_every_s: float = 0) -> None:
        self._timers_every_s = timers_every_s
        self._watched: WatchedJvm | None = WatchedJvm(java_process(pid), f"pid {pid}", timers_every_s)
        self._name, self._last = self._watched.name, self._watched.process

    def look(self, now_ns: int) -> Sequence[Reading]:
        """One reading; none while the process is gone and no successor is there."""
        if self._watched is not None:
            try:
                return [self._watched.look(now_ns)]
            except SourceError:
                self._watched = None
        for process in java_processes():
            if process.command == self._last.command and process.start_ticks > self._last.start_ticks:
                with suppress(FlinkscopeError):
                    self._watched = WatchedJvm(process, self._name, self._timers_every_s)
                    self._last = process
                    return [self._watched.look(now_ns)]
        return []


class MachineSource:
    """All Flink processes of this machine, also those that start later; looked for every 10 s."""

    interval_s = 0.0

    def __init__(self, timers_every_s: float = 0) -> None:
        self._timers_every_s = timers_every_s
        self._watched: dict[str, WatchedJvm] = {}
        self._next_scan = 0.0

    def look(self, now_ns: int) -> Sequence[Reading]:
        """A reading of each."""
        if time.monotonic() >= self._next_scan:
            self._scan()
            self._next_scan = time.monotonic() + RESCAN_S
        readings = []
        for key, watched in list(self._watched.items()):
            try:
                readings.append(watched.look(now_ns))
            except FlinkscopeError:
                del self._watched[key]
        return readings

    def _scan(self) -> None:
        for process in java_processes():
            key = f"{process.pid}/{process.start_ticks}"
            role = flink_role(main_class(process.command))
            if key not in self._watched and role in ("taskmanager", "jobmanager"):
                with suppress(FlinkscopeError):
                    name = f"{role} {process.pid}"
                    self._watched[key] = WatchedJvm(process, name, self._timers_every_s)


def _resident(pid: int) -> int | None:
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return None


def _memory_limit(pid: int) -> int | None:
    """The tightest limit of its control group and of those around it."""
    for folder in cgroup_folders(pid):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                limit = int(Path(folder / name).read_text())
                if limit < _NO_LIMIT:
                    return limit
    return None
