"""The way by Flink's own profiler (1.19+, ``rest.profiling.enabled: true``): async-profiler, asked for by REST."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from flinkscope.errors import FlinkscopeError, SourceError
from flinkscope.formats.flame_files import parse_async_profiler_page
from flinkscope.formats.stacks import StackProfile
from flinkscope.jvm.flame_folder import WayUnavailable
from flinkscope.progress import Progress
from flinkscope.sources.flink_rest import FlinkRest, RestStatusError

# ITIMER and not CPU: it needs no perf events, which containers rarely allow
_MODES = {"cpu": "ITIMER", "alloc": "ALLOC", "wall": "WALL", "lock": "LOCK"}
_MORE_SECONDS = 30.0
_POLL_S = 0.5


def profile_with_rest(
    rest: FlinkRest, manager: str | None, event: str, seconds: int, *, progress: Progress
) -> StackProfile:
    """Asks Flink to profile a task manager (None: the JobManager) and reads its page; in async-profiler's samples.

    The page tells no threads. Flink keeps it among its last ten (``rest.profiling.history-size``). Raises
    WayUnavailable when the profiler is switched off, busy, or failed.
    """
    path = ("/jobmanager" if manager is None else f"/taskmanagers/{quote(manager, safe=':')}") + "/profiler"
    try:
        begun = rest.post(path, {"mode": _MODES[event], "duration": seconds})
    except RestStatusError as error:
        raise WayUnavailable(_why(error)) from error
    if not isinstance(begun, dict) or "triggerTime" not in begun:
        raise WayUnavailable(f"an answer that is not the profiler's: {str(begun)[:80]}")
    entry = begun if begun.get("status") == "FAILED" else _finished(rest, path, begun, seconds, progress)
    if entry.get("status") != "FINISHED" or not entry.get("outputFile"):
        raise WayUnavailable(f"it failed: {entry.get('message') or entry.get('status')}")
    page = rest.text(f"{path}/{quote(str(entry['outputFile']), safe='')}")
    try:
        return parse_async_profiler_page(page, f"{rest.url}{path}", event=event)
    except FlinkscopeError as error:
        raise WayUnavailable(error.message) from error


def _finished(rest: FlinkRest, path: str, begun: dict[str, Any], seconds: int, progress: Progress) -> dict[str, Any]:
    progress.phase("profiling with Flink's profiler", seconds * 1000, "ms")
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds + _MORE_SECONDS:
        progress.advance(min(seconds, int(passed)) * 1000)
        time.sleep(_POLL_S)
        if passed < seconds - _POLL_S:
            continue
        document = rest.get(path)
        entries = document.get("profilingList") if isinstance(document, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            ours = isinstance(entry, dict) and entry.get("triggerTime") == begun["triggerTime"]
            if ours and entry.get("status") != "RUNNING":
                found: dict[str, Any] = entry
                return found
    raise SourceError(f"{rest.url}{path}: no result {_MORE_SECONDS:.0f} s after its end", hint="see the process' log")


def _why(error: RestStatusError) -> str:
    if error.status in (404, 405):
        return "it is switched off (rest.profiling.enabled: true, Flink 1.19 and later) or the process is not known"
    return error.message
