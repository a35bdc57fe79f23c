"""When something that grows will reach its limit: a time with its interval, or why none can be told.

What grows is the floor: the lowest value that any later sample still shows. It never falls, and garbage that waits for
its collection does not lift it. A saw-tooth (a window that fills and fires) is taken out first, by ``gc.trend``. The
rate is taken three times, over all of the series, its last half and its last quarter, each as the median slope of all
pairs (Theil and Sen) with its 95 % interval; the forecast's interval spans all of them, so that growth that speeds up
or slows down widens it. The earliest time is when the fastest rate reaches 85 % of the limit, the latest when the
slowest reaches 100 %, counted from the lowest value of the last quarter.

A process that has just started grows anyway: less than two minutes of samples tell nothing while less than half of the
limit is in use, and nothing is told that lies more than twenty times farther ahead than the samples reach back.

Near the limit a JVM collects more and more, and the process gets ever less done in a second: the lab's incidents spend
half of their life there, at 97 to 99 % of the heap. A rate by the clock says nothing then. So at the ceiling the answer
is "at any moment", without a latest time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flinkscope.gc.trend import period_minima, period_of, theil_sen

Ints = NDArray[np.int64]

FEWEST_SAMPLES = 8
CEILING = 0.85  # most of the last samples above it, or
FULL = 0.95  # one of them above this: only full collections follow; but then most are above this:
NEAR = 0.75
FARTHEST_S = 30 * 86_400
WARM_UP_S = 120
_REACH = 20
_PARTS = (1.0, 0.5, 0.25)
_LAST = 5
_PERIODS = 4
_MOST_POINTS = 96  # 4,560 pairs: half a millisecond


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds from the last sample until the limit. ``latest_s`` None: perhaps never. ``rate_per_s`` in units a second.

    ``at_ceiling``: it is there already, so the end can come at once and lasts as long as the collector still frees a
    little. ``period_s``: length of the saw-tooth that was taken out, 0 where there was none.
    """

    earliest_s: float
    likely_s: float
    latest_s: float | None
    rate_per_s: float
    level: int
    limit: int
    at_ceiling: bool = False
    period_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Nothing runs out in the next 30 days, or it cannot be told: ``reason``."""

    reason: str

    def __bool__(self) -> bool:
        """False, so that ``if forecast`` reads naturally."""
        return False


def forecast(time_ns: Ints, value: Ints, limit: int | None) -> Forecast | NoForecast:
    """When ``value`` reaches ``limit``. Times ascending; costs 1 to 2 ms for any length."""
    if limit is None or limit <= 0:
        return NoForecast("no limit is known")
    if len(value) < FEWEST_SAMPLES:
        return NoForecast(f"needs {FEWEST_SAMPLES} samples, has {len(value)}")
    recent = value[-max(_LAST, len(value) // 4) :]
    last = np.median(value[-_LAST:])
    if last >= CEILING * limit or (recent.max() >= FULL * limit and last >= NEAR * limit):
        return _dying(time_ns, value, limit)
    span_s = float(time_ns[-1] - time_ns[0]) / 1e9
    if span_s < WARM_UP_S and last < limit / 2:
        return NoForecast(f"it has been watched for {span_s:.0f} s only and has just begun to fill")
    now_ns, period_ns = time_ns[-1], period_of(time_ns, value)
    if period_ns and (now_ns - time_ns[0]) // period_ns >= _PERIODS:
        time_ns, value = period_minima(time_ns, value, period_ns)
    floor = floor_of(value)
    rates = _rates(*_thinned(time_ns, floor))
    if not rates:
        return NoForecast("all samples are of one moment")
    likely = float(np.median([rate for rate, _, _ in rates]))
    slowest, fastest = min(low for _, low, _ in rates), max(high for _, _, high in rates)
    if likely <= 0 or fastest <= 0:
        return NoForecast("it does not grow")
    level = int(floor[-1])
    age_s = float(now_ns - time_ns[-1]) / 1e9  # the last minimum of a saw-tooth is up to two periods old
    likely_s = max(0.0, (limit - level) / likely - age_s)
    if likely_s > min(FARTHEST_S, _REACH * span_s):
        return NoForecast(f"not within {min(FARTHEST_S, _REACH * span_s) / 3600:.1f} h")
    lowest = int(value[-max(_LAST, len(value) // 4) :].min())
    latest_s = max(0, limit - lowest) / slowest if slowest > 0 else math.inf
    return Forecast(
        earliest_s=max(0.0, min(likely_s, (CEILING * limit - level) / fastest - age_s)),
        likely_s=likely_s,
        latest_s=latest_s if latest_s <= FARTHEST_S else None,
        rate_per_s=likely,
        level=level,
        limit=limit,
        period_s=period_ns / 1e9,
    )


def floor_of(value: Ints) -> Ints:
    """For each sample the lowest of itself and all later ones."""
    return np.minimum.accumulate(value[::-1])[::-1]


def _thinned(time_ns: Ints, floor: Ints) -> tuple[Ints, Ints]:
    """At most 96 points, evenly chosen: the floor has no outliers that would be lost."""
    if len(floor) <= _MOST_POINTS:
        return time_ns, floor
    chosen = np.linspace(0, len(floor) - 1, _MOST_POINTS).astype(np.int64)
    return time_ns[chosen], floor[chosen]


def _dying(time_ns: Ints, value: Ints, limit: int) -> Forecast:
    floor = floor_of(value)
    last = theil_sen(time_ns[-FEWEST_SAMPLES * 2 :], floor[-FEWEST_SAMPLES * 2 :])
    rate = max(0.0, last.slope_bytes_per_s) if last else 0.0
    level = int(floor[-1])
    likely_s = max(0.0, limit - level) / rate if rate > 0 else 0.0
    return Forecast(0.0, min(likely_s, FARTHEST_S), None, rate, level, limit, at_ceiling=True)


def _rates(time_ns: Ints, floor: Ints) -> list[tuple[float, float, float]]:
    """Slope and its interval, over each part of the series that has enough samples."""
    rates = []
    span = int(time_ns[-1] - time_ns[0])
    for part in _PARTS:
        recent = time_ns >= time_ns[-1] - int(span * part)
        if int(recent.sum()) < FEWEST_SAMPLES and part < 1.0:
            continue
        trend = theil_sen(time_ns[recent], floor[recent])
        if trend is not None:
            rates.append((trend.slope_bytes_per_s, trend.low_bytes_per_s, trend.high_bytes_per_s))
    return rates
