"""The dominator tree folded by class, against a slow one made of the idoms themselves; no depth is too deep."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from flinkscope import open_heap
from flinkscope.heap import class_tree as module
from flinkscope.heap.class_tree import ClassNode, class_tree
from flinkscope.heap.kernels import class_tree as kernels
from flinkscope.heap.store import Heap
from strategies.hprof import Dump, dumps

Path_ = tuple[str, ...]


def slow_tree(heap: Heap) -> dict[Path_, tuple[int, int]]:
    """Path of class names → (objects, retained bytes): one walk up for each object; a run of one class is one step."""
    found: dict[Path_, list[int]] = defaultdict(lambda: [0, 0])
    for index in range(heap.object_count):
        if heap.idom[index] == -2:
            continue
        line, at = [], index
        while at >= 0:
            line.append(heap.class_name_of(at))
            at = int(heap.idom[at])
        line.reverse()
        path = tuple(name for i, name in enumerate(line) if i == 0 or line[i - 1] != name)
        found[path][0] += 1
        is_first = len(line) == 1 or line[-2] != line[-1]
        found[path][1] += int(heap.retained_bytes[index]) if is_first else 0
    return {path: (objects, size) for path, (objects, size) in found.items()}


def by_path(nodes: tuple[ClassNode, ...]) -> dict[Path_, tuple[int, int]]:
    found, line = {}, []
    for node in nodes:
        line = [*line[: node.depth], node.class_name]
        assert tuple(line) not in found
        found[tuple(line)] = (node.objects, node.retained_bytes)
    return found


@given(dump=dumps())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_same_as_the_slow_one(dump: Dump, tmp_path: Path) -> None:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.hprof"
    path.write_bytes(dump.to_bytes())
    heap = open_heap(path, cache=False, sizes="mat")
    wanted = slow_tree(heap)
    for node_path, figures in by_path(class_tree(heap)).items():
        assert wanted[node_path] == figures
    shown = sum(size for path, (_, size) in by_path(class_tree(heap)).items() if len(path) == 1)
    left_out = sum(size for path, (_, size) in wanted.items() if len(path) == 1) - shown
    assert left_out * 10_000 <= heap.used_bytes * module.LEAST_SHARE_BP * len(wanted)


@pytest.mark.parametrize("one_class", [True, False])
def test_a_chain_of_a_million(one_class: bool) -> None:
    """Deeper than any stack: the path grows; two classes in turn go down to the deepest level shown."""
    count = 1_000_000
    idom = np.concatenate([np.arange(1, count), [-1]]).astype(np.int32)  # each below the next
    kinds = np.zeros(count, np.int32) if one_class else (np.arange(count) % 2).astype(np.int32)
    retained = np.arange(1, count + 1, dtype=np.int64)
    label = np.full(count, kernels.UNLABELLED, np.int32)
    nodes, sums, slots = np.zeros((64, 3), np.int64), np.zeros((64, 2), np.int64), np.zeros(128, np.int64)
    state, path, calls = np.array([0, 1], np.int64), np.empty(1 << 10, np.int64), 0
    while kernels.fold(idom, kinds, retained, 2, 12, label, path, slots, nodes, sums, state):
        path, calls = np.empty(2 * len(path), np.int64), calls + 1
    assert calls == 10
    if one_class:
        assert state[1] == 2
        assert sums[1].tolist() == [count, count]
    else:
        assert state[1] == 13
        assert sums[1:13].tolist() == [[1, count - i] for i in range(12)]
        assert (label == kernels.LEFT_OUT).sum() == count - 12


def test_a_full_table_leaves_the_rest_out() -> None:
    idom, kinds = np.full(10, -1, np.int32), np.arange(10, dtype=np.int32)
    nodes, sums, slots = np.zeros((4, 3), np.int64), np.zeros((4, 2), np.int64), np.zeros(8, np.int64)
    label, state = np.full(10, kernels.UNLABELLED, np.int32), np.array([0, 1], np.int64)
    path, ones = np.empty(4, np.int64), np.ones(10, np.int64)
    assert kernels.fold(idom, kinds, ones, 10, 12, label, path, slots, nodes, sums, state) == 0
    assert label.tolist() == [1, 2, 3] + [kernels.LEFT_OUT] * 7
