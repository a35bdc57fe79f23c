"""Leaked class loaders without a heap dump: from a running JVM by attach, or from Flink's REST interface alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from flinkscope.absent import Absent, AbsentKind, present
from flinkscope.errors import UnreadableInputError
from flinkscope.formats.classloader_stats import parse_classloader_stats
from flinkscope.formats.thread_dump import parse_thread_dump
from flinkscope.jvm.live import metaspace_limit, open_jvm
from flinkscope.jvm.threads import RepeatedName, repeated_names
from flinkscope.jvm.verbs import open_verbs
from flinkscope.sources.flink_rest import FlinkRest

_USER_LOADER = re.compile(r"^org\.apache\.flink\..*(ChildFirstClassLoader|ParentFirstClassLoader)$")
_ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})
_DUMP = "jcmd PID GC.heap_dump FILE; flinkscope heap loaders --leaked FILE"
UNSEEN_BY_ATTACH = (
    "what keeps each loader: shutdown hooks, MBeans, drivers, thread locals are only in a heap dump",
    "loaders that only softly reachable objects keep count as kept",
)
UNSEEN_BY_REST = ("class loaders: REST does not tell them, only threads and metaspace", *UNSEEN_BY_ATTACH)


@dataclass(frozen=True, slots=True)
class LiveLoaders:
    """What a process without a dump tells. ``user_loaders``: user class loaders;
    ``running_jobs``: those that may have one; ``kept``: loaders beyond that; ``loader_bytes``: metaspace of one
    (mean); ``submissions_left``: how many more fit. ``repeated``: thread names that should be there once.
    ``after_full_gc``: whether a full collection came first, without which dead loaders count too."""

    source: str
    user_loaders: int | Absent
    running_jobs: int | Absent
    kept: int | Absent
    loader_bytes: int | Absent
    metaspace_used_bytes: int | Absent
    metaspace_limit_bytes: int | Absent
    submissions_left: int | Absent
    repeated: tuple[RepeatedName, ...]
    after_full_gc: bool
    unseen: tuple[str, ...]

    @property
    def leaked(self) -> bool | None:
        """Whether class loaders are leaked; None where this way cannot tell."""
        kept = present(self.kept)
        if kept is not None and self.after_full_gc:
            return kept > 0
        return True if self.repeated else None


def loaders_of_process(pid: int, *, running_jobs: int | None = None, full_gc: bool = True) -> LiveLoaders:
    """By attach: class histogram and ``VM.classloader_stats``, after a full collection (``full_gc``).

    ``running_jobs``: how many jobs run, where that is known (REST); without it no loader is called kept. Raises
    SourceError where the process cannot be attached to.
    """
    verbs = open_verbs(pid)
    if full_gc:
        verbs.jcmd("GC.run")
    jvm = open_jvm(pid)
    used = jvm.read().number("sun.gc.metaspace.used")
    stats = parse_classloader_stats(verbs.class_loader_stats())
    own = [row for row in stats.loaders if row.classes and _USER_LOADER.match(row.class_name)]
    count = sum(row.objects for row in verbs.class_histogram(all_objects=not full_gc).rows if _is_user(row.class_name))
    unit = stats.unit_bytes(used) if used is not None else 1
    size: int | Absent = _unknown("metaspace of a loader", "no user class loader with classes")
    if own:
        size = sum(row.chunks for row in own) * unit // len(own)
    limit = metaspace_limit(jvm.process.command)
    unknown_used = _unknown("metaspace", "no such counter")
    return LiveLoaders(
        source=f"process {pid}",
        user_loaders=count,
        running_jobs=running_jobs if running_jobs is not None else _unknown("running jobs", "only REST tells"),
        kept=max(0, count - running_jobs) if running_jobs is not None else _unknown("kept loaders", "jobs unknown"),
        loader_bytes=size,
        metaspace_used_bytes=unknown_used if used is None else used,
        metaspace_limit_bytes=limit,
        submissions_left=_left(limit, used, present(size)),
        repeated=repeated_names(list(verbs.threads().threads)),
        after_full_gc=full_gc,
        unseen=UNSEEN_BY_ATTACH,
    )


def loaders_by_rest(rest: FlinkRest, *, settle_s: float = 11.0) -> LiveLoaders:
    """By REST alone: metaspace, running jobs, and threads whose names repeat. Raises SourceError."""
    metrics = rest.jvm_metrics(settle_s=settle_s)
    used, limit = metrics.get("Status.JVM.Memory.Metaspace.Used"), metrics.get("Status.JVM.Memory.Metaspace.Max")
    threads = parse_thread_dump(json.dumps(rest.thread_dump()), "/jobmanager/thread-dump")
    missing = _unknown("metaspace", "this Flink has no such metric (1.13+)")
    return LiveLoaders(
        source="REST",
        user_loaders=_unknown("user class loaders", "REST does not tell them"),
        running_jobs=running_jobs(rest),
        kept=_unknown("kept loaders", "REST does not tell them"),
        loader_bytes=_unknown("metaspace of a loader", "REST does not tell it"),
        metaspace_used_bytes=missing if used is None else used,
        metaspace_limit_bytes=missing if limit is None or limit < 0 else limit,
        submissions_left=_unknown("submissions left", "needs the step of a submission: give the pid, or watch it"),
        repeated=repeated_names(list(threads.threads)),
        after_full_gc=False,
        unseen=UNSEEN_BY_REST,
    )


def running_jobs(rest: FlinkRest) -> int:
    """Jobs that are not over. Raises SourceError, UnreadableInputError for an answer of another kind."""
    try:
        return sum(job["state"] not in _ENDED for job in rest.jobs()["jobs"])
    except (KeyError, TypeError) as error:
        raise UnreadableInputError(f"/jobs/overview: not as Flink answers: {error!r}") from error


def _is_user(class_name: str) -> bool:
    return _USER_LOADER.match(class_name) is not None


def _left(limit: int | Absent, used: int | None, each: int | None) -> int | Absent:
    if isinstance(limit, Absent) or used is None or not each:
        return _unknown("submissions left", "limit, use or step is not known")
    return max(0, limit - used) // each


def _unknown(what: str, why: str) -> Absent:
    return Absent(what, AbsentKind.UNKNOWN, why, _DUMP)
