"""The options of Flink's memory model, with the default each version gives them.

``TaskManagerOptions``, ``JobManagerOptions`` and ``NettyShuffleEnvironmentOptions``, 1.10.0 … 2.3.0; only what the
computation reads. The whole option catalogue is :mod:`flinkscope.flink.options`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.errors import UsageError

Version = tuple[int, int, int]

OLDEST: Version = (1, 10, 0)
NEWEST: Version = (2, 3, 0)


def parse_version(text: str) -> Version:
    """``1.20``, ``1.20.5``, ``v2.0.0``, ``1.19-SNAPSHOT`` or an image tag ``1.18.1-scala_2.12-java11`` as a triple.

    A missing patch number is the newest patch. Raises UsageError below 1.10, where Flink had no memory model.
    """
    match = re.fullmatch(r"[vV]?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?(?:[-_+].*)?", text.strip())
    if not match:
        raise UsageError(f"{text!r} is not a Flink version", hint="write it like 1.20.5 or 2.3.0")
    version = (int(match[1]), int(match[2]), int(match[3]) if match[3] else 99)
    if version < OLDEST:
        raise UsageError(
            f"Flink {text} has no unified memory model", hint="flinkscope knows the memory model of Flink 1.10 to 2.3"
        )
    return version


@dataclass(frozen=True, slots=True)
class MemoryOption:
    """One option: ``default`` None means that it has none; ``fallback_keys`` are older names still accepted."""

    key: str
    default: str | None = None
    fallback_keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``ConfigOption.toString``, which Flink's error texts contain."""
        fallbacks = ", ".join(f"{{key={key}, isDeprecated=true}}" for key in self.fallback_keys)
        return f"Key: '{self.key}' , default: {self.default or 'null'} (fallback keys: [{fallbacks}])"


@dataclass(frozen=True, slots=True)
class JvmOptions:
    """The options that TaskManager and JobManager have alike."""

    process: MemoryOption
    flink: MemoryOption
    metaspace: MemoryOption
    overhead_min: MemoryOption
    overhead_max: MemoryOption
    overhead_fraction: MemoryOption


@dataclass(frozen=True, slots=True)
class TaskManagerOptionSet:
    """The TaskManager's memory options of one version; ``buffer_count`` is gone since 2.0."""

    jvm: JvmOptions
    framework_heap: MemoryOption
    framework_off_heap: MemoryOption
    task_heap: MemoryOption
    task_off_heap: MemoryOption
    managed_size: MemoryOption
    managed_fraction: MemoryOption
    network_min: MemoryOption
    network_max: MemoryOption
    network_fraction: MemoryOption
    segment_size: MemoryOption
    buffer_count: MemoryOption | None


@dataclass(frozen=True, slots=True)
class JobManagerOptionSet:
    """The JobManager's memory options (1.11 and later)."""

    jvm: JvmOptions
    heap: MemoryOption
    off_heap: MemoryOption
    direct_limit: MemoryOption


def taskmanager_options(version: Version) -> TaskManagerOptionSet:
    """The options and defaults of that version."""
    prefix = "taskmanager.memory."
    unlimited = f"{2**63 - 1}"
    return TaskManagerOptionSet(
        jvm=_jvm_options(prefix, "96m" if version == (1, 10, 0) else "256m"),
        framework_heap=MemoryOption(prefix + "framework.heap.size", "128m"),
        framework_off_heap=MemoryOption(prefix + "framework.off-heap.size", "128m"),
        task_heap=MemoryOption(prefix + "task.heap.size"),
        task_off_heap=MemoryOption(prefix + "task.off-heap.size", "0"),
        managed_size=MemoryOption(prefix + "managed.size", None, ("taskmanager.memory.size",)),
        managed_fraction=MemoryOption(prefix + "managed.fraction", "0.4"),
        network_min=MemoryOption(prefix + "network.min", "64m", ("taskmanager.network.memory.min",)),
        network_max=MemoryOption(
            prefix + "network.max", "1g" if version < (1, 17, 0) else unlimited, ("taskmanager.network.memory.max",)
        ),
        network_fraction=MemoryOption(prefix + "network.fraction", "0.1", ("taskmanager.network.memory.fraction",)),
        segment_size=MemoryOption(prefix + "segment-size", "32kb"),
        buffer_count=MemoryOption("taskmanager.network.numberOfBuffers", "2048") if version < (2, 0, 0) else None,
    )


def jobmanager_options() -> JobManagerOptionSet:
    """The options and defaults, the same from 1.11 to 2.3."""
    prefix = "jobmanager.memory."
    return JobManagerOptionSet(
        jvm=_jvm_options(prefix, "256m"),
        heap=MemoryOption(prefix + "heap.size"),
        off_heap=MemoryOption(prefix + "off-heap.size", "128m"),
        direct_limit=MemoryOption(prefix + "enable-jvm-direct-memory-limit", "false"),
    )


def _jvm_options(prefix: str, metaspace_default: str) -> JvmOptions:
    return JvmOptions(
        process=MemoryOption(prefix + "process.size"),
        flink=MemoryOption(prefix + "flink.size"),
        metaspace=MemoryOption(prefix + "jvm-metaspace.size", metaspace_default),
        overhead_min=MemoryOption(prefix + "jvm-overhead.min", "192m"),
        overhead_max=MemoryOption(prefix + "jvm-overhead.max", "1g"),
        overhead_fraction=MemoryOption(prefix + "jvm-overhead.fraction", "0.1"),
    )
