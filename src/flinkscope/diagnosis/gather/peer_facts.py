"""How a process, or a subtask, compares with its peers: from REST's vertices, live sets, state in several dumps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any

from flinkscope.absent import present
from flinkscope.diagnosis.facts import Peers, ProcessFacts
from flinkscope.errors import SourceError
from flinkscope.place import Place

_LEAST = 2  # peers to compare with


@dataclass(frozen=True, slots=True)
class VertexLoad:
    """What each subtask of a vertex has read: (task manager, subtask, records)."""

    name: str
    rows: tuple[tuple[str, int, int], ...]
    place: Place


def vertex_load(path: Path, name: str) -> VertexLoad | None:
    """The subtasks of ``/jobs/ID/vertices/ID``; None for any other JSON. Raises SourceError."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("subtasks"), list):
        return None
    rows = tuple(_subtask(row) for row in document["subtasks"] if isinstance(row, dict))
    known = tuple(row for row in rows if row is not None)
    return VertexLoad(str(document.get("name", "")), known, Place(name, key="subtasks")) if known else None


def with_peers(processes: Sequence[ProcessFacts], loads: Sequence[VertexLoad]) -> tuple[ProcessFacts, ...]:
    """The processes, each with what compares it most unfavourably with the others of its role."""
    managers = [p for p in processes if p.role == "taskmanager"]
    return tuple(_compared(p, managers, loads) if p.role == "taskmanager" else p for p in processes)


def _compared(process: ProcessFacts, managers: Sequence[ProcessFacts], loads: Sequence[VertexLoad]) -> ProcessFacts:
    others = [p for p in managers if p is not process]
    found = [*_by_subtask(process, loads, alone=not others), *_by_process(process, others)]
    return replace(process, peers=max(found, key=lambda peers: peers.times)) if found else process


def _by_subtask(process: ProcessFacts, loads: Sequence[VertexLoad], *, alone: bool) -> Iterator[Peers]:
    for load in loads:
        mine = [row for row in load.rows if alone or row[0] == process.id]
        if not mine or len(load.rows) <= _LEAST:
            continue
        manager, subtask, records = max(mine, key=lambda row: row[2])
        rest = [row[2] for row in load.rows if (row[0], row[1]) != (manager, subtask)]
        who = f"subtask {subtask} of {load.name}"
        yield Peers("records read", "", records, median_low(rest), len(rest), load.place, who)


def _by_process(process: ProcessFacts, others: Sequence[ProcessFacts]) -> Iterator[Peers]:
    measures: tuple[tuple[str, str, Callable[[ProcessFacts], tuple[int, Place] | None]], ...] = (
        ("state entries", "", _entries),
        ("live set", "bytes", _live_set),
    )
    for what, unit, measure in measures:
        own, rest = measure(process), [value for other in others if (value := measure(other)) is not None]
        if own is not None and len(rest) >= _LEAST:
            yield Peers(what, unit, own[0], median_low(value for value, _ in rest), len(rest), own[1], process.id)


def _entries(facts: ProcessFacts) -> tuple[int, Place] | None:
    state = present(facts.state)
    return (sum(s.entries for s in state.states), state.place) if state and state.states else None


def _live_set(facts: ProcessFacts) -> tuple[int, Place] | None:
    gc = present(facts.gc)
    live = present(gc.live_set_max_bytes) if gc else None
    return (live, gc.place) if gc and live is not None and not gc.live_set_is_upper_bound else None


def _subtask(row: dict[str, Any]) -> tuple[str, int, int] | None:
    metrics = row.get("metrics")
    records = metrics.get("read-records") if isinstance(metrics, dict) else None
    number = row.get("subtask", row.get("index"))
    if not isinstance(records, int) or not isinstance(number, int):
        return None
    return str(row.get("taskmanager-id", row.get("host", ""))), number, records
