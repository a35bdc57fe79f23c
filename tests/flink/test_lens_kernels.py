"""The lens' kernels against slow, obvious twins on random heaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.flink.lens import kernels
from flinkscope.heap.dominators import UNREACHABLE

JDK_NUMBER = 9
FIRST_WEAK = 5


def settled(idom: list[int], label: list[int], rows: list[int], of_class: list[int], jdk: list[int],
            mirror: dict[int, int]) -> list[int]:  # fmt: skip
    """Each object by walking up to the root, with no memory."""

    def above(i: int) -> list[int]:
        path = []
        while 0 <= i < len(idom) and i not in path:
            path.append(i)
            i = idom[i]
        return path

    found = []
    for i in range(len(idom)):
        path = above(i)
        strong = next((label[a] for a in path if label[a] != kernels.NO_LABEL), None)
        families = [of_class[mirror[a]] if a in mirror else of_class[rows[a]] for a in path]
        weak = next((f for f in families if f >= 0), None)
        found.append(strong if strong is not None else weak if weak is not None else jdk[rows[i]])
    return found


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Dominators (any numbering), labels and class rows of up to 40 objects."""
    count = draw(st.integers(1, 40))
    order = draw(st.permutations(range(count)))
    idom = [-1] * count
    for place, index in enumerate(order):
        if place:
            idom[index] = draw(st.sampled_from([-1, UNREACHABLE, *order[:place]]))
    labels = draw(st.lists(st.sampled_from([-1, -1, -1, 0, 1]), min_size=count, max_size=count))
    rows = draw(st.lists(st.integers(-1, 4), min_size=count, max_size=count))
    return idom, labels, rows


@settings(max_examples=200, deadline=None)
@given(trees())
def test_every_object_gets_the_owner_that_a_walk_to_the_root_finds(
    tree: tuple[list[int], list[int], list[int]],
) -> None:
    """Rows 0, 1: families; 2: the JDK's; 3: class objects, each even one of which stands for row 1; 4, -1: nobody's."""
    idom, labels, rows = tree
    of_class = [5, 6, kernels.NO_LABEL, kernels.NO_LABEL, kernels.NO_LABEL, kernels.NO_LABEL]
    jdk = [kernels.NOBODY] * 6
    jdk[2] = JDK_NUMBER
    mirror = {i: 1 for i, row in enumerate(rows) if row == 3 and i % 2 == 0}
    expected = settled(idom, labels, rows, of_class, jdk, mirror)
    of_class[3] = kernels.MIRROR
    label = np.array(labels, np.int32)
    columns = np.array(sorted(mirror.items()), np.int32).reshape(-1, 2).T
    sizes = np.arange(100, 100 + len(idom), dtype=np.int32)
    objects, total = np.zeros(JDK_NUMBER + 2, np.int64), np.zeros(JDK_NUMBER + 2, np.int64)
    kernels.settle(
        np.array(idom, np.int32), np.array(rows, np.int32), sizes, np.array(of_class, np.int32),
        np.array(jdk, np.int32), np.ascontiguousarray(columns), FIRST_WEAK, label, objects, total,
    )  # fmt: skip
    assert label.tolist() == expected
    owners = [*range(JDK_NUMBER + 1), kernels.NOBODY]
    reached = [i for i in range(len(idom)) if idom[i] != UNREACHABLE]
    assert objects.tolist() == [sum(expected[i] == owner for i in reached) for owner in owners]
    assert total.tolist() == [sum(int(sizes[i]) for i in reached if expected[i] == owner) for owner in owners]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1, 9), max_size=30), st.lists(st.integers(-1, 9), max_size=30))
def test_a_turn_counts_each_object_once(first: list[int], second: list[int]) -> None:
    mark = np.zeros(10, np.uint8)
    for turn, column in enumerate((first, second), start=1):
        found = int(kernels.count_once(mark, np.uint8(turn), np.array(column, np.int32)))
        assert found == len({*column} - {-1})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 9), max_size=30), max_size=3))
def test_a_label_stays_and_its_object_counts_once(columns: list[list[int]]) -> None:
    label, sizes = np.full(10, kernels.NO_LABEL, np.int32), np.arange(100, 110, dtype=np.int32)
    first: dict[int, int] = {}
    for number, column in enumerate(columns):
        new = {*column} - {-1} - set(first)
        first |= dict.fromkeys(new, number)
        added = int(kernels.put_label(label, np.array(column, np.int32), number, sizes))
        assert added == sum(100 + i for i in new)
    assert label.tolist() == [first.get(i, kernels.NO_LABEL) for i in range(10)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5, 40), st.sampled_from([-1, 10, 20, 30])), min_size=1, max_size=30),
    st.integers(0, 5),
    st.sampled_from([(0, 0), (20, 0), (20, 10)]),
)
def test_timers_are_told_apart_by_their_windows_clean_up(
    timers: list[tuple[int, int]], lateness: int, slices: tuple[int, int]
) -> None:
    size, offset = slices

    def last(end: int) -> int | None:
        if end == -1:
            return None
        return -(-(end - offset) // size) * size + offset - 1 if size else end - 1 + lateness

    others = [time for time, end in timers if time != last(end)]
    upcoming = others or [time for time, _ in timers]
    times, ends = (np.array(column, np.int64) for column in zip(*timers, strict=True))
    found = kernels.fold_timers(times, ends, lateness, size, offset)
    assert tuple(found) == (len(timers) - len(others), min(upcoming), upcoming.count(min(upcoming)))
