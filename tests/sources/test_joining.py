"""Files are joined to the processes that wrote them; what contradicts stays apart."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from flinkscope.errors import SourceError
from flinkscope.sources.case import Case, CaseProcess, CaseWriter
from flinkscope.sources.inputs import case_from

MIB = 1 << 20
DUMP = b"JAVA PROFILE 1.0.2\x00\x00\x00\x00\x08" + bytes(8)


def flink_log(role: str, heap_mib: int, begun: str = "10:00:00", resource: str = "") -> bytes:
    """The start of a Flink log as 2.x writes it."""
    entry = "TaskManager" if role == "taskmanager" else "StandaloneSessionClusterEntrypoint"
    runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner [] -"
    lines = [f"Starting {entry} (Version: 2.3.0, Scala: 2.12, Rev:c0f8d1a)", "JVM Options:", f"   -Xmx{heap_mib * MIB}"]
    lines += [f"Starting TaskManager with ResourceID: {resource}"] if resource else []
    return "".join(f"2026-11-01 {begun},100 INFO  {runner} {line}\n" for line in lines).encode()


def gc_log(heap_mib: int, begun: str = "10:00:00", ended: str = "11:00:00") -> bytes:
    """The start and the end of a unified log with wall clock."""
    lines = [f"[2026-11-01T{begun}.050+0100][0.005s][info][gc] Using G1",
             f"[2026-11-01T{begun}.060+0100][0.006s][info][gc,init] Heap Max Capacity: {heap_mib}M",
             f"[2026-11-01T{ended}.000+0100][3600.1s][info][gc] GC(0) Pause Full (x) 5M->1M(64M) 2.0ms"]  # fmt: skip
    return "\n".join(lines).encode() + b"\n"


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def by_process(case: Case) -> dict[str | None, set[str]]:
    found: dict[str | None, set[str]] = {}
    for artifact in case.artifacts:
        found.setdefault(artifact.process, set()).add(artifact.path)
    return found


def roles(case: Case) -> dict[str, str]:
    return {process.id: process.role for process in case.processes}


def test_a_clusters_log_folder_is_told_apart_by_heap_pid_and_time(tmp_path: Path) -> None:
    jm, tm1, tm2 = (f"flink-root-{name}-host" for name in ("standalonesession-0", "taskexecutor-0", "taskexecutor-1"))
    written(tmp_path, {
        f"{jm}.log": flink_log("jobmanager", 448), f"{jm}.out": b"",
        f"{tm1}.log": flink_log("taskmanager", 512, resource="host:1"),
        f"{tm1}.out": b"java.lang.OutOfMemoryError: Java heap space\nDumping heap to /d/java_pid42.hprof ...\n",
        f"{tm2}.log": flink_log("taskmanager", 1024, resource="host:2"),
        "gc-40.log": gc_log(448), "gc-42.log": gc_log(512), "gc-43.log": gc_log(1024),
        "java_pid42.hprof": DUMP, "config.yaml": b"taskmanager.memory.process.size: 1728m\n",
    })  # fmt: skip
    case, ignored = case_from([tmp_path])
    assert roles(case) == {jm: "jobmanager", "host:1": "taskmanager", "host:2": "taskmanager"}
    assert by_process(case) == {
        jm: {f"{jm}.log", "gc-40.log"},
        "host:1": {f"{tm1}.log", f"{tm1}.out", "gc-42.log", "java_pid42.hprof"},
        "host:2": {f"{tm2}.log", "gc-43.log"},
        None: {"config.yaml"},
    }
    assert [i.why for i in ignored] == ["the file is empty"]


def test_folders_named_for_what_is_in_them_hold_one_process(tmp_path: Path) -> None:
    written(tmp_path, {
        "log/flink.log": flink_log("taskmanager", 512), "gc/gc.log": gc_log(512), "gc/gc.log.0": gc_log(512),
        "conf/config.yaml": b"taskmanager.memory.process.size: 1728m\n", "dumps/heap.hprof": DUMP,
    })  # fmt: skip
    case, _ = case_from([tmp_path])
    assert len(case.processes) == 1
    assert {a.process for a in case.artifacts} == {case.processes[0].id}
    assert len(case.artifacts) == 5


def test_each_named_folder_is_a_process_and_the_rest_is_shared(tmp_path: Path) -> None:
    written(tmp_path, {
        "tm-1/log/flink.log": flink_log("taskmanager", 512), "tm-1/heap.hprof": DUMP, "tm-1/gc.log": gc_log(512),
        "tm-2/log/flink.log": flink_log("taskmanager", 512), "tm-2/heap.hprof": DUMP, "tm-2/gc.log": gc_log(512),
        "config.yaml": b"taskmanager.memory.process.size: 1728m\n",
    })  # fmt: skip
    found = by_process(case_from([tmp_path])[0])
    assert {name: len(files) for name, files in found.items()} == {"tm-1": 3, "tm-2": 3, None: 1}


def test_two_gc_logs_of_the_same_time_are_two_processes(tmp_path: Path) -> None:
    written(tmp_path, {"a.log": gc_log(512), "b.log": gc_log(512)})
    assert len(case_from([tmp_path])[0].processes) == 2
    written(tmp_path, {"b.log": gc_log(512, "12:00:00", "13:00:00")})
    assert len(case_from([tmp_path])[0].processes) == 1  # one after the other: the process was restarted


def test_a_gc_log_of_another_heap_is_not_the_processs_own(tmp_path: Path) -> None:
    written(tmp_path, {"taskmanager.log": flink_log("taskmanager", 512), "gc.log": gc_log(4096)})
    case, _ = case_from([tmp_path / "taskmanager.log", tmp_path / "gc.log"])
    assert len(case.processes) == 2


def test_a_dump_that_may_be_of_several_stays_by_itself(tmp_path: Path) -> None:
    written(tmp_path, {"a.log": flink_log("taskmanager", 512, resource="h:1"), "heap.hprof": DUMP,
                       "b.log": flink_log("taskmanager", 512, resource="h:2")})  # fmt: skip
    assert by_process(case_from([tmp_path])[0])["heap.hprof"] == {"heap.hprof"}


def test_zip_and_pattern_are_as_good_as_the_folder(tmp_path: Path) -> None:
    files = {"tm-1/flink.log": flink_log("taskmanager", 512), "tm-1/gc.log": gc_log(512), "tm-2/gc.log": gc_log(512)}
    folder = written(tmp_path / "logs", files)
    packed = Path(shutil.make_archive(str(tmp_path / "all"), "zip", folder))
    wanted = by_process(case_from([folder])[0])
    assert by_process(case_from([packed])[0]) == wanted
    assert {len(files) for files in by_process(case_from([str(folder / "**" / "*.log")])[0]).values()} == {1, 2}
    with pytest.raises(SourceError, match="nothing matches"):
        case_from([str(tmp_path / "*.nothing")])


def test_a_damaged_zip_and_one_without_evidence_say_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("letter.txt", "Dear Flink")
    written(tmp_path, {"gc.log": gc_log(64)})
    _, ignored = case_from([tmp_path / "none.zip", tmp_path / "gc.log"])
    assert "not recognised" in ignored[0].why
    whole = (tmp_path / "none.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    _, ignored = case_from([tmp_path / "cut.zip", tmp_path / "gc.log"])
    assert "without anything" in ignored[0].why


def recorded(folder: Path, process: CaseProcess, files: dict[str, tuple[str, bytes]]) -> Path:
    writer = CaseWriter(folder, folder.name)
    writer.put_process(process)
    for name, (kind, content) in files.items():
        (folder / name).write_bytes(content)
        writer.add(folder / name, kind, process=process.id)
    return folder


def test_cases_of_the_same_process_become_one(tmp_path: Path) -> None:
    log = flink_log("taskmanager", 512, resource="host:1")
    by_pid = recorded(tmp_path / "pid", CaseProcess("taskmanager-42", "taskmanager", java_version="17.0.9"),
                      {"flink.log": ("flink_log", log), "gc.log": ("gc_log", gc_log(512))})  # fmt: skip
    by_rest = recorded(tmp_path / "rest", CaseProcess("host:1", "taskmanager", "2.3.0"), {"m.json": ("metrics", b"{}")})
    written(tmp_path, {"heap.hprof": DUMP})
    case, _ = case_from([by_pid, by_rest, tmp_path / "heap.hprof"])
    assert [(p.id, p.flink_version, p.java_version) for p in case.processes] == [("host:1", "2.3.0", "17.0.9")]
    assert {a.kind for a in case.artifacts if a.process == "host:1"} == {"flink_log", "gc_log", "metrics", "heap_dump"}
    assert all(case.path_of(artifact).is_file() for artifact in case.artifacts)


def test_cases_of_different_processes_stay_apart(tmp_path: Path) -> None:
    cases = [
        recorded(tmp_path / f"tm-{n}", CaseProcess(f"tm-{n}", "taskmanager"),
                 {"flink.log": ("flink_log", flink_log("taskmanager", 512, resource=f"host:{n}"))})
        for n in (1, 2)
    ]  # fmt: skip
    assert [p.id for p in case_from(list(cases))[0].processes] == ["tm-1", "tm-2"]
