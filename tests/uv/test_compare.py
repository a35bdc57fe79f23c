"""Designs side by side on a real Flink: exact ones are exact, the approximate one keeps to its stated error."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope.errors import UsageError
from flinkscope.uv.compare import EVERY, FINISHED, Contender, UvRun, compare_uv, read_counts
from flinkscope.uv.generated import generated_events, recount_generated
from flinkscope.uv.job import uv_job
from flinkscope.uv.run import Place

SMALL = {"events": "60000", "items": "30000", "users": "50000", "step": "30 min", "key": "itemId"}


def measured(run: UvRun) -> None:
    assert run.outcome == FINISHED, run
    assert run.rows == 60_000
    assert run.live_bytes is not None
    assert run.idle_bytes is not None
    assert 10 << 20 < run.idle_bytes < run.live_bytes < 200 << 20
    assert run.cpu_s is not None
    assert run.cpu_s > 1
    assert run.checkpoint_bytes


@pytest.mark.flink
def test_the_default_is_exact_and_the_sketch_keeps_its_word() -> None:
    (bucket,) = compare_uv(SMALL, [Contender("bucket")])
    measured(bucket)
    assert bucket.wrong == 0
    assert bucket.bytes_per_visitor is not None
    (approx,) = compare_uv({**SMALL, "key": "shop"}, [Contender("approx")])
    measured(approx)
    assert approx.largest_error_bp is not None
    assert approx.largest_error_bp <= 3 * approx.stated_error_bp, "one sketch of a fixed seed: the same on each run"


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("contender", [c for c in EVERY if c.design != "approx"], ids=lambda c: c.name)
def test_every_exact_design_is_exact(contender: Contender) -> None:
    key = "categoryId" if contender.design == "cumulate" else "itemId"
    (run,) = compare_uv({**SMALL, "key": key}, [contender], Place(memory="1849m"))
    measured(run)
    assert run.wrong == 0, run


def test_the_generators_twin_draws_disorder_and_copies() -> None:
    plain = recount_generated(uv_job({**SMALL, "sink": "print"}))
    shaken = uv_job({**SMALL, "sink": "print", "disorder-ms": "600000", "duplicates-per-mille": "200"})
    at_ms, _, user = generated_events(shaken).page_views(0, 60_000)
    back = (at_ms[1:] < at_ms[:-1]).mean()
    assert 0.3 < back < 0.6, "about every other event comes before its predecessor"
    assert recount_generated(shaken).visitors.sum() < plain.visitors.sum()
    assert len(user) == pytest.approx(0.895 * 60_000, rel=0.01)


def test_a_key_that_the_recount_has_not_is_refused() -> None:
    with pytest.raises(UsageError, match="--key behavior"):
        recount_generated(uv_job({"key": "behavior", "sink": "print"}))


def test_results_are_the_largest_of_each_pair_whatever_their_order(tmp_path: Path) -> None:
    (tmp_path / "part-0.csv").write_text("2017-11-26,7,3\n2017-11-26,7,9\n1969-12-31,7,1\n")
    (tmp_path / "part-1.csv").write_text('2017-11-26,7,8\n2017-11-26,"8",1\n')
    (tmp_path / ".part-2.csv.inprogress").write_text("2017-11-26,7,99\n")
    found = read_counts(tmp_path)
    rows = list(zip(found.day.tolist(), found.item.tolist(), found.visitors.tolist(), strict=True))
    assert rows == [(-1, 7, 1), (17_496, 7, 9), (17_496, 8, 1)]
    assert len(read_counts(tmp_path / "none").day) == 0
