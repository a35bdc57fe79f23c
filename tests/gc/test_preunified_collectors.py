"""Logs of JDK 7 and 8, collector by collector: own lines with their figures read by hand."""

from __future__ import annotations

import pytest

from flinkscope.formats.gclog.records import Flag, Kind
from gc_support.preunified_reading import MS, brief, read, segment, triple, understood_all


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
