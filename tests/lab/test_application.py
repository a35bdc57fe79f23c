"""Application mode on a real Flink: the job has a JobManager of its own, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.errors import LabError, UsageError
from flinkscope.lab.application import run_application
from flinkscope.lab.incidents import jm_metaspace
from flinkscope.lab.incidents.jm_metaspace import ENTRY_CLASS, JAR, Plan
from flinkscope.lab.launch import Application

MEMORY = {
    "jobmanager.memory.process.size": "800m",
    "taskmanager.memory.process.size": "800m",
    "taskmanager.memory.managed.size": "32m",
}


@pytest.mark.flink
def test_a_job_runs_in_a_jobmanager_of_its_own_that_ends_with_it() -> None:
    told: list[tuple[str, str]] = []
    done = run_application(
        JAR,
        ["--pin", "hook", "--name", "alone"],
        entry_class=ENTRY_CLASS,
        config=MEMORY,
        on_job=lambda job, url: told.append((job, url)),
    )
    assert (done.state, done.exit_code) == ("FINISHED", 0)
    for job, url in told:  # none if it was done before anyone asked
        assert (done.job, done.name) == (job, "alone")
        assert url.endswith(f"/#/job/running/{job}/overview")


@pytest.mark.flink
@pytest.mark.heavy
def test_a_main_that_fails_is_told_with_its_reason() -> None:
    with pytest.raises(LabError, match="no pin nonsense"):
        run_application(JAR, ["--pin", "nonsense"], entry_class=ENTRY_CLASS, config=MEMORY)


@pytest.mark.flink
@pytest.mark.heavy
def test_applications_one_after_another_leave_nothing(tmp_path: Path) -> None:
    outcome = jm_metaspace.run(Plan(via="application", submissions=2, ballast=500), tmp_path / "case")
    assert (outcome.flat, outcome.leaked, len(outcome.submissions), outcome.forecast) == (True, 0, 2, None)
    floors = [submission.floor_bytes for submission in outcome.submissions]
    assert max(floors) - min(floors) < 2 << 20


def test_the_jar_lies_where_flink_looks_for_it(tmp_path: Path) -> None:
    application = Application(JAR, ENTRY_CLASS, ("--pin", "hook"))
    assert application.install(tmp_path) == tmp_path / "lib"
    assert (tmp_path / "usrlib" / JAR.name).read_bytes() == JAR.read_bytes()
    assert application.program() == ["--job-classname", ENTRY_CLASS, "--pin", "hook"]


def test_a_cure_can_be_application_mode() -> None:
    assert jm_metaspace.cure_plan(Plan(), "application").via == "application"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--application", "--target", "127.0.0.1:9"], "brings its own"),
        (["--application", "-D", "nothing"], "no value"),
    ],
)
def test_options_that_make_no_sense_are_refused(words: list[str], text: str) -> None:
    error = CliRunner().invoke(cli, ["submit", str(JAR), *words]).exception
    assert isinstance(error, UsageError)
    assert text in error.message


def test_a_jar_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such jar"):
        run_application(tmp_path / "no.jar")
