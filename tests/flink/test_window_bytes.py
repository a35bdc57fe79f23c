"""Predicted bytes against real operators: each row of the byte table as a job of its own in one TaskManager.

Flink 2.3.0, 20,000 keys, 128 key groups in two subtasks, one element a key. What the lens gives to the job's states,
timers, keys and windows is compared with objects and tables of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.flink.lens import view
from flinkscope.flink.windows import Element, Moment, WindowDesign, pane_cost
from flinkscope.flink.windows_bytes import COMPRESSED, state_table_bytes, timer_table_bytes
from lens_support.lens_lab import Job, run

KEYS, HOUR = 20_000, 3_600_000
GROUPS, SUBTASKS = 128, 2
# A String of 14 characters; Event (three longs, a reference); counts are cached; user-… of 16 characters to a cached 1
EVENT = Element(key_bytes=COMPRESSED.string(14), record_bytes=COMPRESSED.instance(1, 24), accumulator_bytes=0,
                map_pair_bytes=COMPRESSED.string(16))  # fmt: skip
LIVED: dict[Moment, list[Moment]] = {
    "elements": ["elements"],
    "fired": ["elements", "fired"],
    "ended": ["elements", "fired", "ended"],
}


@dataclass(frozen=True)
class Row:
    """A design at a moment of its panes. 20,000 events fill an hour; the few that come then only move the time."""

    name: str
    design: WindowDesign
    moment: Moment

    def job(self) -> Job:
        """Windows of an hour that ended, or of a day whose trigger has not fired yet or once (each hour)."""
        size = HOUR if self.moment == "ended" else 24 * HOUR
        design = self.design
        words: dict[str, object] = {
            "function": design.function,
            "window-ms": size,
            "interval-ms": self._interval_ms(),
            "trigger": design.trigger,
            "lateness-ms": design.lateness_ms,
            "own-state": design.own_state,
        }
        if design.evicts is not None:
            words["evictor"] = "all" if design.evicts == 0 else f"count:{design.evicts}"
        return Job(self.name, KEYS if self.moment == "elements" else KEYS + 7, KEYS, HOUR // KEYS, words)

    def _interval_ms(self) -> int:
        if "count" in self.design.trigger:
            return 1
        return HOUR // 20 if self.moment == "ended" else HOUR  # so that nearly all keys have two timers before the end

    def predicted_bytes(self) -> float:
        """Objects of all panes at the moment; tables and queue as large as they ever were."""
        costs = [pane_cost(self.design, EVENT, COMPRESSED, m) for m in LIVED[self.moment]]
        registered = (
            1
            + (self.design.fires_quiet_keys or "count" in self.design.trigger)
            + (self.design.own_state != "none" and self.moment != "elements")
        )
        parts: list[float] = [max(getattr(c, part) for c in costs) for part in ("contents", "trigger_state", "own")]
        if self.moment == "ended" and self.design.empties_contents:
            parts[0] /= 20  # emptied at each firing: never more than an interval's
        used = [part for part in parts if part]
        tables = sum(state_table_bytes(KEYS * part, GROUPS, COMPRESSED) for part in used)
        tables += state_table_bytes(1, GROUPS, COMPRESSED) * max(0, registered - len(used))
        tables += timer_table_bytes(KEYS * max(c.timers for c in costs), GROUPS, SUBTASKS, COMPRESSED)
        return KEYS * costs[-1].object_bytes(COMPRESSED) + tables


def _rows() -> tuple[Row, ...]:
    found = [
        Row(f"event-{f}", WindowDesign("w", "event-time", f), "elements")
        for f in ("process", "reduce", "aggregate")  # type: ignore[arg-type]
    ]
    moments: tuple[Moment, ...] = ("elements", "fired")
    for moment in moments:
        for function in ("process", "reduce", "aggregate"):
            for trigger in ("continuous", "purging-continuous"):
                design = WindowDesign("w", trigger, function)  # type: ignore[arg-type]
                found.append(Row(f"{trigger}-{function}-{moment}", design, moment))
        found.append(Row(f"evict-one-{moment}", WindowDesign("w", "continuous", evicts=1), moment))
    every: tuple[Moment, ...] = ("fired", "ended")
    for moment in every:
        for own in ("window", "global"):
            design = WindowDesign("w", "continuous", evicts=0, own_state=own)  # type: ignore[arg-type]
            found.append(Row(f"own-{own}-{moment}", design, moment))
        for function, trigger in (("process", "purging-continuous"), ("aggregate", "continuous")):
            design = WindowDesign("w", trigger, function, lateness_ms=HOUR)  # type: ignore[arg-type]
            found.append(Row(f"late-{function}-{moment}", design, moment))
    found.append(Row("evict-all", WindowDesign("w", "continuous", evicts=0), "fired"))
    found.append(Row("purging-count", WindowDesign("w", "purging-count"), "elements"))
    found.append(Row("all-gone", WindowDesign("w", "continuous"), "ended"))
    return tuple(found)


ROWS = _rows()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Bytes of states, timers, keys and windows of each job."""
    folder: Path = tmp_path_factory.mktemp("bytes")
    config = {"taskmanager.memory.process.size": "2500m", "taskmanager.numberOfTaskSlots": "60",
              "taskmanager.memory.managed.size": "64m", "taskmanager.memory.network.min": "256m",
              "taskmanager.memory.network.max": "256m"}  # fmt: skip
    ran = run([row.job() for row in ROWS], folder, config=config)
    owners = view(open_heap(ran.task_manager, cache=False), details=False).ownership.owners
    found = dict.fromkeys((row.name for row in ROWS), 0)
    for owner in owners:
        if owner.job in found and owner.what.startswith(("state ", "timers ", "keys and windows")):
            found[owner.job] += owner.size_bytes
    return found


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_bytes_of_a_real_operators_panes(row: Row, measured: dict[str, int]) -> None:
    assert row.predicted_bytes() == pytest.approx(measured[row.name], rel=0.05)
