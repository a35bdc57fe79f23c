"""Dumps made to take much memory: claims of 2^31 elements, strings of a GB, chains of a million, many loaders."""

from __future__ import annotations

import struct
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flinkscope.heap import dominators
from flinkscope.heap.cells import SLACK, search_graph
from flinkscope.heap.space import Space
from flinkscope.heap.store import Heap, open_heap
from flinkscope.progress import SILENT

WORKER = Path(__file__).with_name("limits_worker.py")
OBJECT, CLASS, LOADER, STRING, NODE, BYTES = range(0x10000, 0x10180, 0x40)
FIRST, MB = 0x100000, 1 << 20
NAMES = ["Object", "Class", "ClassLoader", "String", "Node", "[B", "next", "value", "coder", "parent"]


def top(tag: int, body: bytes) -> bytes:
    return struct.pack(">BII", tag, 0, len(body)) + body


def class_dump(address: int, parent: int, fields: list[tuple[int, int]], loader: int = 0) -> bytes:
    head = struct.pack(">BQIQQQQQQI", 0x20, address, 0, parent, loader, 0, 0, 0, 0, 8)
    return head + struct.pack(">HHH", 0, 0, len(fields)) + b"".join(struct.pack(">QB", *field) for field in fields)


def preface() -> tuple[bytes, bytes]:
    """(records before the heap, the heap's classes and their roots)."""
    before = b"JAVA PROFILE 1.0.2\0" + struct.pack(">IQ", 8, 0)
    for k, name in enumerate(NAMES):
        full = name if k in (5, 6, 7, 8, 9) else f"java/lang/{name}"
        before += top(1, struct.pack(">Q", k + 1) + full.encode())
    classes = [(OBJECT, 0, []), (CLASS, OBJECT, []), (LOADER, OBJECT, [(10, 2)]), (STRING, OBJECT, [(8, 2), (9, 8)])]
    classes += [(NODE, OBJECT, [(7, 2)]), (BYTES, OBJECT, [])]
    for k, (address, _, _) in enumerate(classes):
        before += top(2, struct.pack(">IQIQ", k + 1, address, 0, k + 1))
    heap = b"".join(class_dump(address, parent, fields) for address, parent, fields in classes)
    return before, heap + b"".join(struct.pack(">BQ", 5, address) for address, _, _ in classes)


def chain(path: Path, length: int) -> None:
    """A root, and each object refers to the next."""
    before, heap = preface()
    columns = [("tag", "u1"), ("id", ">u8"), ("stack", ">u4"), ("class", ">u8"), ("size", ">u4"), ("next", ">u8")]
    rows = np.zeros(length, np.dtype(columns))
    rows["tag"], rows["class"], rows["size"] = 0x21, NODE, 8
    rows["id"] = FIRST + 16 * np.arange(length)
    rows["next"][:-1] = rows["id"][1:]
    body = heap + struct.pack(">BQ", 5, FIRST) + rows.tobytes()
    path.write_bytes(before + top(0x1C, body) + top(0x2C, b""))


def loaders(path: Path, count: int) -> None:
    """Class loaders, each the child of the one before, each with a class."""
    before, heap = preface()
    for k in range(count):
        before += top(1, struct.pack(">Q", 100 + k) + b"app/C%d" % k)
        before += top(2, struct.pack(">IQIQ", 100 + k, 0x4000000 + 64 * k, 0, 100 + k))
    parts = [class_dump(0x4000000 + 64 * k, OBJECT, [], FIRST + 16 * k) for k in range(count)]
    for k in range(count):
        parent = FIRST + 16 * (k - 1) if k else 0
        parts.append(struct.pack(">BQIQIQ", 0x21, FIRST + 16 * k, 0, LOADER, 8, parent))
        parts.append(struct.pack(">BQQ", 1, 0x4000000 + 64 * k, 0))  # held by JNI, or nothing would
    body = heap + b"".join(parts)
    path.write_bytes(before + top(0x1C, body) + top(0x2C, b""))


def huge_string(path: Path, size: int) -> None:
    """A String of ``size`` zeros, as a hole in the file."""
    before, heap = preface()
    heap += struct.pack(">BQIQIQB", 0x21, FIRST, 0, STRING, 9, FIRST + 64, 0) + struct.pack(">BQ", 5, FIRST)
    heap += struct.pack(">BQIIB", 0x23, FIRST + 64, 0, size, 8)
    with path.open("wb") as stream:
        stream.write(before + struct.pack(">BII", 0x1C, 0, len(heap) + size) + heap)
        stream.seek(size, 1)
        stream.write(top(0x2C, b""))


def huge_array(path: Path, elements: int) -> None:
    """An object, a long[] as a hole in the file, and an object behind it, in one HEAP_DUMP past 4 GiB."""
    before, heap = preface()
    heap += struct.pack(">BQIQIQ", 0x21, FIRST, 0, NODE, 8, FIRST + 64) + struct.pack(">BQ", 5, FIRST)
    heap += struct.pack(">BQIIB", 0x23, FIRST + 16, 0, elements, 11)
    last = struct.pack(">BQIQIQ", 0x21, FIRST + 64, 0, NODE, 8, FIRST + 16)
    size = len(heap) + 8 * elements + len(last)
    with path.open("wb") as stream:
        stream.write(before + struct.pack(">BII", 0x0C, 0, size % (1 << 32)) + heap)
        stream.seek(8 * elements, 1)
        stream.write(last)


def false_claim(path: Path, kind: int) -> None:
    """9 KB: an array of 2^31 elements, a class of 65,535 statics, or 2^32 - 1 frames, none of which are there."""
    before, heap = preface()
    claim = {
        0: struct.pack(">BQIIQ", 0x22, FIRST, 0, 1 << 31, BYTES),
        1: struct.pack(">BQIIB", 0x23, FIRST, 0, (1 << 32) - 1, 11),
        2: struct.pack(">BQIQQQQQQIHH", 0x20, FIRST, 0, OBJECT, 0, 0, 0, 0, 0, 8, 0, 65_535),
        3: struct.pack(">BQIQI", 0x21, FIRST, 0, NODE, (1 << 32) - 1),
    }.get(kind, b"")
    if kind == 4:
        before += top(5, struct.pack(">III", 1, 1, (1 << 32) - 1))
    path.write_bytes(before + top(0x1C, heap + claim + bytes(8000)))


def ask(folder: Path, path: Path, room: int) -> list[int]:
    small = folder / "small.hprof"
    chain(small, 4)
    done = subprocess.run(
        [sys.executable, str(WORKER), str(small), str(path), str(room)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("kind", range(5))
def test_what_a_file_claims_takes_no_memory(kind: int, tmp_path: Path) -> None:
    path = tmp_path / "claim.hprof"
    false_claim(path, kind)
    assert path.stat().st_size < 10_000
    assert ask(tmp_path, path, 100 * MB)[0] == 7


def test_a_string_larger_than_the_memory_allowed(tmp_path: Path) -> None:
    path = tmp_path / "string.hprof"
    huge_string(path, 400 * MB)
    assert ask(tmp_path, path, 150 * MB)[0] == 9


def test_an_array_of_five_gigabytes_and_what_lies_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "array.hprof"
    huge_array(path, 625_000_000)
    heap = open_heap(path, cache=False, sizes="mat")
    assert not heap.truncated
    assert heap.store.offsets.dtype == heap.shallow_bytes.dtype == np.int64
    array, node = heap.index_of(FIRST + 16), heap.index_of(FIRST + 64)
    assert heap.shallow_bytes[array] == 5_000_000_016
    assert heap.idom[array] == node
    assert heap.retained_bytes[heap.index_of(FIRST)] == 5_000_000_016 + 2 * heap.shallow_bytes[node]


def test_a_chain_of_a_million_objects(tmp_path: Path) -> None:
    path = tmp_path / "chain.hprof"
    chain(path, 1_000_000)
    count, *answers = ask(tmp_path, path, 400 * MB)
    assert count == 1_000_007
    assert max(answers) < 100_000, "no answer lists a million steps"


def test_many_loaders_in_a_row(tmp_path: Path) -> None:
    path = tmp_path / "loaders.hprof"
    loaders(path, 20_000)
    rows = open_heap(path, cache=False).loaders()
    assert len(rows) == 20_001
    assert [row.depth for row in rows] == list(range(20_001))
    assert {row.defined_classes for row in rows[1:]} == {1}


class _Counting(Space):
    """Memory whose bytes in use are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.used = self.peak = 0

    def empty(self, shape: int | tuple[int, ...], dtype: Any) -> Any:
        raw = np.empty(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize, np.uint8)
        self.used += raw.nbytes
        self.peak = max(self.peak, self.used)
        weakref.finalize(raw, self._freed, raw.nbytes)
        return raw.view(dtype).reshape(shape)

    def _freed(self, size: int) -> None:
        self.used -= size


def test_bytes_an_object_and_a_reference_at_the_peak(tmp_path: Path) -> None:
    """4 where references begin, 2 cells, order, links, dominator: 28 an object; 4 an edge, 8 more if all were kept."""
    path = tmp_path / "chain.hprof"
    chain(path, 50_000)
    heap: Heap = open_heap(path, cache=False)
    heap.shallow_bytes
    space = _Counting()
    built = search_graph(heap.store, heap.roots, SILENT, space)
    edges = len(built.cells) - 2 * heap.object_count
    found = dominators.dominate(built, heap.roots.indices, lambda: heap.shallow_bytes, False, SILENT, space)
    assert space.peak <= 28 * heap.object_count + 12 * edges + 8 * SLACK + 64
    del built
    assert space.used <= 16 * heap.object_count + 4 * edges + 8 * SLACK + 64, "starts, dominator, retained; targets"
    assert found[0].reached == heap.object_count
