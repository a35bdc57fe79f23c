"""The whole lens: process, state, timers, windows and the owner of every byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flinkscope.flink.lens.details import StateDetail, state_details
from flinkscope.flink.lens.jobmanager import JobManagerView, read_job_manager
from flinkscope.flink.lens.ownership import Ownership, find_owners
from flinkscope.flink.lens.process import ProcessView, read_process
from flinkscope.flink.lens.read import read_parts
from flinkscope.flink.state_facts import StateFacts

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap


@dataclass(frozen=True, slots=True)
class FlinkView:
    """A heap dump in Flink's terms. ``details``: one row a state, empty where they were not asked for."""

    process: ProcessView
    state: StateFacts
    ownership: Ownership
    job_manager: JobManagerView
    details: tuple[StateDetail, ...] = ()


def view(heap: Heap, source: str | None = None, *, details: bool = True, show_strings: bool = False) -> FlinkView:
    """Everything that the lens can tell of the dump; ``source`` names it in places (default: its file name).

    Cost: the dominator tree (on first need), then about 0.3 s a GB of heap; ``details`` (spread of sizes, largest keys,
    balance) add some passes over the entries. No contents of strings are in it but names of states, tasks, jobs and
    versions, unless ``show_strings`` asks for the largest keys' values.
    """
    name = source or Path(heap.path).name
    state, parts = read_parts(heap, name)
    return FlinkView(
        process=read_process(parts.reader, parts.operators, name),
        state=state,
        job_manager=read_job_manager(parts.reader),
        ownership=find_owners(state, parts),
        details=state_details(state, parts, show_strings=show_strings) if details else (),
    )
