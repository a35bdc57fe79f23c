"""The numpy recount against a slow twin that follows the Java source line by line in plain integers and floats."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import FormatError
from flinkscope.lab.check import (
    Counts,
    Shop,
    check_results,
    compare_counts,
    page_view_count,
    read_results,
    recount,
)

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def slow_mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def slow_event(shop: Shop, index: int) -> tuple[int, int, int, bool]:
    """(day, item, user, is a page view) of one event."""
    for_item = slow_mix((shop.seed + (2 * index + 1) * GOLDEN) & MASK)
    for_rest = slow_mix((shop.seed + (2 * index + 2) * GOLDEN) & MASK)
    fifth_root = float(shop.items)
    for _ in range(200):
        square = fifth_root * fifth_root
        fourth = square * square
        fifth_root = fifth_root - (fourth * fifth_root - float(shop.items)) / (5.0 * fourth)
    root = 1.0 + (for_item >> 11) * 2.0**-53 * (fifth_root - 1.0)
    square = root * root
    item = min(int(square * square * root), shop.items)
    user = ((for_rest >> 32) * shop.users) >> 32
    dice = ((for_rest & 0xFFFFFFFF) * 1000) >> 32
    timestamp = shop.first_ms + index * shop.span_ms // shop.events
    return (timestamp + 8 * 3_600_000) // 86_400_000, item, user, dice < 895


def slow_counts(shop: Shop) -> dict[tuple[int, int], int]:
    visitors: dict[tuple[int, int], set[int]] = {}
    for index in range(shop.events):
        day, item, user, is_view = slow_event(shop, index)
        if is_view:
            visitors.setdefault((day, item), set()).add(user)
    return {pair: len(users) for pair, users in visitors.items()}


shops = st.builds(
    Shop,
    events=st.integers(1, 400),
    seed=st.integers(-(2**63), 2**63 - 1),
    items=st.integers(1, 4_000_000),
    users=st.integers(1, 1_000_000),
    first_ms=st.just(1_511_701_200_000),
    span_ms=st.sampled_from([10_800_000, 40 * 3_600_000]),
)


@settings(max_examples=40, deadline=None)
@given(shops)
def test_recount_equals_the_slow_twin(shop: Shop) -> None:
    counts = recount(shop)
    found = {(int(d), int(i)): int(v) for d, i, v in zip(counts.day, counts.item, counts.visitors, strict=True)}
    assert found == slow_counts(shop)


def test_events_have_the_shape_of_the_public_data() -> None:
    shop = Shop(300_000)
    assert page_view_count(shop) == pytest.approx(0.895 * shop.events, rel=0.005)
    _, item, user = shop.page_views(0, shop.events)
    assert item.min() >= 1
    assert item.max() <= shop.items
    # the bounded power law with exponent 0.8: P(item <= x) = (x^0.2 - 1) / (N^0.2 - 1)
    for x in (10, 1_000, 100_000):
        expected = (x**0.2 - 1) / (shop.items**0.2 - 1)
        assert np.mean(item < x) == pytest.approx(expected, abs=0.01)
    assert np.mean(user) == pytest.approx(shop.users / 2, rel=0.01)


def write_results(path: Path, rows: list[tuple[int, int, int]]) -> None:
    path.write_bytes(b"".join(struct.pack("<qii", item, day, visitors) for day, item, visitors in rows))


def test_the_last_result_of_an_item_counts(tmp_path: Path) -> None:
    write_results(tmp_path / "results-0-0.bin", [(7, 1, 1), (7, 2, 1), (7, 1, 5), (8, 1, 2)])
    write_results(tmp_path / "results-1-0.bin", [(7, 3, 9)])
    counts = read_results(tmp_path)
    assert list(zip(counts.day, counts.item, counts.visitors, strict=True)) == [
        (7, 1, 5), (7, 2, 1), (7, 3, 9), (8, 1, 2),
    ]  # fmt: skip


def test_every_kind_of_difference_is_found(tmp_path: Path) -> None:
    shop = Shop(2_000, items=50, users=40)
    truth = slow_counts(shop)
    rows = [(day, item, count) for (day, item), count in truth.items()]
    write_results(tmp_path / "results-0-0.bin", rows)
    good = check_results(shop, tmp_path)
    assert good.exact
    assert good.pairs == len(truth)
    assert good.visitors == sum(truth.values())
    wrong = [(day, item, count + (n == 0)) for n, (day, item, count) in enumerate(rows[1:])]
    write_results(tmp_path / "results-0-0.bin", [*wrong, (rows[0][0], 51, 1)])
    bad = check_results(shop, tmp_path)
    assert (bad.wrong, bad.missing, bad.extra, bad.exact) == (1, 1, 1, False)
    assert len(bad.examples) == 3


def test_no_results_are_all_missing(tmp_path: Path) -> None:
    shop = Shop(100)
    check = check_results(shop, tmp_path)
    assert check.missing == check.pairs > 0
    assert not check.exact


def test_a_cut_result_file_is_an_error_with_its_place(tmp_path: Path) -> None:
    write_results(tmp_path / "results-0-0.bin", [(7, 1, 1), (7, 2, 1)])
    path = tmp_path / "results-0-0.bin"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(FormatError) as error:
        read_results(tmp_path)
    assert error.value.offset == 16


@given(st.lists(st.tuples(st.integers(17_000, 17_003), st.integers(1, 9), st.integers(1, 5)), max_size=12))
def test_comparison_of_equals_is_exact(rows: list[tuple[int, int, int]]) -> None:
    last = {(day, item): count for day, item, count in rows}
    ordered = sorted(last.items())
    columns = [[p[0] for p, _ in ordered], [p[1] for p, _ in ordered], [v for _, v in ordered]]
    counts = Counts(*(np.array(c, dtype=np.int64) for c in columns))
    assert compare_counts(counts, counts).exact


def test_chunks_do_not_change_the_events() -> None:
    shop = Shop(1_000)
    whole = shop.page_views(0, 1_000)
    parts = [shop.page_views(a, b) for a, b in itertools.pairwise((0, 1, 333, 1_000))]
    for column in range(3):
        assert np.array_equal(whole[column], np.concatenate([p[column] for p in parts]))
