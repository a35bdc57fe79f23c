"""Sets of objects, shortest paths and independent pins against slow twins on random graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope.heap.loaders import loader_of_class
from flinkscope.heap.pins import inside_of, path_from_root
from flinkscope.heap.sets import minimum_retained
from flinkscope.heap.store import Heap
from flinkscope.heap.strength import shortest_paths
from oracles.heap_twin import Twin
from strategies.hprof import INT, OBJECT, STICKY, Dump, dumps
from strategies.java_heap import JavaHeap

RELAXED = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def opened(dump: Dump, folder: Path) -> tuple[Heap, Twin, list[int]]:
    from flinkscope import open_heap

    path = folder / f"{len(list(folder.iterdir()))}.hprof"
    path.write_bytes(dump.to_bytes())
    heap = open_heap(path, cache=False, sizes="mat")
    mask = (1 << 8 * heap.records.id_size) - 1
    addresses = [int(a) & mask for a in heap.addresses(np.arange(heap.object_count))]
    return heap, Twin(dump, heap.sizes.reference_bytes), addresses


def distances(twin: Twin, closed: frozenset[int] = frozenset()) -> dict[int, int]:
    """Breadth-first distances from the roots, by the book."""
    found = {r: 0 for r in twin.roots if r not in closed}
    front = list(found)
    while front:
        after = []
        for source in front:
            for target in twin.edges[source]:
                if target not in found and target not in closed:
                    found[target] = found[source] + 1
                    after.append(target)
        front = after
    return found


@given(dump=dumps())
@RELAXED
def test_shortest_paths_are_shortest_and_real(dump: Dump, tmp_path: Path) -> None:
    heap, twin, addresses = opened(dump, tmp_path)
    expected = distances(twin)
    parent, order, _ = shortest_paths(heap)
    assert {addresses[i] for i in order} == set(expected)
    for i in order.tolist():
        length, node = 0, i
        while parent[node] >= 0:
            assert addresses[node] in twin.edges[addresses[parent[node]]]
            node = int(parent[node])
            length += 1
        assert addresses[node] in twin.roots
        assert length == expected[addresses[i]]
        steps = path_from_root(heap, parent, i)
        assert len(steps) == length + 1
        assert all(step.field != "?" for step in steps), steps


@given(dump=dumps(), data=st.data())
@RELAXED
def test_minimum_retained_of_many_groups(dump: Dump, data: st.DataObject, tmp_path: Path) -> None:
    heap, twin, addresses = opened(dump, tmp_path)
    groups = data.draw(st.lists(st.integers(-1, 2), min_size=len(addresses), max_size=len(addresses)))
    sums = minimum_retained(heap, np.array(groups, np.int32), 3)
    idoms = twin.idoms()
    for g in range(3):
        members = {a for a, own in zip(addresses, groups, strict=True) if own == g and a in idoms}
        expected = 0
        for member in members:
            above = idoms[member]
            while above is not None and above not in members:
                above = idoms[above]
            if above is None:
                expected += sum(twin.size[a] for a in twin.retained({member}))
        assert sums[g] == expected


@given(dump=dumps(), data=st.data())
@RELAXED
def test_pins_are_all_edges_from_what_the_set_does_not_hold(dump: Dump, data: st.DataObject, tmp_path: Path) -> None:
    heap, twin, addresses = opened(dump, tmp_path)
    chosen = data.draw(st.sets(st.integers(1, len(addresses) - 1), min_size=1, max_size=6))
    indices = np.array(sorted(chosen))
    inside = frozenset(addresses[i] for i in chosen)
    outside = distances(twin, inside)
    roots = set(heap.addresses(heap.roots.indices).tolist())
    classes = {c.address for c in dump.classes} & {a & ((1 << 8 * heap.records.id_size) - 1) for a in roots}
    every = {(source, target) for source in outside for target in twin.edges[source] & inside}
    # the edge of an object to its class is not in the graph if that is a GC root, unless a field holds the class too
    expected = {(s, t) for s, t in every if not (t in classes and twin.kind[s] == t)}
    pins = heap.pins(indices, with_classes=False)
    assert pins.inside == len(inside)
    assert pins.edges >= len(expected)  # several fields may hold the same object
    assert bool(pins.edges) <= bool(every)
    assert {pin.holder.index for pin in pins.pins} <= {i for i, a in enumerate(addresses) if a in outside}
    found = {(twin.kind[addresses[p.holder.index]], twin.kind[addresses[p.target.index]]) for p in pins.pins}
    assert {(twin.kind[s], twin.kind[t]) for s, t in expected} <= found
    assert found <= {(twin.kind[s], twin.kind[t]) for s, t in every}
    assert len(pins.root_members) == len(twin.roots & inside)


def leaking() -> tuple[JavaHeap, int]:
    """A user class loader that a static map, a thread's context loader and a weak reference hold."""
    heap = JavaHeap()
    heap.cls("java.lang.Thread", {"name": REF, "contextClassLoader": REF})
    heap.cls("java.lang.ref.Reference", {"referent": REF})
    heap.cls("java.lang.ref.WeakReference", {}, parent="java.lang.ref.Reference")
    loader = heap.new("java.lang.ClassLoader", name=heap.string("user"))
    user = heap.cls("user.Job", {"n": INT, "next": REF}, loader=loader)
    job = heap.new(user, next=heap.new(user))
    heap.cls("app.Registry", {"driver": REF}, statics={"DRIVER": (OBJECT, job)})
    thread = heap.new("java.lang.Thread", name=heap.string("worker"), contextClassLoader=loader)
    heap.thread(thread, 1, [("java.lang.Thread", "run")])
    weak = heap.new("java.lang.ref.WeakReference", referent=job)
    heap.root(weak)
    return heap, loader


REF = OBJECT


def test_all_pins_of_a_class_loader(tmp_path: Path) -> None:
    built, loader = leaking()
    heap = built.open(tmp_path)
    pins = heap.pins(np.array([heap.index_of(loader)]))
    assert {(pin.holder.text or pin.holder.class_name, pin.field) for pin in pins.pins} == {
        ("class app.Registry", "static DRIVER"),
        ("worker", "contextClassLoader"),
    }
    assert pins.inside == 4  # the loader, its class, two instances; not its name
    by_field = {pin.field: pin for pin in pins.pins}
    assert by_field["contextClassLoader"].target.class_name == "java.lang.ClassLoader"
    assert [step.field for step in by_field["static DRIVER"].path] == ["system class"]
    with_weak = heap.pins(np.array([heap.index_of(loader)]), exclude=())
    assert {pin.field for pin in with_weak.pins} == {"static DRIVER", "contextClassLoader", "referent"}


def test_what_only_a_weak_reference_holds_has_no_pin(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("java.lang.ref.Reference", {"referent": REF})
    built.cls("java.lang.ref.WeakReference", {}, parent="java.lang.ref.Reference")
    thing = built.new("java.lang.Object")
    built.root(built.new("java.lang.ref.WeakReference", referent=thing))
    heap = built.open(tmp_path)
    pins = heap.pins(np.array([heap.index_of(thing)]))
    assert (pins.pins, pins.root_members, pins.edges) == ((), (), 0)


def test_a_second_strong_field_of_a_reference_does_hold(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("java.lang.ref.Reference", {"referent": REF})
    built.cls("java.lang.ref.WeakReference", {}, parent="java.lang.ref.Reference")
    built.cls("app.Entry", {"value": REF}, parent="java.lang.ref.WeakReference")
    thing = built.new("java.lang.Object")
    built.root(built.new("app.Entry", value=thing, referent=thing))
    heap = built.open(tmp_path)
    assert [pin.field for pin in heap.pins(np.array([heap.index_of(thing)])).pins] == ["value, referent"]


def test_the_inside_of_a_loader_is_its_classes_and_instances(tmp_path: Path) -> None:
    built, loader = leaking()
    heap = built.open(tmp_path)
    inside = inside_of(heap, np.array([heap.index_of(loader)]))
    mine = loader_of_class(heap) == heap.index_of(loader)
    assert [heap.store.classes.names[row] for row in np.flatnonzero(mine)] == ["user.Job"]
    assert sorted(heap.class_name_of(int(i)) for i in np.flatnonzero(inside)) == [
        "java.lang.Class",
        "java.lang.ClassLoader",
        "user.Job",
        "user.Job",
    ]


def test_merged_paths_count_what_hangs_below(tmp_path: Path) -> None:
    built = JavaHeap()
    things = [built.new("java.lang.Object") for _ in range(5)]
    left, right = built.array(*things[:3]), built.array(*things[3:])
    top = built.array(left, right)
    built.root(top, STICKY)
    lost = built.new("java.lang.Object")
    heap = built.open(tmp_path)
    indices = np.array([heap.index_of(a) for a in [*things, lost]])
    merged = heap.merged_paths(indices)
    assert (merged.targets, merged.unreached) == (6, 1)
    (root,) = merged.roots
    assert (root.reached, root.object.address) == (5, top)
    assert [(child.field, child.reached) for child in root.children] == [("[0]", 3), ("[1]", 2)]
    assert all(leaf.is_target and leaf.reached == 1 for child in root.children for leaf in child.children)
    assert root.reached_bytes == int(heap.shallow_bytes[indices[:5]].sum())


def test_a_very_long_path_is_shown_by_its_ends(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("app.Link", {"next": REF})
    node = last = built.new("app.Link")
    for _ in range(999):
        node = built.new("app.Link", next=node)
    built.root(node)
    heap = built.open(tmp_path)
    parent, _, _ = shortest_paths(heap)
    steps = path_from_root(heap, parent, heap.index_of(last))
    assert steps[0].object.address == node
    assert steps[-1].object.address == last
    assert len(steps) == 201
    assert any("800 objects left out" in step.field for step in steps)
