"""Watching a cluster by REST: its JobManager, all TaskManagers, its jobs; also those that come later.

Flink refreshes its metrics every 10 s at most (``metrics.fetcher.update-interval``), so it is asked no more often than
that: one request a process, three a job, and of large clusters, or many, so seldom that all together cost 0.25 % of a
core (50 task managers: every 19 s). A heap gauge counts garbage, so the lowest value of six looks stands for the live
set: an upper bound of it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from flinkscope.errors import FlinkscopeError, SourceError
from flinkscope.formats.flink_rest import RestJob, RestTaskManager, read_job, read_jobs, read_task_managers
from flinkscope.sources.flink_rest import FlinkRest, RestAccess
from flinkscope.watch.measures import Reading

REFRESH_S = 10.0
LOWEST_OF = 6  # a minute of a small cluster
CPU_SHARE = 0.0025
_GAUGES = {
    "Status.JVM.Memory.Heap.Used": "heap_used_bytes",
    "Status.JVM.Memory.Heap.Max": "heap_limit_bytes",
    "Status.JVM.Memory.Metaspace.Used": "metaspace_bytes",
    "Status.JVM.Memory.Metaspace.Max": "metaspace_limit_bytes",
    "Status.JVM.Memory.Direct.MemoryUsed": "direct_bytes",
    "Status.JVM.Threads.Count": "threads",
    "Status.JVM.ClassLoader.ClassesLoaded": "classes_ever_loaded",
    "Status.JVM.ClassLoader.ClassesUnloaded": "classes_unloaded",
}
_DIRECT_PARTS = ("framework_off_heap_bytes", "task_off_heap_bytes", "network_bytes")
_LOWEST_WATERMARK = -(1 << 63)
# Of a job of `flinkscope uv run`: its name, its accumulators, the gauge of its counting operator (jobs/uv)
_UV_JOB = "daily-uv "
_UV_ACCUMULATORS = {
    "uvPageViews": "uv_page_views",
    "uvLateRecords": "uv_late_rows",
    "uvMalformedRecords": "uv_malformed_rows",
}
_UV_KEYS = "count_in_buckets.uvKeys"


class RestSource:
    """One cluster of ``clusters`` that share what the watch may cost. Raises SourceError at the start when it cannot be
    reached; later a look that fails raises it."""

    def __init__(
        self, url: str, access: RestAccess | None = None, interval_s: float = REFRESH_S, clusters: int = 1
    ) -> None:
        self._rest = FlinkRest(url, access)
        self._rest.overview()
        self._shortest_s = self.interval_s = interval_s
        self._cpu_share = CPU_SHARE / clusters
        self._heaps: dict[str, deque[int]] = {}
        self._jobs_seen: set[str] = set()

    def look(self, now_ns: int) -> Sequence[Reading]:
        """One reading a process and a running job."""
        began = time.thread_time()
        readings = self._readings()
        self.interval_s = max(self._shortest_s, (time.thread_time() - began) / self._cpu_share)
        return readings

    def _readings(self) -> list[Reading]:
        jobs = read_jobs(self._rest.jobs(), "/jobs/overview")
        self._jobs_seen |= {job.id for job in jobs}
        managers = read_task_managers(self._rest.task_managers(), "/taskmanagers")
        readings = [self._job_manager()]
        for manager in managers:
            with suppress(SourceError):  # it is just going
                readings.append(self._task_manager(manager))
        self._heaps = {r.target: self._heaps[r.target] for r in readings if r.target in self._heaps}
        for job in jobs:
            if job.state == "RUNNING":
                with suppress(FlinkscopeError):  # a job that is just ending
                    readings.append(self._job(job))
        return readings

    def _job_manager(self) -> Reading:
        values = {**self._jvm("jobmanager", "/jobmanager"), "submissions": len(self._jobs_seen)}
        return Reading("jobmanager", "jobmanager", self._rest.url, values)

    def _task_manager(self, manager: RestTaskManager) -> Reading:
        """-XX:MaxDirectMemorySize is what Flink sets it to: the sum of three parts of its memory."""
        values = self._jvm(manager.id, f"/taskmanagers/{quote(manager.id, safe=':')}")
        parts = [(manager.memory or {}).get(part) for part in _DIRECT_PARTS]
        known = [part for part in parts if part is not None]
        if len(known) == len(_DIRECT_PARTS):
            values["direct_limit_bytes"] = sum(known)
        return Reading(manager.id, "taskmanager", manager.id, values)

    def _jvm(self, name: str, base: str) -> dict[str, int]:
        entries = self._rest.get(f"{base}/metrics", {"get": ",".join(_GAUGES)})
        found = {_GAUGES[e["id"]]: _whole(e.get("value")) for e in entries if e.get("id") in _GAUGES}
        values = {key: value for key, value in found.items() if value is not None and value >= 0}
        heap_bytes = values.pop("heap_used_bytes", None)
        if heap_bytes is not None:
            lowest = self._heaps.setdefault(name, deque(maxlen=LOWEST_OF))
            lowest.append(heap_bytes)
            values["live_set_bytes"] = min(lowest)
        ever, unloaded = values.pop("classes_ever_loaded", None), values.pop("classes_unloaded", 0)
        if ever is not None:
            values["loaded_classes"] = ever - unloaded
        return values

    def _job(self, job: RestJob) -> Reading:
        values: dict[str, int | None] = {}
        path = f"/jobs/{quote(job.id)}"
        names = "lastCheckpointFullSize,lastCheckpointSize"  # the first since 1.15
        sizes = {e.get("id"): _whole(e.get("value")) for e in self._rest.get(f"{path}/metrics", {"get": names})}
        values["checkpoint_bytes"] = sizes.get("lastCheckpointFullSize", sizes.get("lastCheckpointSize"))
        vertices = [vertex.id for vertex in read_job(self._rest.job(job.id), f"/jobs/{job.id}").vertices]
        values["watermark_lag_ms"] = self._watermark_lag(job, vertices)
        if job.name.startswith(_UV_JOB):
            values |= self._daily_uv(path, vertices)
        known = {name: value for name, value in values.items() if value is not None and value >= 0}
        return Reading(f"job {job.name[:40]}", "job", job.id, known)

    def _daily_uv(self, path: str, vertices: Sequence[str]) -> dict[str, int | None]:
        """The counts that the job keeps of itself."""
        entries = self._rest.get(f"{path}/accumulators").get("user-task-accumulators", [])
        counts = {str(entry.get("name")): _whole(entry.get("value")) for entry in entries}
        values = {ours: counts.get(theirs) for theirs, ours in _UV_ACCUMULATORS.items()}
        for vertex in vertices:
            asked = f"{path}/vertices/{quote(vertex)}/subtasks/metrics"
            for entry in self._rest.get(asked, {"get": _UV_KEYS, "agg": "sum"}):
                values["uv_keys"] = _whole(entry.get("sum"))
        return values

    def _watermark_lag(self, job: RestJob, vertices: Sequence[str]) -> int | None:
        """Of the lowest watermark of all vertices, behind the clock; None while no watermark is known."""
        lowest: list[int] = []
        for vertex in vertices:
            path = f"/jobs/{quote(job.id)}/vertices/{quote(vertex)}/watermarks"
            found = [_whole(entry.get("value")) for entry in self._rest.get(path)]
            lowest += [value for value in found if value is not None and value > _LOWEST_WATERMARK]
        now_ms = time.time_ns() // 1_000_000
        return max(0, now_ms - min(lowest)) if lowest else None


def _whole(value: Any) -> int | None:
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
