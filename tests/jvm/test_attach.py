"""Attach on real JVMs: verbs, refusals before any signal, nothing left behind, another namespace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import flinkscope
from flinkscope.cli.main import cli
from flinkscope.errors import SourceError, UsageError
from flinkscope.jvm.live import list_jvms
from flinkscope.jvm.verbs import open_verbs
from flinkscope.sources.attach import AttachError, AttachRefusedError, attach, attach_listens
from flinkscope.sources.process import JavaProcess, java_process
from jvm_support.java_runtimes import TARGET_JAR, java_home, running_target, stopped
from jvm_support.namespaces import isolated_target

pytestmark = pytest.mark.jvm


@pytest.fixture(scope="module")
def target() -> Iterator[int]:
    """One JVM of release 17 with interesting threads."""
    with running_target(java_home(17), "threads", flags=("-XX:MaxMetaspaceSize=99m",)) as process:
        yield process.pid


def _left_behind(pid: int) -> list[str]:
    folders = (Path(f"/proc/{pid}/root/tmp"), Path(f"/proc/{pid}/cwd"))
    patterns = (".attach_pid*", "flinkscope-*.hprof*", "flinkscope-*.jfr")
    return [str(path) for folder in folders for pattern in patterns for path in folder.glob(pattern)]


def test_threads_histogram_loaders_metaspace_flags(target: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    verbs = open_verbs(target)
    dump = verbs.threads()
    assert dump.deadlocks == (("deadlock-a", "deadlock-b"),)
    histogram = verbs.class_histogram()
    assert histogram.gap is None
    assert "byte[]" in {row.class_name for row in histogram.rows[:3]}
    assert verbs.class_histogram(all_objects=True).total_objects >= histogram.total_objects * 9 // 10
    flags = verbs.flags()
    assert flags["MaxMetaspaceSize"] == str(99 << 20)
    assert flags["MaxHeapSize"] == str(64 << 20)
    assert "<bootstrap>" in verbs.class_loaders()
    assert "ClassLoader" in verbs.class_loader_stats()
    assert "Non-Class" in verbs.metaspace()
    assert len(os.listdir("/proc/self/fd")) <= before
    assert _left_behind(target) == []


def test_a_heap_dump_is_fetched_and_removed(target: int, tmp_path: Path) -> None:
    verbs = open_verbs(target)
    receipt = verbs.heap_dump(tmp_path / "heap.hprof")
    assert receipt.path.read_bytes()[:18] == b"JAVA PROFILE 1.0.2"
    assert receipt.file_bytes == receipt.path.stat().st_size
    packed = verbs.heap_dump(tmp_path / "heap.hprof.gz", gzip=True, live=False)
    assert packed.path.read_bytes()[:2] == b"\x1f\x8b"
    assert packed.file_bytes < receipt.file_bytes
    assert _left_behind(target) == []
    with pytest.raises(UsageError, match="exists already"):
        verbs.heap_dump(tmp_path / "heap.hprof")
    with pytest.raises(SourceError, match="No such file"):
        verbs.heap_dump(tmp_path / "x.hprof", folder="/absent-folder")


def test_failures_that_come_with_code_0(target: int) -> None:
    verbs = open_verbs(target)
    raw = attach(java_process(target), "jcmd", "GC.heap_dump /absent-folder/x.hprof")
    assert raw.code == 0
    with pytest.raises(AttachRefusedError, match="Unable to create") as caught:
        verbs.jcmd("GC.heap_dump /absent-folder/x.hprof")
    assert "file system" in caught.value.hint
    with pytest.raises(AttachRefusedError, match="Native memory tracking is not enabled"):
        verbs.native_memory()
    with pytest.raises(AttachRefusedError, match="does not know this command"):
        verbs.jcmd("No.such")


def test_a_flight_recording(target: int, tmp_path: Path) -> None:
    verbs = open_verbs(target)
    verbs.start_recording("flinkscope-test")
    size = verbs.dump_recording("flinkscope-test", tmp_path / "x.jfr")
    verbs.stop_recording("flinkscope-test")
    assert (tmp_path / "x.jfr").read_bytes()[:4] == b"FLR\0"
    assert size > 10_000


def test_disabled_attach_is_found_before_any_signal() -> None:
    with running_target(java_home(17), flags=("-XX:+DisableAttachMechanism",)) as process:
        with pytest.raises(AttachError, match="forbids attaching"):
            open_verbs(process.pid).threads()
        assert process.stdin is not None
        process.stdin.close()  # ends it; a thread dump would stand in its output
        process.wait(timeout=20)
        assert process.stdout is not None
        assert "Full thread dump" not in process.stdout.read()


@pytest.mark.parametrize("how", ["flag-without-counters", "tool-options"])
def test_disabled_attach_is_found_without_counters(how: str) -> None:
    flags = ("-XX:-UsePerfData", "-XX:+DisableAttachMechanism") if how.startswith("flag") else ("-XX:-UsePerfData",)
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": "" if how.startswith("flag") else "-XX:+DisableAttachMechanism"}
    with (
        running_target(java_home(17), flags=flags, env=environment) as process,
        pytest.raises(AttachError, match="forbids attaching"),
    ):
        open_verbs(process.pid).threads()


def test_no_sigquit_to_a_process_that_would_die_of_it() -> None:
    with running_target(java_home(17), flags=("-Xrs",)) as process:
        java = java_process(process.pid)
        assert not java.catches_sigquit
        if attach_listens(java):  # with -Xrs the JVM opens its socket at once
            assert open_verbs(process.pid).threads().threads
        else:
            with pytest.raises(AttachError, match="would die of it"):
                open_verbs(process.pid).threads()
        assert process.poll() is None


def test_a_stopped_process_is_not_waited_for(target: int) -> None:
    with stopped(target), pytest.raises(AttachError, match="is stopped"):
        open_verbs(target).threads()
    assert open_verbs(target).threads().threads


def _until_it_fails(java: JavaProcess) -> None:
    for _ in range(10_000):
        attach(java, "jcmd", "Thread.print", timeout_s=0.5)


def test_a_hung_answer_times_out(target: int) -> None:
    java = java_process(target)
    attach(java, "properties")
    stopper = threading.Timer(0.2, lambda: os.kill(target, signal.SIGSTOP))
    starter = threading.Timer(3.0, lambda: os.kill(target, signal.SIGCONT))
    stopper.start()
    starter.start()
    try:
        with pytest.raises(AttachError, match=r"no answer to jcmd|is stopped"):
            _until_it_fails(java)
    finally:
        stopper.join()
        starter.join()
        os.kill(target, signal.SIGCONT)


def test_a_socket_that_a_dead_jvm_left_is_not_the_end(tmp_path: Path) -> None:
    with running_target(java_home(17)) as process:
        path = f"/tmp/.java_pid{process.pid}"
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(path)
        dead.close()
        try:
            assert open_verbs(process.pid).threads().threads
        except AttachError:
            assert process.poll() is None  # a JVM that trusts the file does not answer; it must be unharmed
        finally:
            Path(path).unlink(missing_ok=True)


def test_a_dead_process_and_another_with_its_pid() -> None:
    with running_target(java_home(17)) as process:
        java = java_process(process.pid)
        process.kill()
        process.wait()
        with pytest.raises(AttachError, match="has ended"):
            attach(java, "properties")
    with pytest.raises(SourceError, match="is not a JVM"):
        open_verbs(os.getpid())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to run a JVM as another user")
def test_root_acts_as_the_targets_user(tmp_path: Path) -> None:
    command = [str(java_home(17) / "bin" / "java"), "-Xmx32m", "-jar", str(TARGET_JAR), "idle"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        user=65534, group=65534, cwd="/",
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if "ready" not in process.stdout.readline():
            pytest.skip("user 65534 cannot read the runtime or the jar here")
        assert java_process(process.pid).uid == 65534
        verbs = open_verbs(process.pid)
        assert verbs.threads().threads
        assert verbs.heap_dump(tmp_path / "h.hprof").file_bytes > 100_000
        assert (os.geteuid(), os.getegid()) == (0, os.getgid())
        assert _left_behind(process.pid) == []
    finally:
        process.kill()
        process.communicate()


def test_a_jvm_in_its_own_namespaces_is_attached_to_and_dumped(tmp_path: Path) -> None:
    with isolated_target("threads") as pid:
        jvm = next(jvm for jvm in list_jvms() if jvm.process.pid == pid)
        assert jvm.process.namespace_pid != pid
        verbs = open_verbs(pid)
        assert verbs.threads().deadlocks == (("deadlock-a", "deadlock-b"),)
        assert verbs.heap_dump(tmp_path / "h.hprof").path.read_bytes()[:12] == b"JAVA PROFILE"
        assert _left_behind(pid) == []


def test_protocol_2_streams() -> None:
    with running_target(java_home(25), "threads") as process:
        pieces: list[bytes] = []
        verbs = open_verbs(process.pid)
        assert verbs.java_major == 25
        text = verbs.jcmd("Thread.print", on_text=pieces.append)
        assert "deadlock-a" in text
        assert b"".join(pieces).startswith(b"0\n")
        with pytest.raises(AttachRefusedError, match="does not know this command"):
            verbs.jcmd("No.such")


@pytest.mark.heavy
@pytest.mark.parametrize("release", [11, 21, 25])
def test_the_verbs_on_other_releases(release: int, tmp_path: Path) -> None:
    with running_target(java_home(release), "threads") as process:
        verbs = open_verbs(process.pid)
        assert verbs.threads().deadlocks == (("deadlock-a", "deadlock-b"),)
        assert verbs.class_histogram().gap is None
        assert verbs.flags()["MaxHeapSize"] == str(64 << 20)
        assert verbs.heap_dump(tmp_path / "h.hprof").file_bytes > 100_000


def test_threads_on_the_command_line(target: int) -> None:
    result = CliRunner().invoke(cli, ["threads", str(target), "--interval", "0.5"])
    assert result.exit_code == 0, result.output
    assert "deadlock: deadlock-a → deadlock-b → deadlock-a" in result.output
    assert "user-daemon-worker" in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 100


def test_the_jvm_command_tells_the_cost_and_waits_for_yes(target: int, tmp_path: Path) -> None:
    out = tmp_path / "heap.hprof"
    told = CliRunner().invoke(cli, ["jvm", str(target), "heap-dump", "-o", str(out)])
    assert isinstance(told.exception, UsageError)
    assert "stands still" in told.exception.message
    assert "free:" in told.exception.message
    assert not out.exists()
    done = CliRunner().invoke(cli, ["jvm", str(target), "heap-dump", "-o", str(out), "--yes", "--json"])
    assert json.loads(done.output) == {"path": str(out), "file_bytes": out.stat().st_size}
    flags = json.loads(CliRunner().invoke(cli, ["jvm", str(target), "flags", "--json"]).output)
    assert flags["MaxMetaspaceSize"] == str(99 << 20)
    for verb in ("loaders", "metaspace", "heap-info"):
        assert CliRunner().invoke(cli, ["jvm", str(target), verb]).exit_code == 0
    assert isinstance(CliRunner().invoke(cli, ["jvm", str(target), "jcmd", "GC.run"]).exception, UsageError)
    assert "17.0.9" in CliRunner().invoke(cli, ["jvm", str(target), "jcmd", "VM.version"]).output
    recorded = CliRunner().invoke(
        cli, ["jvm", str(target), "record", "-o", str(tmp_path / "r.jfr"), "--seconds", "1", "--yes"]
    )
    assert recorded.exit_code == 0, recorded.exception
    assert (tmp_path / "r.jfr").read_bytes()[:4] == b"FLR\0"


def test_a_runtime_of_java_base_only() -> None:
    with running_target(java_home(17), "threads", flags=("--limit-modules", "java.base")) as process:
        verbs = open_verbs(process.pid)
        assert verbs.threads().deadlocks
        assert verbs.class_histogram().gap is None
        assert "Non-Class" in verbs.metaspace()
        assert verbs.flags()["MaxHeapSize"] == str(64 << 20)
        with pytest.raises(AttachRefusedError):
            verbs.start_recording("x")


def test_the_heap_engine_opens_the_dump_and_finds_what_the_target_keeps(tmp_path: Path) -> None:
    with running_target(java_home(17), "loaders", "7") as process:
        verbs = open_verbs(process.pid)
        verbs.heap_dump(tmp_path / "heap.hprof")
        rows = [row for row in verbs.class_histogram().rows if row.class_name == "Target$Payload"]
    assert [row.objects for row in rows] == [1] * 7  # one class a loader, one object a class
    heap = flinkscope.open_heap(tmp_path / "heap.hprof")
    found = [row for row in heap.histogram() if row.class_name == "Target$Payload"]
    assert sum(row.objects for row in found) == 7
