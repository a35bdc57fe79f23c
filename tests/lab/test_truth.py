"""The job's counters as the Java side writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from flinkscope.errors import FormatError
from flinkscope.lab.truth import as_document, expected_state, read_truth, records_counted

WINDOW = "TumblingEventTimeWindows -> results: Writer (1/2)#0"


def write(path: Path, task: str, slots: list[int]) -> None:
    name = task.encode()
    head = struct.pack("<8s16qi", b"FSTRUTH1", *slots, *[0] * (16 - len(slots)), len(name))
    path.write_bytes((head + name).ljust(4096, b"\0"))


def test_the_source_s_copy_of_the_key_selector_is_not_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.truth", "Source: events -> Map -> Filter (1/2)#0", [9_000, 5_000, 5_000])
    write(tmp_path / "b.truth", WINDOW, [4_000, 2_500, 40, 2_400, 3_000, 3_000, 0, 0, 0])
    tasks = read_truth(tmp_path)
    assert [t.counts_visitors for t in tasks] == [False, True]
    assert records_counted(tasks) == 4_000
    document = as_document(tasks, "window", "purging")
    assert document["flinkscope_truth"] == 1
    assert document["expected"]["state_entries"] == {"fire-time": 2_500, "window-contents": 40, "visitors": 2_400}
    assert document["expected"]["timers"] == 5_000


@pytest.mark.parametrize(
    ("trigger", "entries"),
    [
        ("bare", {"fire-time": 10, "window-contents": 10}),
        ("evictor", {"fire-time": 10, "window-contents": 3, "visitors": 8}),
    ],
)
def test_each_trigger_keeps_its_own(tmp_path: Path, trigger: str, entries: dict[str, int]) -> None:
    write(tmp_path / "a.truth", WINDOW, [20, 10, 3, 8])
    state = expected_state(read_truth(tmp_path), "window", trigger)
    assert state["state_entries"] == entries
    assert state["state_entries_total"] == sum(entries.values())


def test_files_that_are_not_ready_are_left_out_and_damaged_ones_told(tmp_path: Path) -> None:
    (tmp_path / "empty.truth").touch()
    (tmp_path / "mapped.truth").write_bytes(bytes(4096))
    assert read_truth(tmp_path) == []
    assert read_truth(tmp_path / "missing") == []
    (tmp_path / "bad.truth").write_bytes(b"NOTTRUTH" + bytes(4088))
    with pytest.raises(FormatError):
        read_truth(tmp_path)
    (tmp_path / "bad.truth").write_bytes(struct.pack("<8s16qi", b"FSTRUTH1", *[0] * 16, 1 << 30) + bytes(3900))
    with pytest.raises(FormatError):
        read_truth(tmp_path)
