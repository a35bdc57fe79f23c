"""What is known of each target: its course, its forecasts, and what follows from them for the alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from flinkscope.gc.trend import theil_sen
from flinkscope.units import share_bp
from flinkscope.watch.forecast import Forecast, NoForecast, forecast
from flinkscope.watch.measures import FORECAST, Reading
from flinkscope.watch.series import Series

_NS = 1_000_000_000
_FEWEST_SUBMISSIONS = 3


@dataclass(frozen=True, slots=True)
class Submissions:
    """Jobs that can still be submitted before metaspace is full. ``most`` None: perhaps without end."""

    fewest: int
    likely: int
    most: int | None
    bytes_each: int


@dataclass(slots=True)
class TargetState:
    """One target. A new identity (a restart) begins its series anew and counts in ``restarts``."""

    target: str
    role: str
    identity: str = ""
    pid: int | None = None
    restarts: int = 0
    seen_ns: int = 0
    gone: bool = False
    values: dict[str, int] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    by_submission: Series = field(default_factory=Series)
    forecasts: dict[str, Forecast | NoForecast] = field(default_factory=dict)

    def take(self, reading: Reading, now_ns: int) -> None:
        """Adds a reading."""
        if self.identity and reading.identity != self.identity:
            self.restarts += 1
            self.series, self.by_submission, self.forecasts = {}, Series(), {}
        self.identity, self.pid, self.seen_ns, self.gone = reading.identity, reading.pid, now_ns, False
        self.values = dict(reading.values)
        for measure in FORECAST:
            value = reading.values.get(measure.name)
            if value is not None:
                self.series.setdefault(measure.name, Series()).append(now_ns, value)
        if "submissions" in reading.values and "metaspace_bytes" in reading.values:
            self.by_submission.append(reading.values["submissions"] * _NS, reading.values["metaspace_bytes"])

    def look_ahead(self) -> None:
        """Makes the forecasts anew; about 1 ms each."""
        for measure in FORECAST:
            if measure.name in self.series and measure.limit is not None:
                times, values = self.series[measure.name].columns()
                self.forecasts[measure.name] = forecast(times, values, self.values.get(measure.limit))

    def submissions_left(self) -> Submissions | None:
        """From the lowest metaspace after each number of submissions; None until three have been seen or none leaks."""
        numbers, sizes = self.by_submission.columns()
        limit = self.values.get("metaspace_limit_bytes")
        distinct = np.unique(numbers)
        if len(distinct) < _FEWEST_SUBMISSIONS or limit is None:
            return None
        lowest = np.array([int(sizes[numbers == number].min()) for number in distinct], dtype=np.int64)
        trend = theil_sen(distinct, lowest)  # its "second" is a submission
        if trend is None or trend.slope_bytes_per_s <= 0:
            return None
        left = max(0.0, limit - float(lowest[-1]))
        return Submissions(
            fewest=int(left / trend.high_bytes_per_s) if trend.high_bytes_per_s > 0 else 0,
            likely=int(left / trend.slope_bytes_per_s),
            most=int(left / trend.low_bytes_per_s) if trend.low_bytes_per_s > 0 else None,
            bytes_each=int(trend.slope_bytes_per_s),
        )

    def quantities(self) -> dict[str, float]:
        """Everything that alert rules may ask for: measures, shares of limits (1/10,000), the earliest times left."""
        found: dict[str, float] = dict(self.values)
        if "gc_share_bp" in self.values:
            found["gc_share"] = self.values["gc_share_bp"]
        for measure in FORECAST:
            stem = measure.name.removesuffix("_bytes")
            value, limit = self.values.get(measure.name), self.values.get(measure.limit or "")
            if value is not None and limit:
                found[f"{stem}_share"] = share_bp(value, limit)
            expected = self.forecasts.get(measure.name)
            if isinstance(expected, Forecast):
                found[f"{stem}_time_left_s"] = expected.earliest_s
        left = self.submissions_left()
        if left is not None:
            found["metaspace_submissions_left"] = left.fewest
        return found


def soonest(forecasts: Mapping[str, Forecast | NoForecast]) -> tuple[str, Forecast] | None:
    """What runs out first, by its likely time."""
    found = [(name, f) for name, f in forecasts.items() if isinstance(f, Forecast)]
    return min(found, key=lambda pair: pair[1].likely_s, default=None)


def update(states: dict[str, TargetState], readings: Iterable[Reading], now_ns: int) -> list[TargetState]:
    """Takes the readings; the states that they changed."""
    changed = []
    for reading in readings:
        state = states.setdefault(reading.target, TargetState(reading.target, reading.role))
        state.take(reading, now_ns)
        changed.append(state)
    return changed
