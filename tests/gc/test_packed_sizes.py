"""Sizes in packed columns are what was put in, whatever their steps and widths."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flinkscope.formats.gclog.packed_sizes import MISSING, PackedSizes

number = st.one_of(
    st.just(MISSING),
    st.integers(0, 300),
    st.integers(0, 1 << 22).map(lambda size: size << 10),
    st.integers(0, 1 << 52),
)


@given(rows=st.lists(st.tuples(number, number), max_size=60), seal_at=st.integers(0, 60))
def test_columns_come_back_as_they_went_in(rows: list[tuple[int, int]], seal_at: int) -> None:
    packed = PackedSizes(3)
    expected = np.full((2 * len(rows) + 1, 2), MISSING, dtype=np.int64)
    for at, (first, second) in enumerate(rows):
        if at == seal_at:
            packed.seal()
        packed.extend((2 * at, first, second))
        expected[2 * at] = [size if size < 1 << 52 else MISSING for size in (first, second)]
    snapshot = packed.snapshot()
    packed.extend((2 * len(rows), 7, 7))  # does not reach what was taken before
    for column in (1, 2):
        assert snapshot.column(column, len(expected)).tolist() == expected[:, column - 1].tolist()
    expected[-1] = 7
    assert packed.snapshot().column(1, len(expected)).tolist() == expected[:, 0].tolist()


def test_many_rows_are_packed_as_they_come() -> None:
    packed = PackedSizes(2)
    for row in range(20_000):
        packed.extend((row, row % 7 << 20))
    assert packed.snapshot().column(1, 20_000).tolist() == [row % 7 << 20 for row in range(20_000)]
    assert sum(codes.codes.nbytes for _, (codes,) in packed._blocks if codes.codes is not None) < 20_000
