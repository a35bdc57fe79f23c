"""Live sources: a process, a cluster by REST, and both beside files. A real Flink."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from collect_support.live_cluster import live_cluster, log_folder, rest_url, task_manager_pid
from flinkscope.cli.diagnose import command
from flinkscope.errors import SourceError, UsageError
from flinkscope.report.answer import Answer, answer

pytestmark = [pytest.mark.flink, pytest.mark.jvm]


@pytest.fixture(scope="module")
def of_both() -> Answer:
    """The cluster and one of its processes, given together."""
    live_cluster()
    return answer(rest_url(), str(task_manager_pid()))


def test_a_process_and_its_cluster_are_joined(of_both: Answer) -> None:
    roles = sorted((p.role, p.flink_version) for p in of_both.diagnosis.facts.processes)
    assert roles == [("jobmanager", "2.3.0"), ("taskmanager", "2.3.0")]
    manager = next(p for p in of_both.diagnosis.facts.processes if p.role == "taskmanager")
    kinds = {a.kind for a in of_both.case.artifacts if a.process == manager.id}
    assert {"flink_log", "gc_log", "class_histogram", "metrics"} <= kinds
    assert manager.gc
    assert manager.config
    assert manager.checkpoints


def test_each_process_has_its_story(of_both: Answer) -> None:
    rows = {row.role: row for row in of_both.report.processes}
    assert "was observed for" in rows["taskmanager"].story[0]
    assert rows["jobmanager"].story[0].startswith("JobManager jobmanager (Flink 2.3.0")


def test_by_the_command(tmp_path: Path) -> None:
    live_cluster()
    saved = tmp_path / "report.json"
    result = CliRunner().invoke(command, [str(task_manager_pid()), str(log_folder() / "*.log"), "-o", str(saved)])
    assert result.exception is None, result.output
    document = json.loads(saved.read_text())
    assert {p["role"] for p in document["processes"]} == {"jobmanager", "taskmanager"}
    assert len(document["processes"]) == 2


def test_what_does_not_answer_is_told_and_the_rest_is_diagnosed() -> None:
    live_cluster()
    found = answer("127.0.0.1:1", rest_url())
    assert any(row.name == "127.0.0.1:1" and not row.used for row in found.report.artifacts)
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1"):
        answer("127.0.0.1:1")


@pytest.mark.parametrize("words", ["no-such-file", "pod/no-such-pod-here"])
def test_what_is_nowhere(words: str) -> None:
    with pytest.raises((SourceError, UsageError)) as failed:
        answer(words)
    assert failed.value.hint
