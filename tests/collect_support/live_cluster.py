"""One small Flink for the tests of collect and watch: started once, a job running on it, gone with the test run."""

from __future__ import annotations

import atexit
import time
from functools import lru_cache
from pathlib import Path

from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents import uv_heap

SECRET = "geheim-4711"


@lru_cache(maxsize=1)
def live_cluster() -> tuple[Cluster, str]:
    """The cluster, and the id of a job that runs on it and makes a checkpoint every second."""
    cluster = Cluster({
        "taskmanager.memory.process.size": "1216m", "jobmanager.memory.process.size": "800m",
        "execution.checkpointing.interval": "1 s", "s3.secret-key": SECRET,
        "metrics.fetcher.update-interval": "1000", "rest.profiling.enabled": "true",
        "env.java.opts.taskmanager": "-Xlog:gc*,safepoint:file=log/gc-%p.log:time,uptime,level,tags",
    })  # fmt: skip
    cluster.__enter__()
    atexit.register(cluster.stop)
    plan = uv_heap.Plan(size="quick", design="bucket")
    folders = {name: cluster.folder / name for name in ("truth", "hold", "results")}
    for folder in folders.values():
        folder.mkdir()
    (folders["hold"] / "freeze").touch()  # else the job is over before a long test run comes to its last test
    words = ["--design", plan.design, "--trigger", plan.trigger, *plan.shop.job_arguments()]
    words += [word for name, folder in folders.items() for word in (f"--{name}", str(folder))]
    job = cluster.submit(uv_heap.JAR, uv_heap.ENTRY_CLASS, words, 1)
    deadline = time.monotonic() + 60
    while not cluster.rest.get(f"/jobs/{job}/checkpoints")["counts"]["completed"] and time.monotonic() < deadline:
        time.sleep(0.5)
    return cluster, job


def rest_url() -> str:
    """The address of its JobManager."""
    return live_cluster()[0].rest_url


def task_manager_pid() -> int:
    """The process id of its TaskManager."""
    return live_cluster()[0].workers[0].pid


def log_folder() -> Path:
    """Where its processes log."""
    return live_cluster()[0].folder / "log"
