"""A flame graph by Flink's own profiler (1.19 and later, ``rest.profiling.enabled: true``)."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote

from flinkscope.capture.recording import Recording
from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.sources.flink_rest import FlinkRest, RestStatusError

_GRACE_S = 30


def profile(rest: FlinkRest, manager: str | None, seconds: int, mode: str = "ALLOC") -> Callable[[Recording], None]:
    """A step that lets the process be profiled for so many seconds and saves the profiler's page."""

    def save(recording: Recording) -> None:
        path = "/jobmanager/profiler" if manager is None else f"/taskmanagers/{quote(manager, safe=':')}/profiler"
        try:
            started = rest.post(path, {"mode": mode, "duration": seconds})
        except RestStatusError as error:
            raise SourceError(
                f"the profiler is switched off: {error.message}", hint="rest.profiling.enabled: true"
            ) from (error)
        name = _finished(rest, path, started, time.monotonic() + seconds + _GRACE_S)
        page = rest.text(f"{path}/{quote(name)}")
        recording.save_text(f"flame-{mode.lower()}.html", page, f"REST: {path}, {mode}, {seconds} s")

    return save


def _finished(rest: FlinkRest, path: str, started: object, deadline: float) -> str:
    """The name of the output of the run that was started."""
    trigger = started.get("triggerTime") if isinstance(started, dict) else None
    while time.monotonic() < deadline:
        document = rest.get(path)
        runs = document.get("profilingList") if isinstance(document, dict) else None
        if not isinstance(runs, list):
            raise UnreadableInputError(f"{path}: no profilingList in the answer")
        run = next((r for r in runs if isinstance(r, dict) and r.get("triggerTime") == trigger), None)
        if run is not None and run.get("status") == "FINISHED" and run.get("outputFile"):
            return str(run["outputFile"])
        if run is not None and run.get("status") == "FAILED":
            raise SourceError(f"the profiler failed: {str(run.get('message', ''))[:300]}")
        time.sleep(1.0)
    raise SourceError("the profiler did not end in time")
