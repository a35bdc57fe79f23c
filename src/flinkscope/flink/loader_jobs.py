"""Which job a user class loader works for, the jobs' names and when they began, as far as a heap dump tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.reader import Indices, Reader

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

_ENTRY = "org.apache.flink.runtime.execution.librarycache.BlobLibraryCacheManager$LibraryCacheEntry"
_JOB_ID = "org.apache.flink.api.common.JobID"
_JOB_OF_BLOB = re.compile(r"/job_([0-9a-f]{32})/blob_")
_DETAILS = "org.apache.flink.runtime.messages.webmonitor.JobDetails"
_ARCHIVED = "org.apache.flink.runtime.executiongraph.ArchivedExecutionGraph"
_NAMED_JOBS = (
    ("org.apache.flink.runtime.executiongraph.JobInformation", ("jobId",)),
    ("org.apache.flink.runtime.metrics.groups.TaskManagerJobMetricGroup", ("jobId",)),  # in a TaskManager, all versions
    (_DETAILS, ("jobId",)),
    (_ARCHIVED, ("jobID",)),
)
_TIMED_JOBS = (
    ("org.apache.flink.runtime.executiongraph.DefaultExecutionGraph", ("jobInformation", "jobId")),
    (_ARCHIVED, ("jobID",)),
)
_STOPS = ("java.lang.Class", "java.lang.ClassLoader", "java.lang.Thread")  # from these on anything is in reach
_STEPS = 4


def jobs_of_loaders(reader: Reader, loaders: Indices, jars: tuple[tuple[str, ...], ...]) -> list[str | None]:
    """The job id (hex) of each loader: from Flink's library cache, else from the path of its blob; None: neither."""
    cached = _cached(reader)
    return [cached.get(int(loader)) or _job_of(paths) for loader, paths in zip(loaders, jars, strict=True)]


def jobs_held(reader: Reader, owner: NDArray[np.int32], members: Indices, positions: list[int]) -> dict[int, str]:
    """Loader position → the one job whose id its own objects hold (a JobClient, a JobExecutionResult).

    This is how a web submission's loader can be told: it ran main(), and what main() left may know what it submitted.
    At most four references are followed; nothing is said where two jobs are in reach.
    """
    ids = reader.instances(_JOB_ID)
    if not len(ids) or not positions:
        return {}
    heap = reader.heap
    stops = np.zeros(heap.object_count, bool)
    for name in _STOPS:
        stops[reader.instances(name, subclasses=True)] = True
    found = {}
    of_member = owner[members]
    for position in positions:
        own = members[of_member == position].astype(np.int64)
        reached = np.intersect1d(_nearby(heap, own, owner, stops), ids)
        jobs = {_hex_id(reader, int(index)) for index in reached}
        if len(jobs) == 1:
            found[position] = jobs.pop() or ""
    return {position: job for position, job in found.items() if job}


def job_names(reader: Reader) -> dict[str, str]:
    """Job id → name."""
    names: dict[str, str] = {}
    for class_name, path in _NAMED_JOBS:
        for index in reader.instances(class_name):
            job, name = _hex_id(reader, reader.follow(int(index), *path)), reader.text(int(index), "jobName")
            if job and name:
                names.setdefault(job, name)
    return names


def job_starts(reader: Reader) -> dict[str, int]:
    """Job id → when it came into being, in ms since 1970."""
    starts = {}
    for class_name, path in _TIMED_JOBS:
        for index in reader.instances(class_name):
            job = _hex_id(reader, reader.follow(int(index), *path))
            array = reader.follow(int(index), "stateTimestamps")
            if job and array >= 0:
                times = reader.heap.primitive_array(array)
                starts[job] = min((int(time) for time in times if time > 0), default=0)
    return {job: start for job, start in starts.items() if start}


def _cached(reader: Reader) -> dict[int, str]:
    """Loader → job id, from the library cache of JobManager and TaskManager (1.12+)."""
    found = {}
    for entry in reader.instances(_ENTRY):
        loader = reader.follow(int(entry), "resolvedClassLoader", "classLoader")
        inner = reader.follow(loader, "inner")
        job = _hex_id(reader, reader.follow(int(entry), "jobId"))
        if job is not None:
            found[inner if inner >= 0 else loader] = job
    return found


def _job_of(jars: tuple[str, ...]) -> str | None:
    found = (_JOB_OF_BLOB.search(jar) for jar in jars)
    return next((match[1] for match in found if match), None)


def _hex_id(reader: Reader, index: int) -> str | None:
    parts = [reader.number(index, name) for name in ("lowerPart", "upperPart")]
    if parts[0] is None or parts[1] is None:
        return None
    return "".join(f"{part & (1 << 64) - 1:016x}" for part in parts if part is not None)


def _nearby(
    heap: Heap, own: NDArray[np.int64], owner: NDArray[np.int32], stops: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Objects outside of all user loaders that are a few references from ``own`` away."""
    graph = heap.graph
    seen = np.empty(0, np.int64)
    frontier = own
    for _ in range(_STEPS):
        first, last = graph.starts[frontier].astype(np.int64), graph.starts[frontier + 1].astype(np.int64)
        counts = last - first
        places = np.repeat(first - np.append(0, np.cumsum(counts)[:-1]), counts) + np.arange(int(counts.sum()))
        targets = np.unique(graph.targets[places])
        targets = targets[~stops[targets] & (owner[targets] < 0)].astype(np.int64)
        frontier = np.setdiff1d(targets, seen, assume_unique=True)
        seen = np.concatenate([seen, frontier])
    return seen
