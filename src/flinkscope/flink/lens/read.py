"""From a heap to StateFacts: the lens' one entry point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flinkscope.flink.lens.embedded import peeked_timers, read_embedded
from flinkscope.flink.lens.labels import Labels, Whose
from flinkscope.flink.lens.operator_states import read_operator_states
from flinkscope.flink.lens.operators import Operator, live_operators, window_operators
from flinkscope.flink.lens.reader import NULL, Reader
from flinkscope.flink.lens.shapes import unknown_shapes
from flinkscope.flink.lens.states import ENTRY, StateEntries, bootstrap_entries, read_keyed_states
from flinkscope.flink.lens.tasks import BACKENDS, backend_name
from flinkscope.flink.lens.timers import TimerEntries, read_timers
from flinkscope.flink.state_facts import KeyedState, StateFacts, TimerService
from flinkscope.place import Place

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

_TIMER = "org.apache.flink.streaming.api.operators.TimerHeapInternalTimer"


def read_state(heap: Heap, source: str | None = None) -> StateFacts:
    """All keyed state, timers and window operators of the running tasks in the dump.

    ``source`` names the dump in places (default: its file name). Needs the dominator tree (computed on first need);
    cost besides: a few array passes over entries and timers. A dump without Flink tasks gives empty tuples.
    """
    return read_parts(heap, source)[0]


@dataclass(frozen=True, slots=True)
class StateParts:
    """The objects behind StateFacts, for whoever goes on from there. Lists run beside those of the facts.

    ``labels``: on states, timers, keys and windows; nothing else has one yet.
    """

    reader: Reader
    labels: Labels
    operators: list[Operator]
    entries: list[StateEntries]
    timers: list[TimerEntries]
    operator_states: list[list[int]]


def read_parts(heap: Heap, source: str | None = None) -> tuple[StateFacts, StateParts]:
    """As ``read_state``, and the columns that it was read from."""
    name = source or Path(heap.path).name
    reader = Reader(heap)
    operators = live_operators(reader)
    labels = Labels(heap)
    states, entries = read_keyed_states(reader, labels, operators, name)
    timers, columns = read_timers(reader, labels, operators, name)
    operator_states, objects = read_operator_states(reader, operators, name)
    keys_bytes = _label_keys(labels, [*states, *timers], [*entries, *columns])
    own = sum(s.total_bytes for s in states) + sum(t.own_bytes for t in timers)
    backends = sorted({backend_name(reader, o.backend) for o in operators if o.backend != NULL})
    facts = StateFacts(
        place=Place(name),
        backend=", ".join(backends) or None,
        states=tuple(states),
        timers=tuple(timers),
        operators=window_operators(reader, operators, name),
        keys_and_windows_bytes=keys_bytes,
        state_bytes=own + keys_bytes,
        unknown_shapes=(
            *(f"state backend {b} is not read" for b in backends if b not in BACKENDS.values()),
            *unknown_shapes(reader, operators),
        ),
        unowned_entries=max(0, _count(heap, ENTRY) - len(bootstrap_entries(reader)) - sum(s.entries for s in states)),
        unowned_timers=max(0, _count(heap, _TIMER) - len(peeked_timers(reader)) - sum(t.timers for t in timers)),
        operator_states=tuple(operator_states),
        embedded=read_embedded(reader, operators, name),
    )
    return facts, StateParts(reader, labels, operators, entries, columns, objects)


def _label_keys(labels: Labels, rows: list[KeyedState | TimerService], panes: list[StateEntries | TimerEntries]) -> int:
    """Labels the keys and windows of these states and timers; what they retain, each object once."""
    return sum(
        labels.put(
            Whose(row.job, row.job_id, row.task, row.operator),
            "keys and windows",
            pane.keys,
            pane.namespaces,
            retained=True,
        )
        for row, pane in zip(rows, panes, strict=True)
    )


def _count(heap: Heap, class_name: str) -> int:
    return sum(c.instance_count for c in heap.classes_named(class_name))
