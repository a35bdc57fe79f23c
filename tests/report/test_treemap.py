"""The treemap: areas are proportional, rectangles lie inside and do not overlap, sides are not needles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flinkscope.report.html.shapes import boxes, pairs, spans
from flinkscope.report.model import MemoryBarRow, OwnerRow, SegmentRow
from flinkscope.report.pictures import heap_row
from flinkscope.report.treemap import squarified
from report_support.incident import heap_facts

SIZES = st.lists(st.integers(1, 10**12), min_size=1, max_size=60).map(lambda s: sorted(s, reverse=True))


@given(SIZES, st.integers(50, 2000), st.integers(50, 2000))
def test_areas_are_proportional_and_inside(sizes: list[int], width: int, height: int) -> None:
    placed = squarified(sizes, width, height)
    assert len(placed) == len(sizes)
    for size, r in zip(sizes, placed, strict=True):
        assert r.width * r.height == pytest.approx(size * width * height / sum(sizes), rel=1e-6, abs=1e-3)
        assert r.x >= -1e-4
        assert r.y >= -1e-4
        assert r.x + r.width <= width + 1e-4
        assert r.y + r.height <= height + 1e-4


@given(SIZES)
def test_no_overlap(sizes: list[int]) -> None:
    placed = squarified(sizes, 1000, 330)
    for i, a in enumerate(placed):
        for b in placed[i + 1 :]:
            wide = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
            high = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
            assert wide < 1e-4 or high < 1e-4


def test_equal_sizes_give_near_squares() -> None:
    for r in squarified([1] * 24, 1000, 330):
        assert 1 / 3 < r.width / r.height < 3


def test_paper_s_example() -> None:
    """Bruls, Huizing, van Wijk (2000), figure 4: 6 6 4 3 2 2 1 in a 6 × 4 rectangle."""
    placed = squarified([6, 6, 4, 3, 2, 2, 1], 6, 4)
    first = [(round(r.x, 2), round(r.y, 2), round(r.width, 2), round(r.height, 2)) for r in placed[:4]]
    assert first == [(0, 0, 3, 2), (0, 2, 3, 2), (3, 0, 1.71, 2.33), (4.71, 0, 1.29, 2.33)]


def test_nothing_to_place() -> None:
    assert squarified([], 10, 10) == []
    assert squarified([0, 0], 10, 10) == []


def test_owners_and_everything_else_make_the_whole() -> None:
    row = heap_row(heap_facts())
    shown = boxes(row)
    assert sum(b.bytes for b in shown) == row.used_bytes
    assert [b for b in shown if b.name == "everything else"]
    area = sum(float(b.width) * float(b.height) for b in shown)
    assert area == pytest.approx(100 * 100, rel=1e-3)
    assert OwnerRow("x", 0) not in row.owners


def test_memory_bars_share_a_scale() -> None:
    small = MemoryBarRow(
        "now", 100, 50, (SegmentRow("heap", 50, 1), SegmentRow("none", 0, 5), SegmentRow("rest", 50, 3))
    )
    large = MemoryBarRow("after", 200, 150, (SegmentRow("heap", 150, 1), SegmentRow("rest", 50, 3)))
    assert [(s.x, s.width) for s in spans(small, (small, large))] == [("0.000", "25.000"), ("25.000", "25.000")]
    assert spans(large, (small, large))[-1].x == "75.000"


def test_pairs() -> None:
    assert pairs(200, 50) == ("100.00", "25.00")
    assert pairs(None, 5) is None
    assert pairs(0, 0) is None
