"""What an upgrade does to a configuration: the splits side by side, and keys that go, change name or default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_legacy import Launcher
from flinkscope.flink.memory_model import JobManagerMemory, Role, TaskManagerMemory, memory_model
from flinkscope.flink.memory_options import parse_version
from flinkscope.flink.memory_view import leaves
from flinkscope.flink.options import is_outside, option, resolve
from flinkscope.formats.flink_config import FlinkConfig

Memory = TaskManagerMemory | JobManagerMemory


@dataclass(frozen=True, slots=True)
class SplitChange:
    """One part of the memory before and after, in bytes."""

    part: str
    before_bytes: int
    after_bytes: int


@dataclass(frozen=True, slots=True)
class UpgradeEffect:
    """The effect on one role. ``refused_before`` and ``refused_after``: Flink's texts where a version refuses it."""

    role: Role
    before: Memory | None
    after: Memory | None
    changes: tuple[SplitChange, ...]
    refused_before: tuple[str, ...]
    refused_after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """All effects. ``lost_keys``: read before, not any more, with the new name or ""; ``gained_keys``: ignored before,
    read now. ``notes``: what else changes."""

    flink: str
    upgrade_to: str
    effects: tuple[UpgradeEffect, ...]
    lost_keys: tuple[tuple[str, str], ...]
    gained_keys: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether the same configuration means something else afterwards."""
        moved = any(c.before_bytes != c.after_bytes for effect in self.effects for c in effect.changes)
        return (
            moved
            or bool(self.lost_keys or self.gained_keys)
            or any(e.refused_before != e.refused_after for e in self.effects)
        )


def upgrade(source: FlinkConfig, flink: str, upgrade_to: str, launcher: Launcher = "script") -> Upgrade:
    """The same configuration under both versions; milliseconds. Raises UsageError for an unknown version."""
    config = source.mapping()
    roles: list[Role] = ["taskmanager", "jobmanager"]
    sized = [r for r in roles if any(key.startswith((f"{r}.memory.", f"{r}.heap.")) for key in config)]
    return Upgrade(
        flink,
        upgrade_to,
        tuple(_effect(config, role, flink, upgrade_to, launcher) for role in sized),
        tuple((key, _new_name(key, flink, upgrade_to)) for key in config if _is_lost(key, flink, upgrade_to)),
        tuple(key for key in config if _is_lost(key, upgrade_to, flink)),
        _notes(source, config, flink, upgrade_to),
    )


def _effect(config: Mapping[str, str], role: Role, flink: str, upgrade_to: str, launcher: Launcher) -> UpgradeEffect:
    before, refused_before = _model(config, role, flink, launcher)
    after, refused_after = _model(config, role, upgrade_to, launcher)
    changes: tuple[SplitChange, ...] = ()
    if before is not None and after is not None:
        old = {node.label: node.size_bytes for node in leaves(before.tree())}
        rows = [SplitChange(n.label, old.get(n.label, 0), n.size_bytes) for n in leaves(after.tree())]
        total = SplitChange("Total process", before.process_bytes, after.process_bytes)
        heap = SplitChange("JVM heap (-Xmx)", before.heap_bytes, after.heap_bytes)
        changes = (heap, *(row for row in rows if row.part != "JVM heap"), total)
    return UpgradeEffect(role, before, after, changes, refused_before, refused_after)


def _model(
    config: Mapping[str, str], role: Role, flink: str, launcher: Launcher
) -> tuple[Memory | None, tuple[str, ...]]:
    if role == "jobmanager" and parse_version(flink) < (1, 11, 0):
        return None, ()
    try:
        return memory_model(config, role, flink, launcher=launcher), ()
    except MemoryConfigError as refusal:
        return None, refusal.messages


def _is_lost(key: str, flink: str, upgrade_to: str) -> bool:
    return resolve(key, flink) is not None and resolve(key, upgrade_to) is None and not is_outside(key, upgrade_to)


def _new_name(key: str, flink: str, upgrade_to: str) -> str:
    """The new version's option that replaces the key, found through the names that versions between accept."""
    from flinkscope.flink.options import catalogue_versions, reader_of

    old_heap = {
        "taskmanager.heap": "taskmanager.memory.process.size",
        "jobmanager.heap": "jobmanager.memory.process.size",
    }
    if key.rpartition(".")[0] in old_heap:
        return old_heap[key.rpartition(".")[0]]
    first, last = parse_version(flink), parse_version(upgrade_to)
    between = [v for v in catalogue_versions() if first <= parse_version(v) <= last]
    for version in reversed(between):
        reader = reader_of(key, version)
        if reader is not None and option(reader.key, upgrade_to) is not None:
            return reader.key
    return ""


def _notes(source: FlinkConfig, config: Mapping[str, str], flink: str, upgrade_to: str) -> tuple[str, ...]:
    old, new = parse_version(flink), parse_version(upgrade_to)
    notes: list[str] = []
    if old < (1, 17, 0) <= new and "taskmanager.memory.network.max" not in config:
        notes.append("1.17: taskmanager.memory.network.max has no default any more; set it to 1g to keep the old split")
    if old < (2, 0, 0) <= new and source.kind == "flink-conf.yaml":
        notes.append(
            "2.0: flink-conf.yaml is not read any more; write config.yaml (bin/migrate-config-file.sh of 1.19)"
        )
    if old < (2, 0, 0) <= new:
        notes.append("2.0: old heap keys, FLINK_TM_HEAP, FLINK_JM_HEAP and numberOfBuffers are silently ignored")
    if old < (1, 10, 1) <= new:
        notes.append("1.10.1: the default metaspace grows from 96m to 256m; it comes out of the heap")
    return tuple(notes)
