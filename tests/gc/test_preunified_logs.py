"""Logs of JDK 7 and 8: own lines with their figures read by hand, and the logs of ../shared with their event counts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.formats.gclog import preunified_blocks, preunified_jvm, preunified_shapes
from flinkscope.formats.gclog.preunified import COMMA, PreunifiedParser
from flinkscope.formats.gclog.records import EventBuilder, EventTable, Flag, Kind, Segment
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog

OWN = Path(__file__).parents[1] / "corpus" / "gclog" / "jdk8-own"
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "gclogs" / "jdk8"
EXPECTED = SHARED / "expected.jsonl"
MS = 1_000_000


def read(name: str) -> tuple[EventTable, EventBuilder]:
    return read_text((OWN / name).read_bytes())


def read_text(text: bytes) -> tuple[EventTable, EventBuilder]:
    builder = EventBuilder()
    parser = PreunifiedParser(builder)
    parser.feed(text)
    parser.finish()
    return builder.table(), builder


def brief(table: EventTable) -> list[tuple[str, str, float, float, int, int]]:
    """(kind, cause, start in ms, duration in ms, heap before and after in K) of every row."""
    before, after = table["heap_before_bytes"], table["heap_after_bytes"]
    return [
        (
            Kind(int(table.kind[i])).name,
            table.cause_of(i),
            int(table.start_ns[i]) / MS,
            int(table.duration_ns[i]) / MS,
            max(int(before[i]) >> 10, -1),
            max(int(after[i]) >> 10, -1),
        )
        for i in range(len(table))
    ]


def triple(table: EventTable, group: str, row: int) -> tuple[int, ...]:
    return tuple(int(table[f"{group}_{when}_bytes"][row]) >> 10 for when in ("before", "after", "capacity"))


def segment(builder: EventBuilder) -> Segment:
    assert len(builder.segments) == 1
    return builder.segments[0]


def understood_all(builder: EventBuilder) -> bool:
    coverage = builder.coverage
    return coverage.understood_gc_lines == coverage.gc_lines and not coverage.samples and not coverage.torn_events


def test_serial_with_tenuring_promotion_failure_and_out_of_memory() -> None:
    table, builder = read("serial-details.log")
    assert brief(table) == [
        ("YOUNG", "Allocation Failure", 512, 31.312, 34944, 11264),
        ("YOUNG", "Allocation Failure", 1004, 20.1, 46208, 40192),
        # One pause, two collections: 100.2 ms are 0.025 ms of DefNew and the rest of Tenured.
        ("YOUNG", "Allocation Failure", 2100, 0.025, 114943, 114943),
        ("FULL", "Allocation Failure", 2100.025, 100.175, 114943, 30208),
        ("FULL", "System.gc()", 3000, 80.1, 50000, 25600),
        ("FULL", "Metadata GC Threshold", 4000, 70.1, 26000, 25000),
        ("YOUNG", "Allocation Failure", 5500, 50, 110000, 34944 + 87424),
        ("FULL", "Allocation Failure", 5550, 200.2, 110000, 87500),
    ]
    assert triple(table, "metaspace", 5) == (20480, 20400, 1067008)
    assert triple(table, "old", 4) == (30208, 25600, 87424)
    assert triple(table, "young", 4) == (50000 - 30208, 0, 126720 - 87424)
    assert table.flags[6] == Flag.PROMOTION_FAILED
    jvm = segment(builder).jvm
    assert (jvm.collector, jvm.jdk, jvm.max_heap_bytes) == ("Serial", "1.8.0_292-8u292-b10", 128 << 20)
    assert jvm.memory_bytes == 4_040_320 << 10
    assert jvm.out_of_memory == [(15, "java.lang.OutOfMemoryError: Java heap space")]
    assert jvm.heap_at_exit
    assert "-XX:+PrintTenuringDistribution" in jvm.flags
    assert understood_all(builder)


def test_parallel_with_the_flags_of_the_incident() -> None:
    table, builder = read("parallel-incident.log")
    assert brief(table) == [
        ("SAFEPOINT", "", 999.75, 0.25, -1, -1),
        ("YOUNG", "Allocation Failure", 2250, 12.34, 262144, 10920),
        ("SAFEPOINT", "", 2250, 13, -1, -1),
        ("YOUNG", "Allocation Failure", 10000, 500, 900000, 950000),
        ("FULL", "Ergonomics", 10500, 1500, 950000, 650000),
        ("SAFEPOINT", "", 10000, 2001, -1, -1),
        ("FULL", "Allocation Failure", 12100, 2000, 899392, 889390),
        ("FULL", "Metadata GC Threshold", 14100, 700, 700390, 80000),
    ]
    assert table.flags[3] == Flag.PROMOTION_FAILED
    assert triple(table, "young", 4) == (262144, 0, 305664)
    assert triple(table, "metaspace", 7) == (120000, 119000, 1161216)
    assert [int(table[name][3]) for name in ("user_ms", "sys_ms", "real_ms")] == [1000, 200, 500]
    assert segment(builder).zero_wall_ns == 1_551_664_800_000_000_000  # 2019-03-04T10:00:00+0800
    assert (segment(builder).reaching_max_ns, segment(builder).reaching_max_row) == (200_000, 5)
    assert segment(builder).reaching_total_ns == 340_000  # 0.04 + 0.1 + 0.2 ms: "Stopping threads took"
    assert segment(builder).jvm.parallel_workers == 4
    assert understood_all(builder)


def test_parallel_of_jdk_7_with_perm_gen_and_failed_promotion() -> None:
    table, builder = read("parallel-jdk7.log")
    assert brief(table) == [
        ("YOUNG", "", 1100, 10, 16448, 6720),
        ("YOUNG", "", 2200, 60, 62000, 62800),
        ("FULL", "", 2260, 200, 62800, 21000),
        ("FULL", "System.gc()", 3000, 150, 21500, 20500),  # JDK 6 and 7 write (System)
        ("YOUNG", "", 4000, 11, 36948, 23156),
    ]
    assert table.flags[1] == Flag.PROMOTION_FAILED
    assert triple(table, "metaspace", 2) == (25000, 24990, 50176)
    assert segment(builder).jvm.jdk == "1.7.0_80-b15"
    assert understood_all(builder)


def test_heap_at_gc_hides_nothing() -> None:
    table, builder = read("parallel-heapatgc.log")
    assert brief(table) == [
        ("YOUNG", "Allocation Failure", 150, 10.1, 33280, 20496),
        ("FULL", "Ergonomics", 161, 80.3, 20496, 20100),
    ]
    assert not segment(builder).jvm.heap_at_exit
    assert understood_all(builder)


def test_cms_cycle_remark_with_scavenge_failure_and_interruption() -> None:
    table, builder = read("cms-details.log")
    assert brief(table) == [
        ("YOUNG", "Allocation Failure", 1500, 40.1, 279616, 50000),
        ("INITIAL_MARK", "", 2000, 5, 540000, 540000),
        ("CONCURRENT_PHASE", "", 2005, 300, -1, -1),
        ("CONCURRENT_PHASE", "", 2305, 20, -1, -1),
        ("CONCURRENT_PHASE", "", 2325, 5100, -1, -1),
        # The remark's 50.1 ms hold the young collection's 20.1 ms: together they are counted once.
        ("YOUNG", "CMS Final Remark", 7426, 20.1, 650000, 521000),
        ("REMARK", "", 7446.1, 30, 521000, 521000),
        ("CONCURRENT_PHASE", "", 7477, 500, -1, -1),
        ("CONCURRENT_PHASE", "", 7977, 10, -1, -1),
        ("INITIAL_MARK", "", 15000, 6, 900000, 900000),
        ("CONCURRENT_PHASE", "", 15006, 894, -1, -1),
        ("YOUNG", "Allocation Failure", 15100, 300, 1012000, 314560 + 698000),
        ("FULL", "Allocation Failure", 15400, 2000.2, 1012000, 400000),
        ("INITIAL_MARK", "", 25000, 6, 460000, 460000),
        ("CONCURRENT_PHASE", "", 25006, 244, -1, -1),
        ("FULL", "System.gc()", 25200, 1500.1, 470000, 390000),
        ("YOUNG", "GCLocker Initiated GC", 35000, 30.1, 669616, 430000),
    ]
    assert table.flags[11:13].tolist() == [Flag.PROMOTION_FAILED, Flag.CONCURRENT_MODE_FAILURE]
    assert table.flags[15] == Flag.CONCURRENT_MODE_INTERRUPTED
    assert [int(table[name][6]) for name in ("user_ms", "sys_ms", "real_ms")] == [100, 10, 30]
    assert triple(table, "old", 1) == (500000, 500000, 699072)
    assert table.name_of(4) == "CMS-concurrent-abortable-preclean"
    assert understood_all(builder)


def test_cms_incremental_with_decimal_commas() -> None:
    table, builder = read("cms-icms-comma.log")
    assert brief(table) == [
        ("YOUNG", "", 5250, 45.234, 153344, 30000),
        ("INITIAL_MARK", "", 6000, 11, 40000, 40000),
        ("YOUNG", "", 6500, 30.1, 166320, 40000),
        ("CONCURRENT_PHASE", "", 6011, 1000, -1, -1),
        ("REMARK", "", 7100, 21, 113000, 113000),
        ("FULL", "System.gc()", 8000, 300.1, 120000, 20000),
        ("SAFEPOINT", "", -1 / MS, 300.5, -1, -1),  # its line has no stamp: its start is not known
    ]
    assert understood_all(builder)


@pytest.mark.parametrize("name", ["cms-heapatgc-scavenge.log", "cms-jdk6-heapatgc.log"])
def test_layouts_and_statistics_inside_of_a_collection(name: str) -> None:
    table, builder = read(name)
    want = {
        "cms-heapatgc-scavenge.log": [
            ("YOUNG", "CMS Final Remark", 10001, 20.1, 650000, 521000),
            ("REMARK", "", 10020.1, 20, 521000, 521000),
        ],
        "cms-jdk6-heapatgc.log": [("YOUNG", "", 900, 8.1, 17024, 1000), ("YOUNG", "", 1500, 7.2, 18000, 1500)],
    }
    assert brief(table) == want[name]
    assert understood_all(builder)


def test_pauses_without_a_name_are_cms_marks_in_turn() -> None:
    """JDK 6 and 7 without details: used(capacity) and no arrow. A full collection ends the cycle."""
    table, _ = read("cms-verbose.log")
    kinds = [Kind(int(kind)).name for kind in table.kind]
    assert kinds == [
        *("YOUNG", "INITIAL_MARK", "YOUNG", "REMARK", "INITIAL_MARK", "FULL"),
        *("INITIAL_MARK", "REMARK", "INITIAL_MARK"),
    ]


def test_verbose_without_stamps() -> None:
    table, builder = read("verbose.log")
    assert [row[0] for row in brief(table)] == ["YOUNG", "YOUNG", "FULL", "YOUNG", "FULL"]
    assert (table.start_ns == -1).all()
    assert segment(builder).clock == "none"
    assert segment(builder).jvm.collector is None
    assert table.flags[3] == Flag.PROMOTION_FAILED


def test_g1_with_references_humongous_cycle_mixed_exhausted_full_and_abort() -> None:
    table, builder = read("g1-details.log")
    assert brief(table) == [
        ("YOUNG", "G1 Evacuation Pause", 1321, 10.5, 51 << 10, 8192),
        ("YOUNG_INITIAL_MARK", "G1 Humongous Allocation", 2000, 20, 500 << 10, 502272),
        ("CONCURRENT_PHASE", "", 2020, 10, -1, -1),
        ("CONCURRENT_PHASE", "", 2030, 200, -1, -1),
        ("REMARK", "", 2231, 4, -1, -1),
        ("CLEANUP", "", 2236, 1, 495 << 10, 300 << 10),
        ("CONCURRENT_PHASE", "", 2237, 1, -1, -1),
        ("MIXED", "G1 Evacuation Pause", 3000, 30, 345 << 10, 250 << 10),
        ("YOUNG", "G1 Evacuation Pause", 4000, 150, 1020 << 10, 1010 << 10),
        ("YOUNG_INITIAL_MARK", "G1 Evacuation Pause", 4151, 100, 1023 << 10, 1023 << 10),
        ("CONCURRENT_PHASE", "", 4251.9, 0.1, -1, -1),
        ("FULL", "Allocation Failure", 4260, 2500, 1023 << 10, 717004),
        ("CONCURRENT_PHASE", "", 4252, 2508, -1, -1),
    ]
    assert triple(table, "young", 0) == (51 << 10, 7168, (44 << 10) + 7168)
    assert triple(table, "metaspace", 11) == (40000, 39900, 1085440)
    assert table.flags[8:10].tolist() == [Flag.EVACUATION_FAILURE, Flag.EVACUATION_FAILURE]
    assert table.flags[12] == Flag.ABORTED
    jvm = segment(builder).jvm
    assert (jvm.collector, jvm.region_bytes, jvm.parallel_workers) == ("G1", 1 << 20, 4)
    assert understood_all(builder)


def test_g1_lines_that_two_threads_wrote_at_once() -> None:
    table, builder = read("g1-interleaved.log")
    assert brief(table) == [
        ("YOUNG", "G1 Evacuation Pause", 1000, 10, 51 << 10, 8192),
        ("YOUNG_INITIAL_MARK", "Metadata GC Threshold", 2000, 10, 52 << 10, 9216),
        ("CONCURRENT_PHASE", "", 2010, 5, -1, -1),
        ("YOUNG", "GCLocker Initiated GC", 2015, 5, 10 << 10, 9216),  # its stamp stands on the line before
        ("CONCURRENT_PHASE", "", 2015, 85, -1, -1),
        ("REMARK", "", 2101, 2, -1, -1),
        ("YOUNG", "G1 Evacuation Pause", 3000, 200, 1000 << 10, 1010 << 10),
        ("YOUNG", "", 4000, 5, 14 << 10, 3 << 10),
    ]
    assert table.flags[6] == Flag.EVACUATION_FAILURE
    assert understood_all(builder)


def test_lines_glued_together_or_cut_by_other_threads() -> None:
    table, builder = read("g1-glued.log")
    assert brief(table) == [
        ("YOUNG", "G1 Evacuation Pause", 1000, 10, 51 << 10, 8192),
        ("SAFEPOINT", "", 1000, 11, -1, -1),
        ("SAFEPOINT", "", 1989, 11, -1, -1),  # inside of the next pause's first line
        ("YOUNG", "G1 Evacuation Pause", 2000, 10, 51 << 10, 8192),
        ("MIXED", "G1 Evacuation Pause", 3000, 10, 51 << 10, 8192),
        ("FULL", "System.gc()", 4000, 200, 51 << 10, 8192),
        ("CONCURRENT_PHASE", "", 4999.99, 0.01, -1, -1),
        ("YOUNG", "G1 Evacuation Pause", 5010, 10, 51 << 10, 8192),  # behind a concurrent phase's line
        ("CONCURRENT_PHASE", "", 5010, 90, -1, -1),  # behind the CPU times
        ("CLEANUP", "", 6000, 0.314, 11 << 10, 11 << 10),
        ("YOUNG", "Allocation Failure", 7000, 0.02, 3, 3),
    ]
    assert table["real_ms"][[0, 3, 4, 5, 7, 9, 10]].tolist() == [10, 10, 10, 200, 10, 10, 10]
    assert understood_all(builder)


def test_a_header_is_a_restart_unless_it_tops_a_rotated_file() -> None:
    table, builder = read("restart.log")
    assert [(part.first_event, part.jvm.max_heap_bytes) for part in builder.segments] == [(0, 1 << 30), (2, 2 << 30)]
    assert table.start_ns.tolist() == [10_000 * MS, 20_000 * MS, 5_000 * MS]
    table, builder = read_text(b"""\
10.000: [GC 9K->1K(99K), 0.0100000 secs]
CommandLine flags: -XX:MaxHeapSize=1073741824 -XX:+UseSerialGC
Total time for which application threads were stopped: 0.0001000 seconds
11.000: [GC 9K->1K(99K), 0.0100000 secs]
""")
    assert (segment(builder).jvm.collector, len(table)) == ("Serial", 3)  # JDK 7 rotated: its uptime goes on
    table, builder = read("rotated-header.log")
    assert segment(builder).clock == "wall"
    assert table.start_ns[0] == 1_598_954_401_250 * MS  # 2020-09-01T10:00:01.25Z
    assert len(table) == 3


def test_torn_ends_are_kept_as_torn_and_never_as_zero() -> None:
    table, builder = read("torn.log")
    assert table.flags.tolist() == [0, Flag.TORN, 0, Flag.TORN]
    assert table.duration_ns.tolist() == [29_240_000, -1, 29_240_000, -1]
    assert table.start_ns[1] == 86_390_000 * MS
    assert builder.coverage.torn_events == 3  # the first line's beginning is in the file before
    assert builder.coverage.understood_gc_lines == 2
    assert [line for line, _ in builder.coverage.samples][:2] == [1, 3]


def test_tables_and_an_application_s_own_lines_between() -> None:
    table, builder = read("safepoints-and-tables.log")
    assert brief(table) == [
        ("SAFEPOINT", "", 200, 50, -1, -1),
        ("FULL", "Heap Inspection Initiated GC", 300, 10, 1010, 900),
        ("YOUNG", "System.gc()", 410, 1, 1400, 1000),
    ]
    assert table.gc_id[2] == 7
    assert understood_all(builder)
    assert builder.coverage.lines == 18
    assert builder.coverage.gc_lines == 17  # the last line is the application's


def test_standard_output_of_a_task_manager() -> None:
    """Flags without a title (PrintCommandLineFlags), and the application's lines in between, which are no GC lines."""
    table, builder = read("stdout.log")
    assert [row[0] for row in brief(table)] == ["YOUNG", "FULL"]
    jvm = segment(builder).jvm
    assert (jvm.collector, jvm.max_heap_bytes) == ("Parallel", 2 << 30)
    assert jvm.out_of_memory == [(5, "java.lang.OutOfMemoryError: Metaspace")]
    assert (builder.coverage.lines, builder.coverage.gc_lines) == (7, 3)
    assert understood_all(builder)


def test_two_jvms_mixed_line_by_line_end_without_a_flood_of_segments() -> None:
    lines = []
    for second in range(12_000):
        lines.append(b"%d.000: [GC 9K->1K(99K), 0.0100000 secs]" % (100_000 + second))
        lines.append(b"%d.000: [GC 9K->1K(99K), 0.0100000 secs]" % (1_000 + second))
    _, builder = read_text(b"\n".join(lines) + b"\n")
    assert len(builder) == 24_000
    assert len(builder.segments) <= 10_000
    assert builder.coverage.clock_jumps > 1_000


def sample_lines() -> list[bytes]:
    texts = (
        COMMA.sub(b".", path.read_bytes()) if "comma" in path.name else path.read_bytes() for path in OWN.glob("*.log")
    )
    return sorted({line for text in texts for line in text.split(b"\n") if line})


def test_every_pattern_takes_its_own_lines_and_nothing_else() -> None:
    """Forms of whole lines exclude one another, and none of them takes what stands between or in the heap's layout."""
    seen = Counter()
    for line in sample_lines():
        takers = [form for form, pattern in preunified_shapes.PATTERNS.items() if pattern.match(line)]
        assert len(takers) <= 1, (line, takers)
        seen.update(takers)
        others = (preunified_jvm.between(line), preunified_jvm.is_header(line), preunified_jvm.is_detail(line))
        if takers:
            assert not any(others), (line, takers, others)
        else:
            assert sum(map(bool, others)) <= 1, (line, others)
    assert set(seen) == set(preunified_shapes.PATTERNS), "each form has a sample"


def test_every_line_between_is_known_by_its_own_group() -> None:
    groups = {preunified_jvm.between(line) for line in sample_lines()} - {None}
    assert groups == {"survivors", "running", "ergonomics", "free_lists", "tables", "notes"}


def test_unified_and_foreign_lines_are_not_taken() -> None:
    foreign = (
        b"[0.123s][info][gc] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.456ms\n"
        b"2021-01-01 00:00:00,123 INFO  org.apache.flink.Task - [GC-thread] 12 of 40\n"
        b"JAVA PROFILE 1.0.2\n"
    )
    assert PreunifiedParser.recognise(foreign) == 0
    for path in OWN.glob("*.log"):
        assert PreunifiedParser.recognise(path.read_bytes()) > 0, path.name


def test_shapes_are_not_kept_without_limit() -> None:
    builder = EventBuilder()
    parser = PreunifiedParser(builder)
    words = (f"{i:b}".replace("0", "x").replace("1", "y") for i in range(20_000))
    parser.feed("".join(f"line of {word}\n" for word in words).encode())
    assert len(parser._blocks._shapes) <= preunified_blocks.SHAPES_KEPT


shared = pytest.mark.skipif(not EXPECTED.is_file(), reason="../shared/gclogs/jdk8 is not there")
ROWS = [json.loads(line) for line in EXPECTED.read_text().splitlines()] if EXPECTED.is_file() else []
# The counts that others assert leave out the three explicit full collections of this log. By hand:
#   1: 0.777: [Full GC (System.gc()) 17M->3758K(13M), 0.0233460 secs]
#   4: 0.800: [Full GC (System.gc()) 3779K->3758K(13M), 0.0140100 secs]
#   3801: 183.244: [Full GC (System.gc()) 1014M->1013M(1024M), 4.2949140 secs]
# `grep -c "Full GC"` says 22; we are right.
EXPLICIT = {"g1.details.cause.log": 3}


@shared
@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_event_counts_of_shared_logs(row: dict) -> None:  # type: ignore[type-arg]
    log = read_gc_log(SHARED / row["file"])
    more = EXPLICIT.get(row["file"], 0)
    events = int((log.events.kind != Kind.SAFEPOINT).sum())
    assert events == row["expected"]["event_count"] + more
    assert len(log.full_gcs) == row["expected"]["full_gc_count"] + more
    assert counts(log) == wanted(row["expected"]["events_by_type"], more)
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines > 0
    if row["collector"] != "verbose":  # of the log without details we know more: only CMS has pauses without an arrow
        assert log.collector == row["collector"]


def counts(log: GcLog) -> dict[str, int]:
    kinds = Counter(Kind(int(kind)).name for kind in log.events.kind)
    kinds.pop("SAFEPOINT", 0)
    return dict(kinds)


def wanted(by_type: dict[str, int], more: int) -> dict[str, int]:
    """The other's names in our kinds."""
    names = {
        "Young": "YOUNG", "ParNew": "YOUNG", "ParNewPromotionFailed": "YOUNG", "PSYoungGen": "YOUNG", "Mixed": "MIXED",
        "YoungInitialMark": "YOUNG_INITIAL_MARK", "FullGC": "FULL", "SystemGC": "FULL", "ConcurrentModeFailure": "FULL",
        "ConcurrentModeInterrupted": "FULL", "InitialMark": "INITIAL_MARK", "Remark": "REMARK", "Cleanup": "CLEANUP",
    }  # fmt: skip
    total: Counter[str] = Counter()
    for name, count in by_type.items():
        total[names.get(name, "CONCURRENT_PHASE")] += count
    total["FULL"] += more
    return {name: count for name, count in total.items() if count}


@shared
def test_pauses_of_a_shared_log_by_hand() -> None:
    """apptio_gc.log, lines 1122-1126: a promotion fails inside of the remark, then the concurrent mode fails.

    2833.756: [GC[YG occupancy…]2833.756: [GC 2833.757: [ParNew (promotion failed): …, 2.2605170 secs] … [1 CMS-remark:
    …, 5.1880910 secs]: the remark's own share is 5.1880910 - 2.2605170 = 2.9275740 s.
    """
    log = read_gc_log(SHARED / "apptio_gc.log")
    rows = [i for i, line in enumerate(log.events.line) if 1122 <= line <= 1126]
    durations = [int(log.events.duration_ns[i]) for i in rows]
    assert durations == [2_260_517_000, 2_927_574_000, 23_751_000_000, 41_942_974_000]
    full = log.full_gcs[0]
    assert (full.heap_before_bytes >> 10, full.heap_after_bytes >> 10) == (18_962_302, 4_842_456)
    assert full.pause_ns == 41_942_974_000
    assert isinstance(log.figures["live_set_last_bytes"], Figure)
