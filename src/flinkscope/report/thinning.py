"""Fewer points that draw the same line: of each stretch of a series the lowest and the highest point are kept.

A 200 MB GC log has a million events and a screen a thousand columns. Keeping each stretch's extremes keeps every peak,
which plain sampling loses. First and last point are always kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flinkscope.report.chart_model import MAX_POINTS

Column = Sequence[int] | NDArray[np.int64]


def kept_indices(values: Column, limit: int = MAX_POINTS) -> list[int]:
    """Indices, ascending, of at most ``limit`` points that keep every stretch's lowest and highest value. O(n)."""
    count = len(values)
    if count <= limit:
        return list(range(count))
    column = np.asarray(values, dtype=np.int64)
    stretches = max(1, (limit - 2) // 2)
    kept = {0, count - 1}
    for number in range(stretches):
        first, end = number * count // stretches, (number + 1) * count // stretches
        kept.add(first + int(np.argmin(column[first:end])))
        kept.add(first + int(np.argmax(column[first:end])))
    return sorted(kept)


def thinned(x: Column, y: Column, limit: int = MAX_POINTS) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both columns with only the kept points, ascending in ``x`` (logs tell concurrent work when it ends)."""
    times, values = _in_order(x, y)
    kept = kept_indices(values, limit)
    return tuple(int(times[i]) for i in kept), tuple(int(values[i]) for i in kept)


def saw_tooth(
    time_ns: Column, before: Column, after: Column, pause_ns: Column
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Heap in use over time: each collection gives a point at its start and one at its end, thinned together.

    Points are ascending in time, also where a young collection runs inside an old one.
    """
    points: list[tuple[int, int]] = []
    for i in kept_indices(before, MAX_POINTS // 2):
        start = int(time_ns[i])
        points += [(start, int(before[i])), (start + max(0, int(pause_ns[i])), int(after[i]))]
    points.sort(key=lambda point: point[0])
    return tuple(x for x, _ in points), tuple(y for _, y in points)


def _in_order(x: Column, y: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    times, values = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    if len(times) > 1 and bool((np.diff(times) < 0).any()):
        order = np.argsort(times, kind="stable")
        return times[order], values[order]
    return times, values
