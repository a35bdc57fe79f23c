"""Whose is each byte? Every reachable object gets exactly one owner; what nobody can be named for is listed by class.

An object belongs to the nearest of its dominators (itself included) that has an owner of its own: a state's table, a
timer, an operator, a user function. Keys and windows, which state tables and timers share, are labelled themselves.
What no task dominates is given to a family by the package of the nearest dominator that is not a mere JDK object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.families import JDK, family_of
from flinkscope.flink.lens.kernels import NO_LABEL, nearest_label, sum_by_label
from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.read import StateParts
from flinkscope.flink.lens.reader import Indices, Reader, simple_name, task_of
from flinkscope.flink.lens.states import ENTRY, StateEntries
from flinkscope.flink.lens.timers import TimerEntries
from flinkscope.flink.state_facts import StateFacts

USER_LOADERS = (
    "org.apache.flink.util.ChildFirstClassLoader",
    "org.apache.flink.runtime.execution.librarycache.FlinkUserCodeClassLoaders$ParentFirstClassLoader",
)
_TASK = "org.apache.flink.runtime.taskmanager.Task"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner: ``task`` (None outside of tasks), what it is, and what it holds. Owners never overlap."""

    task: str | None
    what: str
    objects: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Ownership:
    """All owners, the biggest first. ``named_bp``: share of the reachable bytes with a named owner.

    ``unknown``: (class, bytes) of what has none, the biggest first, at most 30.
    """

    owners: tuple[Owner, ...]
    named_bp: int
    unknown: tuple[tuple[str, int], ...]


class Labels:
    """Owner names and the objects that they are put on; a later label of the same object does not replace one."""

    def __init__(self, object_count: int) -> None:
        self.names: list[tuple[str | None, str]] = []
        self.of_object: NDArray[np.int32] = np.full(object_count, NO_LABEL, np.int32)

    def put(self, task: str | None, what: str, *columns: Indices | Sequence[int]) -> None:
        """Labels these objects (NULL ignored)."""
        name = (task, what)
        if name not in self.names:
            self.names.append(name)
        number = self.names.index(name)
        for column in columns:
            objects = np.asarray(column, np.int32)
            objects = objects[objects >= 0]
            self.of_object[objects[self.of_object[objects] == NO_LABEL]] = number


def find_owners(facts: StateFacts, parts: StateParts) -> Ownership:
    """The owners of all reachable bytes of the dump that ``read_parts`` read."""
    labels = Labels(parts.reader.heap.object_count)
    for state, entries in zip(facts.states, parts.entries, strict=True):
        labels.put(state.task, f"state “{state.name}”", *entries.own)
    for service, timers in zip(facts.timers, parts.timers, strict=True):
        labels.put(service.task, f"timers “{service.service}”", *timers.own)
    panes: list[StateEntries | TimerEntries] = [*parts.entries, *parts.timers]
    tasks = [s.task for s in facts.states] + [t.task for t in facts.timers]
    for task, columns in zip(tasks, panes, strict=True):
        labels.put(task, "keys and windows", columns.keys, columns.namespaces)
    labels.put(None, "checkpoint copies", parts.reader.instances(ENTRY))
    label_tasks(parts.reader, labels, parts.operators)
    label_user_classes(parts.reader, labels)
    return owners_of(parts.reader, labels)


def label_tasks(reader: Reader, labels: Labels, operators: Sequence[Operator]) -> None:
    """Operators, user functions, backends and tasks: everything inside them that has no label of its own."""
    for operator in operators:
        name = simple_name(operator.class_name) or "operator"
        function = reader.follow(operator.index, "userFunction")
        labels.put(operator.task, f"user function of {name}", [function])
        labels.put(operator.task, f"source reader of {name}", [reader.follow(operator.index, "sourceReader")])
        labels.put(operator.task, f"sink writer of {name}", [reader.follow(operator.index, "sinkWriter")])
        labels.put(operator.task, "state backend", [operator.backend])
        labels.put(operator.task, "timer services", [operator.time_service_manager])
        labels.put(operator.task, f"operator {name}", [operator.index])
    for task in reader.instances(_TASK):
        name = reader.text(int(task), "taskNameWithSubtask") or "task"
        parts = [int(task), reader.follow(int(task), "invokable"), reader.follow(int(task), "executingThread")]
        labels.put(task_of(name), "task, buffers and serializers", parts)


def label_user_classes(reader: Reader, labels: Labels) -> None:
    """Class loaders of user code, their class objects and what hangs on statics."""
    loaders = np.concatenate([reader.instances(name) for name in USER_LOADERS] or [np.empty(0, np.int32)])
    addresses = {int(a) for a in reader.heap.addresses(loaders)}
    labels.put(None, "user code: class loaders, classes and statics", loaders)
    mirrors = [c.object_index for c in reader.heap.classes if c.loader_address in addresses and c.object_index >= 0]
    labels.put(None, "user code: class loaders, classes and statics", mirrors)


def owners_of(reader: Reader, labels: Labels) -> Ownership:
    """Spreads the labels and sums up. Cost: two linear passes over the objects."""
    heap = reader.heap
    found = np.empty(heap.object_count, np.int32)
    nearest_label(heap.idom, labels.of_object, found)
    _spread_families(reader, labels, found)
    names = labels.names
    objects = np.zeros(len(names) + 1, np.int64)
    total = np.zeros(len(names) + 1, np.int64)
    sum_by_label(found, heap.shallow_bytes, heap.reachable, objects, total)
    rows = [Owner(t, w, int(n), int(b)) for (t, w), n, b in zip(names, objects, total, strict=False) if n]
    if objects[-1]:
        rows.append(Owner(None, _UNKNOWN, int(objects[-1]), int(total[-1])))
    whole = int(total.sum())
    named_bp = 10_000 if whole == 0 else (whole - int(total[-1])) * 10_000 // whole
    owners = tuple(sorted(rows, key=lambda o: (-o.size_bytes, o.task or "", o.what)))
    return Ownership(owners, named_bp, _unknown_classes(reader, found))


def _spread_families(reader: Reader, labels: Labels, found: NDArray[np.int32]) -> None:
    """Gives what no task owns to the family of its nearest dominator with one; JDK objects under none stay JDK."""
    heap = reader.heap
    families = [family_of(c.name) for c in heap.classes]
    of_class = np.full(len(heap.classes) + 1, NO_LABEL, np.int32)  # the last slot: unknown class
    jdk = np.zeros(len(heap.classes) + 1, np.bool_)
    for row, family in enumerate(families):
        if family == JDK:
            jdk[row] = True
        elif family is not None:
            if (None, family) not in labels.names:
                labels.names.append((None, family))
            of_class[row] = labels.names.index((None, family))
    rest = found == NO_LABEL
    own = np.where(rest, of_class[heap.class_of], NO_LABEL).astype(np.int32)
    _label_mirrors(reader, own, of_class, rest)
    spread = np.empty(heap.object_count, np.int32)
    nearest_label(heap.idom, own, spread)
    found[rest] = spread[rest]
    labels.names.append((None, JDK))
    found[(found == NO_LABEL) & jdk[heap.class_of]] = len(labels.names) - 1


def _label_mirrors(
    reader: Reader, own: NDArray[np.int32], of_class: NDArray[np.int32], rest: NDArray[np.bool_]
) -> None:
    """A class object (its statics) belongs to the family of the class that it stands for."""
    for info in reader.heap.classes:
        if info.object_index >= 0 and rest[info.object_index]:
            own[info.object_index] = of_class[info.index]


def _unknown_classes(reader: Reader, found: NDArray[np.int32]) -> tuple[tuple[str, int], ...]:
    heap = reader.heap
    lost = np.flatnonzero((found == NO_LABEL) & heap.reachable)
    sums: NDArray[Any] = np.bincount(
        np.maximum(heap.class_of[lost], 0), weights=heap.shallow_bytes[lost], minlength=len(heap.classes)
    )
    top = np.argsort(-sums)[:30]
    return tuple((heap.classes[int(row)].name, int(sums[row])) for row in top if sums[row] > 0)
