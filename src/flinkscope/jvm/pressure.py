"""What a person wants to know of a running JVM, from its counters: how full it is, how busy with collecting."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.absent import Absent, AbsentKind
from flinkscope.formats.hsperf import PerfData
from flinkscope.jvm.live import LiveJvm, jvm_flags, metaspace_limit
from flinkscope.units import share_bp

_NOT_YET = Absent("metaspace in use", AbsentKind.UNREADABLE, "refreshed at a collection only; there was none yet")
_SPACES = (("eden", 0, 0), ("survivor", 0, 1), ("survivor", 0, 2), ("old", 1, 0))


@dataclass(frozen=True, slots=True)
class Pressure:
    """One sample. Sizes in bytes. ``gc_share_bp``: time in collections since the sample before, in 1/10,000.

    ``metaspace_used_bytes`` counts against ``metaspace_limit_bytes``, unlike jstat's M, which is used / committed.
    """

    eden_used_bytes: int
    survivor_used_bytes: int
    old_used_bytes: int
    old_capacity_bytes: int
    metaspace_used_bytes: int | Absent
    metaspace_limit_bytes: int | Absent
    loaded_classes: int
    threads: int
    young_collections: int
    full_collections: int
    gc_share_bp: int | Absent
    last_cause: str


class PressureGauge:
    """Turns readings of one JVM into samples."""

    def __init__(self, jvm: LiveJvm) -> None:
        self._jvm = jvm
        self._limit = metaspace_limit(jvm_flags(jvm.process, jvm.read()))
        self._before: tuple[int, int] | None = None

    def sample(self, now_ns: int) -> Pressure:
        """Reads the counters; ``now_ns`` is a monotonic clock. Raises SourceError once the process has ended."""
        reading = self._jvm.read()
        used = {"eden": 0, "survivor": 0, "old": 0}
        for space, generation, index in _SPACES:
            used[space] += _number(reading, f"sun.gc.generation.{generation}.space.{index}.used")
        return Pressure(
            eden_used_bytes=used["eden"],
            survivor_used_bytes=used["survivor"],
            old_used_bytes=used["old"],
            old_capacity_bytes=_number(reading, "sun.gc.generation.1.space.0.capacity"),
            metaspace_used_bytes=_number(reading, "sun.gc.metaspace.used") or _NOT_YET,
            metaspace_limit_bytes=self._limit,
            loaded_classes=_number(reading, "java.cls.loadedClasses") - _number(reading, "java.cls.unloadedClasses"),
            threads=_number(reading, "java.threads.live"),
            young_collections=_number(reading, "sun.gc.collector.0.invocations"),
            full_collections=_number(reading, "sun.gc.collector.1.invocations"),
            gc_share_bp=self._gc_share(reading, now_ns),
            last_cause=reading.text("sun.gc.lastCause") or "",
        )

    def _gc_share(self, reading: PerfData, now_ns: int) -> int | Absent:
        frequency_hz = reading.number("sun.os.hrt.frequency") or 1_000_000_000
        ticks = sum(_number(reading, f"sun.gc.collector.{index}.time") for index in range(3))
        busy_ns = ticks * 1_000_000_000 // frequency_hz
        before, self._before = self._before, (busy_ns, now_ns)
        if before is None:
            return Absent("share of time in collections", AbsentKind.NOT_COLLECTED, "needs two samples")
        return share_bp(busy_ns - before[0], now_ns - before[1])


def _number(reading: PerfData, counter: str) -> int:
    return reading.number(counter) or 0
