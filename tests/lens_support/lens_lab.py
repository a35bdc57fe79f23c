"""Runs jobs of known content (jobs/lens) on a real Flink, waits until all is processed, and dumps both processes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flinkscope.lab.cluster import Cluster
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.rest import Rest
from flinkscope.lab.submission import run_client
from flinkscope.lab.wheels import flink_home, java_home

JAR = Path(__file__).resolve().parents[1] / "corpus" / "lens" / "flinkscope-lens.jar"
ENTRY_CLASS = "flinkscope.lab.lens.LensJob"
_MASK = (1 << 64) - 1
START_MS = 1_700_006_400_000  # Events.START
_PATIENCE_S = 600.0
_MEMORY = {
    "taskmanager.memory.process.size": "1400m",
    "taskmanager.numberOfTaskSlots": "24",
    "taskmanager.memory.network.min": "128m",
    "jobmanager.memory.process.size": "1000m",
    "metrics.fetcher.update-interval": "500",
    "heartbeat.timeout": "600000",
    "client.timeout": "600 s",
    "slot.request.timeout": "600000",  # so many jobs at once on a busy machine
    "pekko.ask.timeout": "180 s",  # deployments on a busy machine
    "akka.ask.timeout": "180 s",  # its name before 1.18
}


@dataclass(frozen=True)
class Job:
    """One job: ``words`` are its options without dashes; event i has the key i % keys (or a hash of i, with the option
    ``order``: ``hashed``) and the time START_MS + i × spacing."""

    name: str
    events: int = 3_000
    keys: int = 1_000
    spacing_ms: int = 1_000
    words: Mapping[str, object] = field(default_factory=dict)

    @property
    def watermark_ms(self) -> int:
        """The last one: of monotonous timestamps, one before the last event."""
        return START_MS + (self.events - 1) * self.spacing_ms - 1

    def arguments(self) -> list[str]:
        """The program's arguments."""
        options = {"name": self.name, "events": self.events, "keys": self.keys, "spacing-ms": self.spacing_ms}
        return [word for name, value in {**options, **self.words}.items() for word in (f"--{name}", str(value))]

    def times(self) -> list[tuple[int, int]]:
        """(key, time) of each event."""
        hashed = self.words.get("order") == "hashed"
        return [((_mixed(i) if hashed else i) % self.keys, START_MS + i * self.spacing_ms) for i in range(self.events)]


def _mixed(index: int) -> int:
    """Events.mixed: SplitMix64's finisher."""
    z = (index + 1) * 0x9E3779B97F4A7C15 & _MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return z ^ z >> 31


@dataclass(frozen=True)
class Ran:
    """The dumps, and what REST said of each job (by name) just before: sums of the job's own counters, watermark."""

    task_manager: Path
    job_manager: Path
    counters: dict[str, dict[str, int]]
    watermarks: dict[str, int]
    job_ids: dict[str, str]


def run(
    jobs: Sequence[Job],
    folder: Path,
    *,
    flink: str = "2.3.0",
    java: str = "17",
    config: Mapping[str, str] | None = None,
    parallelism: int = 2,
    client: bool = False,
) -> Ran:
    """Runs the jobs side by side until nothing moves any more. ``client``: by a client JVM instead of the web."""
    with Cluster({**_MEMORY, **(config or {})}, flink=flink_home(flink), java=java_home(java)) as cluster:
        cluster.rest = Rest(cluster.rest_url, _PATIENCE_S)  # a submission may take long on a busy machine
        jar = "" if client else cluster.rest.upload(JAR)
        ids = {job.name: _submit(cluster, job, parallelism, jar) for job in jobs}
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            seen = {job.name: _watermark(cluster, ids[job.name]) for job in jobs}
            if all(seen[job.name] == job.watermark_ms for job in jobs):
                break
            _must_run(cluster)
            assert time.monotonic() < deadline, f"not all was processed: {seen}"
            time.sleep(0.5)
        if config and "execution.checkpointing.interval" in config:
            _wait_for_checkpoints(cluster, list(ids.values()), deadline)
        counters = {name: _counters(cluster, job_id) for name, job_id in ids.items()}
        dump_live_heap(cluster.workers[0].pid, folder / "tm.hprof")
        dump_live_heap(cluster.job_manager.pid, folder / "jm.hprof")
    return Ran(folder / "tm.hprof", folder / "jm.hprof", counters, seen, ids)  # type: ignore[arg-type]


def _must_run(cluster: Cluster) -> None:
    for row in cluster.rest.get("/jobs/overview")["jobs"]:
        if row["state"] in ("FAILED", "FAILING", "RESTARTING"):
            reason = cluster.rest.get(f"/jobs/{row['jid']}/exceptions")
            raise AssertionError(f"{row['name']} {row['state']}: {str(reason)[:3000]}")


def _submit(cluster: Cluster, job: Job, parallelism: int, jar: str) -> str:
    if jar:
        return cluster.rest.run(jar, ENTRY_CLASS, job.arguments(), parallelism)
    assert cluster.flink is not None
    assert cluster.java is not None
    before = {row["jid"] for row in cluster.rest.get("/jobs/overview")["jobs"]}
    conf = cluster.config_path.parent
    run_client(cluster.flink, cluster.java, conf, JAR, ENTRY_CLASS, job.arguments())
    (new,) = {row["jid"] for row in cluster.rest.get("/jobs/overview")["jobs"]} - before
    return str(new)


def _vertices(cluster: Cluster, job_id: str) -> list[str]:
    """All but the source, which comes first."""
    return [v["id"] for v in cluster.rest.get(f"/jobs/{job_id}")["vertices"] if not v["name"].startswith("Source:")]


def _watermark(cluster: Cluster, job_id: str) -> int | None:
    """The least of all vertices behind the source; None while one has not told."""
    found = []
    for vertex in _vertices(cluster, job_id):
        path = f"/jobs/{job_id}/vertices/{vertex}/subtasks/metrics?get=currentInputWatermark&agg=min"
        answer: list[dict[str, Any]] = cluster.rest.get(path)
        if not answer:
            return None
        found.append(int(float(answer[0]["min"])))
    return _exact(cluster, job_id, found) if found else None


def _exact(cluster: Cluster, job_id: str, rounded: list[int]) -> int | None:
    """REST's sums are doubles, exact below 2⁵³."""
    return min(rounded) if min(rounded) > 0 else None


def _counters(cluster: Cluster, job_id: str) -> dict[str, int]:
    """Sum over subtasks of each ``lens_*`` counter."""
    found: dict[str, int] = {}
    time.sleep(1.2)  # two rounds of the metric fetcher, so that the last values are there
    for vertex in _vertices(cluster, job_id):
        base = f"/jobs/{job_id}/vertices/{vertex}/subtasks/metrics"
        names = [row["id"] for row in cluster.rest.get(base) if "lens_" in row["id"]]
        if names:
            for row in cluster.rest.get(f"{base}?get={','.join(names)}&agg=sum"):
                short = row["id"].rsplit("lens_", 1)[-1]
                found[short] = int(float(row["sum"]))
    return found


def _wait_for_checkpoints(cluster: Cluster, job_ids: list[str], deadline: float) -> None:
    while time.monotonic() < deadline:
        if all(cluster.rest.get(f"/jobs/{i}/checkpoints")["counts"]["completed"] >= 2 for i in job_ids):
            return
        time.sleep(0.5)
    raise AssertionError("no checkpoint was completed")
