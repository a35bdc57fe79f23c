"""Submitting from a client JVM leaves nothing in the JobManager; the check finds what main() would leave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope import open_heap
from flinkscope.cli.main import cli
from flinkscope.errors import LabError, UsageError
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents.jm_metaspace import ENTRY_CLASS, JAR
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.submission import leaves_behind, submit

MEMORY = {
    "jobmanager.memory.process.size": "800m",
    "taskmanager.memory.process.size": "800m",
    "taskmanager.memory.managed.size": "32m",
}


@pytest.mark.flink
def test_a_job_with_a_hook_leaves_no_class_loader_when_a_client_submits_it(tmp_path: Path) -> None:
    dump = tmp_path / "jobmanager.hprof"
    with Cluster(MEMORY) as cluster:
        done = submit(JAR, cluster.rest_url, ["--pin", "hook,thread"], entry_class=ENTRY_CLASS)
        assert done.job in {job["id"] for job in cluster.rest.get("/jobs")["jobs"]}
        assert done.url == f"{cluster.rest_url}/#/job/running/{done.job}/overview"
        assert "web.submit.enable: false" in done.warning
        with pytest.raises(LabError, match="no pin nonsense"):
            submit(JAR, cluster.rest_url, ["--pin", "nonsense"], entry_class=ENTRY_CLASS)
        dump_live_heap(cluster.job_manager.pid, dump)
    assert not [row for row in open_heap(dump, cache=False).flink_loaders() if row.state == "leaked"]


@pytest.mark.flink
@pytest.mark.heavy
def test_the_check_finds_what_main_leaves_before_the_first_deployment() -> None:
    (left,) = leaves_behind(JAR, ["--pin", "hook,mbean"], entry_class=ENTRY_CLASS)
    assert {pin.kind for pin in left.pins} == {"shutdown_hook", "mbean"}
    assert leaves_behind(JAR, ["--pin", "hook,mbean", "--healthy", "yes"], entry_class=ENTRY_CLASS) == ()


@pytest.mark.flink
@pytest.mark.heavy
def test_the_command_does_not_submit_what_leaks() -> None:
    words = ["submit", str(JAR), "--class", ENTRY_CLASS, "--check", "--target", "127.0.0.1:9", "--json"]
    result = CliRunner().invoke(cli, [*words, "--", "--pin", "hook"])
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [pin["kind"] for row in document["leaves_behind"] for pin in row["pins"]] == ["shutdown_hook"]
    assert "job" not in document


@pytest.mark.parametrize("target", ["https://there:8081", "ftp://there", "http://"])
def test_a_target_that_is_no_rest_address_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="REST address"):
        submit(JAR, target)


def test_a_jar_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for call in (lambda: submit(tmp_path / "no.jar", "127.0.0.1:9"), lambda: leaves_behind(tmp_path / "no.jar")):
        with pytest.raises(UsageError, match="no such jar"):
            call()


def test_a_target_that_does_not_answer_is_a_clear_error() -> None:
    with pytest.raises(LabError, match=r"127\.0\.0\.1"):
        submit(JAR, "127.0.0.1:9")


def test_without_target_and_check_there_is_nothing_to_do() -> None:
    assert isinstance(CliRunner().invoke(cli, ["submit", str(JAR)]).exception, UsageError)
