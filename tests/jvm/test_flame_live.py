"""Flame graphs of running JVMs, in each way: the known allocator, spinner and locks; nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flinkscope.errors import SourceError, UsageError
from flinkscope.formats.jfr import read_jfr
from flinkscope.formats.jfr_stacks import stacks_of
from flinkscope.jvm.flame_folder import WayUnavailable
from flinkscope.jvm.flame_live import FlameTarget, record_flame
from flinkscope.jvm.verbs import open_verbs
from flinkscope.sources.flink_rest import FlinkRest
from jvm_support.java_runtimes import java_home, running_target, stopped
from jvm_support.namespaces import isolated_target
from jvm_support.profiled import flink_dist, running_profiled, share

pytestmark = pytest.mark.jvm

ALLOCATORS = ("Profiled.largeShare", "Profiled.smallShare")


@pytest.fixture(scope="module")
def flink_like() -> Iterator[int]:
    """A JVM of release 17 with flink-dist on its class path."""
    with running_profiled(17, dist=True) as pid:
        yield pid


def left_behind(pid: int, folder: Path) -> list[str]:
    """What is in the folder that the target was told to write to, its attach files, and its descriptors of ours."""
    files = [str(path) for path in folder.glob("flinkscope-*")]
    files += [str(path) for path in Path(f"/proc/{pid}/cwd").glob(".attach_pid*")]
    for number in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(number)
        except OSError:
            continue
        files += [name] if re.search(r"/flinkscope-[0-9a-f]{16}\.", name) else []
    return files


def cpu_ns(pid: int, thread: str) -> int:
    """What the kernel has counted of a thread."""
    (task,) = (t for t in Path(f"/proc/{pid}/task").iterdir() if (t / "comm").read_text().strip() == thread)
    return int((task / "schedstat").read_text().split()[0])


def allocated_bytes(pid: int) -> float:
    """What the thread "allocator" has allocated, as the JVM itself counts it."""
    text = open_verbs(pid).jcmd("Thread.print -e")
    found = re.search(r'^"allocator".* allocated=([\d.]+)([BKMG]) ', text, re.MULTILINE)
    assert found
    return float(found[1]) * 1024 ** "BKMG".index(found[2])


def test_async_profiler_finds_the_allocator_and_its_bytes(flink_like: int, tmp_path: Path) -> None:
    before = allocated_bytes(flink_like)
    flame = record_flame(FlameTarget(flink_like), "alloc", 3, may_change=True, folder=str(tmp_path))
    truth = allocated_bytes(flink_like) - before
    profile = flame.profile
    assert flame.way.startswith("async-profiler")
    assert [way.way for way in flame.not_taken] == ["Flink's profiler (REST)"]
    assert share(profile, *ALLOCATORS, thread="allocator") >= 0.95
    assert share(profile, "Profiled.largeShare") == pytest.approx(0.75, abs=0.12)
    assert profile.total == pytest.approx(truth, rel=0.35)  # the truth holds what came just before and after, too
    assert left_behind(flink_like, tmp_path) == []


def test_async_profiler_again_with_the_copy_that_is_loaded(flink_like: int, tmp_path: Path) -> None:
    for event, frame, least in (("cpu", "Profiled.spin", 0.25), ("wall", "Profiled.pause", 0.05)):
        profile = record_flame(
            FlameTarget(flink_like), event, 2, may_change=True, folder=str(tmp_path), ways=["async"]
        ).profile
        assert share(profile, frame) >= least
    locks = record_flame(
        FlameTarget(flink_like), "lock", 2, may_change=True, folder=str(tmp_path), ways=["async"]
    ).profile
    assert locks.unit == "ns"
    assert share(locks, "Profiled.contend", "Profiled.park") >= 0.95
    copies = set(re.findall(r"/flinkscope-[0-9a-f]{16}\.so", Path(f"/proc/{flink_like}/maps").read_text()))
    assert len(copies) == 1
    assert left_behind(flink_like, tmp_path) == []


def test_a_profiler_of_somebody_else_is_left_alone(flink_like: int, tmp_path: Path) -> None:
    record_flame(FlameTarget(flink_like), "cpu", 1, may_change=True, folder=str(tmp_path), ways=["async"])
    library = re.search(r"(/\S*/flinkscope-\w{16}\.so)", Path(f"/proc/{flink_like}/maps").read_text())
    assert library
    verbs = open_verbs(flink_like)
    assert "return code: 0" in verbs.load_agent(library[1], "start,event=wall")
    try:
        flame = record_flame(FlameTarget(flink_like), "cpu", 1, may_change=True, folder=str(tmp_path))
        assert flame.way.startswith("flight recorder")
        assert any("already started" in way.reason for way in flame.not_taken)
    finally:
        assert "return code: 0" in verbs.load_agent(library[1], "stop")  # it still ran
    assert left_behind(flink_like, tmp_path) == []


@pytest.mark.parametrize(
    "major", [pytest.param(11, marks=pytest.mark.heavy), 17, 21, pytest.param(25, marks=pytest.mark.heavy)]
)
def test_jfr_where_there_is_no_flink_dist(major: int, tmp_path: Path) -> None:
    with running_profiled(major) as pid:
        working_folder = set(os.listdir(f"/proc/{pid}/cwd"))
        flame = record_flame(FlameTarget(pid), "alloc", 2, may_change=True, folder=str(tmp_path))
        assert {n for n in os.listdir(f"/proc/{pid}/cwd") if n.endswith(".jfr")} <= working_folder
        assert flame.way.startswith("flight recorder")
        assert any("no async-profiler" in way.reason for way in flame.not_taken)
        assert share(flame.profile, *ALLOCATORS) >= 0.95
        assert "flinkscope" not in open_verbs(pid).jcmd("JFR.check")
        assert left_behind(pid, tmp_path) == []


def test_jfr_counts_equal_the_jdks_own_tool(tmp_path: Path) -> None:
    tool = shutil.which("jfr")
    if tool is None:
        pytest.skip("no jfr tool of a JDK on this machine")
    with running_profiled(17) as pid:
        verbs = open_verbs(pid)
        verbs.record(tmp_path / "x.jfr", 2)
    recording = read_jfr((tmp_path / "x.jfr").read_bytes(), "x.jfr")
    summary = subprocess.run([tool, "summary", tmp_path / "x.jfr"], capture_output=True, text=True, check=True).stdout
    counts = {name: int(count) for name, count in re.findall(r"^ (jdk\.\w+)\s+(\d+)\s+\d+$", summary, re.MULTILINE)}
    known = {name: n for name, n in counts.items() if name not in ("jdk.Metadata", "jdk.CheckPoint")}
    assert len(known) > 50
    assert {name: recording.count(name) for name in known} == known
    assert stacks_of(recording, "cpu").total == counts["jdk.ExecutionSample"]


def test_thread_dumps_change_nothing_and_need_no_leave(flink_like: int, tmp_path: Path) -> None:
    before_ns = cpu_ns(flink_like, "spinner")
    flame = record_flame(FlameTarget(flink_like), "cpu", 2, ways=["threads"])
    used_ns = cpu_ns(flink_like, "spinner") - before_ns
    assert flame.profile.unit == "ns"
    assert 0 < sum(s.value for s in flame.profile.stacks if s.thread == "spinner") <= used_ns
    locks = record_flame(FlameTarget(flink_like), "lock", 1, ways=["threads"])
    assert share(locks.profile, "Profiled.contend", "Profiled.park") >= 0.95
    wall = record_flame(FlameTarget(flink_like), "wall", 1, ways=["threads"])
    assert share(wall.profile, "java.lang.Thread.sleep", thread="sleeper") > 0
    with pytest.raises(WayUnavailable, match="nothing of allocation"):
        record_flame(FlameTarget(flink_like), "alloc", 1, ways=["threads"])


def test_nothing_is_loaded_without_leave(flink_like: int, tmp_path: Path) -> None:
    maps = Path(f"/proc/{flink_like}/maps").read_text().count(".so")
    with pytest.raises(UsageError, match="async-profiler") as caught:
        record_flame(FlameTarget(flink_like), "alloc", 1)
    assert "--yes" in caught.value.hint
    assert Path(f"/proc/{flink_like}/maps").read_text().count(".so") == maps


def test_a_jvm_without_the_recorder_falls_to_thread_dumps(tmp_path: Path) -> None:
    with running_profiled(17, "-XX:-FlightRecorder") as pid:
        flame = record_flame(FlameTarget(pid), "cpu", 1, may_change=True, folder=str(tmp_path))
    assert flame.way.startswith(("thread dumps", "flight recorder"))
    assert len(flame.not_taken) >= 2


def test_a_library_given_by_hand(tmp_path: Path) -> None:
    with running_profiled(21) as pid:
        flame = record_flame(
            FlameTarget(pid), "alloc", 1, may_change=True, folder=str(tmp_path), ways=["async"], library=flink_dist()
        )
        assert share(flame.profile, *ALLOCATORS) >= 0.95
        assert left_behind(pid, tmp_path) == []
        with pytest.raises(WayUnavailable, match="/absent-folder cannot be opened"):
            record_flame(FlameTarget(pid), "cpu", 1, may_change=True, ways=["async"], folder="/absent-folder")


def test_in_another_namespace() -> None:
    with isolated_target("churn") as pid:
        flame = record_flame(FlameTarget(pid), "alloc", 2, may_change=True, library=flink_dist())
        assert flame.way.startswith("async-profiler")
        assert share(flame.profile, "Target.churn") >= 0.95
        recorded = record_flame(FlameTarget(pid), "alloc", 2, may_change=True, ways=["jfr"])
        assert share(recorded.profile, "Target.churn") >= 0.95
        assert left_behind(pid, Path(f"/proc/{pid}/root/tmp")) == []


def test_targets_that_cannot_be_profiled(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such process"):
        record_flame(FlameTarget(2**22 - 3), "cpu", 1, may_change=True, folder=str(tmp_path))
    with pytest.raises(SourceError, match="not a JVM"):
        record_flame(FlameTarget(os.getpid()), "cpu", 1, may_change=True, folder=str(tmp_path))
    with running_target(java_home(17), flags=("-XX:+DisableAttachMechanism",)) as process:
        with pytest.raises(SourceError, match="forbids attaching"):
            record_flame(FlameTarget(process.pid), "cpu", 1, may_change=True, folder=str(tmp_path))
        time.sleep(0.1)
        assert process.poll() is None
    with running_profiled(17) as pid, stopped(pid), pytest.raises(SourceError, match="stopped"):
        record_flame(FlameTarget(pid), "cpu", 1, may_change=True, folder=str(tmp_path))


def test_the_process_may_end_meanwhile(tmp_path: Path) -> None:
    with running_target(java_home(17), "churn") as process:
        killer = subprocess.Popen(["sh", "-c", f"sleep 2; kill -9 {process.pid}"])
        with pytest.raises(SourceError, match=r"ended|no such|connection"):
            record_flame(
                FlameTarget(process.pid), "alloc", 20, may_change=True, folder=str(tmp_path), library=flink_dist()
            )
        killer.wait()
    assert list(tmp_path.iterdir()) == []


def test_a_jobmanager_that_does_not_answer_is_one_reason_more(flink_like: int, tmp_path: Path) -> None:
    target = FlameTarget(flink_like, FlinkRest("http://127.0.0.1:1"), "some-manager")
    flame = record_flame(target, "wall", 1, may_change=True, folder=str(tmp_path))
    assert flame.way.startswith("async-profiler")
    assert "refused" in flame.not_taken[0].reason
    with pytest.raises(SourceError, match="refused"):
        record_flame(FlameTarget(None, FlinkRest("http://127.0.0.1:1")), "wall", 1)
