"""Strings, collections, waste, direct memory, reference statistics on small heaps whose answers are known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope.absent import Absent
from flinkscope.errors import UsageError
from flinkscope.heap.kernels import contents
from flinkscope.heap.strings import find_strings, string_groups
from strategies.hprof import BYTE, CHAR, DOUBLE, INT, LONG
from strategies.java_heap import REF, JavaHeap, hash_map, with_collections

RELAXED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(texts=st.lists(st.text(st.characters(codec="utf-16"), max_size=20), min_size=1, max_size=30))
@RELAXED
def test_groups_of_equal_strings(texts: list[str], tmp_path: Path) -> None:
    built = JavaHeap()
    strings = [built.string(text) for text in texts]
    built.root(built.array(*strings))
    heap = built.open(tmp_path)
    groups = string_groups(heap)
    counts = Counter(texts)
    assert groups.count == len(counts)
    assert sorted(np.bincount(groups.group).tolist()) == sorted(counts.values())
    report = heap.strings(show_strings=True, top=100)
    assert (report.strings, report.distinct) == (len(texts), len(counts))
    assert report.characters == sum(len(text.encode("utf-16-le")) // 2 for text in texts)
    assert {d.text: d.strings for d in report.duplicates} == {t: n for t, n in counts.items() if n > 1}
    assert sum(report.by_length) == len(texts)
    assert report.wasted_bytes == sum(d.wasted_bytes for d in report.duplicates)


def test_a_shared_array_counts_once(tmp_path: Path) -> None:
    built = JavaHeap()
    shared = built.numbers(BYTE, *b"hello")
    strings = [built.string("hello", value=shared) for _ in range(3)]
    built.root(built.array(*strings, built.string("hello")))
    heap = built.open(tmp_path)
    (group,) = heap.strings().duplicates
    size = int(heap.shallow_bytes[heap.index_of(strings[0])])
    array = int(heap.shallow_bytes[heap.index_of(shared)])
    assert (group.strings, group.arrays, group.text) == (4, 2, None)
    assert group.wasted_bytes == 3 * size + array
    assert group.owners[0].field == "(GC root)[]"


def test_strings_of_jdk_8_have_chars(tmp_path: Path) -> None:
    built = JavaHeap()
    built.cls("java.lang.String", {"value": REF, "hash": INT}, sticky=False)
    row = built.dump.classes[-1]
    built.dump.classes = [c for c in built.dump.classes if c.name != "java/lang/String"] + [row]
    built.classes["java.lang.String"] = row.address
    text = built.new("java.lang.String", value=built.numbers(CHAR, *[ord(c) for c in "Zürich"]))
    built.root(text)
    heap = built.open(tmp_path)
    assert [f.text for f in find_strings(heap, "^Z.r", show_strings=True)] == ["Zürich"]
    assert heap.strings().characters == 6


def test_search_shows_texts_only_when_asked(tmp_path: Path) -> None:
    built = JavaHeap()
    built.root(built.array(built.string("password=hunter2"), built.string("other")))
    heap = built.open(tmp_path)
    (found,) = find_strings(heap, "pass.*=")
    assert (found.text, found.length_chars) == (None, 16)
    with pytest.raises(UsageError, match="no regular expression"):
        find_strings(heap, "(")


@given(
    arrays=st.lists(
        st.tuples(st.sampled_from([BYTE, CHAR, INT, LONG]), st.lists(st.integers(0, 2), max_size=20)), max_size=20
    )
)
@RELAXED
def test_zero_tails_hashes_and_equality(arrays: list[tuple[int, list[int]]], tmp_path: Path) -> None:
    built = JavaHeap()
    addresses = [built.numbers(code, *values) for code, values in arrays]
    built.root(built.array(*addresses))
    heap = built.open(tmp_path)
    indices = heap.store.lookup(np.array(addresses, np.int64))
    facts = np.empty((len(indices), 4), np.int64)
    where = (heap.records.data, heap.store.offsets)
    contents.zero_tails(*where, indices, 8, facts)
    hashes = np.empty(len(indices), np.int64)
    contents.content_hashes(*where, indices, 8, hashes)
    widths = {BYTE: 1, CHAR: 2, INT: 4, LONG: 8}
    for (code, values), (width, length, tail, _) in zip(arrays, facts.tolist(), strict=True):
        assert (width, length) == (widths[code], len(values))
        assert tail == len(values) - len(np.trim_zeros(np.array(values, int), "b"))
    for k in range(len(indices)):
        equal = [arrays[k] == other for other in arrays]
        assert (hashes == hashes[k]).tolist() == equal
    for hashed in (hashes, np.zeros_like(hashes)):  # also where every hash is the same
        group = np.empty(len(indices), np.int32)
        slots = np.full(64, -1, np.int32)
        kinds = np.zeros(len(indices), np.int64)
        count = contents.group_contents(*where, indices, kinds, hashed, 8, slots, group)
        first = {repr(array): k for k, array in reversed(list(enumerate(arrays)))}
        assert count == len(first)
        assert group.tolist() == [group[first[repr(array)]] for array in arrays]


def collections_heap() -> tuple[JavaHeap, dict[str, int]]:
    built = JavaHeap()
    with_collections(built)
    built.cls("app.Owner", {"full": REF, "empty": REF, "wide": REF, "set": REF, "list": REF, "many": REF})
    key = built.new("java.lang.Object")
    u = "java.util."
    at = {
        "full": hash_map(built, [(key, key)] * 6, 4),
        "empty": hash_map(built, [], 16),
        "wide": built.new(u + "LinkedHashMap", size=1, table=built.array(*[0] * 63, 0)),
        "set": built.new(u + "HashSet", map=hash_map(built, [(key, key)] * 3, 8)),
        "list": built.new(u + "ArrayList", size=2, elementData=built.array(key, key, *[0] * 8)),
        "many": built.new(
            u + "concurrent.ConcurrentHashMap", baseCount=5,
            counterCells=built.array(built.new(u + "concurrent.ConcurrentHashMap$CounterCell", value=7), 0),
            table=built.array(key, 0),
        ),
    }  # fmt: skip
    built.root(built.new("app.Owner", **at))
    return built, at


def test_collections_by_class(tmp_path: Path) -> None:
    built, at = collections_heap()
    heap = built.open(tmp_path)
    rows = {row.class_name.rsplit(".", 1)[-1]: row for row in heap.collections()}
    maps = rows["HashMap"]
    assert (maps.collections, maps.empty, maps.entries, maps.slots, maps.used_slots) == (2, 1, 6, 20, 4)
    assert (maps.collisions, maps.fill_bp, maps.largest, maps.largest_address) == (2, 2_000, 6, at["full"])
    assert maps.by_fill == (1, 0, 0, 0, 1)
    assert maps.by_size == (1, 0, 0, 1, 0, 0, 0, 0)
    empty = heap.object(at["empty"])
    table = next(f.reference for f in empty.fields if f.name == "table")
    assert table is not None
    whole = empty.shallow_bytes + heap.object(table.address).shallow_bytes
    assert maps.wasted_bytes == whole  # all slots of the full one are used
    assert [(o.field, o.bytes) for o in maps.owners] == [("app.Owner.empty", whole), ("app.Owner.full", 0)]
    assert (rows["HashSet"].entries, rows["HashSet"].slots, rows["HashSet"].used_slots) == (3, 8, 3)
    reference = heap.sizes.reference_bytes
    assert rows["HashSet"].wasted_bytes == 5 * reference
    assert rows["ArrayList"].wasted_bytes == 8 * reference
    assert rows["ConcurrentHashMap"].entries == 12
    assert rows["LinkedHashMap"].kind == "map"


def test_waste_counts_each_thing_once(tmp_path: Path) -> None:
    built, _ = collections_heap()
    built.cls("java.lang.Integer", {"value": INT})
    built.cls("java.lang.Double", {"value": DOUBLE})
    boxes = [built.new("java.lang.Integer", value=v) for v in (1, 1, 1, 2)]
    zeros = built.numbers(LONG, *[0] * 10)
    tail = built.numbers(INT, 5, 0, 0, 0)
    sparse = built.array(zeros, 0, 0, 0)
    strings = [built.string("same") for _ in range(3)]
    built.root(built.array(*boxes, zeros, tail, sparse, *strings))
    heap = built.open(tmp_path)
    rows = {(row.kind, row.class_name): row for row in heap.waste()}
    one = int(heap.shallow_bytes[heap.index_of(boxes[0])])
    assert rows["duplicate boxes", "java.lang.Integer"].wasted_bytes == 2 * one
    assert rows["duplicate strings", "java.lang.String"].objects == 2
    assert rows["zero arrays", "long[]"].wasted_bytes == heap.shallow_bytes[heap.index_of(zeros)]
    assert rows["half-empty arrays", "int[]"].wasted_bytes == 12
    # three null slots here, one in the counter cells; the 64 free ones of the LinkedHashMap's table count with the map
    reference = heap.sizes.reference_bytes
    assert rows["half-empty arrays", "java.lang.Object[]"].wasted_bytes == 4 * reference
    assert rows["oversized collections", "java.util.LinkedHashMap"].wasted_bytes == 64 * reference
    assert ("empty collections", "java.util.HashMap") in rows
    assert ("duplicate boxes", "java.lang.Double") not in rows


def buffers_of_all_kinds() -> JavaHeap:
    """A real buffer with its view, a mapped file, the JDK's image, and one each of Netty's and Flink's."""
    built = JavaHeap()
    built.cls("java.nio.DirectByteBuffer", {"address": LONG, "capacity": INT, "cleaner": REF, "att": REF, "fd": REF})
    built.cls("java.nio.DirectByteBufferR", {}, parent="java.nio.DirectByteBuffer")
    built.cls("jdk.internal.ref.Cleaner", {"thunk": REF})
    built.cls("sun.nio.ch.FileChannelImpl$Unmapper", {})
    built.cls("java.nio.DirectByteBuffer$Deallocator", {})
    built.cls("java.util.concurrent.atomic.AtomicLong", {"value": LONG})
    b = "java.nio.DirectByteBuffer"
    free = built.new("jdk.internal.ref.Cleaner", thunk=built.new(b + "$Deallocator"))
    unmap = built.new("jdk.internal.ref.Cleaner", thunk=built.new("sun.nio.ch.FileChannelImpl$Unmapper"))
    real = built.new(b, address=100, capacity=1000, cleaner=free)
    view = built.new(b, address=100, capacity=1000, att=real)
    mapped = built.new(b, address=200, capacity=5000, cleaner=unmap)
    image = built.new(b, address=300, capacity=128_651_445)
    image_view = built.new(b + "R", address=300, capacity=128_651_445, att=image)
    netty = built.new(b, address=400, capacity=64)
    unsafe = built.new(b, address=500, capacity=32_768)
    owners = {
        "jdk.internal.jimage.BasicImageReader": {"memoryMap": image_view},
        "io.netty.buffer.PoolChunk": {"memory": netty},
        "org.apache.flink.core.memory.MemorySegment": {"offHeapBuffer": unsafe},
    }
    held = []
    for name, fields in owners.items():
        built.cls(name, dict.fromkeys(fields, REF))
        held.append(built.new(name, **fields))
    built.root(built.array(real, view, mapped, *held))
    counter = built.new("java.util.concurrent.atomic.AtomicLong", value=33_832)
    built.cls("java.nio.Bits", {}, statics={"RESERVED_MEMORY": (REF, counter), "MAX_MEMORY": (LONG, 1 << 20)})
    return built


def test_direct_buffers_by_what_they_own(tmp_path: Path) -> None:
    heap = buffers_of_all_kinds().open(tmp_path)
    memory = heap.direct()
    assert {t.kind: (t.buffers, t.capacity_bytes) for t in memory.totals} == {
        "direct": (1, 1000),
        "netty without cleaner": (1, 64),
        "flink unsafe": (1, 32_768),
        "mapped file": (1, 5000),
        "view": (2, 128_652_445),
        "JDK image map": (1, 128_651_445),
    }
    assert memory.owned_bytes == 33_832
    assert (memory.jvm_reserved_bytes, memory.jvm_max_bytes) == (33_832, 1 << 20)
    assert isinstance(memory.jvm_buffers, Absent)
    assert heap.direct(limit=2).buffers == memory.buffers[:2]


def test_no_buffers_is_said_and_not_zero(tmp_path: Path) -> None:
    built = JavaHeap()
    built.root(built.array())
    memory = built.open(tmp_path).direct()
    assert (memory.buffers, memory.totals, memory.owned_bytes) == ((), (), 0)
    assert isinstance(memory.jvm_reserved_bytes, Absent)


def test_reference_statistics(tmp_path: Path) -> None:
    built = JavaHeap()
    ref = "java.lang.ref."
    built.cls(ref + "Reference", {"referent": REF, "next": REF})
    for name in ("SoftReference", "WeakReference", "PhantomReference", "FinalReference"):
        built.cls(ref + name, {}, parent=ref + "Reference")
    built.cls("java.util.WeakHashMap$Entry", {}, parent=ref + "WeakReference")
    built.cls(ref + "ReferenceQueue", {"head": REF})
    queue = built.new(ref + "ReferenceQueue")
    built.cls(ref + "Finalizer", {}, parent=ref + "FinalReference", statics={"queue": (REF, queue)})
    shared, soft_only = built.new("java.lang.Object"), built.array(built.numbers(LONG, *range(100)))
    ends = [built.new("java.lang.Object") for _ in range(2)]
    last = built.new(ref + "Finalizer", referent=ends[1])
    first = built.new(ref + "Finalizer", referent=ends[0], next=last)
    objects = {o.address: o for o in built.dump.objects}
    objects[last].values = [ends[1], last]  # type: ignore[union-attr]  # the last one of a queue refers to itself
    objects[queue].values = [first]  # type: ignore[union-attr]
    held = [
        built.new(ref + "SoftReference", referent=soft_only),
        built.new(ref + "SoftReference", referent=shared),
        built.new("java.util.WeakHashMap$Entry", referent=shared),
        built.new(ref + "WeakReference"),
        shared,
    ]
    built.root(built.array(*held))
    heap = built.open(tmp_path)
    report = heap.references()
    rows = {row.kind: row for row in report.rows}
    assert (rows["soft"].references, rows["soft"].cleared, rows["soft"].referents) == (2, 0, 2)
    assert (rows["soft"].only_objects, rows["soft"].only_bytes) == (2, heap.retained_bytes[heap.index_of(soft_only)])
    assert (rows["weak"].references, rows["weak"].cleared, rows["weak"].only_objects) == (2, 1, 0)
    assert (rows["phantom"].references, rows["phantom"].classes) == (0, ())
    assert rows["final"].only_objects == 2
    assert (report.registered, report.waiting_count) == (2, 2)
    assert [w.address for w in report.waiting] == ends
    assert report.in_finalization is None
    used = heap.used_bytes - rows["soft"].only_bytes - rows["final"].only_bytes
    assert report.strong_bytes == used
