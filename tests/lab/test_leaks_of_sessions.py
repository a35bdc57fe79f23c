"""Leaked class loaders of real session clusters: told apart from live jobs', in JobManager and TaskManager."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from flinkscope import diagnose, open_heap
from flinkscope.diagnosis.finding import Verdict
from flinkscope.errors import LabError
from flinkscope.flink.loaders import UserLoader
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents.jm_metaspace import ENTRY_CLASS, JAR
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.submitters import ClientSubmitter, Submitter, WebSubmitter
from flinkscope.lab.wheels import flink_home, java_home

MEMORY = {
    "jobmanager.memory.process.size": "800m",
    "taskmanager.memory.process.size": "800m",
    "taskmanager.memory.managed.size": "32m",
    "taskmanager.numberOfTaskSlots": "4",
}


def wait_for_jobs(cluster: Cluster, running: int) -> dict[str, str]:
    """The running jobs, id → name, as soon as there are that many and all others are done."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        jobs = cluster.rest.get("/jobs/overview")["jobs"]
        alive = {job["jid"]: job["name"] for job in jobs if job["state"] not in ("FINISHED", "CANCELED", "FAILED")}
        states = {job["state"] for job in jobs if job["jid"] in alive}
        if len(alive) == running and states <= {"RUNNING"}:
            return alive
        time.sleep(0.3)
    raise AssertionError(f"not {running} running jobs: {cluster.rest.get('/jobs/overview')}")


def loaders_of(pid: int, dump: Path) -> tuple[UserLoader, ...]:
    dump_live_heap(pid, dump)
    return open_heap(dump, cache=False).flink_loaders()


def submit_all(way: Submitter, each: Sequence[Sequence[str]]) -> None:
    for words in each:
        way.submit(words)


@pytest.mark.flink
@pytest.mark.parametrize(
    ("java", "flink"),
    [
        ("17", "2.3.0"),
        pytest.param("11", "2.3.0", marks=pytest.mark.heavy),
        pytest.param("21", "2.3.0", marks=pytest.mark.heavy),
        pytest.param("25", "2.3.0", marks=pytest.mark.heavy),
        pytest.param("11", "1.20.3", marks=pytest.mark.heavy),
        pytest.param("17", "1.20.3", marks=pytest.mark.heavy),
    ],
)
def test_two_live_jobs_beside_three_leaked_submissions(java: str, flink: str, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Cluster(MEMORY, flink=flink_home(flink), java=java_home(java)) as cluster,
    ):
        port = ["--port", str(server.getsockname()[1])]
        leaking = [["--pin", "hook"], ["--pin", "hook,jdbc"], ["--pin", "hook"]]
        submit_all(WebSubmitter(cluster, JAR, ENTRY_CLASS), leaking)
        live = ClientSubmitter(cluster, JAR, ENTRY_CLASS)
        submit_all(live, [[*port, "--name", f"live {number}"] for number in range(2)])
        jobs = wait_for_jobs(cluster, 2)
        rows = loaders_of(cluster.job_manager.pid, tmp_path / "jobmanager.hprof")
        of_tasks = loaders_of(cluster.workers[0].pid, tmp_path / "taskmanager.hprof")
    leaked = [row for row in rows if row.state == "leaked"]
    assert sorted(sorted(pin.kind for pin in row.pins) for row in leaked) == [
        ["jdbc_driver", "shutdown_hook"], ["shutdown_hook"], ["shutdown_hook"],
    ]  # fmt: skip
    for found in (rows, of_tasks):
        assert {row.job: row.job_name for row in found if row.state == "live"} == jobs
        assert not [row for row in found if row.state == "live" and row.pins]
    assert not [row for row in of_tasks if row.state == "leaked"]


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("healthy", [False, True], ids=["leaks", "cleans up"])
def test_what_a_task_leaves_keeps_its_loader_in_the_taskmanager(healthy: bool, tmp_path: Path) -> None:
    words = ["--task", "thread", *(["--healthy", "yes"] if healthy else [])]
    with Cluster(MEMORY) as cluster:
        submit_all(ClientSubmitter(cluster, JAR, ENTRY_CLASS), [words] * 3)
        wait_for_jobs(cluster, 0)
        jobs = {job["jid"] for job in cluster.rest.get("/jobs/overview")["jobs"]}
        in_manager = loaders_of(cluster.job_manager.pid, tmp_path / "jobmanager.hprof")
        rows = loaders_of(cluster.workers[0].pid, tmp_path / "taskmanager.hprof")
    leaked = [row for row in rows if row.state == "leaked"]
    assert not [row for row in in_manager if row.state == "leaked"]
    assert {row.job for row in leaked} == (set() if healthy else jobs)
    assert {pin.kind for row in leaked for pin in row.pins} == (set() if healthy else {"thread"})
    assert all(row.pins[0].thread == "user-daemon-worker" for row in leaked)
    rule = next(f for f in diagnose(tmp_path / "taskmanager.hprof").findings if f.rule == "R16")
    assert (rule.verdict is Verdict.FIRED) is not healthy


@pytest.mark.flink
@pytest.mark.heavy
def test_of_two_pins_the_one_that_stays_is_named(tmp_path: Path) -> None:
    with Cluster(MEMORY) as cluster:
        way = WebSubmitter(cluster, JAR, ENTRY_CLASS)
        submit_all(way, [["--pin", "hook,mbean"]])
        (both,) = (r for r in loaders_of(cluster.job_manager.pid, tmp_path / "both.hprof") if r.state == "leaked")
    with Cluster(MEMORY) as cluster:
        submit_all(WebSubmitter(cluster, JAR, ENTRY_CLASS), [["--pin", "mbean"], ["--pin", "soft"]])
        one = loaders_of(cluster.job_manager.pid, tmp_path / "one.hprof")
    assert {pin.kind for pin in both.pins} == {"shutdown_hook", "mbean"}
    assert [{pin.kind for pin in row.pins} for row in one if row.state == "leaked"] == [{"mbean"}]


def test_an_old_file_never_passes_for_the_dump_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "old.hprof").write_bytes(b"JAVA PROFILE 1.0.2\0")
    with pytest.raises(LabError, match="exists already"):
        dump_live_heap(1, tmp_path / "old.hprof")
