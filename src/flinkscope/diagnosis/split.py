"""The memory split of a Flink process: for which version, which role, in which parts. The one place that decides it."""

from __future__ import annotations

from collections.abc import Mapping

from flinkscope.absent import present
from flinkscope.diagnosis.facts import MemorySplit, ProcessFacts
from flinkscope.flink.memory_model import JobManagerMemory, Role, TaskManagerMemory, memory_model

Memory = TaskManagerMemory | JobManagerMemory

DEFAULT_FLINK = "2.3.0"  # where nothing tells the version: the newest that the option catalogue knows
_TASKMANAGER_PARTS = (
    "framework_heap_bytes",
    "task_heap_bytes",
    "managed_bytes",
    "framework_off_heap_bytes",
    "task_off_heap_bytes",
    "network_bytes",
    "metaspace_bytes",
    "overhead_bytes",
)
_JOBMANAGER_PARTS = ("heap_bytes", "off_heap_bytes", "metaspace_bytes", "overhead_bytes")


def version_of(facts: ProcessFacts) -> str:
    """The process' Flink version, or the one that is assumed."""
    return facts.flink_version or DEFAULT_FLINK


def flink_role(role: str) -> Role:
    """The role as the memory model knows it; a process whose role nothing tells counts as a TaskManager."""
    return "jobmanager" if role == "jobmanager" else "taskmanager"


def memory_parts(memory: Memory) -> dict[str, int]:
    """The split by component in the order of Flink's tree."""
    names = _TASKMANAGER_PARTS if isinstance(memory, TaskManagerMemory) else _JOBMANAGER_PARTS
    return {name: getattr(memory, name) for name in names}


def memory_split(options: Mapping[str, str], role: str, version: str, source: str) -> MemorySplit:
    """The split that these options give. Raises MemoryConfigError where Flink would refuse them."""
    model = memory_model(options, flink_role(role), version)
    return MemorySplit(source, memory_parts(model), model.heap_bytes, model.process_bytes, model.metaspace_bytes)


def split_of(facts: ProcessFacts) -> MemorySplit | None:
    """The process' split; None where no configuration tells it."""
    config = present(facts.config)
    return present(config.memory) if config else None
