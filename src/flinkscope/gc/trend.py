"""Trends that outliers and the saw-tooth of a window do not bend.

Slope: Theil and Sen (Sen 1968, "Estimates of the regression coefficient based on Kendall's tau"): the median of the
slopes of all pairs of points; its interval from Kendall's variance. A job with windows fills its heap until the window
fires, so that any slope over a part of a period is wrong: a period is looked for first, and where there is one, only
the lowest point of each period counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_POINTS = 400  # all pairs of 400 points: 79,800 slopes, a few milliseconds
FEWEST_POINTS = 3
_BINS = 256
_PERIODS_NEEDED = 2.5
_CORRELATION_NEEDED = 0.4
_Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope in bytes per second with its 95 % interval. ``rising``: the whole interval lies above 0.

    ``period_ns``: length of the saw-tooth that was taken out, 0 where there was none.
    """

    slope_bytes_per_s: float
    low_bytes_per_s: float
    high_bytes_per_s: float
    level_bytes: float
    period_ns: int
    points: int

    @property
    def rising(self) -> bool:
        """Whether the rise is certain (95 %)."""
        return self.low_bytes_per_s > 0


def trend_of(time_ns: NDArray[np.int64], size_bytes: NDArray[np.int64]) -> Trend | None:
    """The trend of a series, its saw-tooth removed; None for fewer than three points or no time between them."""
    order = np.argsort(time_ns, kind="stable")
    time_ns, size_bytes = time_ns[order], size_bytes[order]
    period_ns = period_of(time_ns, size_bytes)
    if period_ns:
        time_ns, size_bytes = period_minima(time_ns, size_bytes, period_ns)
    return theil_sen(time_ns, size_bytes, period_ns)


def theil_sen(time_ns: NDArray[np.int64], size_bytes: NDArray[np.int64], period_ns: int = 0) -> Trend | None:
    """The median slope of all pairs of points (of at most 400, evenly chosen), with its 95 % interval."""
    order = np.argsort(time_ns, kind="stable")
    time_ns, size_bytes = time_ns[order], size_bytes[order]
    if len(time_ns) > MOST_POINTS:
        chosen = np.linspace(0, len(time_ns) - 1, MOST_POINTS).astype(np.int64)
        time_ns, size_bytes = time_ns[chosen], size_bytes[chosen]
    if len(time_ns) < FEWEST_POINTS or time_ns.max() == time_ns.min():
        return None
    seconds, sizes = (time_ns - time_ns[0]) / 1e9, size_bytes.astype(np.float64)
    first, second = np.triu_indices(len(seconds), 1)
    apart = seconds[second] - seconds[first]
    usable = apart > 0
    slopes = np.sort((sizes[second] - sizes[first])[usable] / apart[usable])
    slope = float(np.median(slopes))
    n, count = len(seconds), len(slopes)
    spread = _Z_95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = slopes[max(0, math.floor((count - spread) / 2))]
    high = slopes[min(count - 1, math.ceil((count + spread) / 2))]
    if n * (n - 1) / 2 < spread:  # too few points for any certainty
        low, high = min(float(slopes[0]), 0.0), max(float(slopes[-1]), 0.0)
    level = float(np.median(sizes - slope * seconds) + slope * seconds[-1])
    return Trend(slope, float(low), float(high), level, period_ns, n)


def period_of(time_ns: NDArray[np.int64], size_bytes: NDArray[np.int64]) -> int:
    """Length in ns of the saw-tooth in a series, 0 where there is none.

    The lowest value of each of 256 bins, its straight line taken out, correlated with itself: the highest peak above
    0.4 that repeats at least two and a half times.
    """
    if len(time_ns) < 24 or time_ns[-1] <= time_ns[0]:
        return 0
    bins = min(_BINS, len(time_ns) // 2)
    series = _lowest_by_bin(time_ns, size_bytes, bins)
    index = np.arange(bins)
    series = series - np.polyval(np.polyfit(index, series, 1), index)
    if not np.any(np.abs(series) > 0):
        return 0
    spectrum = np.fft.rfft(series, 2 * bins)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum))[:bins]
    correlation = correlation / correlation[0] * bins / (bins - index)  # unbiased
    longest = int(bins / _PERIODS_NEEDED)
    below = np.flatnonzero(correlation[:longest] < 0)
    if len(below) == 0:
        return 0
    search = correlation[below[0] : longest]
    if len(search) == 0 or search.max() < _CORRELATION_NEEDED:
        return 0
    lag = int(below[0] + int(np.argmax(search)))
    return int((time_ns[-1] - time_ns[0]) * lag / bins) if lag >= FEWEST_POINTS else 0


def period_minima(
    time_ns: NDArray[np.int64], size_bytes: NDArray[np.int64], period_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The lowest point of each whole period."""
    period = (time_ns - time_ns[0]) // period_ns
    whole = period < (time_ns[-1] - time_ns[0]) // period_ns
    rows = [
        int(np.flatnonzero(period == number)[np.argmin(size_bytes[period == number])])
        for number in np.unique(period[whole])
    ]
    return time_ns[rows], size_bytes[rows]


def _lowest_by_bin(time_ns: NDArray[np.int64], size_bytes: NDArray[np.int64], bins: int) -> Floats:
    at = np.minimum((time_ns - time_ns[0]) * bins // (time_ns[-1] - time_ns[0]), bins - 1)
    lowest = np.full(bins, np.inf)
    np.minimum.at(lowest, at, size_bytes.astype(np.float64))
    known = np.isfinite(lowest)
    filled: Floats = np.interp(np.arange(bins), np.flatnonzero(known), lowest[known])
    return filled
