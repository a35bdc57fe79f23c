"""What stands around a GC log: sets, restarts, wrappers, packing, damage, files that are no GC logs."""

from __future__ import annotations

import gzip
import json
import os
import random
import zipfile
from pathlib import Path

import pytest

from flinkscope import FlinkscopeError, read_gc_log
from flinkscope.errors import FormatError, SourceError, UnreadableInputError, UsageError
from flinkscope.formats.gclog.records import Flag, Kind
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog
from strategies import gclog_unified as writer

ALL = ("time", "uptime", "level", "tags")


def pause(end_ms: int, after: int = 30, title: str = "Pause Young (Normal) (G1 Evacuation Pause)") -> writer.Collection:
    return writer.Collection(title, end_ms, 4_000, after + 20, after, 128, 40_000, 1, details=True)


def text(*ends_ms: int, decorations: tuple[str, ...] = ALL) -> bytes:
    return writer.render(writer.Log("G1", decorations, tuple(pause(end) for end in ends_ms)))


def count(log: GcLog, name: str = "pause_count") -> int:
    figure = log.figures[name]
    assert isinstance(figure, Figure)
    return figure.value


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-01-01T00:00:00.123456789Z ",
        "2026-01-01T00:00:00.123456789Z stdout F ",
        "[pod/taskmanager-1/main] ",
        "[pod/taskmanager-1/main] 2026-01-01T00:00:00.123456789Z ",
        "Jan 02 03:04:05 node-1 java[123]: ",
        "2026-01-02T03:04:05+0000 node-1 java[77]: ",
        "INFO   | jvm 1    | 2013/10/05 17:44:13 | ",
        "taskmanager-1  | ",
        "nobody knows this wrapper: ",
    ],
)
def test_wrapper_prefixes_change_nothing(tmp_path: Path, prefix: str) -> None:
    lines = text(100, 300, 900).decode().splitlines()
    bare = read_gc_log(saved(tmp_path / "bare", "\n".join(lines).encode()))
    wrapped = read_gc_log(saved(tmp_path / "wrapped", "\n".join(prefix + line for line in lines).encode()))
    assert wrapped.figures == bare.figures
    assert wrapped.coverage.understood_gc_lines == wrapped.coverage.gc_lines == bare.coverage.gc_lines


def test_docker_json_lines(tmp_path: Path) -> None:
    lines = text(100, 300).decode().splitlines()
    data = "\n".join(json.dumps({"log": line + "\n", "stream": "stdout"}, separators=(",", ":")) for line in lines)
    assert count(read_gc_log(saved(tmp_path / "x-json.log", data.encode()))) == 2


def test_packed_and_foreign_encodings(tmp_path: Path) -> None:
    data = text(100, 300, 900)
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        archive.writestr("gc.log", data)
    packed = [
        saved(tmp_path / "a.gz", gzip.compress(data)),
        tmp_path / "logs.zip",
        saved(tmp_path / "windows.log", data.replace(b"\n", b"\r\n")),
        saved(tmp_path / "utf16.log", data.decode().encode("utf-16")),
        saved(tmp_path / "comma.log", data.replace(b"4.000ms", b"4,000ms").replace(b".01s", b",01s")),
    ]
    for path in packed:
        log = read_gc_log(path)
        assert (count(log), count(log, "pause_total_ns")) == (3, 12_000_000), path
        assert log.events["sys_ms"].tolist() == [10, 10, 10], path


def test_a_cut_gzip_gives_what_could_be_read(tmp_path: Path) -> None:
    random.seed(3)
    ends = sorted(random.sample(range(100, 10**7), 4_000))
    data = gzip.compress(text(*ends))
    log = read_gc_log(saved(tmp_path / "gc.log.gz", data[: len(data) // 2]))
    assert 100 < count(log) < 4_000
    assert any("gc.log.gz" in note for note in log.coverage.notes)


def test_a_rotated_set_is_ordered_by_content(tmp_path: Path) -> None:
    lines = text(*range(1_000, 61_000, 1_000), decorations=("uptime", "tags")).splitlines(keepends=True)
    parts = [b"".join(lines[start : start + 100]) for start in range(0, len(lines), 100)]
    names = ["gc.log.3", "gc.log.1", "gc.log", "gc.log.0", "gc.log.2"]
    assert len(parts) == len(names)
    for name, part in zip(names, parts, strict=True):
        saved(tmp_path / name, part)
    for given in (tmp_path, tmp_path / "gc.log.1", str(tmp_path / "gc.log*")):
        log = read_gc_log(given)
        assert [Path(file).name for file in log.files] == names
        assert count(log) == 60
        assert len(log.segments) == 1
        assert (log.events.start_ns[1:] > log.events.start_ns[:-1]).all()
    place = log.place_of(59)
    assert b"GC(59)" in (tmp_path / place.source).read_bytes().splitlines()[(place.line or 0) - 1]


@pytest.mark.parametrize("decorations", [ALL, ("uptime",), ("time", "tags"), ("tags",)])
def test_a_restart_begins_a_segment(tmp_path: Path, decorations: tuple[str, ...]) -> None:
    first, second = text(500, 90_000, 120_000, decorations=decorations), text(700, 50_000, decorations=decorations)
    if "time" in decorations:  # the second JVM begins three minutes later
        second = second.replace(b"T06:00", b"T06:03")
    log = read_gc_log(saved(tmp_path / "gc.log", first + second))
    assert len(log.segments) == 2
    assert [run.end_event - run.first_event for run in log.segments] == [3, 2]
    assert count(log, "jvm_run_count") == 2
    throughput = log.figures["throughput_bp"]
    if decorations == ("tags",):
        assert not isinstance(throughput, Figure)
    else:
        assert isinstance(throughput, Figure)
        assert throughput.value == 9_999
        assert (log.events.start_ns[1:] > log.events.start_ns[:-1]).all()


def test_torn_lines_at_both_ends(tmp_path: Path) -> None:
    data = text(1_000, 2_000, 3_000)
    log = read_gc_log(saved(tmp_path / "gc.log", data[len(data) // 3 : data.rfind(b"4.000ms") + 2]))
    assert (count(log), count(log, "torn_event_count")) == (1, 1)
    begun = (
        text(1_000, 2_000)
        + b"[2026-03-01T06:00:05.000+0000][5.000s][info][gc,start    ] GC(2) Pause Full (System.gc())\n"
    )
    log = read_gc_log(saved(tmp_path / "gc2.log", begun))
    assert (count(log), count(log, "full_gc_count"), count(log, "torn_event_count")) == (2, 0, 1)
    assert log.events.kind[-1] == Kind.FULL
    assert log.events.flags[-1] & Flag.TORN
    assert log.events.start_ns[-1] == 5_000_000_000


def test_lines_between_are_read_and_unknown_ones_are_told(tmp_path: Path) -> None:
    head = "[2026-03-01T06:00:01.500+0000][1.500s][info][gc           ] GC(1) Purple Collection of nothing 1.000ms\n"
    oom = 'Exception in thread "main" java.lang.OutOfMemoryError: Metaspace\n'
    log = read_gc_log(saved(tmp_path / "gc.log", text(1_000) + head.encode() + oom.encode()))
    assert log.coverage.gc_lines - log.coverage.understood_gc_lines == 1
    assert [sample[1] for sample in log.coverage.samples] == ["GC(1) Purple Collection of nothing 1.000ms"]
    line = log.coverage.samples[0][0]
    assert (tmp_path / "gc.log").read_text().splitlines()[line - 1] + "\n" == head
    assert log.segments[0].jvm.out_of_memory == [(line + 1, oom.strip())]
    assert count(log, "out_of_memory_count") == 1


def test_a_gigantic_line_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    data = text(1_000) + b"x" * 40_000_000 + b"\n" + text(2_000).partition(b"\n")[2]
    log = read_gc_log(saved(tmp_path / "gc.log", data))
    assert count(log) == 2
    assert any("longer than" in note for note in log.coverage.notes)


@pytest.mark.parametrize(
    "line", [b"] GC(1) Pause ", b"] GC(1) Concurrent ((", b"[gc] ", b"GC(", b'] Safepoint "', b"(("]
)
def test_a_hostile_line_does_not_make_patterns_slow(tmp_path: Path, line: bytes) -> None:
    data = text(1_000) + line * (900_000 // len(line)) + b"\n"
    assert count(read_gc_log(saved(tmp_path / "gc.log", data))) == 1


@pytest.mark.parametrize(
    ("name", "data", "error", "words"),
    [
        ("empty.log", b"", UnreadableInputError, "empty"),
        ("heap.hprof", b"JAVA PROFILE 1.0.2\0" + bytes(100), FormatError, "heap dump"),
        ("core", b"\x7fELF" + bytes(100), FormatError, "program"),
        ("binary.log", bytes(range(256)) * 9, FormatError, "binary"),
        (
            "flink.log",
            b"2026-01-01 00:00:00,123 INFO  o.a.f.Task - Source (1/1) switched to RUNNING\n" * 9,
            FormatError,
            "GC log",
        ),
    ],
)
def test_what_is_no_gc_log_is_refused(tmp_path: Path, name: str, data: bytes, error: type, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read_gc_log(saved(tmp_path / name, data))
    assert isinstance(caught.value, FlinkscopeError)
    assert caught.value.hint


def test_missing_files_and_logs_of_two_jvms(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_gc_log(tmp_path / "nothing.log")
    with pytest.raises(SourceError, match="no log files"):
        read_gc_log(str(tmp_path / "*.log"))
    saved(tmp_path / "tm-1.log", text(1_000, 90_000))
    saved(tmp_path / "tm-2.log", text(2_000, 95_000))
    with pytest.raises(UsageError, match="overlap"):
        read_gc_log(tmp_path)
    assert count(read_gc_log(tmp_path / "tm-1.log")) == 2


def test_a_log_whose_head_was_rotated_away_still_tells_collector_and_regions(tmp_path: Path) -> None:
    data = b"".join(line for line in text(1_000, 2_000, 9_000).splitlines(keepends=True)[2:])
    log = read_gc_log(saved(tmp_path / "gc.log", data))
    assert log.collector == "G1"
    assert log.events["old_after_bytes"].tolist() == [30 << 20] * 3


def test_two_jvms_in_one_file_at_once_leave_no_false_figure(tmp_path: Path) -> None:
    one = [line for line in text(*range(100_000, 160_000, 5_000)).splitlines(keepends=True) if b"Pause" in line]
    two = [line for line in text(*range(900_000, 960_000, 5_000)).splitlines(keepends=True) if b"Pause" in line]
    mixed = b"".join(line for pair in zip(one, two, strict=True) for line in pair)
    log = read_gc_log(saved(tmp_path / "gc.log", mixed))
    assert log.is_mixed
    assert (count(log), count(log, "pause_total_ns")) == (24, 96_000_000)
    for name in ("throughput_bp", "allocation_rate_bytes_per_s", "jvm_run_count", "log_duration_ns"):
        assert not isinstance(log.figures[name], Figure), name
    assert not any(finding.id == "live-set-rises" for finding in log.findings)


def test_a_clock_that_may_be_nanotime_begins_at_the_first_line(tmp_path: Path) -> None:
    log = read_gc_log(saved(tmp_path / "gc.log", text(1_000, 2_000, decorations=("timenanos", "tags"))))
    assert log.events.start_ns.tolist() == [994_000_000, 1_994_000_000]


def test_gc_lines_far_down_in_the_output_of_a_program(tmp_path: Path) -> None:
    noise = b"2026-01-01 00:00:00,123 INFO  [main] o.a.f.Task [] - Source (1/1) switched to RUNNING\n" * 9_000
    log = read_gc_log(saved(tmp_path / "taskmanager.out", noise + text(1_000, 2_000) + noise + text(3_000)[-700:]))
    assert count(log) == 3
    assert log.events.start_ns[0] == 996_000_000
    assert log.events["heap_after_bytes"].tolist() == [30 << 20] * 3


def test_two_jvms_in_a_set_without_stamps_are_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    """The second JVM renames the first one's log to ``.0``: both begin with collection 0."""
    for name, data, changed_s in (
        ("gc.log", text(1_000, 2_000, decorations=("tags",)), 2_000),
        ("gc.log.0", text(1_000, 2_000, 3_000, decorations=("tags",)), 1_000),
    ):
        os.utime(saved(tmp_path / name, data), (changed_s, changed_s))
    log = read_gc_log(tmp_path / "gc.log")
    assert [Path(file).name for file in log.files] == ["gc.log.0", "gc.log"]
    assert [run.end_event - run.first_event for run in log.segments] == [3, 2]
