"""Lines that real JVMs write at other levels and settings than usual, and which are easily taken for something else.

Each excerpt is from a JVM of the named version; the comments say what its MXBeans counted.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog


def read(tmp_path: Path, text: str) -> GcLog:
    path = tmp_path / "gc.log"
    path.write_text(text)
    return read_gc_log(path)


def value(log: GcLog, name: str) -> int:
    figure = log.figures[name]
    assert isinstance(figure, Figure), figure
    return figure.value


def test_work_of_single_threads_inside_a_pause_of_zgc_is_no_pause(tmp_path: Path) -> None:
    """JDK 11 at debug: three pauses a cycle, whatever its threads tell of their part in them."""
    log = read(
        tmp_path,
        """\
[0.010s][info ][gc,init        ] Initializing The Z Garbage Collector
[0.101s][info ][gc,start       ] GC(0) Garbage Collection (Warmup)
[0.102s][debug][gc,phases      ] GC(0) Pause Retire TLABS (VM Thread) 0.010ms
[0.102s][debug][gc,phases      ] GC(0) Pause Roots (ZWorker#0) 0.310ms
[0.102s][info ][gc,phases      ] GC(0) Pause Mark Start 0.500ms
[0.109s][debug][gc,phases      ] GC(0) Pause Weak Roots (ZWorker#1) 0.110ms
[0.110s][info ][gc,phases      ] GC(0) Pause Mark End 0.400ms
[0.119s][debug][gc,phases      ] GC(0) Pause Remap TLABS (VM Thread) 0.020ms
[0.120s][info ][gc,phases      ] GC(0) Pause Relocate Start 0.300ms
[0.125s][info ][gc             ] GC(0) Garbage Collection (Warmup) 14M(11%)->20M(16%)
""",
    )
    assert value(log, "pause_count") == 3
    assert value(log, "pause_total_ns") == 1_200_000


def test_old_marking_under_the_number_of_a_young_collection_is_a_cycle_of_its_own(tmp_path: Path) -> None:
    """Generational Shenandoah, JDK 25: the bean "Shenandoah Cycles" counted two for such a number."""
    log = read(
        tmp_path,
        """\
[0.004s][info][gc] Using Shenandoah
[0.004s][info][gc] Mode: Generational
[0.832s][info][gc] GC(28) Concurrent reset (Young) 0.021ms
[0.844s][info][gc] GC(28) Pause Final Mark (Young) 0.034ms
[0.845s][info][gc] GC(28) Concurrent cleanup (Young) 30M->22M(64M) 0.004ms
[0.845s][info][gc] GC(28) Concurrent reset after collect (Young) 0.001ms
[0.848s][info][gc] GC(28) Concurrent marking (Old) 2.771ms
[0.848s][info][gc] GC(28) Pause Final Mark (Old) 0.189ms
[0.851s][info][gc] GC(28) Concurrent cleanup (Old) 23M->23M(64M) 0.003ms
[0.860s][info][gc] GC(29) Concurrent reset (Young) 0.021ms
[0.865s][info][gc] GC(29) Concurrent cleanup (Young) 33M->25M(64M) 0.004ms
""",
    )
    assert value(log, "concurrent_cycle_count") == 3
    assert value(log, "minor_cycle_count") == 2
    assert value(log, "major_cycle_count") == 1


@pytest.mark.parametrize("decorations", ["", "[0.9s]", "[0.9s][info][gc     ]"])
@pytest.mark.parametrize(
    "message",
    [
        "GC(31) Cancelled",
        "GC(327) Cannot finish degeneration, upgrading to Full GC",
        "GC(0) At end of Concurrent Young GC: GCU: 2.7%, MU: 36.9% during period of 0.202s",
        "GC(0) After Concurrent GC, successfully transferred 0 regions to none to prepare for next gc",
    ],
)
def test_what_shenandoah_tells_beside_its_events_is_understood(tmp_path: Path, decorations: str, message: str) -> None:
    space = " " if decorations else ""
    event = f"{decorations}{space}GC(330) Concurrent cleanup 30M->22M(64M) 0.004ms\n"
    log = read(tmp_path, event + f"{decorations}{space}{message}\n")
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines == 2


def test_a_full_collection_inside_a_young_one_has_its_exact_size(tmp_path: Path) -> None:
    """Serial, JDK 11: the notification told 24,935,328 bytes, which the line of GC(64) rounds to 23M."""
    log = read(
        tmp_path,
        """\
[0.001s][gc] Using Serial
[0.595s][gc,start       ] GC(63) Pause Young (Allocation Failure)
[0.595s][gc,start       ] GC(64) Pause Full (Allocation Failure)
[0.602s][gc             ] GC(64) Pause Full (Allocation Failure) 60M->23M(61M) 6.521ms
[0.602s][gc,heap        ] GC(63) DefNew: 19142K->0K(19648K)
[0.602s][gc,heap        ] GC(63) Tenured: 42702K->24350K(43712K)
[0.602s][gc,metaspace   ] GC(63) Metaspace: 6265K->6265K(1056768K)
[0.602s][gc             ] GC(63) Pause Young (Allocation Failure) 60M->23M(61M) 6.544ms
[0.602s][gc,cpu         ] GC(63) User=0.00s Sys=0.00s Real=0.01s
""",
    )
    [full] = log.full_gcs
    assert full.heap_after_bytes == 24_350 << 10
    assert full.metaspace_after_bytes == 6_265 << 10
    assert value(log, "pause_total_ns") == 6_544_000


@pytest.mark.parametrize("decorations", ["", "[0.3s]", "[0.3s][info][gc     ]"])
def test_a_collection_whose_line_is_damaged_is_told_as_not_understood(tmp_path: Path, decorations: str) -> None:
    space = " " if decorations else ""
    whole = f"{decorations}{space}GC(0) Pause Full (System.gc()) 24M->11M(61M) 33.299ms\n"
    torn = f"{decorations}{space}GC(1) Pause Full (System.gc()) 24M->11M(6{decorations} GC(2) Concurrent Mark 1.2ms\n"
    log = read(tmp_path, whole + torn)
    assert value(log, "full_gc_count") == 1
    assert log.coverage.gc_lines - log.coverage.understood_gc_lines == 1
    assert "GC(1)" in log.coverage.samples[0][1]


def test_generational_shenandoah_that_did_only_whole_collections(tmp_path: Path) -> None:
    """JDK 25 without decorations: no line names the mode, and with System.gc() alone nothing is called Young."""
    log = read(
        tmp_path,
        """\
Using Shenandoah
GC(0) Concurrent reset (Global) (unload classes) 0.202ms
GC(0) Pause Init Mark (Global) (unload classes) 0.052ms
GC(0) Concurrent marking (Global) (unload classes) 4.202ms
GC(0) Pause Final Mark (Global) (unload classes) 0.152ms
GC(0) Concurrent cleanup (Global) (unload classes) 2M->1M(64M) 0.022ms
GC(0) Coalescing and filling old regions 344.728ms
GC(0) Concurrent reset after collect (Global) (unload classes) 0.031ms
""",
    )
    assert log.collector == "Generational Shenandoah"
    assert value(log, "concurrent_cycle_count") == 1
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines


def test_details_that_no_tag_marks(tmp_path: Path) -> None:
    """JDK 11: G1's work groups at debug; what CMS' old generation has after a cycle, beside `CMS:` after a pause."""
    log = read(
        tmp_path,
        """\
[901000000ns][731][info] Using Concurrent Mark Sweep
[1274662392ns][731][info] GC(10) Concurrent Sweep
[1275971475ns][731][info] GC(10) Concurrent Sweep 1.312ms
[1276001682ns][731][info] GC(10) Concurrent Reset
[1276141420ns][731][info] GC(10) Concurrent Reset 0.138ms
[1289967312ns][731][info] GC(10) Old: 17090K->17175K(32768K)
[1289967912ns][731][debug] GC(11) Running G1 Free Collection Set using 1 workers for collection set length 7
""",
    )
    assert value(log, "concurrent_cycle_count") == 1
    assert (log.coverage.gc_lines, log.coverage.understood_gc_lines, log.coverage.samples) == (7, 7, [])
