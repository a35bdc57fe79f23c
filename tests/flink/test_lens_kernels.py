"""The lens' kernels against slow, obvious twins on random heaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.flink.lens import kernels

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
            idom[index] = draw(st.sampled_from([-1, *order[:place]]))
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
    kernels.settle(
        np.array(idom, np.int32), np.array(rows, np.int32), np.array(of_class, np.int32), np.array(jdk, np.int32),
        np.ascontiguousarray(columns), FIRST_WEAK, label,
    )  # fmt: skip
    assert label.tolist() == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1, 9), max_size=30), st.lists(st.integers(-1, 9), max_size=30))
def test_sums_count_each_object_once(first: list[int], second: list[int]) -> None:
    mark, sizes = np.zeros(10, np.uint8), np.arange(100, 110, dtype=np.int32)
    columns = [np.array(part, np.int32) for part in (first, second)]
    total = sum(int(kernels.sum_once(mark, column, sizes)) for column in columns)
    assert total == sum(100 + i for i in {*first, *second} - {-1})
    for column in columns:
        kernels.unmark(mark, column)
    assert not mark.any()
    assert int(kernels.count_once(mark, columns[0])) == len({*first} - {-1})
