"""The logs of ../shared of JDK 7 and 8 against the event counts that others assert."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.formats.gclog.records import Kind
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "gclogs" / "jdk8"
EXPECTED = SHARED / "expected.jsonl"

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
