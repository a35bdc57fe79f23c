"""Figures worked out by hand, trends of known series, findings and what they rest on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope import read_gc_log
from flinkscope.absent import Absent
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog
from flinkscope.gc.timeline import covered_ns, merged
from flinkscope.gc.trend import period_of, theil_sen, trend_of

MIB = 1 << 20


def log_of(tmp_path: Path, *lines: str) -> GcLog:
    path = tmp_path / "gc.log"
    path.write_text("\n".join(lines) + "\n")
    return read_gc_log(path)


def value(log: GcLog, name: str) -> int:
    figure = log.figures[name]
    assert isinstance(figure, Figure), figure
    return figure.value


PARALLEL = (
    "[0.000s][info][gc] Using Parallel",
    "[0.001s][info][gc,init] Heap Max Capacity: 100M",
    "[1.100s][info][gc] GC(0) Pause Young (Allocation Failure) 60M->20M(90M) 100.000ms",
    "[2.050s][info][gc] GC(1) Pause Young (Allocation Failure) 80M->30M(90M) 50.000ms",
    "[4.000s][info][gc] GC(2) Pause Full (Ergonomics) 70M->25M(90M) 350.000ms",
    "[10.000s][info][gc] GC(3) Pause Full (System.gc()) 45M->27M(90M) 500.000ms",
)


def test_figures_by_hand(tmp_path: Path) -> None:
    log = log_of(tmp_path, *PARALLEL)
    assert value(log, "log_duration_ns") == 10_000_000_000
    assert value(log, "pause_total_ns") == 1_000_000_000
    assert value(log, "throughput_bp") == 9_000
    assert value(log, "full_gc_pause_total_ns") == 850_000_000
    assert value(log, "pause_max_ns") == 500_000_000
    assert value(log, "pause_p50_ns") in (100_000_000, 350_000_000)
    assert value(log, "explicit_gc_count") == 1
    assert value(log, "consecutive_full_gc_max") == 2
    assert value(log, "live_set_last_bytes") == 27 * MIB
    assert value(log, "live_set_max_bytes") == 27 * MIB
    assert value(log, "live_set_min_bytes") == 25 * MIB
    # 60 from the JVM's start, then 80 - 20, 70 - 30, 45 - 25
    assert value(log, "allocated_total_bytes") == (60 + 60 + 40 + 20) * MIB
    assert value(log, "allocation_rate_bytes_per_s") == round(180 * MIB / 9.5)
    assert value(log, "freed_by_young_gc_total_bytes") == 90 * MIB
    assert value(log, "freed_by_full_gc_total_bytes") == 63 * MIB
    assert log.max_heap_bytes == 100 * MIB
    for name in ("promotion_total_bytes", "metaspace_floor_bytes", "safepoint_count", "gc_user_total_ns"):
        assert isinstance(log.figures[name], Absent), name  # -Xlog:gc does not tell them: unknown, not 0
    assert [(f.start_ns, f.pause_ns, f.cause, f.place.line) for f in log.full_gcs] == [
        (3_650_000_000, 350_000_000, "Ergonomics", 5),
        (9_500_000_000, 500_000_000, "System.gc()", 6),
    ]


def test_a_full_collection_inside_a_young_one_is_counted_once(tmp_path: Path) -> None:
    """Serial of JDK 11: the young collection fails, the full one runs inside it and ends first."""
    log = log_of(
        tmp_path,
        "[0.000s][info][gc] Using Serial",
        "[1.100s][info][gc] GC(1) Pause Full (Allocation Failure) 60M->20M(90M) 90.000ms",
        "[1.100s][info][gc] GC(0) Pause Young (Allocation Failure) 60M->20M(90M) 100.000ms",
        "[2.000s][info][gc] GC(2) Pause Young (Allocation Failure) 80M->30M(90M) 100.000ms",
    )
    assert value(log, "pause_total_ns") == 200_000_000
    assert value(log, "young_gc_pause_total_ns") == 110_000_000
    assert value(log, "full_gc_pause_total_ns") == 90_000_000
    assert value(log, "throughput_bp") == 9_000
    assert value(log, "allocated_total_bytes") == (60 + 60) * MIB


def test_stopped_time_outside_gc_and_time_to_safepoint(tmp_path: Path) -> None:
    safepoint = 'Safepoint "{}", Time since last: 5 ns, Reaching safepoint: {} ns, At safepoint: 1 ns, Total: {} ns'
    log = log_of(
        tmp_path,
        *PARALLEL[:3],
        "[1.101s][info][safepoint] " + safepoint.format("ParallelGCFailedAllocation", 1_000, 101_000_000),
        "[3.000s][info][safepoint] " + safepoint.format("HeapDumper", 250_000_000, 900_000_000),
    )
    assert value(log, "stopped_total_ns") == 1_001_000_000
    assert value(log, "stopped_outside_gc_ns") == 901_000_000
    assert value(log, "time_to_safepoint_max_ns") == 250_000_000
    found = {finding.id: finding for finding in log.findings}
    assert "HeapDumper" in found["long-safepoint"].evidence[0][0]
    assert found["long-safepoint"].evidence[0][1].line == 5


def test_findings_name_the_place(tmp_path: Path) -> None:
    lines = [*PARALLEL[:2]]
    for number in range(8):
        at = 2 + number
        lines.append(f"[{at}.000s][info][gc] GC({number}) Pause Full (Ergonomics) 95M->{86 + number}M(100M) 900.000ms")
    log = log_of(tmp_path, *lines)
    found = {finding.id: finding for finding in log.findings}
    assert {"heap-too-small-for-live-set", "gc-thrash", "live-set-rises"} <= set(found)
    assert found["heap-too-small-for-live-set"].severity == "error"
    assert found["heap-too-small-for-live-set"].evidence[0][1].line == 10
    exhaustion = log.figures["time_to_exhaustion_ns"]
    assert isinstance(exhaustion, Figure)
    assert exhaustion.value == pytest.approx(7e9, rel=0.05)  # 93 of 100 MiB, one more each second
    assert log_of(tmp_path, *PARALLEL[:4]).findings == ()


def test_metaspace_drives_full_collections_while_the_heap_is_empty(tmp_path: Path) -> None:
    lines = [*PARALLEL[:2]]
    for number in range(4):
        lines.append(
            f"[{number + 1}.000s][info][gc,metaspace] GC({number}) Metaspace: 90000K(91000K)->{89000 + number}K(91000K)"
        )
        lines.append(
            f"[{number + 1}.000s][info][gc] GC({number}) Pause Full (Metadata GC Threshold) 15M->10M(100M) 20.000ms"
        )
    log = log_of(tmp_path, *lines)
    assert [f.severity for f in log.findings if f.id == "metaspace-full-gc"] == ["error"]
    assert value(log, "metaspace_gc_count") == 4
    assert value(log, "metaspace_floor_bytes") == 89_000 * 1024


@settings(max_examples=60, deadline=None)
@given(st.floats(-5e6, 5e6), st.integers(10, 200), st.integers(0, 3))
def test_theil_sen_finds_a_line_under_outliers(slope: float, points: int, spoiled: int) -> None:
    time_ns = np.arange(points, dtype=np.int64) * 10**9
    sizes = (10**9 + slope * np.arange(points)).astype(np.int64)
    sizes[1 : 1 + spoiled] += 10**9
    trend = theil_sen(time_ns, sizes)
    assert trend is not None
    assert trend.slope_bytes_per_s == pytest.approx(
        slope, abs=max(2.0, abs(slope) * 0.02 + 1.3e8 * (spoiled / points) ** 2)
    )
    if spoiled == 0 and abs(slope) > 10:
        assert trend.rising == (slope > 0)


def test_the_slow_twin_of_theil_sen() -> None:
    rng = np.random.default_rng(5)
    time_ns, sizes = np.sort(rng.integers(0, 10**12, 60)), rng.integers(0, 10**9, 60)
    slopes = [
        (sizes[j] - sizes[i]) / ((time_ns[j] - time_ns[i]) / 1e9)
        for i in range(60)
        for j in range(i + 1, 60)
        if time_ns[j] > time_ns[i]
    ]
    trend = theil_sen(time_ns, sizes)
    assert trend is not None
    assert trend.slope_bytes_per_s == pytest.approx(float(np.median(slopes)))


@pytest.mark.parametrize("leak_per_s", [0, 3_000])
def test_a_windows_saw_tooth_is_no_leak(leak_per_s: int) -> None:
    """A day's window fills and is purged; three and a half days, the log ends while the heap is full."""
    time_ns = np.arange(0, 302_400, 600, dtype=np.int64) * 10**9
    seconds = time_ns / 1e9
    sizes = (5e8 + (seconds % 86_400) * 40_000 + leak_per_s * seconds).astype(np.int64)
    assert period_of(time_ns, sizes) == pytest.approx(86_400e9, rel=0.05)
    naive, trend = theil_sen(time_ns, sizes), trend_of(time_ns, sizes)
    assert naive is not None
    assert trend is not None
    assert naive.rising  # the naive slope would call it a leak
    assert trend.slope_bytes_per_s == pytest.approx(leak_per_s, abs=400)


def test_a_straight_rise_has_no_period() -> None:
    time_ns = np.arange(300, dtype=np.int64) * 10**10
    assert period_of(time_ns, (np.arange(300) * 10**6).astype(np.int64)) == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 60)), max_size=20),
    st.lists(st.integers(0, 1000), min_size=2),
)
def test_covered_time_against_counting_every_tick(intervals: list[tuple[int, int]], edges: list[int]) -> None:
    start = np.array([a for a, _ in intervals], dtype=np.int64)
    end = np.array([a + n for a, n in intervals], dtype=np.int64)
    ticks = {t for a, n in intervals for t in range(a, a + n)}
    edge = np.array(sorted(edges), dtype=np.int64)
    expected = [sum(a <= t < b for t in ticks) for a, b in pairwise(edge)]
    assert covered_ns(merged(start, end), edge).tolist() == expected


def test_the_live_set_of_one_jvm_is_no_trend_of_the_next(tmp_path: Path) -> None:
    """Each JVM's live set is level, the second one's is higher: nothing rises."""

    def run(after: int) -> list[str]:
        title = "Pause Full (System.gc())"
        events = [f"[{60 * n}.000s][info][gc] GC({n}) {title} 90M->{after}M(128M) 4.000ms" for n in range(1, 9)]
        return ["[0.005s][info][gc] Using G1", *events]

    log = log_of(tmp_path, *run(20), *run(50))
    assert len(log.segments) == 2
    assert log.figures["live_set_trend_bytes_per_s"] == Figure(0, "bytes_per_s", "not certain")
    assert not [finding for finding in log.findings if finding.id == "live-set-rises"]
    trend = log.series()["live_set"].columns["trend_bytes"].tolist()
    assert trend == [-1] * 8 + [50 * MIB] * 8


def test_a_start_that_passes_the_thresholds_of_the_metaspace_is_no_error(tmp_path: Path) -> None:
    lines = [*PARALLEL[:2]]
    for number, (before, after) in enumerate([(21_000, 21_000), (35_000, 35_000), (58_000, 58_000), (96_000, 57_000)]):
        lines.append(
            f"[{number + 1}.000s][info][gc,metaspace] GC({number}) Metaspace: {before}K(99000K)->{after}K(99000K)"
        )
        lines.append(
            f"[{number + 1}.000s][info][gc] GC({number}) Pause Full (Metadata GC Threshold) 15M->10M(100M) 20.000ms"
        )
    found = log_of(tmp_path, *lines).findings
    assert [f.severity for f in found if f.id == "metaspace-full-gc"] == ["info"]
