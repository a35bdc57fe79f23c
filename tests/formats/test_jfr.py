"""Flight recordings written from scratch: what is in them is found; damage gives a gap or a clear error, never more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import FormatError, UnreadableInputError
from flinkscope.formats.jfr import read_jfr
from flinkscope.formats.jfr_stacks import recorded_events, stacks_of
from jvm_support.jfr_writer import ALLOCATION, LONG, MONITOR, PARK, SAMPLE, TYPES, Chunk, event, leb

MAIN = (("Main", "main"), ("org/example/Work", "run"))
OTHER = (("Main", "main"), ("org/example/Other", "run"))
LOCK = "java/util/concurrent/locks/ReentrantLock$NonfairSync"


def incident() -> Chunk:
    chunk = Chunk()
    for ticks in (1, 2, 3):
        chunk.sample(ticks, "worker", MAIN)
    chunk.sample(4, "other", OTHER)
    chunk.allocation(20, "worker", MAIN, "[B", 300)
    chunk.allocation(10, "worker", MAIN, "[B", 1_000_000)  # the thread's first in time, not in the file
    chunk.allocation(30, "worker", OTHER, "[[Ljava/lang/String;", 50)
    chunk.allocation(15, "other", MAIN, "java/lang/String", 7_000)
    chunk.wait(MONITOR, 40, "worker", MAIN, "java/lang/Object")
    chunk.wait(PARK, 2, "worker", MAIN, LOCK)
    chunk.wait(PARK, 999_999, "worker", MAIN, "java/util/concurrent/SynchronousQueue$TransferStack")
    return chunk


def named(profile: object) -> dict[tuple[str | None, str], int]:
    return {(t, ";".join(f.name for f in frames)): value for t, frames, value in profile.stacks}  # type: ignore[attr-defined]


@pytest.mark.parametrize("string_kind", [3, 4, 5])
def test_events_threads_and_stacks(string_kind: int) -> None:
    chunk = incident()
    chunk.string_kind = string_kind
    recording = read_jfr(chunk.bytes(), "x.jfr")
    assert recording.gap is None
    assert recorded_events(recording) == {"cpu": 4, "alloc": 4, "lock": 3}
    cpu = stacks_of(recording, "cpu")
    assert (cpu.unit, cpu.gap) == ("samples", None)
    assert named(cpu) == {
        ("worker", "Main.main;org.example.Work.run"): 3,
        ("other", "Main.main;org.example.Other.run"): 1,
    }


def test_each_threads_first_allocation_sample_is_left_out_and_told() -> None:
    profile = stacks_of(read_jfr(incident().bytes(), "x.jfr"), "alloc")
    assert profile.unit == "bytes"
    assert named(profile) == {
        ("worker", "Main.main;org.example.Work.run;byte[]"): 300,
        ("worker", "Main.main;org.example.Other.run;java.lang.String[][]"): 50,
    }
    assert "2 threads" in profile.notes[0]
    assert "983 KiB" in profile.notes[0]


def test_the_first_sample_is_that_of_the_whole_file_not_of_each_chunk() -> None:
    first, second = Chunk(), Chunk()
    first.allocation(1, "worker", MAIN, "[B", 1_000)
    second.allocation(2, "worker", MAIN, "[B", 10)
    profile = stacks_of(read_jfr(first.bytes() + second.bytes(), "x.jfr"), "alloc")
    assert profile.total == 10


def test_waits_for_locks_count_and_idle_parks_do_not() -> None:
    chunk = incident()
    chunk.ticks_per_second = 1_000_000
    profile = stacks_of(read_jfr(chunk.bytes(), "x.jfr"), "lock")
    assert named(profile) == {
        ("worker", "Main.main;org.example.Work.run;java.lang.Object"): 40_000,
        ("worker", "Main.main;org.example.Work.run;java.util.concurrent.locks.ReentrantLock$NonfairSync"): 2_000,
    }


def test_allocation_by_new_buffers_before_java_16() -> None:
    chunk = Chunk()
    chunk.buffer("worker", MAIN, "[J", 4096)
    profile = stacks_of(read_jfr(chunk.bytes(), "x.jfr"), "alloc")
    assert named(profile) == {("worker", "Main.main;org.example.Work.run;long[]"): 4096}


def test_an_event_that_is_not_there_names_those_that_are() -> None:
    chunk = Chunk()
    chunk.sample(1, "worker", MAIN)
    with pytest.raises(UnreadableInputError, match=r"no events for alloc; it has cpu \(1 events\)"):
        stacks_of(read_jfr(chunk.bytes(), "x.jfr"), "alloc")


def test_a_chunk_that_is_still_being_written_is_read_with_a_gap() -> None:
    recording = read_jfr(incident().bytes(size=0), "x.jfr")
    assert "still being written" in (recording.gap or "")
    assert stacks_of(recording, "cpu").total == 4
    assert stacks_of(recording, "cpu").gap == recording.gap


def test_a_cut_second_chunk_leaves_the_first() -> None:
    whole = incident().bytes()
    for cut in (3, 40, 200):
        recording = read_jfr(whole + whole[:cut], "x.jfr")
        assert recording.gap
        assert recorded_events(recording)["cpu"] == 4


def test_every_cut_gives_a_gap_or_a_format_error() -> None:
    whole = incident().bytes()
    for cut in range(len(whole)):
        try:
            gap = read_jfr(whole[:cut], "x.jfr").gap
        except FormatError as error:
            gap = error.hint
        assert gap


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_never_crash(data: st.DataObject) -> None:
    changed = bytearray(incident().bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        recording = read_jfr(bytes(changed), "x.jfr")
        for kind in recorded_events(recording):
            stacks_of(recording, kind)
    except UnreadableInputError:
        return


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_after_a_header_never_crash(body: bytes) -> None:
    with pytest.raises(FormatError):
        read_jfr(Chunk().bytes()[:68] + body, "x.jfr")


def test_types_that_hold_themselves_are_refused_at_once() -> None:
    chunk = Chunk()
    chunk.types[300] = ("Loop", [("inner", 300, False, False)] * 20)
    chunk.types[SAMPLE] = (TYPES[SAMPLE][0], [*TYPES[SAMPLE][1], ("loop", 300, False, False)])
    chunk.sample(1, "worker", MAIN)
    profile = stacks_of(read_jfr(chunk.bytes(), "x.jfr"), "cpu")
    assert profile.stacks == ()


def test_an_array_that_claims_more_than_there_is() -> None:
    chunk = incident()
    chunk.types[SAMPLE] = (TYPES[SAMPLE][0], [*TYPES[SAMPLE][1], ("many", LONG, False, True)])
    chunk.raw(event(SAMPLE, leb(1), leb(1), leb(1), leb(1 << 60)))
    recording = read_jfr(chunk.bytes(), "x.jfr")
    assert stacks_of(recording, "cpu").stacks == ()
    assert "cannot be read" in (recording.chunks[0].gap or "")


def test_a_weight_of_nine_bytes() -> None:
    chunk = Chunk()
    chunk.allocation(1, "worker", MAIN, "[B", 5)
    chunk.allocation(2, "worker", MAIN, "[B", (1 << 62) + 12_345)
    assert stacks_of(read_jfr(chunk.bytes(), "x.jfr"), "alloc").total == (1 << 62) + 12_345


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "chunk header|metadata"),
        (b"JAVA PROFILE 1.0.2\0" + bytes(80), "chunk header"),
        (incident().bytes(features=0), "compressed numbers"),
        (b"FLR\0\0\x09" + bytes(80), "JFR 2.x"),
    ],
)
def test_what_is_no_recording(data: bytes, expected: str) -> None:
    with pytest.raises(FormatError, match=expected) as caught:
        read_jfr(data, "x.jfr")
    assert caught.value.exit_code == 4


def test_a_type_without_the_field_is_told() -> None:
    chunk = Chunk()
    chunk.types[ALLOCATION] = (TYPES[ALLOCATION][0], TYPES[ALLOCATION][1][:4])
    chunk.raw(event(ALLOCATION, leb(1), leb(0), leb(0), leb(0)))
    profile = stacks_of(read_jfr(chunk.bytes(), "x.jfr"), "alloc")
    assert "lacks a field" in (profile.gap or "")
