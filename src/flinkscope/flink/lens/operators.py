"""Stream operators in a heap dump: whose task each is, which backend and timers it has, how its window is set up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flinkscope.flink.lens.reader import NULL, Reader, simple_name, task_of
from flinkscope.flink.state_facts import WindowOperator
from flinkscope.place import Place

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
        backend = reader.follow(index, "keyedStateBackend")  # up to 1.10
    while (inner := reader.follow(backend, "keyedStateBackend")) != NULL:  # changelog and other wrappers
        backend = inner
    manager = reader.follow(index, "timeServiceManager")
    return Operator(index, reader.class_name(index) or "", task_of(name), backend, manager)


def _task_name(reader: Reader, index: int) -> str | None:
    paths = (
        ("runtimeContext", "taskInfo", "taskNameWithSubtasks"),
        ("runtimeContext", "taskEnvironment", "taskInfo", "taskNameWithSubtasks"),
        ("container", "environment", "taskInfo", "taskNameWithSubtasks"),
    )
    return next((text for path in paths if (text := reader.text(index, *path))), None)


def window_operators(reader: Reader, operators: list[Operator], source: str) -> tuple[WindowOperator, ...]:
    """How each window operator is set up; subtasks of the same task and class are one row."""
    groups: dict[tuple[str, str], list[int]] = {}
    for operator in operators:
        if reader.follow(operator.index, "windowAssigner") != NULL:
            groups.setdefault((operator.task, operator.class_name), []).append(operator.index)
    return tuple(_window(reader, task, name, found, source) for (task, name), found in groups.items())


def _window(reader: Reader, task: str, class_name: str, subtasks: list[int], source: str) -> WindowOperator:
    index = subtasks[0]
    assigner = reader.follow(index, "windowAssigner")
    triggers = _trigger_chain(reader, reader.follow(index, "trigger"))
    evictor = reader.follow(index, "evictor")
    watermarks = [w for i in subtasks if (w := _watermark(reader, i)) is not None]
    return WindowOperator(
        task=task,
        operator_class=simple_name(class_name) or class_name,
        assigner=simple_name(reader.class_name(assigner)),
        size_ms=reader.number(assigner, "size"),
        offset_ms=_first_number(reader, assigner, ("globalOffset", "offset")),
        trigger=tuple(simple_name(reader.class_name(t)) or "?" for t in triggers),
        trigger_interval_ms=next((n for t in triggers if (n := reader.number(t, "interval")) is not None), None),
        evictor=simple_name(reader.class_name(evictor)),
        evictor_window_ms=reader.number(evictor, "windowSize"),
        allowed_lateness_ms=reader.number(index, "allowedLateness"),
        function=_user_function(reader, index),
        watermark_ms=min(watermarks, default=None),
        subtasks=len(subtasks),
        place=Place(source, address=reader.heap.address_of(index)),
    )


def _trigger_chain(reader: Reader, trigger: int) -> list[int]:
    chain: list[int] = []
    while trigger != NULL and len(chain) < 16:
        chain.append(trigger)
        trigger = reader.follow(trigger, "nestedTrigger")
    return chain


def _first_number(reader: Reader, index: int, fields: tuple[str, ...]) -> int | None:
    return next((n for field in fields if (n := reader.number(index, field)) is not None), None)


def _user_function(reader: Reader, index: int) -> str | None:
    function = reader.follow(index, "userFunction")
    while (inner := reader.follow(function, "wrappedFunction")) != NULL:
        function = inner
    return reader.class_name(function)


def _watermark(reader: Reader, index: int) -> int | None:
    value = reader.number(reader.follow(index, "internalTimerService"), "currentWatermark")
    return None if value in (None, np.iinfo(np.int64).min, np.iinfo(np.int64).max) else value
