"""Incident 2's job in application mode: each run has a JobManager of its own, so no submission sees another's."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flinkscope.errors import LabError
from flinkscope.lab.application import first_job
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.launch import Application
from flinkscope.lab.wheels import FlinkHome, JavaHome
from flinkscope.progress import Progress

_RUNNING_LIMIT_S = 120.0


@contextmanager
def running_application(
    jar: Path,
    entry_class: str,
    arguments: list[str],
    config: Mapping[str, str],
    homes: tuple[FlinkHome, JavaHome],
    progress: Progress,
) -> Iterator[Cluster]:
    """A cluster in application mode whose job runs: it reads from a socket that is held open here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = (*arguments, "--port", str(server.getsockname()[1]))
        with Cluster(config, 1, *homes, progress, Application(jar, entry_class, words)) as cluster:
            wait_until_running(cluster, lambda: first_job(cluster))
            yield cluster


def wait_until_running(cluster: Cluster, job: Callable[[], dict[str, str] | None]) -> None:
    """Returns when the job runs; raises LabError when it ends before, or does not come up."""
    deadline = time.monotonic() + _RUNNING_LIMIT_S
    while time.monotonic() < deadline:
        now = job()
        if now is not None and now["state"] == "RUNNING":
            return
        code = cluster.job_manager.exit_code
        if code is not None:
            raise LabError(f"the JobManager ended with code {code} before its job ran")
        time.sleep(0.3)
    raise LabError(f"the job did not run within {_RUNNING_LIMIT_S:.0f} s")
