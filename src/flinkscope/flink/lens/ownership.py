"""Whose is each byte? Every reachable object gets exactly one owner; what nobody can be named for is listed by class.

An object belongs to the nearest of its dominators (itself included) that has an owner of its own: a state's table, a
timer, an operator, a user function. Keys and windows, which state tables and timers share, are labelled themselves.
What no task dominates is given to a family by the package of the nearest dominator that is not a mere JDK object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.families import JDK, family_of
from flinkscope.flink.lens.jobmanager import ARCHIVED, COMPLETED, COORDINATOR, PENDING, graph_job, graphs
from flinkscope.flink.lens.kernels import MIRROR, NO_LABEL, NOBODY, settle
from flinkscope.flink.lens.labels import NOT_OF_A_JOB, Labels, Whose
from flinkscope.flink.lens.loader_jobs import USER_LOADERS, loader_jobs
from flinkscope.flink.lens.operators import Operator, job_id
from flinkscope.flink.lens.read import StateParts
from flinkscope.flink.lens.reader import Reader, simple_name, task_of
from flinkscope.flink.lens.states import ENTRY
from flinkscope.flink.lens.tasks import TASK, job_of_task
from flinkscope.flink.state_facts import StateFacts

_OF_JOBS = (
    (COMPLETED, "checkpoints of the job", "job"),
    (PENDING, "checkpoints of the job", "jobId"),
    (COORDINATOR, "source enumerators", "jobID"),
    (ARCHIVED, "archived job", "jobID"),
)
_USER_CODE = "user code: class loaders, classes and statics"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner: ``task`` (None outside of tasks), what it is, and what it holds. Owners never overlap.

    ``job``, ``job_id``, ``operator``: whose it is, empty or None where it is nobody's in particular.
    """

    task: str | None
    what: str
    objects: int
    size_bytes: int
    job: str | None = None
    job_id: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """All owners, the biggest first. ``named_bp``: share of the reachable bytes with a named owner.

    ``unknown``: (class, bytes) of what has none, the biggest first, at most 30.
    """

    owners: tuple[Owner, ...]
    named_bp: int
    unknown: tuple[tuple[str, int], ...]


def find_owners(facts: StateFacts, parts: StateParts) -> Ownership:
    """The owners of all reachable bytes of the dump that ``read_parts`` read, whose labels it goes on with."""
    labels = parts.labels
    for operator_state, objects in zip(facts.operator_states, parts.operator_states, strict=True):
        whose = Whose(operator_state.job, operator_state.job_id, operator_state.task, operator_state.operator)
        labels.put(whose, f"operator state “{operator_state.name}”", objects)
    if facts.unowned_entries:
        labels.put(NOT_OF_A_JOB, "checkpoint copies", parts.reader.instances(ENTRY))
    label_tasks(parts.reader, labels, parts.operators)
    label_jobs(parts.reader, labels)
    label_user_classes(parts.reader, labels)
    return owners_of(parts.reader, labels)


def label_tasks(reader: Reader, labels: Labels, operators: Sequence[Operator]) -> None:
    """Operators, user functions, backends and tasks: everything inside them that has no label of its own."""
    for operator in operators:
        name = simple_name(operator.class_name) or "operator"
        function = reader.follow(operator.index, "userFunction")
        whose = operator.whose
        labels.put(whose, f"user function of {name}", [function])
        labels.put(whose, f"source reader of {name}", [reader.follow(operator.index, "sourceReader")])
        labels.put(whose, f"sink writer of {name}", [reader.follow(operator.index, "sinkWriter")])
        labels.put(whose, "state backend", [operator.backend, operator.state_backend])
        labels.put(whose, "timer services", [operator.time_service_manager])
        labels.put(whose, f"operator {name}", [operator.index])
    for index in reader.instances(TASK):
        task = int(index)
        name = reader.text(task, "taskNameWithSubtask") or "task"
        parts = [task, reader.follow(task, "invokable"), reader.follow(task, "executingThread")]
        whose = Whose(*job_of_task(reader, task), task_of(name))
        labels.put(whose, "task, buffers and serializers", parts)


def label_user_classes(reader: Reader, labels: Labels) -> None:
    """Class loaders of user code, their class objects and what hangs on statics; by job where the dump tells it."""
    loaders = np.concatenate([reader.instances(name) for name in USER_LOADERS])
    names = {identity: name for name, identity in _jobs_here(reader)}
    jobs = loader_jobs(reader)
    of_address = {}
    for index, address in zip(loaders, reader.heap.addresses(loaders), strict=True):
        identity = jobs.get(int(index), "")
        of_address[int(address)] = Whose(names.get(identity), identity)
        labels.put(of_address[int(address)], _USER_CODE, [int(index)])
    for info in reader.heap.classes:
        if info.object_index >= 0 and info.loader_address in of_address:
            labels.put(of_address[info.loader_address], _USER_CODE, [info.object_index])


def _jobs_here(reader: Reader) -> Iterator[tuple[str | None, str]]:
    """(name, id) of every job with a task or an execution graph in this process."""
    yield from (job_of_task(reader, int(task)) for task in reader.instances(TASK))
    yield from (graph_job(reader, int(graph)) for graph in graphs(reader))


def label_jobs(reader: Reader, labels: Labels) -> None:
    """A JobManager's objects by job: execution graph, completed checkpoints, enumerators, archived graphs."""
    owners = {}
    for graph in (int(g) for g in graphs(reader)):
        name, identity = graph_job(reader, graph)
        owners[identity] = Whose(name, identity)
        checkpoints = [reader.follow(graph, "checkpointCoordinator"), reader.follow(graph, "checkpointStatsTracker")]
        labels.put(owners[identity], "checkpoints of the job", checkpoints)
        labels.put(owners[identity], "execution graph", [graph])
    for class_name, what, field in _OF_JOBS:
        for index in (int(i) for i in reader.instances(class_name)):
            identity = job_id(reader, reader.follow(index, field))
            whose = owners.get(identity, Whose(reader.text(index, "jobName"), identity))
            labels.put(whose, what, [index])


def owners_of(reader: Reader, labels: Labels) -> Ownership:
    """Spreads the labels, in place, and sums up. Cost: one pass over the objects."""
    heap = reader.heap
    first_weak = len(labels.names)
    of_class, jdk, mirrors = _by_class(reader, labels)
    found = labels.of_object
    names = labels.names
    objects = np.zeros(len(names) + 1, np.int64)
    total = np.zeros(len(names) + 1, np.int64)
    by_class = (of_class, jdk, mirrors, first_weak)
    settle(heap.idom, heap.class_of, heap.shallow_bytes, *by_class, found, objects, total)
    rows = [
        Owner(whose.task, what, int(n), int(size), whose.job, whose.job_id, whose.operator)
        for (whose, what), n, size in zip(names, objects, total, strict=False)
        if n
    ]
    if objects[-1]:
        rows.append(Owner(None, _UNKNOWN, int(objects[-1]), int(total[-1])))
    whole = int(total.sum())
    named_bp = 10_000 if whole == 0 else (whole - int(total[-1])) * 10_000 // whole
    owners = tuple(sorted(rows, key=lambda o: (-o.size_bytes, o.job_id, o.task or "", o.what)))
    unknown = _unknown_classes(reader, found) if objects[-1] else ()
    return Ownership(owners, named_bp, unknown)


def _by_class(reader: Reader, labels: Labels) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """(number of each class row's family; the JDK's number for its classes; class objects and the rows they stand for)
    as ``settle`` takes them."""
    classes = reader.heap.classes
    of_class = np.full(len(classes) + 1, NO_LABEL, np.int32)
    jdk = np.full(len(classes) + 1, NOBODY, np.int32)
    ours = []
    for row, info in enumerate(classes):
        family = family_of(info.name)
        if family == JDK:
            ours.append(row)
        elif family is not None:
            of_class[row] = labels.number(NOT_OF_A_JOB, family)
    jdk[ours] = labels.number(NOT_OF_A_JOB, JDK)
    pairs = sorted((c.object_index, c.index) for c in classes if c.object_index >= 0)
    mirrors = np.array(pairs, np.int32).reshape(-1, 2)
    of_class[np.unique(reader.heap.class_of[mirrors[:, 0]])] = MIRROR
    return of_class, jdk, np.ascontiguousarray(mirrors.T)


def _unknown_classes(reader: Reader, found: NDArray[np.int32]) -> tuple[tuple[str, int], ...]:
    heap = reader.heap
    lost = np.flatnonzero((found < 0) & heap.reachable)
    sums: NDArray[Any] = np.bincount(
        np.maximum(heap.class_of[lost], 0), weights=heap.shallow_bytes[lost], minlength=len(heap.classes)
    )
    top = np.argsort(-sums)[:30]
    return tuple((heap.classes[int(row)].name, int(sums[row])) for row in top if sums[row] > 0)
