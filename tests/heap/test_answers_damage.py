"""Every answer on damaged dumps: an expected error or a partial result, never a crash, a hang or a traceback."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from strategies.hprof import BYTE, INT, LONG
from strategies.java_heap import REF, JavaHeap, hash_map, with_collections

WORKER = Path(__file__).with_name("answers_worker.py")
SECONDS_A_DUMP = 10


def sample() -> bytes:
    """A small heap in which every answer finds something."""
    built = JavaHeap()
    with_collections(built)
    ref = "java.lang.ref."
    built.cls("java.lang.Integer", {"value": INT})
    built.cls("java.lang.Thread", {"name": REF, "contextClassLoader": REF, "threadStatus": INT, "daemon": BYTE})
    built.cls(ref + "Reference", {"referent": REF, "next": REF})
    for name in ("SoftReference", "WeakReference", "FinalReference"):
        built.cls(ref + name, {}, parent=ref + "Reference")
    queue = built.new("java.lang.Object")
    built.cls(ref + "Finalizer", {}, parent=ref + "FinalReference", statics={"queue": (REF, queue)})
    built.cls("java.nio.DirectByteBuffer", {"address": LONG, "capacity": INT, "cleaner": REF, "att": REF})
    counter = built.new("java.lang.Integer", value=9)
    built.cls("java.nio.Bits", {}, statics={"RESERVED_MEMORY": (REF, counter), "COUNT": (LONG, 3)})
    texts = [built.string(text) for text in ("alpha", "alpha", "beta €")]
    loader = built.new("java.lang.ClassLoader", name=texts[0])
    node = built.new("java.util.LinkedList$Node", item=texts[1])
    held = [
        *texts,
        hash_map(built, [(texts[0], texts[1])] * 3, 4),
        built.new("java.util.HashSet", map=hash_map(built, [(texts[2], 0)], 8)),
        built.new("java.util.LinkedList", size=1, first=node),
        built.new("java.util.ArrayList", size=1, elementData=built.array(texts[0], 0, 0)),
        built.new("java.util.TreeMap", size=1, root=built.new("java.util.TreeMap$Entry", key=texts[0])),
        built.new(ref + "WeakReference", referent=texts[2]),
        built.new(ref + "Finalizer", referent=built.new("java.lang.Object")),
        built.new("java.nio.DirectByteBuffer", capacity=10, cleaner=queue),
        built.new(built.cls("lib.A", {"next": REF}, loader=loader)),
        built.new(built.cls("lib.A", {"next": INT}, loader=0, sticky=False)),
        built.numbers(LONG, *[0] * 20),
        *[built.new("java.lang.Integer", value=1) for _ in range(3)],
    ]
    thread = built.new("java.lang.Thread", name=texts[0], contextClassLoader=loader, threadStatus=5)
    built.thread(thread, 1, [("java.lang.Object", "wait")])
    built.local(built.array(*held), 1, 0)
    return built.dump.to_bytes()


def answers(original: bytes, lines: list[str], folder: Path) -> list[str]:
    path = folder / "original.hprof"
    path.write_bytes(original)
    done = subprocess.run(
        [sys.executable, str(WORKER), str(path), str(folder)],
        input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=60 + SECONDS_A_DUMP * len(lines),
        check=False,
    )  # fmt: skip
    found = done.stdout.splitlines()
    at = lines[len(found)] if len(found) < len(lines) else ""
    assert done.returncode == 0, f"exit {done.returncode} at {at!r}: {done.stderr[-3000:]}"
    return found


def mutations(original: bytes, count: int, seed: int) -> list[str]:
    chosen = random.Random(seed)
    lines = []
    for _ in range(count):
        flips = [
            f"{chosen.randrange(len(original))} {chosen.choice((0, 1, 2, 8, 127, 255, chosen.randrange(256)))}"
            for _ in range(chosen.choice((1, 1, 2, 5)))
        ]
        lines.append("flip " + " ".join(flips))
    return lines + [f"cut {chosen.randrange(len(original))}" for _ in range(count // 5)]


def test_the_whole_dump_answers_everything(tmp_path: Path) -> None:
    original = sample()
    (answer,) = answers(original, [f"cut {len(original)}"], tmp_path)
    assert answer.startswith("ok ")
    assert answer.split()[2] == "0", answer  # nothing is refused


def test_mutations(tmp_path: Path) -> None:
    original = sample()
    found = answers(original, mutations(original, 15, 1), tmp_path)
    assert len(found) == 18
    assert sum(answer.startswith("ok ") for answer in found) > 6


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_mutations(seed: int, tmp_path: Path) -> None:
    original = sample()
    assert len(answers(original, mutations(original, 800, seed), tmp_path)) == 960
