"""Files are recognised by content and become one case; what is not used says why."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.sources.inputs import case_from
from flinkscope.sources.recognise import recognise

SAMPLES: dict[str, bytes] = {
    "heap_dump": b"JAVA PROFILE 1.0.2\x00\x00\x00\x00\x08" + bytes(8),
    "jfr": b"FLR\x00\x00\x02\x00\x01",
    "phd": b"\x00\x17portable heap dump",
    "gc_log": b"[0.010s][info][gc] Using G1\n[0.5s][info][gc] GC(0) Pause Young (Normal) 5M->1M(64M) 2.0ms\n",
    "gcutil": b"  S0     S1     E      O      M     CCS    YGC  YGCT\n 0.00 100.00 50.00  20.00  97.0 90.0  3 0\n",
    "flink_log": b"2026-11-01 10:00:00,123 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner [] - Start\n",
    "config": b"taskmanager.memory.process.size: 1728m\n",
    "hs_err": b"#\n# A fatal error has been detected by the Java Runtime Environment:\n",
    "checkpoints": b'{"counts": {"completed": 3}, "latest": {}, "history": []}',
    "pod_status": b'{"apiVersion": "v1", "kind": "Pod", "status": {}}',
    "thread_dump": b"2026-11-01 10:00:00\nFull thread dump OpenJDK 64-Bit Server VM (17.0.9)\n",
    "class_histogram": b" num     #instances         #bytes  class name (module)\n-----\n   1:  10  320  [B\n",
    "stdout": b"java.lang.OutOfMemoryError: Java heap space\nDumping heap to /tmp/x.hprof ...\n",
    "empty": b"",
}


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_recognised_by_content(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "some.file"
    path.write_bytes(SAMPLES[kind])
    assert recognise(path) == kind


def test_gzip_is_looked_into_even_when_torn(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    packed = gzip.compress(SAMPLES["gc_log"] * 100 + os.urandom(5000))
    path.write_bytes(packed)
    assert recognise(path) == "gc_log"
    path.write_bytes(packed[: len(packed) // 2])
    assert recognise(path) == "gc_log"


def test_bare_files_become_one_process(tmp_path: Path) -> None:
    for kind in ("gc_log", "config", "jfr"):
        (tmp_path / kind).write_bytes(SAMPLES[kind])
    case, ignored = case_from([tmp_path / "gc_log", tmp_path / "config", tmp_path / "jfr"])
    assert {a.kind for a in case.artifacts} == {"gc_log", "config"}
    assert len(case.processes) == 1
    assert "JFR" in ignored[0].why


def test_subfolders_are_processes(tmp_path: Path) -> None:
    for name in ("tm-1", "tm-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gc.log").write_bytes(SAMPLES["gc_log"])
    case, _ = case_from([tmp_path])
    assert [p.id for p in case.processes] == ["tm-1", "tm-2"]


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="folder is empty"):
        case_from([tmp_path])
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Flink,\n")
    with pytest.raises(UnreadableInputError, match="not recognised"):
        case_from([letter])
    with pytest.raises(SourceError, match="no such file"):
        case_from([tmp_path / "absent"])
    with pytest.raises(UsageError, match="nothing to read"):
        case_from([])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    with pytest.raises(SourceError, match="Permission denied"):
        case_from([locked])


GROUP = {
    "memory.max": "1073741824\n",
    "memory.peak": "1073741824\n",
    "memory.events": "low 0\nhigh 0\nmax 41\noom 2\noom_kill 2\n",
    "memory.swap.max": "max\n",
}


def test_files_of_a_control_group_are_told_by_the_kernels_names(tmp_path: Path) -> None:
    for name, text in GROUP.items():
        (tmp_path / name).write_text(text)
        assert recognise(tmp_path / name) == "cgroup"
    (tmp_path / "memory.max").write_text("the memory was at its max\n")
    assert recognise(tmp_path / "memory.max") is None


@pytest.mark.parametrize("below", ["", "cgroup", "sys/fs/cgroup"])
def test_a_copied_control_group_belongs_to_the_process_beside_it(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    for name, text in GROUP.items():
        (tmp_path / below / name).write_text(text)
    (tmp_path / "flink.log").write_bytes(SAMPLES["flink_log"])
    case, ignored = case_from([tmp_path])
    assert not ignored
    (process,) = case.processes
    assert {a.process for a in case.artifacts} == {process.id}
