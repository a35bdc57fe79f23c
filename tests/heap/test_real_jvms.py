"""Java 11 to 25 and all collectors: our histogram equals what the live JVM says of itself, class by class."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.heap.classes import java_name
from flinkscope.jvm.verbs import open_verbs
from jvm_support.java_runtimes import java_home, running_target

pytestmark = pytest.mark.jvm

LAYOUTS = {
    "G1": ["-XX:+UseG1GC"],
    "Serial": ["-XX:+UseSerialGC"],
    "Parallel": ["-XX:+UseParallelGC"],
    "ZGC": ["-XX:+UseZGC"],
    "generational ZGC": ["-XX:+UseZGC", "-XX:+ZGenerational"],
    "Shenandoah": ["-XX:+UseShenandoahGC"],
    "no compressed references": ["-XX:+UseSerialGC", "-XX:-UseCompressedOops"],
    "no compressed class pointers": ["-XX:+UseSerialGC", "-XX:-UseCompressedOops", "-XX:-UseCompressedClassPointers"],
    "16-byte alignment": ["-XX:+UseSerialGC", "-XX:ObjectAlignmentInBytes=16"],
    "compact headers": ["-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders"],
    "compact headers, ZGC": ["-XX:+UseZGC", "-XX:+UseCompactObjectHeaders"],
    "compact headers, no compressed references": [
        "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders", "-XX:-UseCompressedOops",
    ],
}  # fmt: skip
QUICK = [(11, "Shenandoah"), (21, "ZGC"), (25, "compact headers"), (25, "no compressed references")]


def exists(release: int, layout: str) -> bool:
    """Whether that release has that layout: the Java 17 wheel is built without Shenandoah."""
    if "compact headers" in layout:
        return release == 25
    return {"Shenandoah": release != 17, "generational ZGC": release == 21}.get(layout, True)


CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.heavy, id=f"{case[0]} {case[1]}")
    for case in product((11, 17, 21, 25), LAYOUTS)
    if exists(*case)
]


def class_histogram(text: str) -> dict[str, tuple[int, int]]:
    """Class → (objects, bytes) of GC.class_histogram, same names added up."""
    found: dict[str, tuple[int, int]] = {}
    for objects, size, name in re.findall(r"^\s*\d+:\s+(\d+)\s+(\d+)\s+(\S+)", text, re.M):
        java = java_name(name.replace(".", "/"))
        known = found.get(java, (0, 0))
        found[java] = (known[0] + int(objects), known[1] + int(size))
    return found


@pytest.mark.parametrize(("release", "layout"), CASES)
def test_histogram_of_a_live_dump_equals_the_jvms_own(release: int, layout: str, tmp_path: Path) -> None:
    flags = ("-XX:+UnlockExperimentalVMOptions", "-Xshare:off", "-Xmx256m", *LAYOUTS[layout])
    with running_target(java_home(release), "threads", flags=flags) as process:
        verbs = open_verbs(process.pid)
        verbs.jcmd("GC.class_histogram")  # what attaching itself loads is there from now on
        before = class_histogram(verbs.jcmd("GC.class_histogram"))
        path = verbs.heap_dump(tmp_path / "heap.hprof").path
        after = class_histogram(verbs.jcmd("GC.class_histogram"))
    heap = open_heap(path, cache=False)
    ours = {row.class_name: row for row in heap.histogram(retained=False)}
    # hidden classes have other names in a histogram; mirrors without instances of their own are not in dumps
    steady = [n for n, row in before.items() if after.get(n) == row and "$$Lambda" not in n and n != "java.lang.Class"]
    common = [n for n in steady if n in ours and ours[n].objects == before[n][0]]
    assert len(common) >= 0.98 * len(steady) > 200
    wrong = {n: (before[n], ours[n].shallow_bytes) for n in common if ours[n].shallow_bytes != before[n][1]}
    assert wrong == {}
    if release >= 21:
        assert "jdk.internal.vm.StackChunk" in common  # the stack of a parked virtual thread lies inside
