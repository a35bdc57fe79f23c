"""Walks towards a few goals against the full breadth-first walk, on random graphs and on long chains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope import open_heap
from flinkscope.heap import goal_walk
from flinkscope.heap.goal_walk import GoalWalk, entering
from flinkscope.heap.store import Heap
from flinkscope.heap.strength import shortest_paths
from strategies.hprof import Dump, ObjectArray, dumps
from strategies.java_heap import JavaHeap

RELAXED = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def from_the_first_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small heaps would be walked whole before anything is left out."""
    monkeypatch.setattr(goal_walk, "FIRST_OBJECTS", 1)


def opened(dump: Dump, folder: Path) -> Heap:
    path = folder / f"{len(list(folder.iterdir()))}.hprof"
    path.write_bytes(dump.to_bytes())
    return open_heap(path, cache=False)


def agree(heap: Heap, goals: np.ndarray, forbidden: np.ndarray) -> None:
    """The walk tells of the goals, of the edges into them and of the paths to these what the full one tells."""
    walk = GoalWalk(heap, goals, forbidden)
    parent, order, weak = shortest_paths(heap, forbidden=forbidden)
    edges = walk.entering()
    assert edges.tolist() == entering(heap.graph.starts, heap.graph.targets, order, weak, forbidden).tolist()
    assert walk.reached(goals).tolist() == (parent[goals] != -2).tolist()
    for node in [*edges[:, 0].tolist(), *goals[walk.reached(goals)].tolist()]:
        while node >= 0:
            assert walk.parent[node] == parent[node]
            node = int(parent[node])
    roots = heap.roots.indices
    walk.enter(np.concatenate([edges[:, 1], roots[forbidden[roots]]]))
    assert walk.reached(goals).tolist() == (shortest_paths(heap)[0][goals] != -2).tolist()
    assert walk.entering().tolist() == edges.tolist()


@given(dump=dumps(), data=st.data())
@RELAXED
def test_a_walk_to_goals_tells_what_the_full_walk_tells(dump: Dump, data: st.DataObject, tmp_path: Path) -> None:
    heap = opened(dump, tmp_path)
    chosen = data.draw(st.sets(st.integers(0, heap.object_count - 1), max_size=6))
    goals = np.array(sorted(chosen), np.int64)
    forbidden = np.zeros(heap.object_count, bool)
    forbidden[[goal for goal in goals.tolist() if data.draw(st.booleans())]] = True
    agree(heap, goals, forbidden)


@pytest.mark.parametrize("passes", [0, 1, 4])
@pytest.mark.parametrize("backwards", [False, True])
def test_long_chains_in_either_direction_lead_to_their_ends(
    passes: int, backwards: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(goal_walk, "MOST_PASSES", passes)
    monkeypatch.setattr(goal_walk, "ROOM", 1)
    built = JavaHeap()
    goal = built.new("java.lang.Object")
    chain = [built.address() for _ in range(3000)]
    for place, address in enumerate(chain):
        onwards = chain[place - 1 :][:1] if backwards else chain[place + 1 :][:1]
        end = place in (0, 1500, 2999)
        held = [*(onwards if place or not backwards else []), *([goal] if end else [])]
        built.dump.objects.append(ObjectArray(address, built.classes["[Ljava.lang.Object;"], held))
    built.root(chain[-1] if backwards else chain[0])
    heap = built.open(tmp_path)
    goals = np.array([heap.index_of(goal)])
    for shut in (False, True):
        forbidden = np.zeros(heap.object_count, bool)
        forbidden[goals] = shut
        agree(heap, goals, forbidden)
