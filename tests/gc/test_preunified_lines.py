"""What stands around and between the events of JDK 7 and 8: other threads' words, restarts, torn ends, tables."""

from __future__ import annotations

from collections import Counter

from flinkscope.formats.gclog import preunified_blocks, preunified_jvm, preunified_shapes
from flinkscope.formats.gclog.preunified import PreunifiedParser
from flinkscope.formats.gclog.records import EventBuilder, Flag
from gc_support.preunified_reading import MS, OWN, brief, read, read_text, sample_lines, segment, understood_all


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
