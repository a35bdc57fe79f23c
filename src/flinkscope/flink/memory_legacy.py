"""The heap keys from before Flink 1.10, which start scripts and resource managers still map up to 1.20.

Follows ``MemoryBackwardsCompatibilityUtils``. Who starts the process decides what the old key means: the standalone
scripts take it for Flink's memory (TaskManager) or the heap (JobManager), Kubernetes and YARN for the whole process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from flinkscope.flink.memory_derivation import Derivation
from flinkscope.flink.memory_options import MemoryOption, Version
from flinkscope.flink.memory_size import (
    ILLEGAL_CONFIGURATION,
    Refusal,
    configuration_refusal,
    human,
    parse_size,
)

Launcher = Literal["none", "script", "container"]

# The environment variable that beats both keys is passed in the configuration under its own name.
_OLD_KEYS = {
    "taskmanager": ("FLINK_TM_HEAP", "taskmanager.heap.size", "taskmanager.heap.mb"),
    "jobmanager": ("FLINK_JM_HEAP", "jobmanager.heap.size", "jobmanager.heap.mb"),
}
_PREFIX = {
    "taskmanager": "TaskManager failed to map legacy JVM heap option to the new one",
    "jobmanager": "JobManager memory configuration failed",
}
_MEANT = {
    ("taskmanager", "script"): "taskmanager.memory.flink.size",
    ("taskmanager", "container"): "taskmanager.memory.process.size",
    ("jobmanager", "script"): "jobmanager.memory.heap.size",
    ("jobmanager", "container"): "jobmanager.memory.process.size",
    ("jobmanager", "none"): "jobmanager.memory.process.size",
}


def with_legacy_heap(config: Mapping[str, str], role: str, version: Version, launcher: Launcher) -> Mapping[str, str]:
    """``config`` with an old heap key translated, or unchanged when none is set, wanted or known any more."""
    target = _MEANT.get((role, launcher))
    if version >= (2, 0, 0) or target is None or target in config:
        return config
    try:
        size_bytes = _legacy_bytes(config, role, version)
    except Refusal as refusal:
        if version < (1, 11, 0) or not refusal.is_configuration:
            raise
        raise refusal.within(ILLEGAL_CONFIGURATION, f"{_PREFIX[role]}: {refusal.causes[0].message}") from None
    return config if size_bytes is None else {**config, target: f"{size_bytes} bytes"}


def legacy_note(config: Mapping[str, str], used: Mapping[str, str], role: str, launcher: Launcher) -> str | None:
    """Flink's own line about the translation, or None if nothing was translated."""
    target = _MEANT.get((role, launcher))
    if target is None or target in config or target not in used:
        return None
    return (
        f"INFO '{target}' is not specified, use the configured deprecated task manager heap value "
        f"({human(parse_size(used[target]))}) for it."
    )


def jobmanager_heap_1_10(config: Mapping[str, str], version: Version, launcher: Launcher) -> int:
    """Bytes of -Xmx of a 1.10 JobManager: the old heap key, in a container less ``containerized.heap-cutoff-ratio``."""
    run = Derivation(config, version)
    size_bytes = _legacy_bytes(config, "jobmanager", version)
    heap_bytes = parse_size("1024m") if size_bytes is None else size_bytes
    if launcher != "container":
        return heap_bytes
    heap_mib = heap_bytes >> 20
    ratio = run.fraction(MemoryOption("containerized.heap-cutoff-ratio", "0.25"))
    smallest_mib = run.integer(MemoryOption("containerized.heap-cutoff-min", "600"))
    return heap_mib - max(int(heap_mib * ratio), smallest_mib) << 20


def _legacy_bytes(config: Mapping[str, str], role: str, version: Version) -> int | None:
    variable, size_key, mb_key = _OLD_KEYS[role]
    run = Derivation(config, version)
    if variable in config:
        return _from_environment(config[variable])
    if size_key in config:
        return run.size(MemoryOption(size_key))
    if mb_key in config:
        mebibytes = run.integer(MemoryOption(mb_key))
        if mebibytes < 0:
            raise configuration_refusal(
                f"Configured total process memory size ({mebibytes}MB) must not be less than 0."
            )
        return mebibytes << 20
    return None


def _from_environment(text: str) -> int:
    try:
        return parse_size(text)
    except Refusal as refusal:
        raise refusal.within(
            ILLEGAL_CONFIGURATION, f"Cannot read total process memory size from environment variable value {text}."
        ) from None
