"""Every figure of the engine against the slow twin, on random graphs."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope import open_heap
from flinkscope.heap.store import Heap
from oracles.heap_twin import Twin
from strategies.hprof import Dump, dumps

RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def opened(dump: Dump, folder: Path, **how: object) -> Heap:
    path = folder / f"{len(list(folder.iterdir()))}.hprof"  # never over a file that is still mapped
    path.write_bytes(dump.to_bytes(**how))  # type: ignore[arg-type]
    return open_heap(path, cache=False, sizes="mat")


def by_address(heap: Heap) -> list[int]:
    mask = (1 << 8 * heap.records.id_size) - 1
    return [int(a) & mask for a in heap.addresses(np.arange(heap.object_count))]


@given(dump=dumps(), segment_bytes=st.sampled_from([1, 64, 1 << 20]))
@RELAXED
def test_objects_reachability_and_sizes(dump: Dump, segment_bytes: int, tmp_path: Path) -> None:
    heap = opened(dump, tmp_path, segment_bytes=segment_bytes)
    twin = Twin(dump, heap.sizes.reference_bytes)
    addresses = by_address(heap)
    assert sorted(addresses) == sorted(twin.kind)
    alive = twin.reach()
    assert {a for a, r in zip(addresses, heap.reachable, strict=True) if r} == alive
    assert dict(zip(addresses, heap.shallow_bytes.tolist(), strict=True)) == twin.size
    assert heap.reachable_object_count == len(alive)
    assert heap.used_bytes == sum(twin.size[a] for a in alive)
    assert heap.unreachable_bytes == sum(twin.size.values()) - heap.used_bytes


@given(dump=dumps())
@RELAXED
def test_dominators_and_retained_sizes(dump: Dump, tmp_path: Path) -> None:
    heap = opened(dump, tmp_path)
    twin = Twin(dump, heap.sizes.reference_bytes)
    addresses = by_address(heap)
    idoms = twin.idoms()
    for i, address in enumerate(addresses):
        if address not in idoms:
            assert heap.idom[i] == -2
            continue
        above = idoms[address]
        assert (None if heap.idom[i] == -1 else addresses[heap.idom[i]]) == above
        assert heap.retained_bytes[i] == sum(twin.size[a] for a in twin.retained({address}))
    top = {row.address for row in heap.dominators()}
    assert {a & ((1 << 8 * dump.id_size) - 1) for a in top} == {a for a, above in idoms.items() if above is None}


@given(dump=dumps(), seed=st.integers(0, 1 << 30))
@RELAXED
def test_retained_size_of_any_set(dump: Dump, seed: int, tmp_path: Path) -> None:
    heap = opened(dump, tmp_path)
    twin = Twin(dump, heap.sizes.reference_bytes)
    addresses = by_address(heap)
    chosen = [i for i in range(len(addresses)) if random.Random(seed + i).random() < 0.3]
    expected = twin.retained({addresses[i] for i in chosen})
    mask = heap.retained_objects(np.array(chosen, np.int32))
    assert {a for a, m in zip(addresses, mask, strict=True) if m} == expected
    assert heap.retained_of(np.array(chosen, np.int32)) == sum(twin.size[a] for a in expected)


@given(dump=dumps())
@RELAXED
def test_histogram_with_minimum_retained_size(dump: Dump, tmp_path: Path) -> None:
    heap = opened(dump, tmp_path)
    twin = Twin(dump, heap.sizes.reference_bytes)
    alive = twin.reach()
    rows = {row.class_address & ((1 << 8 * dump.id_size) - 1): row for row in heap.histogram()}
    for cls in dump.classes:
        members = [a for a in alive if twin.kind[a] == cls.address]
        row = rows.get(cls.address)
        assert (row.objects if row else 0) == len(members)
        assert (row.shallow_bytes if row else 0) == sum(twin.size[a] for a in members)
        assert (row.retained_bytes if row else 0) == twin.class_retained(cls.address)
    everything = {row.class_address: row.objects for row in heap.histogram(retained=False)}
    assert sum(everything.values()) == len([a for a in twin.kind if twin.kind[a] is not None])


@given(dump=dumps())
@RELAXED
def test_references_both_ways(dump: Dump, tmp_path: Path) -> None:
    heap = opened(dump, tmp_path)
    twin = Twin(dump, heap.sizes.reference_bytes)
    addresses = by_address(heap)
    for i, address in enumerate(addresses):
        assert {addresses[t] for t in heap.out_references(i)} == twin.edges[address]
        assert {addresses[s] for s in heap.in_references(i)} == {s for s, t in twin.edges.items() if address in t}


@pytest.mark.parametrize("one_record", [False, True])
def test_every_way_to_cut_segments_gives_the_same(one_record: bool, tmp_path: Path) -> None:
    found: list[list[object]] = []

    @given(dump=dumps())
    @settings(max_examples=20, deadline=None)
    def check(dump: Dump) -> None:
        plain = opened(dump, tmp_path)
        other = opened(dump, tmp_path, one_record=one_record, segment_bytes=40)
        assert plain.histogram() == other.histogram()
        assert plain.truncated == other.truncated
        found.append(plain.histogram())

    check()
    assert found


def test_the_writer_itself_makes_a_readable_file() -> None:
    data = Dump().to_bytes()
    assert io.BytesIO(data).read(18) == b"JAVA PROFILE 1.0.2"
