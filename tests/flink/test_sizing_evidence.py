"""The live set from evidence, and the other ways than a larger heap."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.absent import Absent
from flinkscope.errors import UnreadableInputError, UsageError
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.options import catalogue_versions, is_known
from flinkscope.flink.sizing import Proposal, applied, heap_for_live_set
from flinkscope.flink.sizing_alternatives import other_ways
from flinkscope.flink.sizing_evidence import MeasuredLiveSet, grown, measured_live_set
from flinkscope.flink.sizing_live_set import SizingRefused
from flinkscope.units import GIB, MIB

HOUR_NS = 3600 * 10**9
RISING = MeasuredLiveSet(GIB, "gc.log", "full collections", "G1", rising_bytes_per_s=100_000)


def _gc_log(path: Path, after_mib: list[int]) -> Path:
    lines = ["[0.005s][info][gc] Using G1", "[0.006s][info][gc,init] Heap Max Capacity: 512M"]
    for number, after in enumerate(after_mib):
        second = 10 + number * 60
        lines.append(
            f"[{second}.000s][info][gc] GC({number}) Pause Full (System.gc()) {after + 50}M->{after}M(512M) 12.345ms"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def test_gc_log_with_full_collections(tmp_path: Path) -> None:
    live = measured_live_set(_gc_log(tmp_path / "gc.log", [100, 104, 99, 101, 100]))
    assert (live.live_set_bytes, live.collector, live.upper_bound) == (104 * MIB, "G1", False)
    assert live.rising_bytes_per_s == 0
    assert grown(live, None) == 104 * MIB


def test_a_rising_live_set_is_refused_unless_its_end_is_known(tmp_path: Path) -> None:
    live = measured_live_set(_gc_log(tmp_path / "gc.log", list(range(50, 350, 10))))
    assert live.rising_bytes_per_s == pytest.approx(10 * MIB / 60, rel=0.01)
    with pytest.raises(SizingRefused, match="without an end in sight"):
        grown(live, None)
    assert grown(RISING, HOUR_NS) == GIB + 3600 * 100_000


def test_a_live_set_that_filled_the_heap_is_a_lower_bound(tmp_path: Path) -> None:
    full = measured_live_set(_gc_log(tmp_path / "gc.log", [480, 470, 490, 475, 480]))
    assert full.at_ceiling
    target = heap_for_live_set(full.live_set_bytes, "G1", at_ceiling=True)
    assert target.factor == 3.5
    assert "lower bound" in target.reasons[-1]
    assert not measured_live_set(_gc_log(tmp_path / "low.log", [100, 104, 99])).at_ceiling


def test_histogram(tmp_path: Path) -> None:
    head = " num     #instances         #bytes  class name (module)\n"
    text = f"{head}   1:  10  400  [B\nTotal          10            400\n"
    (tmp_path / "h.txt").write_text(text)
    assert measured_live_set(tmp_path / "h.txt").live_set_bytes == 400
    (tmp_path / "cut.txt").write_text(text[:90])
    with pytest.raises(UnreadableInputError, match="cut off"):
        measured_live_set(tmp_path / "cut.txt")


def test_a_file_without_live_set(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello\n")
    with pytest.raises(UsageError, match="no live set"):
        measured_live_set(tmp_path / "x")


def test_rocksdb_needs_the_state() -> None:
    ways = other_ways(heap_bytes=4 * GIB, config={}, flink="2.3.0")
    assert isinstance(ways[0], Absent)
    (rocksdb, *_) = other_ways(heap_bytes=4 * GIB, config={"taskmanager.memory.managed.size": "0"}, state_bytes=3 * GIB)
    assert isinstance(rocksdb, Proposal)
    assert rocksdb.changes["state.backend.type"] == "rocksdb"
    assert rocksdb.changes["taskmanager.memory.managed.size"] is None
    assert rocksdb.model.heap_bytes >= GIB


@settings(max_examples=100, deadline=None)
@given(
    st.integers(256 * MIB, 40 * GIB),
    st.integers(1, 16),
    st.sampled_from(["1728m", "4g", "16g"]),
    st.sampled_from(catalogue_versions()),
    st.integers(0, 100),
)
def test_other_ways_start_and_give_their_own_target(
    heap_bytes: int, slots: int, process: str, flink: str, state_percent: int
) -> None:
    config = {"taskmanager.memory.process.size": process, "taskmanager.numberOfTaskSlots": str(slots)}
    state_bytes = heap_bytes * state_percent // 100
    for way in other_ways(heap_bytes=heap_bytes, config=config, flink=flink, state_bytes=state_bytes):
        assert isinstance(way, Proposal)
        assert memory_model(applied(config, way.changes), flink=flink) == way.model
        assert way.model.heap_bytes >= way.wanted_heap_bytes
        assert all(is_known(key, flink) for key in way.changes)
        if way.name in ("fewer-slots", "smaller-processes"):
            assert way.processes * int(way.changes["taskmanager.numberOfTaskSlots"] or 0) >= slots
            assert way.processes * way.wanted_heap_bytes >= heap_bytes
