"""Tasks of a TaskManager: job, operators of the chain, backend, watermark and last checkpoint of each subtask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flinkscope.flink.lens.operators import Operator, job_id, watermark
from flinkscope.flink.lens.reader import NULL, Reader, simple_name
from flinkscope.place import Place

TASK = "org.apache.flink.runtime.taskmanager.Task"
BACKENDS = {
    "HeapKeyedStateBackend": "hashmap",
    "RocksDBKeyedStateBackend": "rocksdb",
    "ForStKeyedStateBackend": "forst",
    "ForStSyncKeyedStateBackend": "forst",
}


@dataclass(frozen=True, slots=True)
class RunningTask:
    """One task in the dump. ``name`` with its subtask; ``state`` as Flink's ExecutionState; None: not readable.

    ``operators``: names of the chain, in the order of their addresses; ``backend``: of its keyed state, None without;
    ``watermark_ms``: the least of its operators; ``last_checkpoint``: the last whose barrier it has seen.
    """

    name: str
    job_name: str | None
    state: str | None
    place: Place
    job_id: str = ""
    operators: tuple[str, ...] = ()
    backend: str | None = None
    watermark_ms: int | None = None
    last_checkpoint: int | None = None


def running_tasks(reader: Reader, operators: Sequence[Operator], source: str) -> tuple[RunningTask, ...]:
    """Every Task object of the dump, finished ones that something still holds included."""
    of_subtask: dict[tuple[str, str], list[Operator]] = {}
    for operator in operators:
        of_subtask.setdefault((operator.job_id, operator.subtask), []).append(operator)
    return tuple(_task(reader, int(index), of_subtask, source) for index in reader.instances(TASK))


def job_of_task(reader: Reader, task: int) -> tuple[str | None, str]:
    """(name, id) of a Task's job; before 1.18 the name is in its metric group's parent."""
    name = reader.text(task, "jobInfo", "jobName") or reader.text(task, "metrics", "parent", "jobName")
    return name, job_id(reader, reader.follow(task, "jobId"))


def backend_name(reader: Reader, backend: int) -> str:
    """As in the configuration: hashmap, rocksdb, forst; any other backend's class."""
    simple = simple_name(reader.class_name(backend)) or "?"
    return BACKENDS.get(simple, simple)


def _task(reader: Reader, index: int, of_subtask: dict[tuple[str, str], list[Operator]], source: str) -> RunningTask:
    name = reader.text(index, "taskNameWithSubtask") or reader.text(index, "taskInfo", "taskNameWithSubtasks")
    job, found_id = job_of_task(reader, index)
    chain = of_subtask.get((found_id, name or ""), [])
    backends = {backend_name(reader, o.backend) for o in chain if o.backend != NULL}
    times = [w for o in chain if (w := watermark(reader, o.index)) is not None]
    checkpoint = reader.number(reader.follow(index, "invokable", "subtaskCheckpointCoordinator"), "lastCheckpointId")
    return RunningTask(
        name=name or "unnamed task",
        job_name=job,
        state=reader.text(index, "executionState", "name"),
        place=Place(source, address=reader.heap.address_of(index)),
        job_id=found_id,
        operators=tuple(o.name for o in chain),
        backend=", ".join(sorted(backends)) or None,
        watermark_ms=min(times, default=None),
        last_checkpoint=checkpoint if checkpoint is not None and checkpoint >= 0 else None,
    )
