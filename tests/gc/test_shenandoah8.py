"""Shenandoah of JDK 8, early and late builds: the events are those of the lines, cycles are put together."""

from __future__ import annotations

from pathlib import Path

from flinkscope import read_gc_log
from flinkscope.formats.gclog.records import Flag, Kind
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog

HEADER = "CommandLine flags: -XX:MaxHeapSize=536870912 -XX:+PrintGC -XX:+UseShenandoahGC \n"
LATE = (
    HEADER
    + """\
2020-03-10T08:03:29.000-0400: 0.400: [Concurrent reset 16M->16M(512M), 0.500 ms]
2020-03-10T08:03:29.001-0400: 0.401: [Pause Init Mark (process weakrefs), 1.001 ms]
2020-03-10T08:03:29.002-0400: 0.402: [Concurrent marking (process weakrefs) 17M->19M(512M), 6.892 ms]
2020-03-10T08:03:29.009-0400: 0.409: [Pause Final Mark (process weakrefs), 0.521 ms]
2020-03-10T08:03:29.010-0400: 0.410: [Concurrent cleanup 19M->18M(512M), 0.034 ms]
2020-03-10T08:03:29.010-0400: 0.410: Total time for which application threads were stopped: 0.0012340 seconds, \
Stopping threads took: 0.0000340 seconds
2020-03-10T08:03:29.011-0400: 0.411: [Concurrent evacuation 18M->19M(512M), 0.144 ms]
2020-03-10T08:03:29.012-0400: 0.412: [Pause Init Update Refs, 0.028 ms]
2020-03-10T08:03:29.012-0400: 0.412: [Concurrent update references 19M->19M(512M), 3.463 ms]
2020-03-10T08:03:29.016-0400: 0.416: [Pause Final Update Refs, 0.100 ms]
2020-03-10T08:03:29.016-0400: 0.416: [Concurrent cleanup 19M->8M(512M), 0.034 ms]
2020-03-10T08:03:39.000-0400: 10.400: [Concurrent reset, 0.500 ms]
2020-03-10T08:03:39.001-0400: 10.401: [Pause Init Mark, 1.001 ms]
2020-03-10T08:03:39.002-0400: 10.402: [Concurrent marking
    Failed to allocate TLAB, 4096K
    Cancelling GC: Allocation Failure
, 2714.003 ms]
2020-03-10T08:03:41.717-0400: 13.117: [Pause Degenerated GC (Mark) 510M->100M(512M), 50.000 ms]
2020-03-10T08:03:51.717-0400: 23.117: [Pause Full 510M->90M(512M), 250.000 ms]
"""
)
EARLY = """\
463.254: #0: [Pause Init Mark, 7.438 ms]
463.261: #0: [Concurrent marking 12G->13G(18G), 42.990 ms]
463.305: #0: [Pause Final Mark 13G->9784M(18G), 2.288 ms]
463.307: #0: [Concurrent evacuation 9800M->10G(18G), 14.682 ms]
463.322: #0: [Pause Init Update Refs, 0.125 ms]
463.322: #0: [Concurrent update references  10G->10G(18G), 17.012 ms]
463.340: #0: [Pause Final Update Refs 10G->2416M(18G), 0.991 ms]
463.341: #0: [Concurrent reset bitmaps 2416M->2440M(18G), 0.347 ms]
"""
MS = 1_000_000


def read(tmp_path: Path, text: str) -> GcLog:
    (tmp_path / "gc.log").write_text(text)
    return read_gc_log(tmp_path / "gc.log")


def rows(log: GcLog, *kinds: Kind) -> list[tuple[str, int, int]]:
    """Name, start in ms, duration in µs."""
    events = log.events
    return [
        (events.name_of(i), round(events.start_ns[i] / MS), int(events.duration_ns[i]) // 1000)
        for i in range(len(events))
        if events.kind[i] in kinds
    ]


def test_a_late_build(tmp_path: Path) -> None:
    log = read(tmp_path, LATE)
    assert (log.collector, log.jdk, log.max_heap_bytes) == ("Shenandoah", "<=8", 512 << 20)
    assert rows(log, Kind.PHASE_PAUSE) == [
        ("Pause Init Mark (process weakrefs)", 401, 1001),
        ("Pause Final Mark (process weakrefs)", 409, 521),
        ("Pause Init Update Refs", 412, 28),
        ("Pause Final Update Refs", 416, 100),
        ("Pause Init Mark", 10401, 1001),
    ]
    assert rows(log, Kind.DEGENERATED, Kind.FULL) == [
        ("Pause Degenerated GC", 13117, 50_000),
        ("Pause Full", 23117, 250_000),
    ]
    assert ("Concurrent marking", 10402, 2_714_003) in rows(log, Kind.CONCURRENT_PHASE)
    cycle = int((log.events.kind == Kind.CYCLE).argmax())
    assert log.events["heap_after_bytes"][cycle] == 8 << 20
    assert log.figures["concurrent_cycle_count"] == Figure(3, "count")  # whole, degenerated, full: as the bean counts
    assert log.figures["safepoint_count"] == Figure(1, "count")
    assert [full.heap_after_bytes for full in log.full_gcs] == [90 << 20]
    assert log.place_of(len(log.events) - 1).line == LATE.count("\n")
    assert log.coverage.lines == LATE.count("\n")
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines


def test_an_early_build_with_collection_numbers(tmp_path: Path) -> None:
    log = read(tmp_path, EARLY + EARLY.replace("463.", "473.").replace("#0", "#1"))
    assert [name for name, _, _ in rows(log, Kind.CYCLE)] == ["Concurrent collection"] * 2
    assert rows(log, Kind.PHASE_PAUSE)[0] == ("Pause Init Mark", 463_254, 7438)
    assert log.figures["pause_count"] == Figure(8, "count")
    assert not (log.events.flags & Flag.ABORTED).any()
    assert not log.coverage.signs_of_mixture


def test_lines_that_bear_the_moment_of_their_end(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        "2.198: [Pause Init Mark, 0.659 ms]\n2.222: [Concurrent marking, 24.366 ms]\n"
        "2.222: [Concurrent precleaning, 0.162 ms]\n2.223: [Pause Final Mark, 0.600 ms]\n",
    )
    assert [start for _, start, _ in rows(log, Kind.PHASE_PAUSE, Kind.CONCURRENT_PHASE)] == [2197, 2198, 2222, 2222]
