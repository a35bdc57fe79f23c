"""Recording a real JVM: what is in the case, what is missing and why, budget, going on, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import flinkscope.capture.jvm_steps as jvm_steps
from flinkscope import collect
from flinkscope.capture.collect import Wishes
from flinkscope.capture.places import places_of
from flinkscope.capture.reach import inside
from flinkscope.cli.main import cli
from flinkscope.errors import SourceError, UsageError
from flinkscope.sources.case import open_case
from jvm_support.java_runtimes import java_home, running_target


@pytest.fixture(autouse=True)
def quick_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jvm_steps, "_GCUTIL_INTERVAL_S", 0.05)


def belongings(pid: int) -> tuple[set[str], int]:
    """Files of the process in /tmp, and its open sockets apart from the JVM's own attach socket."""
    sockets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    files = {name for name in os.listdir("/tmp") if f"pid{pid}" in name or ".hprof" in name or ".jfr" in name}
    return files, sum(name.startswith("socket:") for name in sockets)


@pytest.mark.jvm
def test_everything_of_a_process_in_one_zip(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "config.yaml").write_text("taskmanager.memory.process.size: 1728m\ns3.secret-key: geheim\n")
    (tmp_path / "tm.log").write_text("2026-11-21 10:00:00,000 INFO  org.apache.flink.X [] - password=geheim ok\n")
    flags = (f"-Xlog:gc*:file={tmp_path}/gc.log", f"-Dlog.file={tmp_path}/tm.log", "-Dmy.password=geheim")
    out = tmp_path / "case.zip"
    with running_target(java_home(17), "churn", flags=flags, env={**os.environ, "FLINK_CONF_DIR": str(conf)}) as target:
        before = belongings(target.pid)[0]
        case = collect(str(target.pid), out, Wishes(heap=True, stop_budget_ms=60_000))
        files, sockets = belongings(target.pid)
        assert files - before <= {f".java_pid{target.pid}"}
        assert sockets <= 1
        assert target.poll() is None
    kinds = {artifact.kind for artifact in case.artifacts}
    assert kinds >= {"command_line", "config", "gcutil", "gc_log", "flink_log", "thread_dump", "class_histogram",
                     "heap_dump", "jvm_info"}  # fmt: skip
    texts = [case.path_of(a) for a in case.artifacts if a.kind != "heap_dump"]
    assert not [path for path in texts if "geheim" in path.read_text(errors="replace")]
    assert {m.kind for m in case.missing} == {"stdout", "hs_err", "jvm_info"}
    assert all(m.why for m in case.missing)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not Path(f"{out}.partial").exists()
    assert 0 < int(case.labels["stopped_at_most_ms"]) < 60_000
    assert zipfile.ZipFile(out).testzip() is None


@pytest.mark.jvm
def test_the_budget_leaves_out_what_costs_too_much(tmp_path: Path) -> None:
    with running_target(java_home(17)) as target:
        words = [str(target.pid), "-o", str(tmp_path / "c.zip"), "--heap", "--stop-budget", "0", "--json"]
        result = CliRunner().invoke(cli, ["collect", *words])
        assert result.exit_code == 0, result.output
        plan = CliRunner().invoke(cli, ["collect", str(target.pid), "--heap", "--plan", "--json"])
    told = json.loads(result.stdout)
    left_out = [m["why"] for m in told["missing"] if "would stop the process" in m["why"]]
    assert len(left_out) == 8  # six short questions, the histogram, the dump
    assert "--stop-budget 1 allows it" in left_out[0]
    assert told["labels"]["stopped_at_most_ms"] == "0"
    steps = json.loads(plan.stdout)["steps"]
    costs = [s["stop_ms"] for s in steps]
    assert costs == sorted(costs), "cheap things first"


@pytest.mark.jvm
def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "case.zip"
    with running_target(java_home(17)) as target:

        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(jvm_steps, "_gcutil", interrupted)
            with pytest.raises(KeyboardInterrupt):
                collect(str(target.pid), out)
        left = open_case(tmp_path / "case.zip.partial")
        (command_line,) = left.of_kind("command_line")
        case = collect(str(target.pid), out)
        assert case.of_kind("command_line")[0].collected_at == command_line.collected_at
        assert len(case.of_kind("gcutil")) == 1
        assert len({(m.kind, m.why) for m in case.missing}) == len(case.missing)
        with pytest.raises(UsageError, match="exists already"):
            collect(str(target.pid), out)
    partial = tmp_path / "other.zip.partial"
    partial.mkdir()
    (partial / ".steps.json").write_text('{"identity": "pid 1", "done": [], "target": "process 1"}')
    with running_target(java_home(17)) as target, pytest.raises(UsageError, match="another process"):
        collect(str(target.pid), tmp_path / "other.zip")


@pytest.mark.jvm
def test_a_process_that_hangs_or_refuses_still_gives_a_case(tmp_path: Path) -> None:
    with running_target(java_home(17), flags=("-XX:+DisableAttachMechanism",)) as target:
        case = collect(str(target.pid), tmp_path / "refuses", Wishes(heap=True))
        assert target.poll() is None
        assert {"command_line", "gcutil"} <= {a.kind for a in case.artifacts}
        assert {"thread_dump", "class_histogram", "heap_dump"} <= {m.kind for m in case.missing}
    with running_target(java_home(17)) as target:
        os.kill(target.pid, signal.SIGSTOP)
        case = collect(str(target.pid), tmp_path / "stopped")
        assert any("stopped" in m.why for m in case.missing if m.kind == "thread_dump")
        os.kill(target.pid, signal.SIGCONT)


def test_who_cannot_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a JVM"):
        collect(str(os.getpid()), tmp_path / "a.zip")
    with pytest.raises(SourceError):
        collect("http://127.0.0.1:9", tmp_path / "b.zip")
    assert CliRunner().invoke(cli, ["collect", "BAD POD", "-o", str(tmp_path / "c.zip")]).exception
    assert list(tmp_path.iterdir()) == []


def test_places_are_told_by_the_command_line() -> None:
    flags = ("-Xlog:gc*,safepoint:file=/l/gc-%p.log:time:filecount=5", "-Dlog.file=/l/tm.log", "-XX:HeapDumpPath=/d")
    arguments = ("java", "-cp", "x", "Main", "--configDir", "conf")
    places = places_of(arguments, flags, {}, "/opt/flink", 7)
    assert places.configs == ("/opt/flink/conf/config.yaml", "/opt/flink/conf/flink-conf.yaml")
    assert places.gc_logs == ("/l/gc-7.log", "/l/gc-7.log.[0-9]*")
    assert places.outputs == ("/l/tm.out",)
    assert places.heap_dumps[0] == "/d/java_pid7.hprof"
    assert "/opt/flink/hs_err_pid7.log" in places.error_files


def test_links_of_a_container_stay_inside_of_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "log").mkdir(parents=True)
    (root / "log" / "a").symlink_to("/etc/shadow")
    (root / "log" / "b").symlink_to("../../../../etc/shadow")
    (root / "log" / "loop").symlink_to("loop")
    assert inside(root, "/log/a") == inside(root, "/log/b") == root / "etc" / "shadow"
    with pytest.raises(SourceError, match="too many links"):
        inside(root, "/log/loop")
