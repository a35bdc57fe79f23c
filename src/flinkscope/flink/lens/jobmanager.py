"""A JobManager's heap: execution graphs, checkpoint handles, archived jobs, user class loaders, source enumerators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.loader_jobs import USER_LOADERS, loader_jobs
from flinkscope.flink.lens.operators import job_id
from flinkscope.flink.lens.reader import NULL, Indices, Reader, simple_name

_GRAPHS = "org.apache.flink.runtime.executiongraph."
GRAPH = _GRAPHS + "DefaultExecutionGraph"
ARCHIVED = _GRAPHS + "ArchivedExecutionGraph"
_OLD_GRAPH = _GRAPHS + "ExecutionGraph"  # a class up to 1.12, an interface since
COMPLETED = "org.apache.flink.runtime.checkpoint.CompletedCheckpoint"
PENDING = "org.apache.flink.runtime.checkpoint.PendingCheckpoint"
COORDINATOR = "org.apache.flink.runtime.source.coordinator.SourceCoordinator"
_ENDED = ("FINISHED", "CANCELED", "FAILED")


@dataclass(frozen=True, slots=True)
class JobGraph:
    """One job that the JobManager runs. ``subtasks``: of all ``vertices``; ``checkpoints``: completed ones it keeps."""

    name: str | None
    job_id: str
    state: str | None
    vertices: int
    subtasks: int
    checkpoints: int
    pending_checkpoints: int
    last_checkpoint: int | None
    address: int


@dataclass(frozen=True, slots=True)
class HandleKind:
    """State handles of one class. ``heap_bytes``: handles with state that they carry themselves; ``state_bytes``:
    the state that they stand for, where the class tells it."""

    kind: str
    handles: int
    heap_bytes: int
    state_bytes: int | None


@dataclass(frozen=True, slots=True)
class ArchivedJob:
    """A job as it is shown after its end; of a running one (``ended`` False) a copy for the web page."""

    name: str | None
    job_id: str
    state: str | None
    ended: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UserClassLoader:
    """``job_id``: of the job that the library cache made it for; empty: made for a submission, or forgotten since."""

    address: int
    job_id: str
    classes: int


@dataclass(frozen=True, slots=True)
class Enumerator:
    """The split enumerator of one source; ``readers``: registered subtasks; ``size_bytes``: what it retains."""

    source: str | None
    enumerator: str | None
    job_id: str
    readers: int | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class JobManagerView:
    """What only a JobManager's heap has; empty tuples in a TaskManager's."""

    jobs: tuple[JobGraph, ...]
    handles: tuple[HandleKind, ...]
    archived: tuple[ArchivedJob, ...]
    loaders: tuple[UserClassLoader, ...]
    enumerators: tuple[Enumerator, ...]


def read_job_manager(reader: Reader) -> JobManagerView:
    """Fields of Flink 1.13 to 2.3. Cost: a few reads for each graph, handle, loader and enumerator."""
    return JobManagerView(
        jobs=_jobs(reader),
        handles=_handles(reader),
        archived=_archived(reader),
        loaders=_loaders(reader),
        enumerators=_enumerators(reader),
    )


def graphs(reader: Reader) -> Indices:
    """The execution graphs of running jobs."""
    found = reader.instances(GRAPH)
    return found if len(found) else reader.instances(_OLD_GRAPH)


def graph_job(reader: Reader, graph: int) -> tuple[str | None, str]:
    """(name, id) of the job of an execution graph."""
    information = reader.follow(graph, "jobInformation")
    return reader.text(information, "jobName"), job_id(reader, reader.follow(information, "jobId"))


def _jobs(reader: Reader) -> tuple[JobGraph, ...]:
    found = graphs(reader)
    vertices = reader.instances(_GRAPHS + "ExecutionJobVertex")
    subtasks = reader.instances(_GRAPHS + "ExecutionVertex")
    graph_of_vertex = reader.references(vertices, "graph")
    graph_of_subtask = reader.references(reader.references(subtasks, "jobVertex"), "graph")
    completed, pending = _by_job(reader, COMPLETED, "job"), _by_job(reader, PENDING, "jobId")
    rows = []
    for graph in (int(g) for g in found):
        name, identity = graph_job(reader, graph)
        kept = [n for c in completed.get(identity, []) if (n := reader.number(c, "checkpointID")) is not None]
        rows.append(
            JobGraph(
                name=name,
                job_id=identity,
                state=reader.text(graph, "state", "name"),
                vertices=int((graph_of_vertex == graph).sum()),
                subtasks=int((graph_of_subtask == graph).sum()),
                checkpoints=len(completed.get(identity, [])),
                pending_checkpoints=len(pending.get(identity, [])),
                last_checkpoint=max(kept, default=None),
                address=reader.heap.address_of(graph),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.name or "", row.job_id)))


def _by_job(reader: Reader, class_name: str, field: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index in reader.instances(class_name):
        found.setdefault(job_id(reader, reader.follow(int(index), field)), []).append(int(index))
    return found


def _handles(reader: Reader) -> tuple[HandleKind, ...]:
    """Every class of Flink whose name ends in StateHandle; a handle inside a handle counts for its own class."""
    rows = []
    for info in reader.heap.classes:
        name = info.name
        if info.instance_count and name.startswith("org.apache.flink.") and name.endswith("StateHandle"):
            handles = reader.heap.instances(info.index)
            data = reader.references(handles, "data")  # ByteStreamStateHandle: state inside the handle
            told = reader.column(handles, "stateSize")
            lengths = reader.heap.array_lengths(data[data >= 0])
            state = int(told.sum()) if told is not None else int(lengths.sum()) if len(lengths) else None
            kind = simple_name(name) or name
            rows.append(HandleKind(kind, len(handles), reader.shallow(handles, data), state))
    return tuple(sorted(rows, key=lambda row: (-row.heap_bytes, row.kind)))


def _archived(reader: Reader) -> tuple[ArchivedJob, ...]:
    rows = []
    for index in (int(i) for i in reader.instances(ARCHIVED)):
        state = reader.text(index, "state", "name")
        retained = int(reader.heap.retained_bytes[index])
        identity = job_id(reader, reader.follow(index, "jobID"))
        rows.append(ArchivedJob(reader.text(index, "jobName"), identity, state, state in _ENDED, retained))
    return tuple(sorted(rows, key=lambda row: (-row.size_bytes, row.job_id)))


def _loaders(reader: Reader) -> tuple[UserClassLoader, ...]:
    jobs = loader_jobs(reader)
    loaders: NDArray[np.int32] = np.concatenate([reader.instances(name) for name in USER_LOADERS])
    addresses = [int(a) for a in reader.heap.addresses(loaders)]
    classes = dict.fromkeys(addresses, 0)
    for info in reader.heap.classes:
        if info.loader_address in classes:
            classes[info.loader_address] += 1
    rows = zip(addresses, loaders, strict=True)
    return tuple(UserClassLoader(address, jobs.get(int(i), ""), classes[address]) for address, i in rows)


def _enumerators(reader: Reader) -> tuple[Enumerator, ...]:
    rows = []
    for index in (int(i) for i in reader.instances(COORDINATOR)):
        enumerator = reader.follow(index, "enumerator")
        size = int(reader.heap.retained_bytes[enumerator]) if enumerator != NULL else 0
        readers = _map_size(reader, reader.follow(index, "context", "registeredReaders"))
        rows.append(
            Enumerator(
                source=reader.text(index, "operatorName"),
                enumerator=simple_name(reader.class_name(enumerator)),
                job_id=job_id(reader, reader.follow(index, "jobID")),
                readers=readers,
                size_bytes=size,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.size_bytes, row.job_id, row.source or "")))


def _map_size(reader: Reader, found: int) -> int | None:
    """Entries of a java.util map; None for what is no map that can be read."""
    return len(reader.map_entries(found)) if found != NULL and reader.follow(found, "table") != NULL else None
