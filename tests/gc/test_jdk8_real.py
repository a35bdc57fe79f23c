"""Logs that a real JDK 8 (8u504, one program, many flags) wrote, against what that JVM's beans counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog

LOGS = Path(__file__).parents[1] / "corpus" / "gclog" / "jdk8-real"
TRUTH = {row["files"][0].split(".")[0]: row for row in map(json.loads, (LOGS / "truth.jsonl").read_text().splitlines())}
YOUNG = ("Copy", "ParNew", "PS Scavenge", "G1 Young Generation")
OLD = ("MarkSweepCompact", "PS MarkSweep", "G1 Old Generation")
COLLECTORS = {"serial": "Serial", "parallel": "Parallel", "cms": "CMS", "icms": "CMS", "g1": "G1", "parnew": "ParNew"}
# Without PrintGCDetails Serial prints one line for the young collection and the full one that follows it in one pause:
# 4 of its 24 young collections are not in the log.
UNTOLD = {"serial-oom-verbose": 4}
# Sizes in G1's lines are rounded to a tenth of KiB or, from 100 MiB on, of MiB; the others' are whole KiB, cut off.
STEP = 1 << 10


def count(log: GcLog, name: str) -> int:
    figure = log.figures[name]
    assert isinstance(figure, Figure), figure
    return figure.value


def bean(name: str, names: tuple[str, ...]) -> int:
    return sum(told["count"] for bean, told in TRUTH[name]["beans"].items() if bean in names)


@pytest.fixture(scope="module")
def logs() -> dict[str, GcLog]:
    return {name: read_gc_log([LOGS / file for file in row["files"]]) for name, row in TRUTH.items()}


@pytest.mark.parametrize("name", TRUTH)
def test_collections_are_those_that_the_jvm_counted(logs: dict[str, GcLog], name: str) -> None:
    log = logs[name]
    assert count(log, "young_gc_count") == bean(name, YOUNG) - UNTOLD.get(name, 0)
    if "cms" not in name:
        assert count(log, "full_gc_count") == bean(name, OLD) == len(log.full_gcs)
    assert log.collector == COLLECTORS[name.split("-", maxsplit=1)[0]]
    assert (log.jdk, len(log.segments)) == ("1.8.0_504-8u504-ga-1-b01", 1)
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines > 0
    assert (log.coverage.samples, log.coverage.torn_events) == ([], 0)


@pytest.mark.parametrize("name", [name for name in TRUTH if TRUTH[name]["full_gc_heap_after_bytes"]])
def test_heap_after_each_full_collection_is_the_beans(logs: dict[str, GcLog], name: str) -> None:
    told = [full.heap_after_bytes for full in logs[name].full_gcs]
    true = TRUTH[name]["full_gc_heap_after_bytes"]
    assert len(told) == len(true)
    assert all(after is not None and abs(after - size) < STEP for after, size in zip(told, true, strict=True))
    assert [full.cause for full in logs[name].full_gcs] == TRUTH[name]["full_gc_cause"]


def test_a_cms_bean_counts_cycles_and_foreground_collections(logs: dict[str, GcLog]) -> None:
    for name in TRUTH:
        if "cms" in name and name != "parnew-without-cms":
            told = count(logs[name], "full_gc_count") + count(logs[name], "concurrent_cycle_count")
            assert told == bean(name, ("ConcurrentMarkSweep",)), name


def test_the_name_given_to_the_jvm_brings_the_rotated_files(logs: dict[str, GcLog]) -> None:
    """-Xloggc:g1-rotated.log with UseGCLogFileRotation writes .0 to .2.current and no file of that very name."""
    log = read_gc_log(LOGS / "g1-rotated.log")
    assert [Path(file).suffix for file in log.files] == [".0", ".1", ".current"]
    assert log.figures == logs["g1-rotated"].figures


def test_a_rise_of_a_second_is_no_leak(logs: dict[str, GcLog]) -> None:
    for name, log in logs.items():
        if not TRUTH[name]["oom"]:
            assert "live-set-rises" not in {finding.id for finding in log.findings}, name


HISTOGRAM = """\
1.169: [Full GC (Allocation Failure) 1.169: [GC concurrent-root-region-scan-end, 0.0001645 secs]
1.169: [GC concurrent-mark-start]
1.172: [Class Histogram (before full gc):\x20
 num     #instances         #bytes  class name
----------------------------------------------
   1:          4597       52999080  [B
   2:           218         416392  [I
Total         14624       53937808
, 0.0038755 secs]
 64186K->50314K(65536K), 0.0359480 secs]
   [Eden: 0.0B(3072.0K)->0.0B(11264.0K) Survivors: 1024.0K->0.0B Heap: 64186.1K(65536.0K)->50314.4K(65536.0K)]\
, [Metaspace: 4845K->4845K(1056768K)]
1.205: [Class Histogram (after full gc):\x20
 num     #instances         #bytes  class name
----------------------------------------------
   1:          1597       42999080  [B
Total         14624       53937808
, 0.0028755 secs]
 [Times: user=0.05 sys=0.00, real=0.04 secs]\x20
"""


def test_a_histogram_of_classes_inside_of_a_full_collection(tmp_path: Path) -> None:
    path = tmp_path / "gc.log"
    path.write_text(HISTOGRAM)
    log = read_gc_log(path)
    (full,) = log.full_gcs
    assert (full.pause_ns, full.heap_before_bytes, full.cause) == (35_948_000, 65726566, "Allocation Failure")
    assert count(log, "full_gc_count") == 1
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines
    assert not log.coverage.torn_events
