"""Logs of real JVMs against what the JVM that wrote each counted itself: MXBeans and notifications."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog

LOGS = Path(__file__).resolve().parents[2].parent / "shared" / "gclogs"
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "gclog" / "jvm"  # the smaller half of them
if not LOGS.is_dir():
    LOGS = CORPUS

TRUTH = {
    row["file"]: row
    for row in map(json.loads, (LOGS / "truth.jsonl").read_text().splitlines())
    if all((LOGS / file).is_file() for file in row["all_files"])
}
YOUNG = ("Copy", "ParNew", "PS Scavenge", "G1 Young Generation", "ZGC Minor Cycles")
OLD = ("MarkSweepCompact", "PS MarkSweep", "G1 Old Generation")
# The rotated sets keep only the last part of the log; this one keeps it all.
COMPLETE = [name for name in TRUTH if name != "jdk21-ZGCgen-rotated.log"]
# Ended while one more collection was under way: the log has it, the beans that were read just before do not.
ONE_MORE = {"jdk21-ZGC-default.log": 1}


def value(log: GcLog, name: str) -> int:
    figure = log.figures[name]
    assert isinstance(figure, Figure), figure
    return figure.value


def beans(truth: dict[str, object], names: tuple[str, ...], what: str) -> int | None:
    found = [bean[what] for name, bean in truth["beans"].items() if name in names]  # type: ignore[attr-defined]
    return sum(found) if found else None


@pytest.fixture(scope="module")
def logs() -> dict[str, GcLog]:
    return {name: read_gc_log(LOGS / name) for name in TRUTH}


@pytest.mark.parametrize("name", COMPLETE)
def test_as_many_young_collections_as_the_jvm_counted(logs: dict[str, GcLog], name: str) -> None:
    expected = beans(TRUTH[name], YOUNG, "count")
    if name == "jdk21-Serial-default.log":
        expected = TRUTH[name]["notifications"]["Copy"]  # one more than the bean: it was read during the last one
    assert value(logs[name], "young_gc_count") == (expected or 0)


@pytest.mark.parametrize("name", COMPLETE)
def test_as_many_full_collections_as_the_jvm_counted(logs: dict[str, GcLog], name: str) -> None:
    expected = TRUTH[name].get("full_gc", {}).get("count", 0)
    assert value(logs[name], "full_gc_count") == expected == len(logs[name].full_gcs)


@pytest.mark.parametrize("name", COMPLETE)
def test_as_many_concurrent_cycles_as_the_jvm_counted(logs: dict[str, GcLog], name: str) -> None:
    names = ("ZGC Cycles", "ZGC Minor Cycles", "ZGC Major Cycles", "Shenandoah Cycles")
    expected = beans(TRUTH[name], names, "count")
    if expected is None and "G1" not in name and "CMS" not in name:
        expected = 0
    if expected is not None:
        assert value(logs[name], "concurrent_cycle_count") == expected + ONE_MORE.get(name, 0)


@pytest.mark.parametrize("name", [n for n in COMPLETE if "ZGC" in n or "Shenandoah" in n])
def test_as_many_pauses_as_the_jvm_counted_or_none_told(logs: dict[str, GcLog], name: str) -> None:
    if "default" in name:  # -Xlog:gc holds no pauses of ZGC: that is not 0 pauses
        assert not isinstance(logs[name].figures["pause_count"], Figure)
        assert not isinstance(logs[name].figures["throughput_bp"], Figure)
        return
    pauses = ("ZGC Pauses", "ZGC Minor Pauses", "ZGC Major Pauses", "Shenandoah Pauses")
    assert value(logs[name], "pause_count") == beans(TRUTH[name], pauses, "count")


@pytest.mark.parametrize("name", [n for n in COMPLETE if "ZGC" not in n and "Shenandoah" not in n])
def test_pause_times_agree_with_the_beans(logs: dict[str, GcLog], name: str) -> None:
    """Never less than the beans' time, and little more.

    A bean leaves out what a pause does before and after its collector runs, and drops each part of a millisecond.
    jdk17-Serial-full.log: its 34 young lines sum up to 275.2 ms by hand, the bean says 211 on a machine under load.
    """
    for names, stem in ((YOUNG, "young_gc"), (OLD, "full_gc")):
        expected, count = beans(TRUTH[name], names, "time_ms"), value(logs[name], f"{stem}_count")
        if expected is None or name == "jdk21-Serial-default.log":
            continue
        told_ms = value(logs[name], f"{stem}_pause_total_ns") / 1e6
        assert expected - count <= told_ms <= expected * 1.3 + count + 5, (stem, told_ms, expected)


@pytest.mark.parametrize("name", [n for n in COMPLETE if "full_gc" in TRUTH[n]])
def test_heap_after_each_full_collection(logs: dict[str, GcLog], name: str) -> None:
    """Within the log's rounding: G1 tells whole MiB (rounded down), the others K of each generation if detailed."""
    expected = TRUTH[name]["full_gc"]["heap_after_bytes"]
    told = [full.heap_after_bytes for full in logs[name].full_gcs]
    step = 1 << 20 if "G1" in name or "default" in name else 2 << 10
    assert len(told) == len(expected)
    for mine, true in zip(told, expected, strict=True):
        assert mine is not None
        assert 0 <= true - mine < step, (mine, true)
    assert abs(value(logs[name], "live_set_last_bytes") - TRUTH[name]["full_gc"]["live_set_last_bytes"]) < step


@pytest.mark.parametrize("name", list(TRUTH))
def test_nothing_is_lost_and_nothing_is_impossible(logs: dict[str, GcLog], name: str) -> None:
    log = logs[name]
    text = b"".join((LOGS / file).read_bytes() for file in TRUTH[name]["all_files"])
    assert log.coverage.lines == text.count(b"\n")
    assert log.coverage.understood_gc_lines == log.coverage.gc_lines > 0
    assert log.coverage.samples == []
    assert len(log.segments) == 1
    throughput = log.figures["throughput_bp"]
    if isinstance(throughput, Figure):
        assert 0 <= throughput.value <= 10_000
    if log.jdk is not None:
        assert log.jdk == TRUTH[name]["jdk"]


@pytest.mark.parametrize("name", list(TRUTH))
def test_the_collector_is_recognised_even_where_its_line_was_rotated_away(logs: dict[str, GcLog], name: str) -> None:
    word = name.split("-")[1]
    assert logs[name].collector == {"ZGCgen": "Generational ZGC"}.get(word, word)


@pytest.mark.parametrize("name", [n for n in TRUTH if len(TRUTH[n]["all_files"]) > 1])
def test_any_member_brings_the_whole_set_in_the_order_of_its_stamps(name: str) -> None:
    for member in TRUTH[name]["all_files"]:
        log = read_gc_log(LOGS / member)
        assert {Path(file).name for file in log.files} == set(TRUTH[name]["all_files"])
        starts = log.events.start_ns + log.events.duration_ns.clip(0)
        assert (starts[1:] - starts[:-1] > -50_000_000).all()
