"""Flame graphs of a real Flink: its own profiler by REST, async-profiler by attach afterwards, its operator's graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.formats.flame_files import parse_flink_flame_graph
from flinkscope.jvm.flame_live import FlameTarget, record_flame
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents.uv_heap import ENTRY_CLASS, JAR, Plan
from flinkscope.sources.flink_rest import FlinkRest
from jvm_support.profiled import share

pytestmark = [pytest.mark.flink, pytest.mark.jvm]
pytest.importorskip("pyflink", reason="the lab wheels are not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One TaskManager that counts visitors; profiler and operator flame graphs are switched on."""
    plan = Plan(size="full", design="bucket")
    switches = {"rest.profiling.enabled": "true", "rest.flamegraph.enabled": "true"}
    with Cluster({**plan.config(), **switches, "jobmanager.memory.process.size": "900m"}) as running:
        folders = {name: running.folder / name for name in ("truth", "results", "hold")}
        arguments = ["--design", plan.design, "--trigger", plan.trigger, *plan.shop.job_arguments()]
        for name, folder in folders.items():
            folder.mkdir(exist_ok=True)
            arguments += [f"--{name}", str(folder)]
        running.submit(JAR, ENTRY_CLASS, arguments, plan.parallelism)
        yield running


def manager_of(cluster: Cluster) -> str:
    return str(FlinkRest(cluster.rest_url).task_managers()["taskmanagers"][0]["id"])


def test_flinks_profiler_by_rest_names_the_job(cluster: Cluster, tmp_path: Path) -> None:
    url = f"{cluster.rest_url}/taskmanagers/{manager_of(cluster)}"
    result = CliRunner().invoke(cli, ["flame", url, "--event", "alloc", "--seconds", "2", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)["profiles"][0]
    assert document["way"] == "Flink's profiler (REST)"
    assert document["not_taken"] == []
    of_job = [s for s in document["stacks"] if any(f.startswith("flinkscope.lab.uv.") for f in s["frames"])]
    assert sum(s["value"] for s in of_job) > document["total"] // 20


def test_async_profiler_by_attach_after_flinks_own(cluster: Cluster, tmp_path: Path) -> None:
    """Flink's copy is loaded and deleted: a second one would fail."""
    worker = cluster.workers[0].pid
    flame = record_flame(FlameTarget(worker), "wall", 2, may_change=True, folder=str(tmp_path))
    assert flame.way.startswith("async-profiler"), flame.not_taken
    assert share(flame.profile, "org.apache.flink.streaming.runtime.tasks.mailbox.MailboxProcessor.runMailboxLoop") > 0
    assert "flinkscope-" not in Path(f"/proc/{worker}/maps").read_text()
    assert list(tmp_path.iterdir()) == []


def test_the_operators_own_flame_graph(cluster: Cluster, tmp_path: Path) -> None:
    rest = FlinkRest(cluster.rest_url)
    job = rest.jobs()["jobs"][0]["jid"]
    vertex = rest.job(job)["vertices"][0]["id"]
    document = rest.flame_graph(job, vertex)
    profile = parse_flink_flame_graph(document, "x")
    assert profile.total == document["data"]["value"] > 0
    (tmp_path / "flink.json").write_text(json.dumps(document))
    result = CliRunner().invoke(cli, ["flame", str(tmp_path / "flink.json"), "-o", str(tmp_path / "x.html")])
    assert result.exit_code == 0, result.output


@pytest.mark.heavy
def test_without_the_profiler_thread_dumps_by_rest_say_why(tmp_path: Path) -> None:
    with Cluster({"jobmanager.memory.process.size": "900m"}, task_managers=0) as plain:
        flame = record_flame(FlameTarget(None, FlinkRest(plain.rest_url)), "wall", 1)
    assert flame.way.startswith("thread dumps")
    reasons = {way.way: way.reason for way in flame.not_taken}
    assert "rest.profiling.enabled" in reasons["Flink's profiler (REST)"]
    assert all("needs the pid" in reason for way, reason in reasons.items() if "attach" in way)
    assert flame.profile.total > 10
