"""Cut and corrupted dumps: everything before the gap is kept, nothing crashes, hangs or ends in a traceback."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.errors import FlinkscopeError, SourceError, UnreadableInputError
from flinkscope.formats.hprof.container import open_bytes
from flinkscope.formats.hprof.records import read_records
from strategies.hprof import (
    BYTE,
    INT,
    JAVA_FRAME,
    OBJECT,
    STICKY,
    THREAD,
    Dump,
    Instance,
    JavaClass,
    ObjectArray,
    PrimitiveArray,
    Root,
)

WORKER = Path(__file__).with_name("damage_worker.py")
SECONDS_A_DUMP = 10


def sample() -> Dump:
    """A little of everything: strings, threads with a stack, arrays, statics, an app loader."""
    dump = Dump()
    names = ["java/lang/Object", "java/lang/Class", "java/lang/ClassLoader", "java/lang/String", "[B", "[I"]
    names += ["[Ljava/lang/Object;", "java/lang/Thread", "app/Node", "java/lang/OutOfMemoryError"]
    at = {name: 0x10000 + 0x40 * k for k, name in enumerate(names)}
    fields = {
        "java/lang/String": [("value", OBJECT), ("coder", BYTE), ("hash", INT)],
        "java/lang/Thread": [("name", OBJECT), ("target", OBJECT)],
        "app/Node": [("next", OBJECT), ("label", OBJECT), ("weight", INT)],
    }
    for name in names:
        parent = 0 if name == "java/lang/Object" else at["java/lang/Object"]
        statics = [("head", OBJECT, 0x20000)] if name == "app/Node" else []
        loader = 0x30000 if name == "app/Node" else 0
        dump.classes.append(JavaClass(at[name], name, parent, loader, fields.get(name, []), statics))
        if loader == 0:
            dump.roots.append(Root(STICKY, at[name]))
    for k in range(20):
        dump.objects.append(Instance(0x20000 + 0x20 * k, at["app/Node"], [0x20000 + 0x20 * (k + 1), 0x28000, k]))
    dump.objects.append(Instance(0x28000, at["java/lang/String"], [0x28020, 0, 0]))
    dump.objects.append(PrimitiveArray(0x28020, BYTE, list(b"label")))
    dump.objects.append(PrimitiveArray(0x28040, INT, list(range(9))))
    dump.objects.append(ObjectArray(0x28080, at["[Ljava/lang/Object;"], [0x20000, 0, 0x28040]))
    dump.objects.append(Instance(0x28100, at["java/lang/Thread"], [0x28000, 0x28080]))
    dump.objects.append(Instance(0x30000, at["java/lang/ClassLoader"], []))
    dump.roots += [Root(THREAD, 0x28100, 1, 1), Root(JAVA_FRAME, 0x28080, 1, 1)]
    dump.frames = [(0x77, "<init>", "java/lang/OutOfMemoryError"), (0x78, "run", "app/Node")]
    dump.traces = [(1, 1, [0x77, 0x78])]
    return dump


def answers(tmp_path: Path, content: bytes, orders: list[str]) -> list[str]:
    """What the worker says to each order; fails on a crash or a hang, naming the order."""
    original = tmp_path / "original.hprof"
    original.write_bytes(content)
    process = subprocess.run(
        [sys.executable, str(WORKER), str(original), str(tmp_path)],
        input="\n".join(orders),
        capture_output=True,
        text=True,
        timeout=60 + SECONDS_A_DUMP * len(orders),
        check=False,
    )
    said = process.stdout.splitlines()
    culprit = orders[len(said)] if len(said) < len(orders) else "none"
    assert process.returncode == 0, f"after {culprit}: exit {process.returncode}: {process.stderr[-2000:]}"
    assert len(said) == len(orders)
    return said


def record_bounds(content: bytes, tmp_path: Path) -> list[int]:
    """Ends of all records, top level and inside segments."""
    from flinkscope.formats.hprof import scan

    path = tmp_path / "bounds.hprof"
    path.write_bytes(content)
    records = read_records(open_bytes(path))
    bounds = set()
    for begin, end in records.segments.tolist():
        position = begin
        while position < end:
            position = int(scan.one_record_end(records.data, position, end, records.id_size))
            bounds.add(position)
        bounds |= {begin, begin - 9, end}
    return sorted(bounds)


def test_cut_at_every_record_boundary_and_a_byte_around(tmp_path: Path) -> None:
    content = sample().to_bytes(segment_bytes=400)
    bounds = record_bounds(content, tmp_path)
    cuts = sorted({b + d for b in bounds for d in (-1, 0, 1) if 0 <= b + d < len(content)})
    said = answers(tmp_path, content, [f"cut {cut}" for cut in cuts])
    whole = 0
    for cut, answer in zip(cuts, said, strict=True):
        if answer.startswith("ok"):
            _, objects, truncated, _ = answer.split()
            assert truncated == "True", cut
            assert int(objects) >= whole, "a longer file must not hold fewer objects"
            whole = int(objects)
        else:
            assert answer.startswith(("UnreadableInputError", "FormatError")), answer
    assert whole == len(sample().objects) + len(sample().classes) + 1


def mutations(content: bytes, count: int, seed: int) -> list[str]:
    """``count`` orders to change one to four bytes, often in headers, to extreme values."""
    dice = random.Random(seed)
    orders = []
    for _ in range(count):
        changes = []
        for _ in range(dice.choice([1, 1, 2, 4])):
            position = dice.randrange(len(content)) if dice.random() < 0.8 else dice.randrange(31)
            changes.append(f"{position} {dice.choice([0, 255, 1, 0x7F, 0x80, 0x1C, 0x2C, 0x21, dice.randrange(256)])}")
        orders.append("flip " + " ".join(changes))
    return orders


def test_mutations(tmp_path: Path) -> None:
    content = sample().to_bytes(segment_bytes=400)
    said = answers(tmp_path, content, mutations(content, 600, 1))
    assert sum(answer.startswith("ok") for answer in said) > 300, "most damage is local"


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_mutations(seed: int, tmp_path: Path) -> None:
    content = sample().to_bytes(segment_bytes=[1, 100, 400, 1 << 20][seed % 4])
    answers(tmp_path, content, mutations(content, 1000, 100 + seed))


def test_truncated_dump_keeps_what_no_root_reaches(tmp_path: Path) -> None:
    content = sample().to_bytes()
    path = tmp_path / "cut.hprof"
    path.write_bytes(content[: content.index(b"\x23" + (0x28040).to_bytes(8, "big"))])
    heap = open_heap(path, cache=False)
    assert heap.truncated
    assert heap.gap is not None
    assert "cut" in heap.gap or "could not be read" in heap.gap
    assert heap.reachable_object_count == heap.object_count
    assert heap.unreachable_bytes == 0
    assert len(heap.table("app.Node")) == 20


def test_damage_in_the_middle_costs_one_segment(tmp_path: Path) -> None:
    content = bytearray(sample().to_bytes(segment_bytes=400))
    at = content.index(b"\x21" + (0x20000 + 0x20 * 7).to_bytes(8, "big"))
    content[at] = 0x99
    path = tmp_path / "middle.hprof"
    path.write_bytes(content)
    heap = open_heap(path, cache=False)
    assert heap.missing.gaps[0][0] == at
    assert 0 < heap.missing.gap_bytes <= 409
    assert 10 <= len(heap.table("app.Node")) < 20
    assert heap.index_of(0x28100) > 0


@pytest.mark.parametrize("broken_length", [0, 7, 0xFFFFFFFF])
def test_segment_lengths_are_advisory(broken_length: int, tmp_path: Path) -> None:
    content = bytearray(sample().to_bytes(segment_bytes=400))
    good = tmp_path / "good.hprof"
    good.write_bytes(content)
    first = content.index(b"\x1c\0\0\0\0")
    content[first + 5 : first + 9] = broken_length.to_bytes(4, "big")
    bad = tmp_path / "bad.hprof"
    bad.write_bytes(content)
    assert open_heap(bad, cache=False).histogram() == open_heap(good, cache=False).histogram()


def test_the_thread_that_ran_out_of_memory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "oom.hprof"
    path.write_bytes(sample().to_bytes())
    heap = open_heap(path, cache=False)
    assert heap.oom_thread == "label"
    assert heap.address_of(heap.oom_thread_index) == 0x28100


@pytest.mark.parametrize("packed", ["stream", "members", "jdk"])
def test_gzip_gives_the_same(packed: str, tmp_path: Path) -> None:
    content = sample().to_bytes()
    plain = tmp_path / "a.hprof"
    plain.write_bytes(content)
    path = tmp_path / f"{packed}.hprof.gz"
    parts = [content[i : i + 500] for i in range(0, len(content), 500)]
    members = [gzip.compress(part) for part in parts]
    if packed == "stream":
        members = [gzip.compress(content)]
    if packed == "jdk":  # the first member carries the comment that the JDK writes (flag FCOMMENT)
        head = bytearray(members[0][:10])
        head[3] |= 16
        members[0] = bytes(head) + b"HPROF BLOCKSIZE=500\0" + members[0][10:]
    path.write_bytes(b"".join(members))
    heap = open_heap(path, cache=False)
    assert not heap.truncated
    assert heap.histogram() == open_heap(plain, cache=False).histogram()
    path.write_bytes(b"".join(members)[:-9])
    cut = open_heap(path, cache=False)
    assert cut.truncated
    assert cut.gap is not None
    assert "gzip" in cut.gap


def test_other_files_are_named(tmp_path: Path) -> None:
    cases = {
        b"": "empty",
        b"FLR\0\0\x02": "Flight Recording",
        b"[0.004s][info][gc] Using G1\n": "text file",
        b"\x00\x12portable heap dump\0": "OpenJ9",
        b"PK\x03\x04": "zip",
        b"\x00\x01\x02": "expected 'JAVA PROFILE",
        b"JAVA PROFILE 1.0.2\0\0\0": "cut inside the file header",
        b"JAVA PROFILE 1.0.2\0" + bytes(12): "identifier size",
        b"JAVA PROFILE 1.0.2\0\0\0\0\x08" + bytes(8): "no object",
    }
    for number, (content, expected) in enumerate(cases.items()):
        path = tmp_path / f"{number}.hprof"
        path.write_bytes(content)
        with pytest.raises(UnreadableInputError, match=expected) as raised:
            open_heap(path)
        assert raised.value.exit_code == 4
        assert raised.value.hint
    with pytest.raises(UnreadableInputError, match="directory") as raised:
        open_heap(tmp_path)
    assert ".hprof" in raised.value.hint
    with pytest.raises(SourceError):
        open_heap(tmp_path / "none.hprof")


def test_every_raised_error_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.hprof"
    path.write_bytes(sample().to_bytes())
    heap = open_heap(path, cache=False)
    with pytest.raises(FlinkscopeError, match="no object at"):
        heap.index_of(0x12345)
    with pytest.raises(FlinkscopeError, match="no field"):
        heap.table("app.Node")["nothing"]
