"""Object inspector, threads, loaders, duplicates, suspects on small heaps whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flinkscope.errors import UsageError
from strategies.hprof import BOOLEAN, INT, LONG, STICKY
from strategies.java_heap import REF, JavaHeap, hash_map, with_collections


def test_an_object_with_everything(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("java.lang.Integer", {"value": INT})
    built.cls("app.Base", {"id": LONG, "name": REF, "same": INT})
    built.cls("app.Thing", {"same": INT, "box": REF, "on": BOOLEAN}, parent="app.Base")
    text = built.string("grün ✓")
    box = built.new("java.lang.Integer", value=42)
    thing = built.new("app.Thing", id=7, name=text, box=box, on=1)
    built.root(built.array(thing, thing, 0))
    heap = built.open(tmp_path)
    view = heap.object(thing)
    assert (view.class_name, view.address, view.is_class, view.length) == ("app.Thing", thing, False, None)
    assert {f.name: f.value for f in view.fields if f.type != "reference"} == {"id": 7, "same": 0, "on": True}
    assert {f.name: f.declared_in for f in view.fields}["same"] == "app.Thing"  # hides that of app.Base
    references = {f.name: f.reference for f in view.fields if f.type == "reference"}
    assert references["box"] is not None
    assert (references["box"].class_name, references["box"].text) == ("java.lang.Integer", "42")
    assert references["name"] is not None
    assert references["name"].text is None
    assert not view.contents_shown
    shown = heap.object(thing, show_strings=True)
    assert {f.name: f.reference and f.reference.text for f in shown.fields if f.type == "reference"}["name"] == "grün ✓"
    assert [(h.fields, h.object.class_name) for h in view.inbound] == [(("[0]", "[1]"), "java.lang.Object[]")]
    assert {h.fields for h in view.outbound} == {("<class>",), ("name",), ("box",)}
    assert view.immediate_dominator is not None
    assert view.immediate_dominator.class_name == "java.lang.Object[]"


def test_arrays_classes_and_absence(tmp_path: Path) -> None:
    built = JavaHeap()
    held = built.new("java.lang.Object")
    built.static("java.lang.Object", LOCK=held, NONE=0)
    ints = built.numbers(INT, 3, -1, 5)
    refs = built.array(0, ints, held)
    built.root(refs)
    heap = built.open(tmp_path)
    hidden = heap.object(ints)
    assert (hidden.length, hidden.elements) == (3, None)
    assert heap.object(ints, show_strings=True, limit=2).elements == (3, -1)
    elements = heap.object(refs).elements
    assert elements is not None
    assert [getattr(e, "class_name", e) for e in elements] == [None, "int[]", "java.lang.Object"]
    mirror = heap.object(built.classes["java.lang.Object"])
    assert mirror.is_class
    assert mirror.text == "class java.lang.Object"
    assert {s.name: s.reference and s.reference.address for s in mirror.statics} == {"LOCK": held, "NONE": None}
    assert mirror.root_kinds == ("system class",)
    assert heap.object(0).text == "boot class loader"
    with pytest.raises(UsageError, match="no object at 0x5"):
        heap.object(5)


def test_decoded_collections(tmp_path: Path) -> None:
    built = JavaHeap()
    with_collections(built)
    a, b, c = (built.string(t) for t in "abc")
    u = "java.util."
    found = {
        "map": hash_map(built, [(a, b), (b, 0), (c, a)], 2),
        "list": built.new(u + "ArrayList", size=3, elementData=built.array(a, 0, b, 0, 0)),
        "chain": built.new(
            u + "LinkedList",
            size=2,
            first=built.new(u + "LinkedList$Node", item=a, next=built.new(u + "LinkedList$Node", item=b)),
        ),
        "tree": built.new(
            u + "TreeMap",
            size=3,
            root=built.new(
                u + "TreeMap$Entry", key=b, value=a,
                left=built.new(u + "TreeMap$Entry", key=a), right=built.new(u + "TreeMap$Entry", key=c, value=c),
            ),
        ),
        "set": built.new(u + "HashSet", map=hash_map(built, [(c, a)], 4)),
        "identity": built.new(u + "IdentityHashMap", size=1, table=built.array(0, 0, a, b)),
    }  # fmt: skip
    built.root(built.array(*found.values()))
    heap = built.open(tmp_path)

    def entries(name: str) -> list[tuple[str | None, str | None]]:
        view = heap.object(found[name], show_strings=True)
        return [(e.key and e.key.text, e.value and e.value.text) for e in view.entries]

    assert sorted(entries("map"), key=str) == [("a", "b"), ("b", None), ("c", "a")]
    assert entries("list") == [(None, "a"), (None, None), (None, "b")]
    assert entries("chain") == [(None, "a"), (None, "b")]
    assert entries("tree") == [("a", None), ("b", "a"), ("c", "c")]
    assert entries("set") == [(None, "c")]
    assert entries("identity") == [("a", "b")]
    assert len(heap.object(found["map"], limit=2).entries) == 2


def test_a_linked_list_in_a_circle_ends(tmp_path: Path) -> None:
    built = JavaHeap()
    with_collections(built)
    node = built.new("java.util.LinkedList$Node")
    circle = next(o for o in built.dump.objects if o.address == node)
    circle.values = [0, node, node]  # type: ignore[union-attr]
    chain = built.new("java.util.LinkedList", size=1_000_000, first=node)
    built.root(chain)
    assert len(built.open(tmp_path).object(chain).entries) == 1


def threads() -> tuple[JavaHeap, dict[str, int]]:
    built = JavaHeap()
    built.cls("java.lang.Thread$FieldHolder", {"threadStatus": INT, "daemon": BOOLEAN, "priority": INT})
    built.cls("java.lang.Thread", {"name": REF, "holder": REF, "contextClassLoader": REF})
    states = {"NEW": 0, "VIRTUAL": 1, "PARKED": 5, "SUSPENDED": 256}
    built.cls(
        "java.lang.VirtualThread", {"state": INT}, parent="java.lang.Thread",
        statics={name: (INT, number) for name, number in states.items()},
    )  # fmt: skip
    built.cls("java.lang.OutOfMemoryError", {})
    built.cls("app.Main", {})
    loader = built.new("java.lang.ClassLoader", name=built.string("app"))
    holder = built.new("java.lang.Thread$FieldHolder", threadStatus=0x191, daemon=1, priority=7)
    main = built.new("java.lang.Thread", name=built.string("main"), holder=holder, contextClassLoader=loader)
    bad = built.new("java.lang.Thread", name=built.string("killer"))
    virtual = built.new("java.lang.VirtualThread", state=5)
    big = built.numbers(LONG, *range(100))
    built.thread(main, 1, [("java.lang.Object", "wait"), ("app.Main", "main")])
    built.thread(bad, 2, [("java.lang.OutOfMemoryError", "<init>"), ("app.Main", "work")])
    built.thread(virtual, 3, [])
    built.local(big, 2, 1)
    built.local(loader, 1, 0)
    built.local(loader, 77, 0)  # of a thread that the dump does not know: stays a root
    return built, {"main": main, "killer": bad, "virtual": virtual, "big": big, "loader": loader}


def test_threads_with_stacks_locals_states(tmp_path: Path) -> None:
    built, at = threads()
    heap = built.open(tmp_path)
    rows = {row.address: row for row in heap.threads()}
    main, bad, virtual = rows[at["main"]], rows[at["killer"]], rows[at["virtual"]]
    assert (main.name, main.state, main.daemon, main.priority) == ("main", "WAITING", True, 7)
    assert main.context_class_loader is not None
    assert main.context_class_loader.text == "app"
    assert [str(frame) for frame in main.stack] == [
        "java.lang.Object.wait(Unknown Source:7)",
        "app.Main.main(Unknown Source:7)",
    ]
    assert [local.object.address for local in main.stack[0].locals] == [at["loader"]]
    assert (bad.state, bad.daemon, bad.threw_oom) == (None, None, True)
    assert not main.threw_oom
    (local,) = bad.stack[1].locals
    assert (local.kind, local.object.address) == ("Java local", at["big"])
    assert bad.retained_bytes == bad.shallow_bytes + local.retained_bytes + sum(
        heap.object(heap.address_of(int(i))).retained_bytes for i in heap.field(np.array([bad.index]), "name")
    )
    assert (virtual.virtual, virtual.state, virtual.stack) == (True, "PARKED", ())
    assert heap.threads()[0].name == "killer"  # it retains most


def test_loaders_and_duplicates(tmp_path: Path) -> None:
    built = JavaHeap()
    app = built.new("java.lang.ClassLoader", name=built.string("app"))
    jobs = [built.new("java.lang.ClassLoader", parent=app) for _ in range(2)]
    built.root(built.array(app, *jobs))
    for loader in (app, *jobs):
        cls = built.cls("lib.Json", {"next": REF}, loader=loader)
        built.static("java.lang.Object", **{f"keep{cls:x}": built.new(cls, next=built.new(cls))})
    built.cls("user.Job", {}, loader=jobs[0])  # nothing refers to it: unreachable, so it does not count
    missing = built.cls("odd.Lost", {}, loader=0xDEAD00)
    built.root(missing)
    heap = built.open(tmp_path)
    (row,) = heap.duplicates()
    assert (row.class_name, set(row.loaders), row.instances) == ("lib.Json", {app, *jobs}, (2, 2, 2))
    loaders = heap.loaders()
    assert [(r.depth, r.parent_address) for r in loaders] == [(0, None), (1, 0), (2, app), (2, app)]
    by_address = {r.address: r for r in loaders}
    assert by_address[app].name == "app"
    assert [by_address[a].defined_classes for a in (app, *jobs)] == [1, 1, 1]
    assert [by_address[a].instances for a in (app, *jobs)] == [2, 2, 2]
    boot = by_address[0]
    assert (
        boot.defined_classes == len(built.dump.classes) - 3 - 1
    )  # as in MAT a loader that is not there is the boot one
    assert by_address[jobs[0]].set_retained_bytes >= by_address[jobs[0]].retained_bytes
    assert sum(r.instances for r in loaders) == heap.reachable_object_count


def test_a_single_suspect_and_its_accumulation_point(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("app.Cache", {"table": REF})
    table = built.array(*[built.numbers(LONG, *range(50)) for _ in range(20)])
    cache = built.new("app.Cache", table=table)
    built.root(cache)
    heap = built.open(tmp_path)
    (suspect,) = heap.suspects(threshold_bp=2_000)
    assert (suspect.kind, suspect.class_name, suspect.instances) == ("object", "app.Cache", 1)
    assert suspect.accumulation_point is not None
    assert suspect.accumulation_point.address == table  # below it the size falls apart into twenty arrays
    assert [(c.class_name, c.objects) for c in suspect.accumulated] == [("long[]", 20)]
    assert [step.field for step in suspect.path] == ["unknown", "table"]
    assert suspect.retained_bytes == heap.retained_bytes[heap.index_of(cache)]
    assert heap.suspects(threshold_bp=9_999) == []


def test_a_group_suspect_gathers_where_its_paths_meet(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("app.Blob", {"data": REF})
    blobs = [built.new("app.Blob", data=built.numbers(LONG, *range(100))) for _ in range(30)]
    # two arrays hold each of them, so that no single object dominates them; the shortest paths go through the first
    short, long = built.array(*blobs), built.array(built.array(*blobs))
    built.root(short)
    built.root(long)
    heap = built.open(tmp_path)
    (suspect,) = heap.suspects()
    assert (suspect.kind, suspect.class_name, suspect.instances) == ("group", "app.Blob", 30)
    assert suspect.accumulation_point is not None
    assert suspect.accumulation_point.address == short
    assert suspect.retained_bytes == sum(int(heap.retained_bytes[heap.index_of(b)]) for b in blobs)


def test_a_suspect_that_only_a_weak_reference_holds_still_has_its_path(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("java.lang.ref.Reference", {"referent": REF})
    built.cls("java.lang.ref.WeakReference", {}, parent="java.lang.ref.Reference")
    built.root(built.new("java.lang.ref.WeakReference", referent=built.numbers(LONG, *range(1000))), STICKY)
    (suspect,) = built.open(tmp_path).suspects(threshold_bp=5_000)
    assert [step.field for step in suspect.path] == ["system class", "referent"]
