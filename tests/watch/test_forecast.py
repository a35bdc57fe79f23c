"""The forecast: on recorded deaths, on made-up leaks, on what does not grow; and its series."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flinkscope.watch.forecast import Forecast, NoForecast, floor_of, forecast
from flinkscope.watch.series import MOST_SAMPLES, Series

CORPUS = Path(__file__).parents[1] / "corpus" / "watch"
GIB = 1 << 30
RUNS = {path.stem: json.loads(path.read_text()) for path in sorted(CORPUS.glob("[bep]*.json"))}  # uv-heap
DEATHS = [name for name, run in RUNS.items() if run["died_at_s"] is not None]


def at(seconds: np.ndarray, value: np.ndarray, limit: int = GIB) -> Forecast | NoForecast:  # type: ignore[type-arg]
    return forecast((seconds * 1e9).astype(np.int64), value.astype(np.int64), limit)


@pytest.mark.parametrize("name", DEATHS)
@pytest.mark.parametrize("interval_s", [1, 2])
def test_a_recorded_death_lies_in_the_interval_from_half_time_on(name: str, interval_s: int) -> None:
    run = RUNS[name]
    samples = np.array(run["samples"])[::interval_s]
    died_at_s, checked = run["died_at_s"], 0
    for now in range(8, len(samples) + 1):
        seconds, value = samples[:now, 0], samples[:now, 1]
        if seconds[-1] < died_at_s / 2:
            continue
        found = at(seconds, value, run["heap_limit_bytes"])
        assert isinstance(found, Forecast), (seconds[-1], found)
        assert found.earliest_s <= died_at_s - seconds[-1] <= (found.latest_s or float("inf")), seconds[-1]
        assert found.earliest_s == 0 or not found.at_ceiling
        checked += 1
    assert checked >= 6


def test_the_cured_twin_has_no_end_in_sight() -> None:
    samples = np.array(RUNS["purging-demo-cure-bucket"]["samples"])
    assert isinstance(
        at(samples[:, 0], samples[:, 1], RUNS["purging-demo-cure-bucket"]["heap_limit_bytes"]), NoForecast
    )


@settings(max_examples=200, deadline=None, derandomize=True)  # the garbage is random: an interval of 95 %, not of 100
@example(104, 2, 0.25, 0.75, 146)  # garbage taken for a saw-tooth: its last minimum is 46 s old
@given(
    st.integers(60, 500),
    st.sampled_from((2, 10, 60)),
    st.floats(0.1, 0.4),
    st.floats(0.5, 0.8),
    st.integers(0, 1 << 30),
)
def test_a_steady_leak_under_garbage_is_dated(
    samples: int, interval_s: int, start: float, seen: float, seed: int
) -> None:
    """The live set rises in a straight line; each sample shows it with some garbage on top."""
    random = np.random.default_rng(seed)
    seconds = np.arange(samples) * float(interval_s)
    end_s = samples * interval_s
    live = start * GIB + (1 - start) * GIB * seconds / end_s
    value = np.minimum(live + random.exponential(0.03 * GIB, samples), GIB)
    now = int(samples * seen)
    if seconds[now - 1] < 120:
        return
    found = at(seconds[:now], value[:now])
    assert isinstance(found, Forecast)
    left_s = end_s - seconds[now - 1]
    assert found.earliest_s <= left_s <= (found.latest_s or float("inf"))


def test_a_window_that_fills_and_fires_is_no_leak() -> None:
    seconds = np.arange(0, 36_000, 10.0)
    value = 0.2 * GIB + 0.4 * GIB * (seconds % 3600) / 3600
    assert isinstance(at(seconds[: 9 * 360], value[: 9 * 360]), NoForecast)
    leaking = value + 0.2 * GIB * seconds / 36_000
    found = at(seconds, leaking)
    assert isinstance(found, Forecast)
    assert found.rate_per_s == pytest.approx(0.2 * GIB / 36_000, rel=0.25)


def test_what_cannot_be_told() -> None:
    seconds = np.arange(0, 600, 2.0)
    flat = np.full(len(seconds), 0.3 * GIB)
    assert at(seconds, flat, 0) == NoForecast("no limit is known")
    assert "needs 8 samples" in str(at(seconds[:7], flat[:7]))
    assert at(seconds, flat) == NoForecast("it does not grow")
    assert at(seconds, flat[::-1] * np.linspace(2, 1, len(flat))) == NoForecast("it does not grow")
    young = 0.01 * GIB + 0.2 * GIB * seconds[:30] / 60
    assert "just begun to fill" in str(at(seconds[:30], young))
    slow = 0.3 * GIB + seconds * 1000
    assert "not within" in str(at(seconds, slow))


@given(st.lists(st.integers(0, 2 << 30), max_size=80), st.integers(-1, 2 << 30))
def test_any_series_is_answered_in_order(values: list[int], limit: int) -> None:
    found = at(np.arange(len(values)) * 10.0, np.array(values, dtype=np.int64), limit)
    if isinstance(found, Forecast):
        assert 0 <= found.earliest_s <= found.likely_s
        assert found.latest_s is None or found.latest_s >= found.likely_s


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=3000))
def test_a_thinned_series_keeps_its_floor(values: list[int]) -> None:
    series = Series()
    for number, value in enumerate(values):
        series.append(number, value)
    times, kept = series.columns()
    assert len(series) <= MOST_SAMPLES
    assert series.last == kept[-1] == values[-1] or len(values) > MOST_SAMPLES
    full = floor_of(np.array(values))
    assert (floor_of(kept) == full[times]).all()
    assert kept.min() == min(values)
