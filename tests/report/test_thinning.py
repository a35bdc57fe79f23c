"""Thinned series keep their ends and their extremes, and are never longer than the limit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flinkscope.report.thinning import kept_indices, saw_tooth, thinned

VALUES = st.lists(st.integers(-(2**60), 2**60), max_size=600)


@given(VALUES, st.integers(4, 100))
def test_ends_and_extremes_stay(values: list[int], limit: int) -> None:
    kept = kept_indices(values, limit)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(limit, 4)
    if values:
        chosen = [values[i] for i in kept]
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
        assert (min(chosen), max(chosen)) == (min(values), max(values))


@given(VALUES)
def test_short_series_stay_as_they_are(values: list[int]) -> None:
    assert thinned(range(len(values)), values, limit=600) == (tuple(range(len(values))), tuple(values))


def test_single_peak_of_a_million_is_kept() -> None:
    values = np.zeros(1_000_000, dtype=np.int64)
    values[777_777] = 5
    x, y = thinned(np.arange(1_000_000), values)
    assert len(x) <= 1500
    assert (777_777, 5) in set(zip(x, y, strict=True))
    assert type(x[0]) is int


def test_points_are_in_the_order_of_time() -> None:
    assert thinned((30, 10, 20), (3, 1, 2)) == ((10, 20, 30), (1, 2, 3))
    x, y = saw_tooth((10, 12), (100, 60), (40, 50), (9, 1))  # a young collection inside an old one
    assert (x, y) == ((10, 12, 13, 19), (100, 60, 50, 40))


def test_saw_tooth_goes_up_to_before_and_down_to_after() -> None:
    x, y = saw_tooth((10, 20), (100, 90), (40, 30), (1, 2))
    assert (x, y) == ((10, 11, 20, 22), (100, 40, 90, 30))
