"""The curve of a forecast against a real operator at four times of a day: live bytes of the state, and its timers."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.flink.lens import view
from flinkscope.flink.windows import Element, WindowDesign
from flinkscope.flink.windows_bytes import COMPRESSED
from flinkscope.flink.windows_forecast import forecast
from flinkscope.flink.windows_load import Cluster, Load
from lens_support.lens_lab import Job, run

DAY_MS, INTERVAL_MS = 86_400_000, 1_800_000
KEYS, EVENTS = 20_000, 60_000
POINTS, TWENTIETHS = 20, (5, 10, 15, 19)  # in the last interval the next firing is the clean-up: one timer fewer
WORDS: dict[str, object] = {"trigger": "purging-continuous", "interval-ms": INTERVAL_MS, "order": "hashed"}
# A String of 14 characters, an Event of three longs and a reference: see jobs/lens
EVENT = Element(COMPRESSED.string(14), COMPRESSED.instance(1, 24), 0, 0)


@pytest.mark.flink
@pytest.mark.heavy
def test_live_bytes_over_a_simulated_day(tmp_path: Path) -> None:
    """Keys come in an unforeseen order (a hash); the forecast knows how many there are by the day's end, no more."""
    spacing = DAY_MS // EVENTS
    jobs = [Job(f"part{n}", EVENTS * n // POINTS, KEYS, spacing, WORDS) for n in TWENTIETHS]
    ran = run(jobs, tmp_path)
    seen = view(open_heap(ran.task_manager, cache=False), details=False)
    distinct = len({key for key, _ in Job("day", EVENTS, KEYS, spacing, WORDS).times()})
    load = Load(distinct, EVENTS / distinct, DAY_MS, INTERVAL_MS, EVENT)
    found = forecast(
        WindowDesign("purging", "purging-continuous"), load, Cluster(parallelism=2, slots=2), points=POINTS
    )
    for job, part in zip(jobs, TWENTIETHS, strict=True):
        point = found.points[part - 1]
        panes = len({key for key, _ in job.times()})
        timers = next(t.timers for t in seen.state.timers if t.job == job.name)
        assert timers == 2 * panes
        assert point.timers == pytest.approx(timers, rel=0.10)
        live = sum(
            o.size_bytes
            for o in seen.ownership.owners
            if o.job == job.name and o.what.startswith(("state ", "timers ", "keys and windows"))
        )
        assert point.live_bytes == pytest.approx(live, rel=0.10)
