"""Operator state, which is not keyed: lists (of sources, sinks, user functions) and broadcast maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.reader import NULL, Reader
from flinkscope.flink.state_facts import Home, OperatorState
from flinkscope.place import Place

_KINDS = (
    ("list", "registeredOperatorStates", "internalList"),
    ("broadcast", "registeredBroadcastStates", "backingMap"),
)


@dataclass(frozen=True, slots=True)
class _One:
    """One state object of one subtask and its content (a java.util list or map)."""

    operator: Operator
    name: str
    kind: str
    index: int
    content: int


def read_operator_states(
    reader: Reader, operators: list[Operator], source: str
) -> tuple[list[OperatorState], list[list[int]]]:
    """Every operator state that has entries, biggest first, and beside each the objects of its subtasks."""
    groups: dict[tuple[Home, str, str], list[_One]] = {}
    for one in _found(reader, operators):
        groups.setdefault((one.operator.home, one.kind, one.name), []).append(one)
    rows = [(_row(reader, group, source), [one.index for one in group]) for group in groups.values()]
    rows = [row for row in rows if row[0].entries]
    rows.sort(key=lambda row: (-row[0].size_bytes, row[0].task, row[0].name, row[0].job_id))
    return [state for state, _ in rows], [objects for _, objects in rows]


def _found(reader: Reader, operators: list[Operator]) -> Iterator[_One]:
    """DefaultOperatorStateBackend's two registers, both java.util.HashMap from name to state."""
    for operator in operators:
        for kind, register, content in _KINDS:
            for key, state in reader.map_entries(reader.follow(operator.state_backend, register)):
                yield _One(operator, reader.text(key) or "?", kind, state, reader.follow(state, content))


def _row(reader: Reader, group: list[_One], source: str) -> OperatorState:
    operator = group[0].operator
    sizes = [reader.number(one.content, "size") or 0 for one in group if one.content != NULL]
    return OperatorState(
        task=operator.task,
        name=group[0].name,
        kind=group[0].kind,
        entries=sum(sizes),
        size_bytes=reader.retained(np.array([one.index for one in group], np.int32)),
        place=Place(source, address=reader.heap.address_of(group[0].index)),
        job=operator.job,
        job_id=operator.job_id,
        operator=operator.name,
    )
