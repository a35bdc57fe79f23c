"""Flink's logs: real ones with known answers, every layout, rotated and packed sets, and hostile ones."""

# ruff: noqa: E501 - the texts are those of the logs

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.formats.flink_log import MOST_FACTS, read_flink_log
from flinkscope.formats.flink_log_records import log_records

CORPUS = Path(__file__).parents[1] / "corpus" / "flinklog"
JOB = "f7b0662034dca42e753d91ab670af577"
FAILED = """2026-11-21 09:30:00,001 WARN  org.apache.flink.runtime.taskmanager.Task                    [] - Window (1/2)#0 \
(bb8fa8560649a3c00a3631b18b0396fa_f6dc7f4d2283f4605b127b9364e21148_0_0) switched from RUNNING to FAILED with failure cause:
java.lang.RuntimeException: outer
\tat a.B.c(B.java:1)
Caused by: java.lang.OutOfMemoryError: Java heap space
\tat org.roaringbitmap.RoaringArray.<init>(RoaringArray.java:44)
\tat leak.Window.process(Window.java:12)
\t... 8 more
2026-11-21 09:30:01,002 ERROR org.apache.flink.runtime.taskexecutor.TaskManagerRunner      [] - Fatal error occurred while \
executing the TaskManager. Shutting it down...
"""


def test_a_real_task_manager_log() -> None:
    log = read_flink_log(CORPUS / "taskmanager.log", called="taskmanager.log")
    (start,) = log.starts
    assert log.role == start.role == "taskmanager"
    assert (start.flink_version, start.java_version, start.collector) == ("2.3.0", "17.0.9", "G1")
    assert start.max_heap_mib == 128
    assert start.jvm_options[0] == "-Xmx134217728"
    assert start.dynamic_properties()["taskmanager.memory.network.max"] == "67108864b"
    assert str(start.place) == "taskmanager.log:2"
    assert log.symptoms == ()
    assert log.lines == 235
    assert log.notes == ()


def test_a_real_job_manager_log() -> None:
    log = read_flink_log(CORPUS / "jobmanager.log")
    assert log.role == "jobmanager"
    assert log.starts[0].configuration["execution.checkpointing.interval"] == "5 s"
    done = [(c.id, c.size_bytes, c.duration_ms) for c in log.checkpoints if c.state == "completed"]
    assert done == [(1, 279893, 319), (2, 23301272, 2091)]
    assert [c.state for c in log.checkpoints] == ["failed", "completed", "completed"]
    assert [(s.job, s.name, s.kind) for s in log.submissions] == [
        (None, "", "program"),
        (JOB, "SingleJobApplication(daily-uv window purging)", "application"),
        (JOB, "daily-uv window purging", "job"),
    ]
    assert [(s.before, s.after) for s in log.job_states] == [("CREATED", "RUNNING")]
    assert [s.kind for s in log.symptoms] == ["peer_lost", "peer_lost", "signal"]
    line = log.symptoms[-1].place.line
    assert line is not None
    assert "RECEIVED SIGNAL 15" in (CORPUS / "jobmanager.log").read_text().split("\n")[line - 1]


def test_the_output_of_a_process_that_died() -> None:
    log = read_flink_log(CORPUS / "taskmanager.out")
    assert [s.kind for s in log.symptoms] == [
        "oom_heap",
        "heap_dump_begun",
        "heap_dump_written",
        "oom_heap",
        "jvm_ends",
    ]
    assert log.of_kind("heap_dump_written")[0].details["size_bytes"] == "205130967"
    assert log.laid_out == 0
    assert "bare output" in log.notes[0]


def test_the_memory_trees_of_the_start_scripts() -> None:
    log = read_flink_log(CORPUS / "start-scripts.out")
    task, job = log.memory
    assert (task.role, job.role) == ("taskmanager", "jobmanager")
    assert task.bytes_of("Total Process Memory") == 1728 << 20
    assert task.bytes_of("Total JVM Heap Memory", "Task") == 402653174
    assert task.bytes_of("Total JVM Direct Memory", "Task") == 0
    assert task.bytes_of("Task") is None  # two parts bear that name
    assert job.bytes_of("JVM Heap") == 1 << 30
    assert task.place.line == 11
    assert len(task.parts) == 13


def test_a_failed_task_with_its_cause_and_stack(tmp_path: Path) -> None:
    (tmp_path / "tm.log").write_text(FAILED)
    log = read_flink_log(tmp_path / "tm.log", called="tm.log")
    (failure,) = log.task_failures
    assert (failure.task, failure.subtask) == ("Window", "1/2")
    assert failure.cause == "java.lang.OutOfMemoryError: Java heap space"
    assert failure.stack[0] == "org.roaringbitmap.RoaringArray.<init>(RoaringArray.java:44)"
    oom = log.of_kind("oom_heap")[0]
    assert str(oom.place) == "tm.log:4"
    assert oom.stack[1] == "leak.Window.process(Window.java:12)"
    assert oom.time == "2026-11-21 09:30:00,001"
    assert [s.kind for s in log.symptoms] == ["oom_heap", "fatal_error"]


def _as_json(layout: str) -> str:
    trace = FAILED.split("\n", 1)[1].split("\n2026", 1)[0]
    message = FAILED.split("[] - ", 1)[1].split("\n", 1)[0]
    logger = "org.apache.flink.runtime.taskmanager.Task"
    when = "2026-11-21T09:30:00.001Z"
    documents = {
        "ecs": {"@timestamp": when, "ecs.version": "1.2.0", "log.level": "WARN", "message": message, "log.logger": logger,
                "process.thread.name": "Window (1/2)#0", "error.stack_trace": trace},
        "logstash": {"@timestamp": when, "message": message, "logger_name": logger, "level": "WARN", "stack_trace": trace},
        "JsonLayout": {"instant": {"epochSecond": 1795253400, "nanoOfSecond": 1000000}, "level": "WARN",
                       "loggerName": logger, "message": message, "thrown": {
                           "name": "java.lang.RuntimeException", "message": "outer", "extendedStackTrace": [],
                           "cause": {"name": "java.lang.OutOfMemoryError", "message": "Java heap space",
                                     "extendedStackTrace": [{"class": "org.roaringbitmap.RoaringArray", "method": "<init>",
                                                             "file": "RoaringArray.java", "line": 44}]}}},
        "nested": {"@timestamp": when, "log": {"level": "WARN", "logger": logger}, "message": message,
                   "error": {"stack_trace": trace}},
    }  # fmt: skip
    return json.dumps(documents[layout]) + "\n"


@pytest.mark.parametrize("layout", ["ecs", "logstash", "JsonLayout", "nested"])
def test_json_layouts_say_the_same(layout: str, tmp_path: Path) -> None:
    (tmp_path / "tm.log").write_text(_as_json(layout))
    log = read_flink_log(tmp_path / "tm.log")
    (failure,) = log.task_failures
    assert failure.cause == "java.lang.OutOfMemoryError: Java heap space"
    assert failure.stack[0] == "org.roaringbitmap.RoaringArray.<init>(RoaringArray.java:44)"
    assert failure.clock_ms == 1795253400001
    assert [s.kind for s in log.symptoms] == ["oom_heap"]
    assert log.symptoms[0].place.line == 1


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21 09:30:00,001 INFO  org.apache.flink.X   [] - said",
        "2026-11-21 09:30:00.001 [main] INFO  org.apache.flink.X  - said",
        "2026-11-21T09:30:00.001+0000 INFO [main] org.apache.flink.X - said",
        "2026-11-21 09:30:00,001 INFO  org.apache.flink.X - said",
    ],
)
def test_text_layouts(line: str) -> None:
    (record,) = log_records(iter([line]))
    assert (record.level, record.logger, record.message) == ("INFO", "org.apache.flink.X", "said")
    assert record.clock_ms == 1795253400001


def test_a_rotated_and_packed_set_is_read_in_the_order_of_its_contents(tmp_path: Path) -> None:
    text = (CORPUS / "jobmanager.log").read_text().split("\n")
    (tmp_path / "jm.log").write_text("\n".join(text[200:]))
    (tmp_path / "jm.log.1").write_text("\n".join(text[100:200]) + "\n")
    with gzip.open(tmp_path / "jm.log.2.gz", "wt") as stream:
        stream.write("\n".join(text[:100]) + "\n")
    rotated, whole = read_flink_log(tmp_path / "jm.log"), read_flink_log(CORPUS / "jobmanager.log")
    assert [Path(source).name for source in rotated.sources] == ["jm.log.2.gz", "jm.log.1", "jm.log"]
    assert rotated.counts == whole.counts
    assert rotated.starts[0].jvm_options == whole.starts[0].jvm_options
    assert Path(rotated.submissions[1].place.source).name == "jm.log.1"
    assert rotated.submissions[1].place.line == (whole.submissions[1].place.line or 0) - 100


@pytest.mark.parametrize(
    "prefix", ["2026-11-21T09:31:00.123456789Z ", "2026-11-21T09:31:00.1Z stdout F ", "[pod/tm-1/main] "]
)
def test_wrapper_prefixes_do_not_hide_the_log(prefix: str, tmp_path: Path) -> None:
    lines = (CORPUS / "jobmanager.log").read_text().split("\n")[:-1]
    (tmp_path / "jm.log").write_text("".join(f"{prefix}{line}\n" for line in lines))
    log = read_flink_log(tmp_path / "jm.log")
    assert log.counts == read_flink_log(CORPUS / "jobmanager.log").counts
    assert log.first_time == "2026-11-21 09:24:10,867"


def test_a_gzip_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    packed = gzip.compress((CORPUS / "jobmanager.log").read_bytes())
    (tmp_path / "jm.log.gz").write_bytes(packed[: len(packed) * 2 // 3])
    log = read_flink_log(tmp_path / "jm.log.gz")
    assert log.starts[0].flink_version == "2.3.0"
    assert any("cannot be read beyond" in note for note in log.notes)


def test_giant_lines_and_junk_in_between(tmp_path: Path) -> None:
    body = (CORPUS / "jobmanager.log").read_bytes()
    (tmp_path / "jm.log").write_bytes(body + b"x" * 5_000_000 + b"\n\x00\xff\xfe\x80junk\n" + FAILED.encode())
    log = read_flink_log(tmp_path / "jm.log")
    assert len(log.task_failures) == 1
    assert any("were cut" in note for note in log.notes)


def test_long_series_are_bounded_but_counted(tmp_path: Path) -> None:
    line = "2026-11-21 09:30:01,002 ERROR org.apache.flink.X [] - java.lang.OutOfMemoryError: Java heap space\n"
    (tmp_path / "tm.log").write_text(line * (2 * MOST_FACTS))
    log = read_flink_log(tmp_path / "tm.log")
    assert log.counts["oom_heap"] == 2 * MOST_FACTS
    assert len(log.symptoms) == MOST_FACTS
    assert [s.place.line for s in log.symptoms][-1] == 2 * MOST_FACTS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=60) | st.sampled_from([line.encode() for line in FAILED.split("\n")]), max_size=12))
def test_no_bytes_make_it_fail(tmp_path: Path, lines: list[bytes]) -> None:
    (tmp_path / "x.log").write_bytes(b"\n".join(lines))
    try:
        log = read_flink_log(tmp_path / "x.log")
    except UnreadableInputError as error:
        assert "binary" in error.message  # noqa: PT017
        return
    assert log.records <= log.lines


def test_wrong_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_flink_log(tmp_path / "absent.log")
    (tmp_path / "dump.log").write_bytes(b"\0\1\2\0" * 4000)
    with pytest.raises(UnreadableInputError, match="binary"):
        read_flink_log(tmp_path / "dump.log")
    (tmp_path / "poem.log").write_text("roses are red\n")
    assert read_flink_log(tmp_path / "poem.log").notes


def test_a_second_start_in_the_same_file(tmp_path: Path) -> None:
    shutil.copy(CORPUS / "taskmanager.log", tmp_path / "tm.log")
    with (tmp_path / "tm.log").open("a") as stream:
        stream.write((CORPUS / "taskmanager.log").read_text().replace("-Xmx134217728", "-Xmx999999488"))
    log = read_flink_log(tmp_path / "tm.log")
    assert [start.jvm_options[0] for start in log.starts] == ["-Xmx134217728", "-Xmx999999488"]


OLD = """2020-03-01 10:00:00,123 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -  Starting TaskManager (Version: \
1.10.0, Rev:aa4eb8f, Date:07.02.2020 @ 19:18:19 CET)
2020-03-01 10:00:00,124 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -  JVM: OpenJDK 64-Bit Server VM - Red Hat, \
Inc. - 1.8/25.242-b08
2020-03-01 10:00:00,125 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -  JVM Options:
2020-03-01 10:00:00,125 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -     -XX:+UseG1GC
2020-03-01 10:00:00,125 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -     -Xmx536870902
2020-03-01 10:00:00,126 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -  Program Arguments:
2020-03-01 10:00:00,126 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -     -D taskmanager.cpu.cores=1.0
2020-03-01 10:00:00,127 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner      -  Classpath: /opt/flink/lib/a.jar
2020-03-01 10:01:00,000 INFO  org.apache.flink.runtime.checkpoint.CheckpointCoordinator     - Completed checkpoint 12 for job \
0123456789abcdef0123456789abcdef (123456 bytes in 789 ms).
2020-03-01 10:01:01,000 INFO  org.apache.flink.runtime.dispatcher.StandaloneDispatcher      - Received JobGraph submission \
0123456789abcdef0123456789abcdef (my job (1)).
2020-03-01 10:01:02,000 INFO  org.apache.flink.runtime.executiongraph.ExecutionGraph        - Job my job (1) \
(0123456789abcdef0123456789abcdef) switched from state RUNNING to RESTARTING.
"""


def test_the_layout_and_texts_of_flink_1_10(tmp_path: Path) -> None:
    (tmp_path / "old.log").write_text(OLD.replace("\\\n", ""))
    log = read_flink_log(tmp_path / "old.log")
    (start,) = log.starts
    assert (start.flink_version, start.java_version, start.collector) == ("1.10.0", "1.8.0_242", "G1")
    assert start.class_path == "/opt/flink/lib/a.jar"
    (checkpoint,) = log.checkpoints
    assert (checkpoint.id, checkpoint.size_bytes, checkpoint.duration_ms) == (12, 123456, 789)
    (submission,) = log.submissions
    assert (submission.job, submission.name) == ("0123456789abcdef0123456789abcdef", "my job (1)")
    assert (log.job_states[0].name, log.job_states[0].after) == ("my job (1)", "RESTARTING")


def test_a_real_death_of_metaspace() -> None:
    log = read_flink_log(CORPUS / "metaspace-taskmanager.log", called="tm.log")
    ooms = log.of_kind("oom_metaspace")
    assert len(ooms) == log.counts["fatal_error"] == 3
    assert {oom.details["option"] for oom in ooms} == {"taskmanager.memory.jvm-metaspace.size"}
    assert ooms[2].stack[0] == "java.base/java.lang.ClassLoader.defineClass1(Native Method)"
    for symptom in log.symptoms:
        line = (CORPUS / "metaspace-taskmanager.log").read_text().split("\n")[(symptom.place.line or 0) - 1]
        assert symptom.text in line


def test_real_missing_network_buffers() -> None:
    log = read_flink_log(CORPUS / "network-jobmanager.log")
    found = log.of_kind("network_buffers")
    assert found
    assert {tuple(s.details[name] for name in ("needed", "available", "total", "segment_bytes")) for s in found} == {
        ("3", "2", "2", "32768")
    }
    (failure,) = log.task_failures
    assert failure.task.startswith("Source: events")
    assert failure.cause.startswith("java.io.IOException: Insufficient number of network buffers")
    assert failure.task_manager is not None
    assert [state.after for state in log.job_states] == ["FAILING", "FAILED"]


QUOTED = """\
2026-11-21 15:50:00,000 WARN  acme.Orders [] - the price service answered 500: java.lang.OutOfMemoryError: Java heap space
2026-11-21 15:50:01,000 ERROR acme.Orders [] - customer asks: 'what does OutOfMemoryError mean?'
2026-11-21 15:50:02,000 ERROR acme.Orders [] - upload failed
org.apache.hadoop.ipc.RemoteException(java.lang.OutOfMemoryError): unable to create native thread
\tat acme.Orders.map(Orders.java:7)
"""
THROWN = """\
2026-11-21 15:50:02,000 ERROR acme.Orders [] - order 7 failed
java.lang.RuntimeException: java.lang.OutOfMemoryError: Java heap space
\tat acme.Orders.map(Orders.java:7)
Caused by: java.lang.OutOfMemoryError: Java heap space
\tat acme.Orders.grow(Orders.java:9)
"""


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (QUOTED, []),
        (QUOTED + THROWN, ["oom_heap"]),
        ("remote: we saw java.lang.OutOfMemoryError: Java heap space\n", []),
        ("java.lang.OutOfMemoryError: Java heap space\nDumping heap to x.hprof ...\n", ["oom_heap", "heap_dump_begun"]),
        ("taskmanager_1 | java.lang.OutOfMemoryError: Java heap space\n", ["oom_heap"]),
        ('Exception in thread "a b-1" java.lang.OutOfMemoryError: Java heap space\n\tat A.b(A.java:1)\n', ["oom_heap"]),
        ("Terminating due to java.lang.OutOfMemoryError: Metaspace\n", ["oom_metaspace", "jvm_ends"]),
        ("# java.lang.OutOfMemoryError: Java heap space\n", ["oom_heap"]),
        (
            "2026-11-21 15:50:00,000 WARN  io.netty.channel.X [] - failed\n"
            "io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16 byte(s) of direct memory"
            " (used: 9, max: 10)\n",
            ["oom_direct"],
        ),
    ],
)
def test_an_error_that_is_only_quoted_is_nobodys(tmp_path: Path, text: str, kinds: list[str]) -> None:
    path = tmp_path / "x.log"
    path.write_text(text, encoding="utf-8")
    assert [symptom.kind for symptom in read_flink_log(path).symptoms] == kinds
