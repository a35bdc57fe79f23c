"""hs_err files, exit codes, pod status, cgroup files, the kernel's log: real and hostile ones."""

# ruff: noqa: E501 - the texts are those of the machines

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.absent import Absent, AbsentKind
from flinkscope.errors import FormatError, UnreadableInputError
from flinkscope.formats.cgroup import read_cgroup
from flinkscope.formats.dmesg import kernel_kills
from flinkscope.formats.exit_codes import explain_exit
from flinkscope.formats.hs_err import parse_hs_err
from flinkscope.formats.pod_status import quantity_bytes, read_pod_status

CORPUS = Path(__file__).parents[1] / "corpus" / "flinklog"
NATIVE = """#
# There is insufficient memory for the Java Runtime Environment to continue.
# Native memory allocation (mmap) failed to map 716177408 bytes for committing reserved memory.
# Possible reasons:
#   The system is out of physical RAM or swap space
#
#  Out of Memory Error (os_linux.cpp:2843), pid=1, tid=17
#
# JRE version:  (17.0.9+9) (build )
# Java VM: OpenJDK 64-Bit Server VM (17.0.9+9, mixed mode, tiered, compressed oops, g1 gc, linux-amd64)
"""
DMESG = """[2591842.104031] java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=936
[2591842.104102] memory: usage 1769472kB, limit 1769472kB, failcnt 1483
[2591842.104170] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/kubepods/b/pod1,\
task_memcg=/kubepods/b/pod1/c1,task=java,pid=3841,uid=9999
[2591842.104301] Memory cgroup out of memory: Killed process 3841 (java) total-vm:6226192kB, anon-rss:1750016kB, \
file-rss:19244kB, shmem-rss:0kB, UID:9999 pgtables:4096kB oom_score_adj:936
[Sat Nov 21 09:00:01 2026] Out of memory: Killed process 77 (python3) total-vm:100kB, anon-rss:50kB, file-rss:8kB
kernel: Out of memory: Kill process 12 (java) score 901 or sacrifice child
kernel: Killed process 12 (java) total-vm:900kB, anon-rss:800kB, file-rss:0kB
"""
POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "tm-1", "namespace": "flink", "labels": {"component": "taskmanager", "app": "uv"}},
    "spec": {
        "nodeName": "node-7",
        "containers": [
            {
                "name": "flink-main-container",
                "image": "flink:2.3.0",
                "resources": {"limits": {"memory": "1728Mi"}, "requests": {"memory": "1728Mi", "cpu": "1"}},
            },
            {"name": "sidecar", "image": "x"},
        ],
    },
    "status": {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "flink-main-container",
                "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "OOMKilled",
                        "startedAt": "2026-11-21T08:00:00Z",
                        "finishedAt": "2026-11-21T09:00:00Z",
                    }
                },
            }
        ],
    },
}


def test_a_wanted_abort() -> None:
    report = parse_hs_err((CORPUS / "hs_err_oom.log").read_text(), "hs_err_pid1.log")
    assert (report.kind, report.out_of_memory, report.thread) == ("out_of_memory", "Java heap space", "main")
    assert report.jvm_arguments == "-Xmx16m -XX:+CrashOnOutOfMemoryError -XX:ErrorFile=oom.log"
    assert report.elapsed_s == 0.148384
    assert report.memory["memory_max_usage_in_bytes"] == 1_479_024_640
    assert "memory_limit_in_bytes" not in report.memory  # “unlimited” is not a number
    place = report.memory_places["MemTotal"]
    assert (CORPUS / "hs_err_oom.log").read_text().splitlines()[(place.line or 0) - 1].startswith("MemTotal:")


def test_a_crash_whose_file_was_cut() -> None:
    report = parse_hs_err((CORPUS / "hs_err_crash_cut.log").read_text(), "cut")
    assert (report.kind, report.signal, report.frame) == ("crash", "SIGSEGV", "C  [libc.so.6+0x85f14]")
    assert report.memory == {}


def test_refused_native_memory() -> None:
    report = parse_hs_err(NATIVE, "hs_err")
    assert (report.kind, report.refused_bytes) == ("native_memory", 716_177_408)
    assert report.refused_for == "committing reserved memory"
    assert "g1 gc" in (report.vm or "")


def test_refused_native_memory_as_java_21_and_later_put_it() -> None:
    text = NATIVE.replace(" for committing reserved memory.", ". Error detail: committing reserved memory.")
    assert parse_hs_err(text, "x").refused_for == "committing reserved memory"


def test_another_text_is_no_hs_err() -> None:
    with pytest.raises(UnreadableInputError, match="not an hs_err file"):
        parse_hs_err("2026-11-21 INFO nothing\n", "x.log")


@settings(deadline=None)
@given(st.integers(0, 33_000))
def test_an_hs_err_cut_anywhere(length: int) -> None:
    text = (CORPUS / "hs_err_oom.log").read_text()[:length]
    try:
        report = parse_hs_err(text, "cut")
    except UnreadableInputError:
        assert length < 70
        return
    assert report.kind in ("out_of_memory", "internal_error")


@pytest.mark.parametrize(
    ("code", "role", "rule"),
    [(137, "taskmanager", "R20"), (3, "taskmanager", "R32"), (239, "jobmanager", "R14"), (255, "taskmanager", "R32"),
     (1, "taskmanager", "R15"), (2, "jobmanager", "R24"), (134, "jvm", "R28"), (-17, "jobmanager", "R14")],
)  # fmt: skip
def test_exit_codes_with_a_meaning(code: int, role: str, rule: str) -> None:
    meaning = explain_exit(code, role)
    assert meaning is not None
    assert rule in meaning.rules


def test_exit_codes_without_one() -> None:
    assert explain_exit(77) is None
    assert explain_exit(1).ambiguous  # type: ignore[union-attr]
    assert explain_exit(143).rules == ()  # type: ignore[union-attr]
    assert explain_exit(129).name == "signal 1"  # type: ignore[union-attr]


def test_a_pod_that_was_killed_for_memory() -> None:
    (pod,) = read_pod_status(json.dumps({"kind": "PodList", "items": [POD]}), "pod.json")
    main, sidecar = pod.containers
    assert pod.flink_role == "taskmanager"
    assert (main.memory_limit_bytes, main.restarts, main.waiting_reason) == (1728 << 20, 4, "CrashLoopBackOff")
    (end,) = main.ends
    assert (end.reason, end.exit_code, end.last) == ("OOMKilled", 137, True)
    assert str(end.place) == "pod.json pod tm-1 [flink-main-container.lastState.terminated]"
    assert (sidecar.state, sidecar.memory_limit_bytes, sidecar.ends) == ("unknown", None, ())


def test_an_evicted_pod() -> None:
    document = {"kind": "Pod", "metadata": {"name": "jm"}, "status": {"phase": "Failed", "reason": "Evicted",
                "message": "The node was low on resource: memory."}}  # fmt: skip
    (pod,) = read_pod_status(json.dumps(document), "pod.json")
    assert (pod.phase, pod.reason, pod.containers) == ("Failed", "Evicted", ())


@pytest.mark.parametrize(
    ("text", "size"),
    [("1728Mi", 1728 << 20), ("2G", 2_000_000_000), ("1.5Gi", 1_610_612_736), ("123", 123), ("128974848000m", 128_974_848),
     ("1e3", 1000), ("-1", -1), ("0.1", 1), ("many", None), (None, None), ("1e999999999", None)],
)  # fmt: skip
def test_quantities(text: str | None, size: int | None) -> None:
    assert quantity_bytes(text) == size


def test_wrong_pods_are_named() -> None:
    with pytest.raises(FormatError, match="expected JSON"):
        read_pod_status("apiVersion: v1", "pod.yaml")
    with pytest.raises(UnreadableInputError, match="no Pod"):
        read_pod_status('{"kind": "Service"}', "svc.json")


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["kind", "items", "metadata", "spec", "status", "containers", "containerStatuses",
                                          "state", "lastState", "terminated", "resources", "limits", "memory", "name"]),
                         inner, max_size=4)))  # fmt: skip
def test_pods_of_any_shape_never_fail_otherwise(inner: Any) -> None:
    document = {"kind": "Pod", "metadata": inner, "spec": {"containers": inner}, "status": inner}
    (pod,) = read_pod_status(json.dumps(document), "x")
    assert isinstance(pod.containers, tuple)


def test_cgroup_v2(tmp_path: Path) -> None:
    files = {"memory.max": "1811939328\n", "memory.current": "1800000000\n", "memory.events": "low 0\nmax 31\noom_kill 2\n",
             "memory.stat": "anon 1700000000\nfile 1000\n", "pids.max": "max\n", "memory.swap.max": "junk\n"}  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    memory = read_cgroup(tmp_path, "cgroup")
    assert (memory.version, memory.limit_bytes, memory.oom_kills, memory.limit_hits) == (2, 1811939328, 2, 31)
    assert memory.stat["anon"] == 1_700_000_000
    assert memory.processes_limit is None
    assert isinstance(memory.peak_bytes, Absent)
    assert isinstance(memory.swap_limit_bytes, Absent)
    assert memory.swap_limit_bytes.kind is AbsentKind.UNREADABLE


def test_cgroup_v1_without_a_limit(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "memory" / "memory.max_usage_in_bytes").write_text("123\n")
    memory = read_cgroup(tmp_path)
    assert (memory.version, memory.limit_bytes, memory.peak_bytes) == (1, None, 123)
    assert isinstance(memory.oom_kills, Absent)
    with pytest.raises(UnreadableInputError, match=r"memory\.max"):
        read_cgroup(tmp_path / "memory" / "absent")


def test_kernel_kills() -> None:
    group, machine, old = kernel_kills(DMESG.splitlines(), "dmesg.txt")
    assert (group.pid, group.name, group.in_group, group.group) == (3841, "java", True, "/kubepods/b/pod1")
    assert group.group_limit_bytes == 1769472 * 1024
    assert group.resident_bytes == (1750016 + 19244) * 1024
    assert (group.time, str(group.place)) == ("2591842.104301", "dmesg.txt:4")
    assert (machine.in_group, machine.group, machine.group_limit_bytes) == (False, None, None)
    assert machine.time == "Sat Nov 21 09:00:01 2026"
    assert (old.pid, old.anonymous_bytes) == (12, 800 * 1024)


def test_a_kill_as_old_kernels_put_it() -> None:
    lines = [
        "[1.5] Task in /docker/abc killed as a result of limit of /docker/abc",
        "[1.6] memory: usage 2097152kB, limit 2097152kB, failcnt 9",
        "[1.7] Memory cgroup out of memory: Kill process 123 (java) score 1000 or sacrifice child",
        "[1.8] Killed process 123 (java), UID 9999, total-vm:900kB, anon-rss:800kB, file-rss:10kB, shmem-rss:0kB",
    ]
    (kill,) = kernel_kills(lines, "dmesg")
    assert (kill.group, kill.group_limit_bytes, kill.resident_bytes) == ("/docker/abc", 2 << 30, 810 * 1024)


@settings(deadline=None)
@given(st.lists(st.text(max_size=80) | st.sampled_from(DMESG.splitlines()), max_size=12))
def test_kernel_logs_of_any_kind(lines: list[str]) -> None:
    assert len(list(kernel_kills(lines, "x"))) <= len(lines)
