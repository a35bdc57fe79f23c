"""Watching a real Flink by REST."""

from __future__ import annotations

import time

import pytest

from collect_support.live_cluster import live_cluster, rest_url
from flinkscope.errors import SourceError
from flinkscope.watch.rest_source import RestSource

pytestmark = pytest.mark.flink


def test_a_cluster_with_its_task_manager_and_job() -> None:
    _cluster, job = live_cluster()
    source = RestSource(rest_url())
    deadline, found = time.monotonic() + 30, {}
    while time.monotonic() < deadline:
        found = {reading.role: reading for reading in source.look(time.time_ns())}
        seen = {role: reading.values for role, reading in found.items()}
        if "live_set_bytes" in seen.get("taskmanager", ()) and "checkpoint_bytes" in seen.get("job", ()):
            break
        time.sleep(1)
    worker = found["taskmanager"].values
    assert 0 < worker["live_set_bytes"] < worker["heap_limit_bytes"] < 1216 << 20
    assert 0 < worker["metaspace_bytes"] < worker["metaspace_limit_bytes"] == 256 << 20
    assert 0 < worker["direct_bytes"] <= worker["direct_limit_bytes"]
    assert worker["loaded_classes"] > 1000
    assert worker["threads"] > 10
    assert found["jobmanager"].values["submissions"] == 1
    assert found["job"].identity == job
    assert found["job"].values["checkpoint_bytes"] > 0
    assert "timers" not in found["job"].values


def test_a_cluster_that_is_not_there() -> None:
    with pytest.raises(SourceError):
        RestSource("http://127.0.0.1:9")
