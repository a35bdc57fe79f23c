"""Leaked class loaders of a running JobManager without a heap dump."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.errors import UsageError
from flinkscope.flink.live_loaders import loaders_by_rest, loaders_of_process, running_jobs
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents.jm_metaspace import ENTRY_CLASS, JAR
from flinkscope.lab.submitters import WebSubmitter
from flinkscope.sources.flink_rest import FlinkRest

MEMORY = {
    "jobmanager.memory.process.size": "800m",
    "taskmanager.memory.process.size": "800m",
    "taskmanager.memory.managed.size": "32m",
    "taskmanager.numberOfTaskSlots": "4",
}


@pytest.mark.flink
@pytest.mark.heavy
def test_attach_and_rest_tell_three_leaked_submissions_beside_a_running_job(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Cluster(MEMORY) as cluster:
        way, pid = WebSubmitter(cluster, JAR, ENTRY_CLASS), cluster.job_manager.pid
        way.submit(["--port", str(server.getsockname()[1])])
        rest = FlinkRest(cluster.rest_url)
        clean = loaders_of_process(pid, running_jobs=running_jobs(rest))
        assert (clean.running_jobs, clean.kept, clean.leaked, clean.repeated) == (1, 0, False, ())
        for _ in range(3):
            way.submit(["--pin", "thread", "--ballast", "500"])
        deadline = time.monotonic() + 30
        while running_jobs(rest) > 1 and time.monotonic() < deadline:  # theirs end by themselves
            time.sleep(0.2)
        seen = loaders_of_process(pid, running_jobs=running_jobs(rest))
        assert (seen.kept, seen.leaked) == (3, True)
        assert isinstance(seen.loader_bytes, int)
        assert 1_800_000 < seen.loader_bytes < 2_600_000
        assert seen.submissions_left == (256 * 1024**2 - int(seen.metaspace_used_bytes or 0)) // seen.loader_bytes
        by_rest = loaders_by_rest(rest)
        assert by_rest.leaked
        assert [(again.name, again.count) for again in by_rest.repeated] == [("user-daemon-worker", 3)]
        result = CliRunner().invoke(cli, ["loaders", str(pid), "--rest", cluster.rest_url, "--json"])
        assert result.exit_code == 1
        assert json.loads(result.stdout)["kept"] == 3


def test_what_is_no_process_is_refused_with_a_hint() -> None:
    result = CliRunner().invoke(cli, ["loaders", "jobmanager.hprof"])
    assert isinstance(result.exception, UsageError)
    assert "--leaked" in result.exception.hint
