"""What the lens says of the dumps of a run, by job."""

from __future__ import annotations

from flinkscope import open_heap
from flinkscope.flink.lens import FlinkView, view
from flinkscope.flink.state_facts import KeyedState, TimerService
from lens_support.lens_lab import Ran


class Seen:
    """A view with its rows by job."""

    def __init__(self, ran: Ran) -> None:
        self.ran = ran
        self.view: FlinkView = view(open_heap(ran.task_manager, cache=False), show_strings=True)
        self.manager: FlinkView = view(open_heap(ran.job_manager, cache=False))

    def states(self, job: str, operator: str = "") -> dict[str, KeyedState]:
        return {s.name: s for s in self.view.state.states if s.job == job and operator in s.operator and s.entries}

    def timers(self, job: str, operator: str = "", domain: str = "event") -> TimerService:
        chosen = [t for t in self.view.state.timers if t.job == job and operator in t.operator and t.domain == domain]
        (found,) = chosen
        return found

    def spans(self, state: KeyedState) -> dict[int, int]:
        return {w.end_ms: w.entries for w in state.windows}
