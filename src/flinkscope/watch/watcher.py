"""The loop: looks at every source when it is due, forecasts as often as its own budget allows, tells what changed.

Its cost is bounded by itself: after a round of forecasts that took c seconds of CPU, the next comes no sooner than
c / 0.2 %.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from flinkscope.errors import FlinkscopeError
from flinkscope.watch.alerts import Alert, AlertBook
from flinkscope.watch.forecast import Forecast
from flinkscope.watch.measures import Reading
from flinkscope.watch.state import TargetState, update

FORECAST_CPU_SHARE = 0.002
GONE_AFTER_S = 60.0
FORGET_AFTER_S = 3600.0
_LONGEST_PAUSE_S = 60.0


class Source(Protocol):
    """Where readings come from. ``interval_s``: no more often than that."""

    interval_s: float

    def look(self, now_ns: int) -> Sequence[Reading]:
        """All readings now; raises SourceError when it cannot be reached."""


@dataclass(slots=True)
class _Due:
    source: Source
    name: str
    next_s: float = 0.0
    failures: int = 0
    trouble: str = ""


@dataclass(slots=True)
class Rescue:
    """``--collect-before-oom``: one case for each process, once its earliest end is nearer than ``within_s``."""

    folder: Path
    within_s: float
    record: Callable[[int, Path], None]
    done: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    _running: list[threading.Thread] = field(default_factory=list)

    def consider(self, state: TargetState) -> None:
        """Records in a thread of its own, so that the watch goes on."""
        ends = [f.earliest_s for f in state.forecasts.values() if isinstance(f, Forecast)]
        if state.pid is None or state.identity in self.done or not ends or min(ends) > self.within_s:
            return
        self.done.add(state.identity)
        path = self.folder / f"{state.role}-{state.pid}-{time.strftime('%Y%m%d-%H%M%S')}.zip"
        thread = threading.Thread(target=self._record, args=(state.pid, path), name="rescue")
        self._running.append(thread)
        thread.start()

    def finish(self) -> None:
        """Waits for the recordings that are under way."""
        for thread in self._running:
            thread.join()

    def _record(self, pid: int, path: Path) -> None:
        try:
            self.record(pid, path)
            self.told.append(f"recorded {path}")
        except FlinkscopeError as error:
            self.told.append(f"process {pid} could not be recorded: {error.message}")


class Watcher:
    """Watches until told to stop. ``states`` may be read by other threads between rounds (``lock``)."""

    def __init__(
        self,
        sources: Sequence[tuple[str, Source]],
        book: AlertBook,
        *,
        interval_s: float = 2.0,
        on_alert: Sequence[Callable[[Alert], None]] = (),
        rescue: Rescue | None = None,
    ) -> None:
        self.book = book
        self.rescue = rescue
        self.states: dict[str, TargetState] = {}
        self.lock = threading.Lock()
        self._due = [_Due(source, name) for name, source in sources]
        self._interval_s = interval_s
        self._on_alert = on_alert
        self._next_forecast_s = 0.0

    def round(self) -> None:
        """Looks at every source that is due; judges the alerts; never raises for a target that is gone."""
        now_s, now_ns = time.monotonic(), time.time_ns()
        changed: list[TargetState] = []
        with self.lock:
            for due in self._due:
                if now_s >= due.next_s:
                    changed += self._look(due, now_s, now_ns)
            self._look_ahead(now_s)
            for state in changed:
                self._judge(state, now_ns)
            self._age(now_ns)

    def troubles(self) -> list[str]:
        """Sources that could not be reached at their last turn, and why."""
        return [f"{due.name}: {due.trouble}" for due in self._due if due.trouble]

    def seconds_to_next(self) -> float:
        """Until the next source is due."""
        return max(0.0, min(due.next_s for due in self._due) - time.monotonic())

    def _look(self, due: _Due, now_s: float, now_ns: int) -> list[TargetState]:
        pause_s = max(self._interval_s, due.source.interval_s)
        try:
            readings = due.source.look(now_ns)
        except FlinkscopeError as error:
            due.failures, due.trouble = due.failures + 1, error.message
            due.next_s = now_s + min(_LONGEST_PAUSE_S, pause_s * 2 ** min(due.failures, 6))
            return []
        pause_s = max(self._interval_s, due.source.interval_s)  # it may have found out that it costs too much
        due.failures, due.trouble = 0, "" if readings else "gone; waiting for its successor"
        due.next_s = max(due.next_s + pause_s, now_s) if due.next_s else now_s + pause_s
        return update(self.states, readings, now_ns)

    def _look_ahead(self, now_s: float) -> None:
        if now_s < self._next_forecast_s:
            return
        began = time.process_time()
        for state in self.states.values():
            if not state.gone:
                state.look_ahead()
        self._next_forecast_s = now_s + (time.process_time() - began) / FORECAST_CPU_SHARE

    def _judge(self, state: TargetState, now_ns: int) -> None:
        for alert in self.book.judge(state.target, state.quantities(), now_ns):
            for tell in self._on_alert:
                tell(alert)
        if self.rescue is not None:
            self.rescue.consider(state)

    def _age(self, now_ns: int) -> None:
        """Targets that are not seen any more are marked, and forgotten after an hour."""
        for name, state in list(self.states.items()):
            silent_s = (now_ns - state.seen_ns) / 1e9
            if silent_s > GONE_AFTER_S and not state.gone:
                state.gone = True
                for alert in self.book.judge(name, {}, now_ns):
                    for tell in self._on_alert:
                        tell(alert)
            if silent_s > FORGET_AFTER_S:
                del self.states[name]
