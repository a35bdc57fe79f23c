"""From a forecast to memory: live set, heap, task heap and process size; and what the Flink version adds to it."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.flink.memory_model import TaskManagerMemory
from flinkscope.flink.sizing import size_for
from flinkscope.flink.sizing_live_set import heap_for_live_set
from flinkscope.flink.windows import WindowDesign
from flinkscope.flink.windows_forecast import Forecast

_SHIPPED_PROCESS_SIZE = "1728m"  # config.yaml of the distribution


@dataclass(frozen=True, slots=True)
class Needs:
    """Memory of one TaskManager for a forecast. ``capped``: 31 GiB of heap are not enough, spread the state."""

    live_set_bytes: int
    heap_bytes: int
    task_heap_bytes: int
    process_bytes: int
    process_size: str  # as the option is written
    capped: bool


def needs(found: Forecast, collector: str = "G1") -> Needs:
    """The heap for the peak's live set under this collector, through Flink's own memory model. Milliseconds."""
    target = heap_for_live_set(found.live_set_bytes, collector)
    config = {"taskmanager.memory.process.size": _SHIPPED_PROCESS_SIZE}
    if not found.on_heap:
        config["state.backend.type"] = "rocksdb"
    version = ".".join(str(part) for part in found.cluster.flink)
    proposal = size_for(heap_bytes=target.heap_bytes, config=config, flink=version)[0]
    if not isinstance(proposal.model, TaskManagerMemory):
        raise TypeError("a TaskManager was sized")
    return Needs(
        live_set_bytes=found.live_set_bytes,
        heap_bytes=proposal.model.heap_bytes,
        task_heap_bytes=proposal.model.task_heap_bytes,
        process_bytes=proposal.model.process_bytes,
        process_size=str(proposal.changes["taskmanager.memory.process.size"]),
        capped=target.capped,
    )


def version_notes(design: WindowDesign, flink: tuple[int, int, int]) -> tuple[str, ...]:
    """What this Flink version does to such windows besides (FLINK-20443, FLINK-35069, FLINK-5717)."""
    notes = []
    if design.trigger == "continuous-processing":
        if (1, 13, 6) <= flink < (1, 20, 0) and not (1, 14, 0) <= flink <= (1, 14, 2):
            notes.append(
                "FLINK-35069: past the window's end this trigger re-registers one timer for ever; 1.20 is well"
            )
        if flink < (1, 13, 0):
            notes.append("FLINK-5717: with session windows a merge loses this trigger's timer; 1.13 is well")
    if design.fires_quiet_keys and (flink < (1, 13, 6) or (1, 14, 0) <= flink <= (1, 14, 2)):
        notes.append("FLINK-20443: the next firing may lie after the window's end; 1.13.6, 1.14.3 and newer cap it")
    if design.fires_quiet_keys and flink < (1, 18, 0):
        notes.append(
            "before 1.18 a cancelled task first fires all due timers: 'Task did not exit gracefully' with many"
        )
    if design.fires_quiet_keys and flink < (1, 20, 0):
        notes.append("before 1.20 checkpoints wait until all due timers have fired")
    return tuple(notes)
