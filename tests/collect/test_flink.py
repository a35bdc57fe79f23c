"""Recording a real Flink: by REST and by process id; the case is what the diagnosis reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from collect_support.live_cluster import SECRET, live_cluster, rest_url, task_manager_pid
from flinkscope import collect, diagnose
from flinkscope.absent import Absent
from flinkscope.capture.collect import Wishes
from flinkscope.sources.case import Case

pytestmark = pytest.mark.flink


def without_secret(case: Case) -> bool:
    return not [a.path for a in case.artifacts if SECRET.encode() in case.path_of(a).read_bytes()]


def test_a_cluster_by_rest(tmp_path: Path) -> None:
    cluster, job = live_cluster()
    case = collect(rest_url(), tmp_path / "rest.zip", Wishes(heap=True))
    roles = {process.role for process in case.processes}
    assert roles == {"jobmanager", "taskmanager"}
    kinds = {artifact.kind for artifact in case.artifacts}
    assert kinds >= {"config", "command_line", "job", "checkpoints", "flink_log", "gc_log", "thread_dump", "metrics"}
    config = yaml.safe_load(case.path_of(case.of_kind("config")[0]).read_text())
    assert config["taskmanager.memory.process.size"] == "1216m"
    assert without_secret(case)
    (checkpoints,) = case.of_kind("checkpoints")
    assert checkpoints.path == f"jobs/{job}/checkpoints.json"
    assert json.loads(case.path_of(checkpoints).read_text())["counts"]["completed"] > 0
    assert {m.kind for m in case.missing} >= {"heap_dump"}
    facts = diagnose(tmp_path / "rest.zip").facts
    worker = next(p for p in facts.processes if p.role == "taskmanager")
    assert worker.flink_version == cluster.flink_version
    for fact in (worker.config, worker.gc, worker.log, worker.checkpoints):
        assert not isinstance(fact, Absent), fact


def test_a_task_manager_by_its_pid(tmp_path: Path) -> None:
    cluster, _job = live_cluster()
    case = collect(str(task_manager_pid()), tmp_path / "tm.zip")
    (process,) = case.processes
    assert (process.role, process.flink_version) == ("taskmanager", cluster.flink_version)
    kinds = {artifact.kind for artifact in case.artifacts}
    assert kinds >= {"config", "command_line", "flink_log", "gc_log", "gcutil", "thread_dump", "class_histogram"}
    assert without_secret(case)
    (worker,) = diagnose(tmp_path / "tm.zip").facts.processes
    for fact in (worker.config, worker.gc, worker.log):
        assert not isinstance(fact, Absent), fact
    assert cluster.workers[0].exit_code is None
