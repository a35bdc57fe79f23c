"""The answers of Flink's REST interface as records: jobs, vertices, checkpoints, task managers, configuration, flames.

Pure: takes parsed JSON and the path it came from (its place). Keys that a version does not have give None; a document
of another shape raises UnreadableInputError that names the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flinkscope.errors import UnreadableInputError
from flinkscope.place import Place


@dataclass(frozen=True, slots=True)
class RestJob:
    """One job of ``/jobs/overview`` or ``/jobs/ID``. ``ended_ms`` is None while it runs; times since 1970."""

    place: Place
    id: str
    name: str
    state: str
    started_ms: int
    ended_ms: int | None
    duration_ms: int
    vertices: tuple[RestVertex, ...] = ()


@dataclass(frozen=True, slots=True)
class RestVertex:
    """One vertex of a job's graph. ``records_in``/``records_out``: None until the metrics are complete."""

    id: str
    name: str
    parallelism: int
    max_parallelism: int | None
    status: str
    records_in: int | None
    records_out: int | None
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestCheckpoint:
    """One checkpoint. ``state_bytes``: the whole state; ``written_bytes``: what it uploaded (less if incremental)."""

    id: int
    status: str
    triggered_ms: int
    duration_ms: int
    state_bytes: int
    written_bytes: int | None
    savepoint: bool
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class RestCheckpoints:
    """``/jobs/ID/checkpoints``: counts of the job's whole life, and the history that Flink keeps, oldest first."""

    place: Place
    completed: int
    failed: int
    in_progress: int
    restored: int
    history: tuple[RestCheckpoint, ...]


@dataclass(frozen=True, slots=True)
class RestTaskManager:
    """One task manager. ``memory``: the effective split in bytes (1.12+), None before; ``jvm``: figures in bytes.

    Keys of ``memory``: framework_heap_bytes, task_heap_bytes, framework_off_heap_bytes, task_off_heap_bytes,
    network_bytes, managed_bytes, metaspace_bytes, overhead_bytes, flink_bytes, process_bytes. ``jvm`` (only from
    ``/taskmanagers/ID``): heap_used_bytes, heap_max_bytes, direct_used_bytes, … as the JVM told at the last heartbeat.
    """

    place: Place
    id: str
    slots: int
    free_slots: int
    physical_memory_bytes: int | None
    memory: Mapping[str, int] | None
    jvm: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class RestEnvironment:
    """``/jobmanager/environment``: the JVM's name and options, the class path."""

    place: Place
    jvm: str
    options: tuple[str, ...]
    class_path: tuple[str, ...]


_MEMORY = {
    "frameworkHeap": "framework_heap_bytes", "taskHeap": "task_heap_bytes",
    "frameworkOffHeap": "framework_off_heap_bytes", "taskOffHeap": "task_off_heap_bytes",
    "networkMemory": "network_bytes", "managedMemory": "managed_bytes", "jvmMetaspace": "metaspace_bytes",
    "jvmOverhead": "overhead_bytes", "totalFlinkMemory": "flink_bytes", "totalProcessMemory": "process_bytes",
}  # fmt: skip
_JVM = {
    "heapUsed": "heap_used_bytes", "heapCommitted": "heap_committed_bytes", "heapMax": "heap_max_bytes",
    "nonHeapUsed": "non_heap_used_bytes", "nonHeapCommitted": "non_heap_committed_bytes",
    "nonHeapMax": "non_heap_max_bytes", "directUsed": "direct_used_bytes", "directMax": "direct_max_bytes",
    "mappedUsed": "mapped_used_bytes", "mappedMax": "mapped_max_bytes",
    "nettyShuffleMemoryUsed": "network_used_bytes", "nettyShuffleMemoryTotal": "network_total_bytes",
}  # fmt: skip


def read_jobs(document: Any, source: str) -> tuple[RestJob, ...]:
    """The jobs of ``/jobs/overview``."""
    return tuple(_job(job, source) for job in _list(document, "jobs", source))


def read_job(document: Any, source: str) -> RestJob:
    """The job of ``/jobs/ID``, with its vertices and how they are joined."""
    plan = document.get("plan") if isinstance(document, dict) else None
    nodes = plan.get("nodes") if isinstance(plan, dict) else None
    inputs = {
        str(node.get("id")): tuple(str(edge.get("id")) for edge in _entries(node.get("inputs")))
        for node in _entries(nodes)
    }
    vertices = tuple(_vertex(vertex, inputs, source) for vertex in _list(document, "vertices", source))
    return _job(document, source, vertices)


def read_checkpoints(document: Any, source: str) -> RestCheckpoints:
    """``/jobs/ID/checkpoints``, also from a file that the lab or ``collect`` saved."""
    counts = _object(document, "counts", source)
    history = [_checkpoint(entry, source) for entry in _list(document, "history", source)]
    return RestCheckpoints(
        Place(source),
        _number(counts, "completed", source),
        _number(counts, "failed", source),
        _number(counts, "in_progress", source),
        _number(counts, "restored", source),
        tuple(sorted(history, key=lambda checkpoint: checkpoint.id)),
    )


def read_task_managers(document: Any, source: str) -> tuple[RestTaskManager, ...]:
    """``/taskmanagers``."""
    return tuple(read_task_manager(entry, source) for entry in _list(document, "taskmanagers", source))


def read_task_manager(document: Any, source: str) -> RestTaskManager:
    """``/taskmanagers/ID``."""
    hardware = document.get("hardware") if isinstance(document, dict) else None
    name = _text(document, "id", source)
    return RestTaskManager(
        Place(source, key=name),
        name,
        _number(document, "slotsNumber", source),
        _number(document, "freeSlots", source),
        _maybe(hardware, "physicalMemory"),
        _renamed(document.get("memoryConfiguration"), _MEMORY),
        _renamed(document.get("metrics"), _JVM),
    )


def read_options(document: Any, source: str) -> dict[str, str]:
    """``/jobmanager/config``: option → value; secrets are masked by Flink."""
    if not isinstance(document, list):
        raise UnreadableInputError(f"{source}: expected a list of options, found {type(document).__name__}")
    return {_text(entry, "key", source): _text(entry, "value", source) for entry in document}


def read_environment(document: Any, source: str) -> RestEnvironment:
    """``/jobmanager/environment``."""
    jvm = _object(document, "jvm", source)
    return RestEnvironment(
        Place(source),
        _text(jvm, "version", source),
        _texts(jvm.get("options")),
        _texts(document.get("classpath")),
    )


def flame_stacks(document: Any, source: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The stacks of a flame graph answer (or of a saved one), outermost frame first, with their own samples.

    Samples of a frame that belong to its callees are not counted again. Deep graphs cost no recursion.
    """
    root = _object(document, "data", source)
    waiting: list[tuple[Any, tuple[str, ...]]] = [(root, ())]
    while waiting:
        node, above = waiting.pop()
        if not isinstance(node, dict):
            raise UnreadableInputError(f"{source}: a frame of the flame graph is not an object")
        stack = above if node is root else (*above, _text(node, "name", source))
        children = _entries(node.get("children"))
        own = _number(node, "value", source) - sum(_number(child, "value", source) for child in children)
        if own > 0 and stack:
            yield stack, own
        waiting.extend((child, stack) for child in reversed(children))


def _job(job: Any, source: str, vertices: tuple[RestVertex, ...] = ()) -> RestJob:
    ended = _number(job, "end-time", source)
    job_id = _text(job, "jid", source)
    return RestJob(
        Place(source, key=job_id), job_id, _text(job, "name", source), _text(job, "state", source),
        _number(job, "start-time", source), None if ended < 0 else ended, _number(job, "duration", source), vertices,
    )  # fmt: skip


def _vertex(vertex: Any, inputs: Mapping[str, tuple[str, ...]], source: str) -> RestVertex:
    metrics = vertex.get("metrics") if isinstance(vertex, dict) else None
    metrics = metrics if isinstance(metrics, dict) else {}
    vertex_id = _text(vertex, "id", source)
    return RestVertex(
        vertex_id, _text(vertex, "name", source), _number(vertex, "parallelism", source),
        _maybe(vertex, "maxParallelism"), _text(vertex, "status", source),
        _maybe(metrics, "read-records") if metrics.get("read-records-complete") else None,
        _maybe(metrics, "write-records") if metrics.get("write-records-complete") else None,
        inputs.get(vertex_id, ()),
    )  # fmt: skip


def _checkpoint(entry: Any, source: str) -> RestCheckpoint:
    failure = entry.get("failure_message") if isinstance(entry, dict) else None
    return RestCheckpoint(
        _number(entry, "id", source), _text(entry, "status", source), _number(entry, "trigger_timestamp", source),
        _number(entry, "end_to_end_duration", source), _number(entry, "state_size", source),
        _maybe(entry, "checkpointed_size"), bool(entry.get("is_savepoint")), None if failure is None else str(failure),
    )  # fmt: skip


def _renamed(document: Any, names: Mapping[str, str]) -> dict[str, int] | None:
    if not isinstance(document, dict):
        return None
    found = {ours: _maybe(document, theirs) for theirs, ours in names.items()}
    return {name: size for name, size in found.items() if size is not None and size >= 0} or None


def _object(document: Any, key: str, source: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, dict):
        raise UnreadableInputError(f"{source}: expected an object {key!r}, found {type(value).__name__}")
    return value


def _list(document: Any, key: str, source: str) -> list[Any]:
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, list):
        raise UnreadableInputError(f"{source}: expected a list {key!r}, found {type(value).__name__}")
    return value


def _number(document: Any, key: str, source: str) -> int:
    value = _maybe(document, key)
    if value is None:
        raise UnreadableInputError(f"{source}: expected a number {key!r}")
    return value


def _text(document: Any, key: str, source: str) -> str:
    value = document.get(key) if isinstance(document, dict) else None
    if value is None:
        raise UnreadableInputError(f"{source}: expected a text {key!r}")
    return str(value)


def _entries(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()


def _maybe(document: Any, key: str) -> int | None:
    value = document.get(key) if isinstance(document, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        return None
    return int(value)
