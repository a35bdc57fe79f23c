"""The cluster's own life: it comes up, is ours, refuses bad memory with Flink's words, and goes when killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flinkscope.errors import LabError, MemoryConfigError
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.rest import Rest
from flinkscope.lab.wheels import flink_home

STARTER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background of a shell inherits "ignore"
from flinkscope.lab.cluster import Cluster
with Cluster({"jobmanager.memory.process.size": "800m"}, task_managers=0) as cluster:
    print(cluster.job_manager.pid, cluster.folder, flush=True)
    time.sleep(300)
"""


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pid: int, folder: Path, limit_s: float = 30.0) -> bool:
    deadline = time.monotonic() + limit_s
    while (alive(pid) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pid) and not folder.exists()


@pytest.mark.flink
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_lab_is_killed(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as starter:
        assert starter.stdout is not None
        pid, _, folder = starter.stdout.readline().strip().partition(" ")
        assert alive(int(pid))
        starter.send_signal(number)
    assert gone(int(pid), Path(folder))


@pytest.mark.flink
def test_memory_that_flink_refuses_is_told_in_flink_s_words() -> None:
    cluster = Cluster({"taskmanager.memory.process.size": "400m"})
    with pytest.raises(MemoryConfigError) as error, cluster:
        pass
    assert "exceed configured Total Process Memory" in " ".join(error.value.messages)
    assert not cluster.folder.exists()
    assert cluster.processes == []


def test_a_job_manager_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(LabError, match=r"127\.0\.0\.1") as error:
        Rest("http://127.0.0.1:9", timeout_s=2).get("/overview")
    assert error.value.exit_code == 3


def test_processes_of_a_cluster_that_never_started_need_no_stop() -> None:
    cluster = Cluster()
    cluster.stop()
    assert cluster.processes == []
    assert os.getpgid(0) > 0


@pytest.mark.flink
@pytest.mark.heavy
def test_an_older_flink_runs_too_with_the_memory_of_its_command_line() -> None:
    memory = {"taskmanager.memory.process.size": "900m", "taskmanager.memory.managed.size": "64m"}
    with Cluster(memory, flink=flink_home("1.20.3")) as cluster:
        (worker,) = cluster.rest.get("/taskmanagers")["taskmanagers"]
        told = worker["memoryConfiguration"]
        assert cluster.rest.get("/overview")["flink-version"] == "1.20.3"
        assert f"-Xmx{told['frameworkHeap'] + told['taskHeap']}" in cluster.workers[0].command
        assert f"-XX:MaxMetaspaceSize={told['jvmMetaspace']}" in cluster.workers[0].command
