"""Stream operators in a heap dump: whose task each is, which backend and timers it has, how its window is set up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flinkscope.flink.lens.labels import Whose
from flinkscope.flink.lens.reader import NULL, Reader, simple_name, task_of
from flinkscope.flink.lens.slices import Slices, slices_of
from flinkscope.flink.state_facts import Home, WindowOperator
from flinkscope.place import Place

_MASK = (1 << 64) - 1
_NEVER, _ENDED = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_OPERATOR_BASES = (
    "org.apache.flink.streaming.api.operators.AbstractStreamOperator",
    "org.apache.flink.streaming.api.operators.AbstractStreamOperatorV2",
)


@dataclass(frozen=True, slots=True)
class Operator:
    """One live operator instance; object indices are NULL (-1) where there is none."""

    index: int
    class_name: str
    task: str
    backend: int
    time_service_manager: int
    job: str | None = None
    job_id: str = ""
    name: str = ""
    subtask: str = ""  # the task's name with its subtask
    state_backend: int = NULL  # of operator state

    @property
    def home(self) -> Home:
        """Whose its state and timers are."""
        return Home(self.job_id, self.task, self.name)

    @property
    def whose(self) -> Whose:
        """The same as an owner of bytes."""
        return Whose(self.job, self.job_id, self.task, self.name)


def live_operators(reader: Reader) -> list[Operator]:
    """Every operator that belongs to a running task, in address order."""
    found = [_operator(reader, int(i)) for base in _OPERATOR_BASES for i in reader.instances(base, subclasses=True)]
    return [operator for operator in found if operator is not None]


def _operator(reader: Reader, index: int) -> Operator | None:
    name = _task_name(reader, index)
    if name is None:  # the copy that was deserialised for the plan, or a finished one
        return None
    backend = reader.follow(index, "stateHandler", "keyedStateBackend")
    if backend == NULL:
        backend = reader.follow(index, "stateHandler", "asyncKeyedStateBackend")  # asynchronous state, since 2.0
    if backend == NULL:
        backend = reader.follow(index, "keyedStateBackend")  # up to 1.10
    while (inner := reader.follow(backend, "keyedStateBackend")) != NULL:  # changelog and other wrappers
        backend = inner
    class_name = reader.class_name(index) or ""
    job, job_id = job_of(reader, index)
    return Operator(
        index=index,
        class_name=class_name,
        task=task_of(name),
        backend=backend,
        time_service_manager=reader.follow(index, "timeServiceManager"),
        job=job,
        job_id=job_id,
        name=reader.text(index, "metrics", "operatorName") or simple_name(class_name) or "",
        subtask=name,
        state_backend=reader.follow(index, "stateHandler", "operatorStateBackend"),
    )


def job_of(reader: Reader, operator: int) -> tuple[str | None, str]:
    """(name, id in hex) of an operator's job: from its environment, before 1.18 from its metric group's parents."""
    environment = reader.follow(operator, "runtimeContext", "taskEnvironment")
    group = reader.follow(environment, "metrics", "parent")
    name = reader.text(environment, "jobInfo", "jobName") or reader.text(group, "jobName")
    found = job_id(reader, reader.follow(environment, "jobId"))
    return name, found or job_id(reader, reader.follow(group, "jobId"))


def job_id(reader: Reader, index: int) -> str:
    """A JobID (or any AbstractID) as Flink prints it; empty for NULL."""
    lower, upper = reader.number(index, "lowerPart"), reader.number(index, "upperPart")
    if lower is None or upper is None:
        return ""
    return f"{lower & _MASK:016x}{upper & _MASK:016x}"


def _task_name(reader: Reader, index: int) -> str | None:
    paths = (
        ("runtimeContext", "taskInfo", "taskNameWithSubtasks"),
        ("runtimeContext", "taskEnvironment", "taskInfo", "taskNameWithSubtasks"),
        ("container", "environment", "taskInfo", "taskNameWithSubtasks"),
    )
    return next((text for path in paths if (text := reader.text(index, *path))), None)


def window_operators(reader: Reader, operators: list[Operator], source: str) -> tuple[WindowOperator, ...]:
    """How each window operator is set up; subtasks of the same operator are one row."""
    groups: dict[tuple[Home, str], list[Operator]] = {}
    for operator in operators:
        if slices_of(reader, operator.index) is not None or _assigner(reader, operator.index) != NULL:
            groups.setdefault((operator.home, operator.class_name), []).append(operator)
    rows = (_window(reader, found, source) for found in groups.values())
    return tuple(sorted(rows, key=lambda row: (row.job or "", row.job_id, row.task, row.operator)))


def _window(reader: Reader, subtasks: list[Operator], source: str) -> WindowOperator:
    index = subtasks[0].index
    slices = slices_of(reader, index)
    assigner = _assigner(reader, index) if slices is None else slices.assigner
    triggers = _trigger_chain(reader, reader.follow(index, "trigger"))
    evictor = reader.follow(index, "evictor")
    watermarks = [w for i in subtasks if (w := watermark(reader, i.index)) is not None]
    return WindowOperator(
        task=subtasks[0].task,
        operator_class=simple_name(subtasks[0].class_name) or "?",
        assigner=_plain_name(reader.class_name(assigner)),
        size_ms=_first_number(reader, assigner, ("size", "maxSize", "sessionTimeout", "sessionGap")),
        offset_ms=_first_number(reader, assigner, ("globalOffset", "offset")),
        trigger=tuple(simple_name(reader.class_name(t)) or "?" for t in triggers),
        trigger_interval_ms=_interval(reader, triggers, slices),
        evictor=simple_name(reader.class_name(evictor)),
        evictor_window_ms=reader.number(evictor, "windowSize"),
        allowed_lateness_ms=reader.number(index, "allowedLateness"),
        function=_user_function(reader, index),
        watermark_ms=min(watermarks, default=None),
        subtasks=len(subtasks),
        place=Place(source, address=reader.heap.address_of(index)),
        job=subtasks[0].job,
        job_id=subtasks[0].job_id,
        operator=subtasks[0].name,
    )


def _assigner(reader: Reader, operator: int) -> int:
    """What gives elements their windows: of a window operator, or of SQL's session windows (since 1.20)."""
    unsliced = reader.follow(operator, "windowProcessor", "unsliceAssigner")
    return unsliced if unsliced != NULL else reader.follow(operator, "windowAssigner")


def _trigger_chain(reader: Reader, trigger: int) -> list[int]:
    chain: list[int] = []
    while trigger != NULL and len(chain) < 16:
        chain.append(trigger)
        trigger = reader.follow(trigger, "nestedTrigger")
    return chain


def _plain_name(class_name: str | None) -> str | None:
    """``CumulativeSliceAssigner`` of ``…SliceAssigners$CumulativeSliceAssigner``."""
    name = simple_name(class_name)
    return None if name is None else name.removeprefix("SliceAssigners$").removeprefix("UnsliceAssigners$")


def _interval(reader: Reader, triggers: list[int], slices: Slices | None) -> int | None:
    """A continuous trigger's interval; the step of slices that are shorter than their window."""
    if slices is not None:
        return slices.slice_ms if slices.slice_ms < slices.size_ms else None
    return next((n for t in triggers if (n := reader.number(t, "interval")) is not None), None)


def _first_number(reader: Reader, index: int, fields: tuple[str, ...]) -> int | None:
    return next((n for field in fields if (n := reader.number(index, field)) is not None), None)


def _user_function(reader: Reader, index: int) -> str | None:
    function = reader.follow(index, "userFunction")
    while (inner := reader.follow(function, "wrappedFunction")) != NULL:
        function = inner
    return reader.class_name(function)


def watermark(reader: Reader, operator: int) -> int | None:
    """The event time that the operator has reached; None before the first watermark and after the last."""
    told = (
        reader.number(reader.follow(operator, "internalTimerService"), "currentWatermark"),
        reader.number(reader.follow(operator, "combinedWatermark", "combinedWatermarkStatus"), "combinedWatermark"),
        reader.number(reader.follow(operator, "container", "inputWatermarkGauge"), "currentWatermark"),
    )  # a window operator's own; of several inputs, since 1.13; of its task's only input
    value = next((v for v in told if v is not None and v != _NEVER), None)
    return None if value == _ENDED else value
