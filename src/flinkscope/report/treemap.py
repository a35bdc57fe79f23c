"""Squarified treemap: rectangles whose areas are proportional to sizes and whose sides are as equal as possible.

Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000): sizes are laid in rows along the shorter side; a row is closed
when one more rectangle would make its worst aspect ratio worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Position and size in the unit of the area that was given."""

    x: float
    y: float
    width: float
    height: float


def squarified(sizes: Sequence[int], width: float, height: float) -> list[Rectangle]:
    """One rectangle a size, in their order; sizes must be positive and should descend. O(n) for descending sizes."""
    total = sum(sizes)
    if not sizes or total <= 0:
        return []
    areas = [size * width * height / total for size in sizes]
    x, y = 0.0, 0.0
    placed: list[Rectangle] = []
    while areas:
        along = min(width, height)
        count = _row_length(areas, along)
        row, areas = areas[:count], areas[count:]
        across = max(width, height)
        depth = min(across, sum(row) / along) if along and areas else across  # the last row takes what is left
        placed += _row(row, x, y, depth, along, upright=width >= height)
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
    return placed


def _row_length(areas: Sequence[float], along: float) -> int:
    total, best = 0.0, float("inf")
    for count, area in enumerate(areas, 1):
        total += area
        worst = max(along * along * areas[0] / (total * total), total * total / (along * along * area or 1.0))
        if worst > best:
            return count - 1
        best = worst
    return len(areas)


def _row(areas: Sequence[float], x: float, y: float, depth: float, along: float, *, upright: bool) -> list[Rectangle]:
    placed, total = [], sum(areas)
    for area in areas:
        length = along * area / total  # not area / depth: a needle-thin row would multiply rounding errors
        placed.append(Rectangle(x, y, depth, length) if upright else Rectangle(x, y, length, depth))
        x, y = (x, y + length) if upright else (x + length, y)
    return placed
