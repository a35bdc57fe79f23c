"""Records a flame graph of a live process in the best way that is open: Flink's profiler, the async-profiler that
flink-dist carries, the JVM's flight recorder, thread dumps; and says which it took and why none before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import SourceError, UsageError
from flinkscope.formats.stacks import EVENTS, StackProfile
from flinkscope.formats.thread_dump import ThreadDump, parse_thread_dump
from flinkscope.jvm.flame import FlameProfile, WayNotTaken
from flinkscope.jvm.flame_folder import WayUnavailable
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.flink_rest import FlinkRest

WAYS = ("rest", "async", "jfr", "threads")
NAMES = {
    "rest": "Flink's profiler (REST)",
    "async": "async-profiler of flink-dist, loaded by attach",
    "jfr": "flight recorder (JFR), by attach",
    "threads": "thread dumps, again and again",
}
_COSTS = {
    "async": "would load flink-dist's async-profiler into the process (361 KB, mapped until it ends; below 1 % of CPU)",
    "jfr": "would start a flight recording in the process and end it (about 1 % of CPU)",
}
_REST_PAUSE_S = 0.5  # each dump by REST passes through two processes


@dataclass(frozen=True, slots=True)
class FlameTarget:
    """What to profile: a ``pid`` of this machine, a process of a cluster (``rest``, ``manager``; None: the JobManager),
    or both, if they are the same process: then the cluster is asked first."""

    pid: int | None = None
    rest: FlinkRest | None = None
    manager: str | None = None

    @property
    def title(self) -> str:
        """How to call it."""
        where = self.manager or ("JobManager" if self.rest is not None else "")
        return " ".join(word for word in (where, f"process {self.pid}" if self.pid is not None else "") if word)


def record_flame(
    target: FlameTarget,
    event: str = "cpu",
    seconds: int = 30,
    *,
    may_change: bool = False,
    ways: Sequence[str] = WAYS,
    folder: str = "/tmp",
    library: Path | None = None,
    progress: Progress = SILENT,
) -> FlameProfile:
    """Profiles for ``seconds`` in the first of ``ways`` that works: rest, async, jfr, threads.

    ``event``: cpu, alloc, wall or lock. ``may_change``: whether an agent may be loaded or a recording started by
    attach; without it these two raise UsageError with their cost, before anything is done. ``folder``: where the target
    writes for a moment, in its own file system. ``library``: an async-profiler to load instead of flink-dist's. Nothing
    is left in the target but that library's mapping. Raises WayUnavailable with all reasons when no way works.
    """
    _check(target, event, seconds, ways)
    actions = _actions(target, event, seconds, folder, library, progress)
    not_taken: list[WayNotTaken] = []
    for way in WAYS:
        action = actions[way] if way in ways else "not asked for"
        if isinstance(action, str):
            not_taken.append(WayNotTaken(NAMES[way], action))
            continue
        if way in _COSTS and not may_change:
            raise _not_allowed(target, [w for w in ways if w in _COSTS], not_taken)
        try:
            profile = action()
        except WayUnavailable as error:
            not_taken.append(WayNotTaken(NAMES[way], error.message))
            continue
        finally:
            progress.done()
        return FlameProfile(target.title, profile, NAMES[way], tuple(not_taken), seconds)
    reasons = "; ".join(f"{way.way}: {way.reason}" for way in not_taken)
    raise WayUnavailable(f"{target.title}: no way to profile {event}: {reasons}", hint=_hint(target, event))


Action = Callable[[], StackProfile]


def _actions(
    target: FlameTarget, event: str, seconds: int, folder: str, library: Path | None, progress: Progress
) -> dict[str, Action | str]:
    """What each way does, or why it cannot. A process that cannot be attached to raises here, before all else."""
    from flinkscope.jvm.flame_async import profile_with_async
    from flinkscope.jvm.flame_jfr import profile_with_jfr
    from flinkscope.jvm.flame_rest import profile_with_rest
    from flinkscope.jvm.flame_threads import profile_with_dumps
    from flinkscope.jvm.verbs import open_verbs

    rest, manager = target.rest, target.manager
    found: dict[str, Action | str] = dict.fromkeys(("async", "jfr"), "it needs the pid, on the machine where it runs")
    found["rest"] = "the URL of the JobManager was not given (--rest)"
    if rest is not None:

        def by_rest() -> StackProfile:
            return profile_with_rest(rest, manager, event, seconds, progress=progress)

        found["rest"] = by_rest if target.pid is None else _or_unavailable(by_rest)  # with a pid there are other ways
        found["threads"] = lambda: profile_with_dumps(
            lambda: _rest_dump(rest, manager), event, seconds, source=f"{rest.url} thread-dump", progress=progress,
            pause_s=_REST_PAUSE_S,
        )  # fmt: skip
    if target.pid is not None:
        verbs = open_verbs(target.pid)
        source = f"process {target.pid}"

        def dump() -> ThreadDump:  # without -l, which would walk the whole heap for each dump
            return parse_thread_dump(verbs.jcmd("Thread.print"), f"{source} Thread.print")

        found["async"] = lambda: profile_with_async(
            verbs, event, seconds, folder=folder, progress=progress, library=library
        )
        found["jfr"] = lambda: profile_with_jfr(verbs, event, seconds, folder=folder, progress=progress)
        found["threads"] = lambda: profile_with_dumps(dump, event, seconds, source=source, progress=progress)
    return found


def _or_unavailable(action: Action) -> Action:
    """The same, but that nobody answers only means that this way cannot be taken."""

    def tried() -> StackProfile:
        try:
            return action()
        except SourceError as error:
            raise WayUnavailable(error.message) from error

    return tried


def _rest_dump(rest: FlinkRest, manager: str | None) -> ThreadDump:
    return parse_thread_dump(json.dumps(rest.thread_dump(manager)), f"{rest.url} thread-dump")


def _check(target: FlameTarget, event: str, seconds: int, ways: Sequence[str]) -> None:
    if target.pid is None and target.rest is None:
        raise UsageError("nothing to profile", hint="a pid, or the URL of a JobManager")
    if event not in EVENTS:
        raise UsageError(f"no event {event!r}", hint=f"one of {', '.join(EVENTS)}")
    unknown = [way for way in ways if way not in WAYS]
    if unknown or not ways:
        raise UsageError(f"no way {', '.join(unknown)!r}", hint=f"of {', '.join(WAYS)}")
    if not 1 <= seconds <= 3600:
        raise UsageError(f"{seconds} s is no length for a profile", hint="1 to 3600 seconds")


def _not_allowed(target: FlameTarget, ways: Sequence[str], not_taken: list[WayNotTaken]) -> UsageError:
    costs = ", or else ".join(_COSTS[way] for way in ways)
    before = "".join(f"; {skipped.way}: {skipped.reason}" for skipped in not_taken)
    return UsageError(
        f"{target.title}: {costs}{before}", hint="give --yes to do it, or --way threads, which changes nothing"
    )


def _hint(target: FlameTarget, event: str) -> str:
    if target.pid is None:
        return "set rest.profiling.enabled: true, or run it where the process is and give its pid"
    if event == "alloc":
        return "give --async-profiler a flink-dist jar (1.19 or later) or libasyncProfiler.so"
    return "`flinkscope threads PID` may tell more"
