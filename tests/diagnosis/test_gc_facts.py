"""What the diagnosis makes of a GC log: rows of full GCs that free nothing; what a log without stamps cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope import diagnose
from flinkscope.absent import Absent
from flinkscope.diagnosis.facts import GcFacts

HEAD = "[0.005s][info][gc] Using G1\n[0.006s][info][gc,init] Heap Max Capacity: 100M\n"


def log_of(rows: list[tuple[str, int, int]], *, stamps: bool = True) -> str:
    """A G1 log: (pause, before MiB, after MiB), one a second."""
    lines = [
        f"[{i + 1}.000s][info][gc] GC({i}) Pause {kind} {before}M->{after}M(100M) 20.000ms"
        for i, (kind, before, after) in enumerate(rows)
    ]
    text = HEAD + "\n".join(lines) + "\n"
    return text if stamps else "\n".join(line.partition("]")[2] for line in text.splitlines()) + "\n"


def gc_of(tmp_path: Path, text: str) -> tuple[GcFacts, list[str]]:
    path = tmp_path / "gc.log"
    path.write_text(text)
    diagnosis = diagnose(path)
    gc = diagnosis.facts.processes[0].gc
    assert not isinstance(gc, Absent)
    return gc, [f.rule for f in diagnosis.fired]


FULL = "Full (G1 Compaction Pause)"
YOUNG = "Young (Normal) (G1 Evacuation Pause)"


def test_full_gcs_that_free_nothing_are_thrash(tmp_path: Path) -> None:
    gc, fired = gc_of(tmp_path, log_of([(YOUNG, 60, 40), *[(FULL, 99, 97)] * 4]))
    assert (gc.consecutive_full_gcs, gc.fruitless_full_gcs) == (4, 4)
    assert fired == ["R10"]


def test_an_evacuation_that_frees_nothing_does_not_break_the_row(tmp_path: Path) -> None:
    gc, _ = gc_of(tmp_path, log_of([(FULL, 99, 97), (YOUNG, 99, 99), (FULL, 99, 97), (YOUNG, 98, 98), (FULL, 98, 96)]))
    assert gc.fruitless_full_gcs == 3


def test_useful_collections_break_it(tmp_path: Path) -> None:
    gc, fired = gc_of(
        tmp_path, log_of([(FULL, 99, 97), (FULL, 99, 50), (FULL, 99, 97), (YOUNG, 99, 60), (FULL, 99, 97)])
    )
    assert gc.fruitless_full_gcs == 1
    assert fired == []


@pytest.mark.parametrize("cause", ["Metadata GC Threshold", "System.gc()"])
def test_full_gcs_of_a_nearly_empty_heap_are_no_thrash(tmp_path: Path, cause: str) -> None:
    gc, fired = gc_of(tmp_path, log_of([(f"Full ({cause})", 20, 20)] * 9))
    assert gc.fruitless_full_gcs == 0
    assert fired == []


def test_without_stamps_the_share_of_time_is_unknown_not_zero(tmp_path: Path) -> None:
    gc, fired = gc_of(tmp_path, log_of([(YOUNG, 60, 40), *[(FULL, 99, 97)] * 4], stamps=False))
    assert isinstance(gc.gc_share_bp, Absent)
    assert isinstance(gc.gc_share_worst_minute_bp, Absent)
    assert fired == ["R10"]
