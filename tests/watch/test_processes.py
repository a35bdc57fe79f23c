"""Watching real JVMs: figures, restarts, a case before the end, nothing sent to the target; a pod by a stand-in."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from collect_support.local_kubectl import install_kubectl
from flinkscope.cli.main import cli
from flinkscope.errors import SourceError
from flinkscope.sources.case import open_case
from flinkscope.sources.kubectl import PodAddress
from flinkscope.watch.pod_source import PodSource
from flinkscope.watch.process_source import ProcessSource
from jvm_support.java_runtimes import java_home, running_target
from jvm_support.namespaces import isolated_target

pytestmark = pytest.mark.jvm

FLAGS = ("-XX:MaxMetaspaceSize=77m",)


@pytest.mark.parametrize("collector", ["Serial", "Parallel", "G1"])
def test_the_figures_of_a_jvm(collector: str) -> None:
    with running_target(java_home(17), "churn", flags=(*FLAGS, f"-XX:+Use{collector}GC")) as target:
        source = ProcessSource(target.pid)
        before = os.listdir(f"/proc/{target.pid}/fd")
        (first,) = source.look(time.time_ns())
        time.sleep(0.2)
        (second,) = source.look(time.time_ns())
        assert os.listdir(f"/proc/{target.pid}/fd") == before, "nothing was opened in it"
    assert first.identity == second.identity
    values = second.values
    assert values["metaspace_limit_bytes"] == 77 << 20
    assert 0 < values["metaspace_bytes"] < 77 << 20
    assert 0 <= values["live_set_bytes"] <= values["heap_limit_bytes"] <= 64 << 20
    assert values["resident_bytes"] > 1 << 20
    assert 0 <= values["gc_share_bp"] <= 10_000
    assert "direct_bytes" not in values, "hsperfdata does not tell it"
    assert "timers" not in values


def test_a_restarted_process_is_found_again() -> None:
    with running_target(java_home(17)) as target:
        source = ProcessSource(target.pid)
        (first,) = source.look(time.time_ns())
    assert source.look(time.time_ns()) == []
    time.sleep(0.05)  # its start must be a later tick of the clock
    with running_target(java_home(17)) as successor:
        (second,) = source.look(time.time_ns())
        assert second.pid == successor.pid
        assert second.target == first.target
        assert second.identity != first.identity


def test_timers_are_counted_on_request() -> None:
    with running_target(java_home(17)) as target:
        (found,) = ProcessSource(target.pid, timers_every_s=60).look(time.time_ns())
        assert found.values["timers"] == 0


def test_the_command_tells_alerts_by_its_exit_code(tmp_path: Path) -> None:
    with running_target(java_home(17), "churn") as target:
        words = ["watch", str(target.pid), "--interval", "0.1", "--rounds", "3"]
        quiet = CliRunner().invoke(cli, [*words, "--alert", "threads > 5000", "--json"], standalone_mode=False)
        assert quiet.return_value == 0, quiet.output
        documents = [json.loads(line) for line in quiet.stdout.splitlines()]
        assert len(documents) == 3
        assert documents[-1]["values"]["threads"] > 0
        loud = CliRunner().invoke(cli, [*words, "--alert", "threads > 1", "--fail-fast"], standalone_mode=False)
        assert loud.return_value == 1
        assert "ALERT" in loud.stderr
        nothing = CliRunner().invoke(cli, ["watch"])
        assert "nothing to watch" in str(nothing.exception)
    with pytest.raises(SourceError):
        ProcessSource(target.pid)


def test_a_case_before_the_end(tmp_path: Path) -> None:
    """Whenever a forecast has an end (here any end counts as near), one case is recorded, and only one."""
    with running_target(java_home(17), "churn", flags=("-Xmx16m", "-XX:+UseSerialGC")) as target:
        words = ["watch", str(target.pid), "--interval", "0.1", "--rounds", "12", "--collect-within", "999999999"]
        result = CliRunner().invoke(cli, [*words, "--collect-before-oom", str(tmp_path / "cases"), "--json"])
        told = [json.loads(line) for line in result.stdout.splitlines() if "forecasts" in line]
        near = any("earliest_s" in f for document in told for f in document["forecasts"].values())
        deadline = time.monotonic() + 60
        while near and not list((tmp_path / "cases").glob("*.zip")) and time.monotonic() < deadline:
            time.sleep(0.2)
        cases = list((tmp_path / "cases").glob("*.zip"))
        assert len(cases) == near
        assert all(open_case(case).of_kind("gcutil") for case in cases)
        assert target.poll() is None


def test_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("nsenter") is None:
        pytest.skip("no nsenter(1) here")
    with isolated_target("churn") as pid:
        install_kubectl(tmp_path, pid, monkeypatch)
        for source in (PodSource(PodAddress("tm-1")), PodSource(PodAddress("any"), "app=flink")):
            (found,) = source.look(time.time_ns())
            assert found.target == "pod tm-1"
            assert found.values["heap_limit_bytes"] <= 64 << 20
            assert found.values["threads"] > 1
