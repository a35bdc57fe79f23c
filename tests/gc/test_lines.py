"""Every pattern of unified logging against every sample line: it takes its own and nothing else."""

from __future__ import annotations

import re

import pytest

from flinkscope.formats.gclog.records import Flag, Kind
from flinkscope.formats.gclog.titles import read_title
from flinkscope.formats.gclog.unified_lines import (
    IN_GC,
    OUTSIDE,
    alternation,
    block_pattern,
    lines_of_block,
    nothing_pattern,
)

# (handler, line without decorations): one for each form seen in JDK 9-25
SAMPLES = [
    ("region", "GC(0) Eden regions: 6->0(5)"),
    ("region", "GC(0) Old regions: 0->1"),
    ("region", "GC(0) Humongous regions: 4->1"),
    ("paused", "GC(0) Pause Young (Normal) (G1 Evacuation Pause) 6M->1M(128M) 14.091ms"),
    ("paused", "GC(0) Pause Young (G1 Evacuation Pause) 24M->4M(256M) (0.292s, 0.298s) 6.057ms"),
    ("paused", "GC(12) Pause Full (System.gc()) 50M->24M(128M) 35,475ms"),
    ("paused", "GC(7) Pause Remark 50M->50M(128M) 2.309ms"),
    ("paused", "GC(4) Pause Degenerated GC (Mark) 60M->20M(64M) 8.120ms"),
    ("cpu", "GC(1) User=0.00s Sys=0.00s Real=0.01s"),
    (
        "metaspace",
        "GC(0) Metaspace: 639K(768K)->639K(768K) NonClass: 577K(640K)->577K(640K) Class: 62K(128K)->62K(128K)",
    ),
    ("metaspace", "GC(0) Metaspace: 5408K->5408K(1056768K)"),
    ("generation", "GC(0) ParNew: 34944K->4352K(39296K)"),
    ("generation", "GC(2) DefNew: 39226K(39296K)->4340K(39296K) Eden: 34944K(34944K)->0K(34944K)"),
    ("generation", "GC(2) ParOldGen: 43497K(87552K)->24270K(87552K)"),
    ("pause", "GC(0) Pause Mark Start 0.010ms"),
    ("pause", "GC(3) y: Pause Mark Start 0.018ms"),
    ("pause", "GC(0) Y: Pause Mark Start (Major) 0.027ms"),
    ("pause", "GC(0) Pause Init Mark (unload classes) 0.035ms"),
    ("phase", "GC(0) Concurrent Mark 45.977ms"),
    ("phase", "GC(0) Concurrent Mark (0.434s, 0.480s) 46.012ms"),
    ("phase", "GC(0) Concurrent cleanup 48M->16M(128M) 0.021ms"),
    ("phase", "GC(11) Coalescing and filling old regions 2.452ms"),
    ("phase", "GC(7) Concurrent Mark Cycle 12.100ms"),
    ("collection", "GC(0) Garbage Collection (Warmup) 14M(11%)->20M(16%)"),
    ("collection", "GC(0) Garbage Collection (System.gc())"),
    ("collection", "GC(3) Minor Collection (Allocation Rate) 48M(38%)->46M(36%) 0.146s"),
    ("zmetaspace", "GC(0) Metaspace: 6M used, 7M committed, 1088M reserved"),
    ("zmetaspace", "GC(0) Y: Metaspace: 6M used, 6M committed, 1088M reserved"),
    ("trouble", "GC(5) To-space exhausted"),
    ("stall", "GC(5) y: Allocation Stall (main) 13.100ms"),
    ("stall", "Allocation Stall (Source: Custom (1/4)#0) 33.014ms"),
    ("stall", "Relocation Stall (main) 6.567ms"),
    (
        "safepoint",
        'Safepoint "G1CollectFull", Time since last: 1 ns, Reaching safepoint: 1 ns, Cleanup: 1 ns, '
        "At safepoint: 3 ns, Total: 5 ns",
    ),
    (
        "safepoint",
        'Safepoint "G1Concurrent", Time since last: 1 ns, Reaching safepoint: 1 ns, At safepoint: 3 ns, '
        "Leaving safepoint: 1 ns, Total: 5 ns, Threads: 0 runnable, 12 total",
    ),
    (
        "stopped",
        "Total time for which application threads were stopped: 0.0912 seconds, Stopping threads took: 0.04 seconds",
    ),
    ("entering", "Entering safepoint region: RevokeBias"),
    ("cycle_metaspace", "Metaspace: 676K(832K)->1135K(1280K) NonClass: 615K(704K)->1006K(1088K)"),
    ("trouble", "GC(5) Promotion failed"),
    ("rest", "GC(16) Promotion failed, size 32, has plab? yes, PLAB remaining: 177064"),
    ("fact", "Using G1"),
    ("fact", "Heap region size: 1M"),
    ("fact", "CPUs: 2 total, 2 available"),
    ("", "GC(0) Using 1 workers of 1 for evacuation"),
    ("", "GC(0)   Pre Evacuate Collection Set: 7.6ms"),
    ("", "GC(0) Pause Young (Normal) (G1 Evacuation Pause)"),
    ("", "GC(0) Phase 1: Mark live objects 12.344ms"),
    ("", "Application time: 0.0073410 seconds"),
    ("", "something else entirely 6M->1M(128M) 14.091ms"),
    ("rest", "GC(9) a message that nobody knows"),
]
BLOCK = b"\n[gc] ".join(
    [
        b"",
        b"GC(0) Eden regions: 6->0(5)",
        b"GC(0) Survivor regions: 0->1(1)",
        b"GC(0) Old regions: 0->0",
        b"GC(0) Humongous regions: 0->0",
        b"GC(0) Metaspace: 639K(768K)->639K(768K) NonClass: 577K(640K)->577K(640K)",
        b"GC(0) Pause Young (Normal) (G1 Evacuation Pause) 6M->1M(128M) 14.091ms",
        b"GC(0) User=0.00s Sys=0.00s Real=0.02s\n",
    ]
)


@pytest.mark.parametrize(("handler", "line"), SAMPLES, ids=[line[:40] for _, line in SAMPLES])
@pytest.mark.parametrize("decorated", [True, False])
def test_a_line_is_taken_by_its_own_pattern_only(handler: str, line: str, decorated: bool) -> None:
    pattern, ends = alternation(b"] " if decorated else b"\n")
    text = b"\n" + (b"[gc] " if decorated else b"") + line.encode() + b"\n"
    assert [ends[match.lastindex or 0][0] for match in pattern.finditer(text)] == ([handler] if handler else [])
    # and no other pattern would have taken it, were it asked
    message = re.sub(r"^GC\(\d+\) ", "", line)
    kinds = IN_GC if message != line else OUTSIDE
    takers = [kind for kind, form in kinds if re.match(form, message.encode() + b"\n")]
    assert takers == ([] if handler in ("", "rest") else [handler])


def test_all_lines_of_a_collection_of_g1_are_one_match() -> None:
    match = block_pattern(1, -1).match(BLOCK, BLOCK.index(b"] GC(0) Eden"))
    assert match is not None
    assert BLOCK[match.end() :] == b"\n"
    assert BLOCK[match.start() : match.end()].count(b"\n") == lines_of_block(match.groups())


@pytest.mark.parametrize(
    ("gap", "nothing"),
    [
        (b"\n[gc] GC(1) Pause Young (Normal) (G1 Evacuation Pause)\n[gc,task] GC(1) Using 8 workers of 8\n", True),
        (b" ns\n[gc,phases] GC(1)   Other: 0.2ms\n", True),
        (b"\n[gc] GC(1) Pause Young (Normal) (G1 Evacuation Pause) 6M->1M(128M) 14.091ms\n", False),
        (b"\n[gc] GC(1) Pause Mark Start 0.010ms\n", False),
        (b"\n[gc,cpu] GC(0) User=0.00s Sys=0.00s Real=0.02s\n", False),
        (b"\n[gc] Using G1\n", False),
        (b"\njava.lang.OutOfMemoryError: Metaspace\n", False),
    ],
)  # fmt: skip
def test_what_may_stand_between_two_collections_without_a_look_at_it(gap: bytes, nothing: bool) -> None:
    assert (nothing_pattern(1).fullmatch(gap + b"[gc,heap     ") is not None) == nothing


@pytest.mark.parametrize(
    ("title", "kind", "name", "cause", "flags"),
    [
        ("Pause Young (Normal) (G1 Evacuation Pause)", Kind.YOUNG, "Pause Young (Normal)", "G1 Evacuation Pause", 0),
        (
            "Pause Young (Mixed) (G1 Preventive Collection)",
            Kind.MIXED,
            "Pause Young (Mixed)",
            "G1 Preventive Collection",
            0,
        ),
        (
            "Pause Initial Mark (G1 Humongous Allocation)",
            Kind.YOUNG_INITIAL_MARK,
            "Pause Initial Mark",
            "G1 Humongous Allocation",
            0,
        ),
        ("Pause Initial Mark", Kind.INITIAL_MARK, "Pause Initial Mark", "", 0),
        ("Pause Full (System.gc())", Kind.FULL, "Pause Full", "System.gc()", 0),
        ("Pause Full", Kind.FULL, "Pause Full", "", 0),
        (
            "Pause Young (Normal) (G1 Evacuation Pause) (Evacuation Failure: Allocation)",
            *(Kind.YOUNG, "Pause Young (Normal)", "G1 Evacuation Pause", Flag.EVACUATION_FAILURE),
        ),
        (
            "Pause Young (Normal) (G1 Evacuation Pause) (Evacuation Failure: Pinned)",
            *(Kind.YOUNG, "Pause Young (Normal)", "G1 Evacuation Pause", 0),
        ),
        ("Pause Degenerated GC (Mark)", Kind.DEGENERATED, "Pause Degenerated GC", "Mark", 0),
        ("Pause Final Mark (unload classes)", Kind.PHASE_PAUSE, "Pause Final Mark (unload classes)", "", 0),
        ("Concurrent Mark (0.434s, 0.480s)", Kind.CONCURRENT_PHASE, "Concurrent Mark", "", 0),
        ("Concurrent Undo Cycle", Kind.CYCLE, "Concurrent Undo Cycle", "", Flag.ABORTED),
        ("Major Collection (Allocation Stall)", Kind.MAJOR_CYCLE, "Major Collection", "Allocation Stall", 0),
        ("Pause Nobody Knows (why)", Kind.OTHER_PAUSE, "Pause Nobody Knows (why)", "", 0),
    ],
)
def test_titles(title: str, kind: Kind, name: str, cause: str, flags: int) -> None:
    read = read_title(title.encode())
    assert (read.kind, read.name, read.cause, read.flags) == (kind, name, cause, flags)
