"""Which Flink process a heap dump is of: role, versions, memory split, jobs and tasks, from its own objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flinkscope.flink.lens.jobmanager import graph_job, graphs
from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.reader import NULL, Reader
from flinkscope.flink.lens.tasks import RunningTask, running_tasks

_VERSIONS = "org.apache.flink.runtime.util.EnvironmentInformation$Versions"
_MEMORY = "org.apache.flink.runtime.taskexecutor.TaskExecutorMemoryConfiguration"
_SLOTS = "org.apache.flink.runtime.taskexecutor.slot.TaskSlotTableImpl"
_ROLES = (
    ("org.apache.flink.runtime.taskexecutor.TaskExecutor", "taskmanager"),
    ("org.apache.flink.runtime.dispatcher.Dispatcher", "jobmanager"),
    ("org.apache.flink.client.cli.CliFrontend", "client"),
)
_MEMORY_FIELDS = (
    ("frameworkHeap", "framework_heap_bytes"),
    ("taskHeap", "task_heap_bytes"),
    ("managedMemoryTotal", "managed_bytes"),
    ("frameworkOffHeap", "framework_off_heap_bytes"),
    ("taskOffHeap", "task_off_heap_bytes"),
    ("networkMemory", "network_bytes"),
    ("jvmMetaspace", "metaspace_bytes"),
    ("jvmOverhead", "overhead_bytes"),
)


@dataclass(frozen=True, slots=True)
class ProcessView:
    """What the dump says of its process; None where it does not. ``memory``: bytes by component, empty if unknown."""

    role: str | None
    flink_version: str | None
    java_version: str | None
    memory: Mapping[str, int]
    tasks: tuple[RunningTask, ...]
    slots: int | None = None
    graph_jobs: tuple[str, ...] = ()  # those that a JobManager runs

    @property
    def jobs(self) -> tuple[str, ...]:
        """Names of the jobs that have tasks or execution graphs here."""
        return tuple(sorted({*self.graph_jobs, *(t.job_name for t in self.tasks if t.job_name is not None)}))


def read_process(reader: Reader, operators: Sequence[Operator], source: str) -> ProcessView:
    """The process of the dump; ``operators``: its live ones. Cost: a few field reads."""
    slots = reader.instances(_SLOTS)
    return ProcessView(
        role=_role(reader),
        flink_version=_flink_version(reader),
        java_version=system_property(reader, "java.version"),
        memory=_memory(reader),
        tasks=running_tasks(reader, operators, source),
        graph_jobs=tuple(name for g in graphs(reader) if (name := graph_job(reader, int(g))[0]) is not None),
        slots=reader.number(int(slots[0]), "numberSlots") if len(slots) else None,
    )


def system_property(reader: Reader, name: str) -> str | None:
    """A Java system property: ``System.props`` holds a ConcurrentHashMap since JDK 9; a Hashtable before."""
    for system in reader.heap.classes_named("java.lang.System"):
        props = reader.heap.static(system.index, "props")
        if not isinstance(props, int) or props < 0:
            continue
        pairs = reader.map_entries(reader.follow(props, "map")) or reader.map_entries(props)
        found = next((value for key, value in pairs if reader.text(key) == name), NULL)
        if found != NULL:
            return reader.text(found)
    return None


def _role(reader: Reader) -> str | None:
    return next((role for name, role in _ROLES if len(reader.instances(name, subclasses=True))), None)


def _flink_version(reader: Reader) -> str | None:
    versions = reader.instances(_VERSIONS)
    if len(versions):
        return reader.text(int(versions[0]), "projectVersion")
    for info in reader.heap.classes_named(_VERSIONS):  # statics up to 1.9
        found = reader.heap.static(info.index, "projectVersion")
        if isinstance(found, int) and found >= 0:
            return reader.text(found)
    return None


def _memory(reader: Reader) -> dict[str, int]:
    found = reader.instances(_MEMORY)
    if not len(found):
        return {}
    values = {name: reader.boxed(int(found[0]), field) for field, name in _MEMORY_FIELDS}
    return {name: value for name, value in values.items() if value is not None}
