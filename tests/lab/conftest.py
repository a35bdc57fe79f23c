"""Real incidents in their quickest form, each run once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope.lab.incidents import uv_heap


@pytest.fixture(scope="session")
def dead(tmp_path_factory: pytest.TempPathFactory) -> uv_heap.Outcome:
    """The incident with its PurgingTrigger, dead."""
    folder: Path = tmp_path_factory.mktemp("uv-heap") / "purging"
    return uv_heap.run(uv_heap.Plan(size="quick"), folder)


@pytest.fixture(scope="session")
def cured(dead: uv_heap.Outcome, tmp_path_factory: pytest.TempPathFactory) -> uv_heap.Outcome:
    """The better design on the same events in the same memory."""
    plan = uv_heap.cure_plan(uv_heap.plan_of(dead.case), design="bucket")
    return uv_heap.run(plan, tmp_path_factory.mktemp("uv-heap") / "bucket")
