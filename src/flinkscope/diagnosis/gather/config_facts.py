"""Facts from the configuration: options with their lines, and the memory split that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from flinkscope.absent import Absent, AbsentKind
from flinkscope.diagnosis.facts import ConfigFacts, MemorySplit
from flinkscope.diagnosis.split import DEFAULT_FLINK, flink_role, memory_split
from flinkscope.errors import FlinkscopeError
from flinkscope.flink.lint import lint
from flinkscope.flink.lint_subject import LintFinding
from flinkscope.formats.flink_config import FlinkConfig, parse_arguments, read_flink_config
from flinkscope.formats.flink_log_facts import StartUp
from flinkscope.place import Place
from flinkscope.units import MIB

_BY_VERSION = frozenset(
    {"too-new", "gone", "unread-file", "legacy-ignored", "legacy-key", "old-name", "deprecated", "network-unbounded"}
)
# parts that a user can set, in the order in which they are tried to be left out
_KEYS = {
    "metaspace_bytes": ("taskmanager.memory.jvm-metaspace.size",),
    "overhead_bytes": ("taskmanager.memory.jvm-overhead.min", "taskmanager.memory.jvm-overhead.max"),
    "framework_heap_bytes": ("taskmanager.memory.framework.heap.size",),
    "framework_off_heap_bytes": ("taskmanager.memory.framework.off-heap.size",),
    "task_off_heap_bytes": ("taskmanager.memory.task.off-heap.size",),
    "managed_bytes": ("taskmanager.memory.managed.size",),
    "network_bytes": ("taskmanager.memory.network.min", "taskmanager.memory.network.max"),
}


def config_facts(
    path: Path, name: str, role: str, flink_version: str | None, command_line: tuple[str, ...] = ()
) -> ConfigFacts:
    """The options of ``path`` for a process of that role, and its effective memory.

    What the process was really started with (``command_line``) decides the split where it is known: Flink passes every
    derived size as a ``-D`` argument. Raises UnreadableInputError for what is no configuration.
    """
    found = read_flink_config(path, flink_version)
    config = next((c for c in found if c.role in (None, role)), found[0])
    options = config.mapping()
    places = {key: _named(config.place_of(key), name) for key in options}
    memory = _effective(command_line, role) or _modelled(options, role, flink_version or config.flink_version)
    return ConfigFacts(Place(name), options, places, memory, _lint(config, role, flink_version, name))


def _lint(config: FlinkConfig, role: str, version: str | None, name: str) -> tuple[LintFinding, ...]:
    """What the lint says of it. Where nothing tells the version, what depends on it is left out.

    A copy of the effective options is always named config.yaml, so that only a flink-conf.yaml under 2.x is told.
    """
    try:
        found = lint(config, version or DEFAULT_FLINK, role=flink_role(role))
    except FlinkscopeError:
        return ()
    told = [f for f in found if version is not None or f.rule not in _BY_VERSION]
    real = (f for f in told if f.rule != "unread-file" or not name.endswith("config.yaml"))
    return tuple(replace(f, place=replace(f.place, source=name)) for f in real)


def config_of_dump(memory: Mapping[str, int], name: str, flink_version: str | None) -> ConfigFacts | None:
    """A configuration that gives the TaskManager's memory split found in its own heap; None where it tells none.

    The process size, and those parts that it does not give by itself.
    """
    if not memory:
        return None
    split = MemorySplit(
        "the process' own TaskExecutorMemoryConfiguration in the heap dump",
        memory,
        memory.get("framework_heap_bytes", 0) + memory.get("task_heap_bytes", 0),
        sum(memory.values()),
        memory.get("metaspace_bytes", 0),
    )
    return ConfigFacts(Place(name), _fewest_keys(memory, flink_version), {}, split)


def config_of_log(start: StartUp, role: str) -> ConfigFacts | None:
    """The configuration that the process logged when it started; None where it logged none.

    The memory split is that of its ``-D`` arguments; without them that of the options.
    """
    options = dict(start.configuration)
    if not options and not start.arguments:
        return None
    found: MemorySplit | Absent | None = _effective(start.arguments, role)
    if found is None:
        found = _modelled(options, role, start.flink_version)
    return ConfigFacts(start.place, options, {}, found)


def _fewest_keys(memory: Mapping[str, int], flink_version: str | None) -> dict[str, str]:
    """The process size, and only those parts that it does not give by itself: what the user most likely set."""
    options = {"taskmanager.memory.process.size": _size(sum(memory.values()))}
    for part, keys in _KEYS.items():
        options.update(dict.fromkeys(keys, _size(memory.get(part, 0))))
    for keys in _KEYS.values():
        fewer = {key: value for key, value in options.items() if key not in keys}
        found = _modelled(fewer, "taskmanager", flink_version)
        if not isinstance(found, Absent) and dict(found.parts) == dict(memory):
            options = fewer
    return options


def _size(size_bytes: int) -> str:
    """As people write it: in MiB where it is whole ones."""
    return f"{size_bytes // MIB}m" if size_bytes and size_bytes % MIB == 0 else f"{size_bytes}b"


def _named(place: Place | None, name: str) -> Place:
    return replace(place, source=name) if place else Place(name)


def _effective(command_line: tuple[str, ...], role: str) -> MemorySplit | None:
    """The split on the process' own command line; None where it does not tell it."""
    if not command_line or role not in ("taskmanager", "jobmanager"):
        return None
    try:
        return memory_split(parse_arguments(command_line).mapping(), role, DEFAULT_FLINK, "command line")
    except FlinkscopeError:
        return None


def _modelled(options: Mapping[str, str], role: str, version: str | None) -> MemorySplit | Absent:
    source = f"computed for Flink {version or DEFAULT_FLINK}" + ("" if version else " (version not known)")
    try:
        return memory_split(options, role, version or DEFAULT_FLINK, source)
    except FlinkscopeError as error:
        return Absent("memory split", AbsentKind.UNREADABLE, error.message, "flinkscope memory CONFIG")
