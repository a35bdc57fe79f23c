"""The budget of stops: each process has its own, and a refusal names the budget that would do."""

from __future__ import annotations

from flinkscope.capture.budget import SHORT_STOP_MS, StopBudget, expected_ms


def test_each_process_has_its_own_budget() -> None:
    budget = StopBudget(100)
    assert budget.refusal("tm-1", 100) is None
    budget.charge("tm-1", 90)
    assert budget.refusal("tm-2", 100) is None
    assert budget.most_spent_ms == 90
    refusal = budget.refusal("tm-1", 1000)
    assert refusal is not None
    assert "10 of 100 ms are left" in refusal
    assert "--stop-budget 2 allows it" in refusal
    assert StopBudget(2000).refusal("tm-1", 1090) is None


def test_the_cost_of_a_walk_grows_with_the_heap() -> None:
    assert expected_ms(0, 7.0) == SHORT_STOP_MS
    assert expected_ms(1 << 30, 7.0) == SHORT_STOP_MS + 7 * 1024


def test_a_machine_that_is_slow_makes_the_next_walk_dearer() -> None:
    budget = StopBudget(20_000)
    budget.charge("tm-1", 6_000, 1_000)
    assert budget.refusal("tm-2", 4_000) is None
    refusal = budget.refusal("tm-1", 4_000)
    assert refusal is not None
    assert "about 24,000 ms" in refusal
    assert "--stop-budget 31 allows it" in refusal
    budget.charge("tm-2", 300, 20)  # a short question that waited says nothing
    assert budget.refusal("tm-2", 4_000) is None
