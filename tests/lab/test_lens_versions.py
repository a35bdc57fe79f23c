"""Dumps of other Flink versions, read by the same lens: counts lie between what the job told before and after."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.flink.lens import view
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents.uv_heap import ENTRY_CLASS, JAR, Plan
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.truth import expected_state, read_truth
from flinkscope.lab.wheels import flink_home

MEMORY = {"taskmanager.memory.process.size": "1000m", "jobmanager.memory.process.size": "900m",
          "taskmanager.numberOfTaskSlots": "2"}  # fmt: skip


def counted(folder: Path) -> int:
    return int(expected_state(read_truth(folder), "window", "purging").get("panes", 0))


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("version", ["1.20.3"])  # the shipped jar needs 1.19 or newer: 1.17 refuses it
def test_counts_of_an_older_flink_lie_between_the_jobs_own(version: str, tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    words = ["--design", "window", "--trigger", "purging", *Plan().shop.job_arguments()]
    words += ["--results", str(tmp_path / "results"), "--truth", str(truth)]
    with Cluster(MEMORY, flink=flink_home(version)) as cluster:
        cluster.submit(JAR, ENTRY_CLASS, words, 2)
        deadline = time.monotonic() + 120
        while not (truth.is_dir() and counted(truth) > 50_000) and time.monotonic() < deadline:
            time.sleep(0.5)
        before = counted(truth)
        dump_live_heap(cluster.workers[0].pid, tmp_path / "tm.hprof")
        after = counted(truth)
        dump_live_heap(cluster.job_manager.pid, tmp_path / "jm.hprof")
    seen = view(open_heap(tmp_path / "tm.hprof", cache=False))
    panes = next(s for s in seen.state.states if s.name == "fire-time")
    assert 50_000 < before - 2 <= panes.entries <= after + 2
    assert panes.keys == panes.entries
    assert sum(t.cleanup for t in seen.state.timers) == pytest.approx(panes.entries, abs=2)
    assert (seen.process.role, seen.process.flink_version) == ("taskmanager", version)
    assert seen.ownership.named_bp >= 9_800
    manager = view(open_heap(tmp_path / "jm.hprof", cache=False))
    assert (manager.process.role, manager.process.flink_version) == ("jobmanager", version)
    assert manager.ownership.named_bp >= 9_800
