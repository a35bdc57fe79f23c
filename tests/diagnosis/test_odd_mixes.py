"""Little evidence of one kind: what it tells is said, what it does not tell is not made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope import diagnose
from report_support.pods import killed_pod

START = (
    "2026-11-01 10:00:00,000 INFO  org.apache.flink.runtime.Start [] -  Starting {} (Version: 1.18.1, Scala: 2.12)\n"
)
TASK_MANAGER = START.format("TaskManager")
JOB_MANAGER = START.format("KubernetesSessionClusterEntrypoint")
LATER = "2026-11-01 10:00:01,000 "
FAILED = LATER + "ERROR org.apache.flink.runtime.taskmanager.Task [] - failed\njava.lang.OutOfMemoryError: {}\n"
OF_A_TASK = (
    LATER + "INFO  org.apache.flink.runtime.executiongraph.ExecutionGraph [] - Window (1/2) (abc_0_0) switched from "
    "RUNNING to FAILED on 10.0.0.1:6122-abc @ host (dataPort=1).\njava.lang.OutOfMemoryError: {}\n"
)
YARN = (
    LATER + "WARN  org.apache.flink.yarn.YarnResourceManagerDriver [] - Worker container_e01_0002 is terminated. "
    "Diagnostics: Container [pid=7,containerID=container_e01_0002] is running 123456B beyond the 'PHYSICAL' memory "
    "limit."
)
SIGTERM = LATER + "INFO  org.apache.flink.runtime.TaskManagerRunner [] - RECEIVED SIGNAL 15: SIGTERM. Shutting down.\n"
ROCKSDB = "taskmanager.memory.process.size: 4g\nstate.backend.type: rocksdb\n"
POD = killed_pod("2Gi")

# (root cause, first finding) of files by name
MIXES: dict[str, tuple[str | None, str | None, dict[str, str]]] = {
    "config": (None, None, {"config.yaml": ROCKSDB}),
    "config without managed memory": ("R26", "R26", {"c": ROCKSDB + "taskmanager.memory.managed.size: 0m\n"}),
    "config of both roles, one refused": (
        "R29", "R29",
        {"c": "jobmanager.memory.process.size: 500m\ntaskmanager.memory.process.size: 1728m\n"},
    ),
    "heap text of a task manager": (None, None, {"tm.log": TASK_MANAGER + FAILED.format("Java heap space")}),
    "overhead text": (None, "R10", {"tm.log": TASK_MANAGER + FAILED.format("GC overhead limit exceeded")}),
    "metaspace text": (None, None, {"tm.log": TASK_MANAGER + FAILED.format("Metaspace")}),
    "job manager tells of a task's heap": (None, None, {"jm.log": JOB_MANAGER + OF_A_TASK.format("Java heap space")}),
    "job manager tells of a task's direct memory": (
        "R21", "R21", {"jm.log": JOB_MANAGER + OF_A_TASK.format("Direct buffer memory")},
    ),
    "job manager tells of YARN": ("R20", "R20", {"jm.log": JOB_MANAGER + YARN}),
    "a polite end": (None, None, {"tm.log": TASK_MANAGER + SIGTERM}),
    "killed after a heap text": (
        None, None, {"pod.json": json.dumps(POD), "tm.log": TASK_MANAGER + FAILED.format("Java heap space")},
    ),
    "killed with a larger -Xmx": (
        "R30", "R30",
        {"pod.json": json.dumps(POD),
         "config.yaml": "taskmanager.memory.process.size: 2g\nenv.java.opts.taskmanager: -Xmx3g\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXES)
def test_what_it_tells_and_no_more(tmp_path: Path, name: str) -> None:
    root, first, files = MIXES[name]
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    diagnosis = diagnose(*(tmp_path / file for file in files))
    assert (diagnosis.root_cause.rule if diagnosis.root_cause else None) == root
    assert [f.rule for f in diagnosis.fired][:1] == ([first] if first else [])
