"""A proposed configuration on a real Flink: the TaskManager starts, and REST tells the split that was promised."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.sizing import size_for
from flinkscope.formats.flink_config import parse_flink_config
from flinkscope.units import MIB

REST_NAMES = {
    "frameworkHeap": "framework_heap_bytes",
    "taskHeap": "task_heap_bytes",
    "frameworkOffHeap": "framework_off_heap_bytes",
    "taskOffHeap": "task_off_heap_bytes",
    "networkMemory": "network_bytes",
    "managedMemory": "managed_bytes",
    "jvmMetaspace": "metaspace_bytes",
    "jvmOverhead": "overhead_bytes",
    "totalFlinkMemory": "flink_bytes",
    "totalProcessMemory": "process_bytes",
}


@pytest.mark.flink
def test_a_proposed_taskmanager_has_the_promised_split() -> None:
    pytest.importorskip("pyflink", reason="the lab's Flink wheel is not installed")
    from flinkscope.lab.cluster import Cluster

    proposals = {p.name: p for p in size_for(heap_bytes=300 * MIB, config={}, flink="2.3.0")}
    proposal = proposals["no-managed-memory"]
    config = {key: value for key, value in proposal.changes.items() if value is not None}
    with Cluster({**config, "jobmanager.memory.process.size": "800m"}) as cluster:
        (entry,) = cluster.rest.get("/taskmanagers")["taskmanagers"]
        document = cluster.rest.get(f"/taskmanagers/{entry['id']}")
        (worker,) = cluster.workers
        command = worker.command
        by_rest = CliRunner().invoke(cli, ["memory", "--rest", cluster.rest_url])
        master = CliRunner().invoke(cli, ["memory", "--rest", cluster.rest_url, "--role", "jobmanager"])
        by_pid = CliRunner().invoke(cli, ["memory", "--pid", str(worker.pid)])
    for result in (by_rest, by_pid):
        assert f"  {proposal.model.jvm_flags}\n" in result.output, result.output
    assert "TaskManager of Flink 2.3.0, from http" in by_rest.output
    assert f"  {memory_model({'jobmanager.memory.process.size': '800m'}, 'jobmanager').jvm_flags}\n" in master.output
    told = document["memoryConfiguration"]
    assert {name: told[name] for name in REST_NAMES} == {
        name: getattr(proposal.model, attribute) for name, attribute in REST_NAMES.items()
    }
    assert set(proposal.model.jvm_flags) <= set(command)
    (effective,) = parse_flink_config(json.dumps(document), "rest")
    assert memory_model(effective.mapping()).tree() == proposal.model.tree()
    (from_command,) = parse_flink_config("\0".join(command), "cmdline")
    assert memory_model(from_command.mapping()).tree() == proposal.model.tree()
