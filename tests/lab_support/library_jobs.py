"""Builds the jobs that use well-known libraries, submits them by the web interface, and reads whose loader stayed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from flinkscope import open_heap
from flinkscope.flink.loaders import UserLoader
from flinkscope.flink.pin_library import LIBRARIES
from flinkscope.heap.store import Heap
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.live_dump import dump_live_heap

JOBS = Path(__file__).parents[2] / "jobs"
PACKAGE = "flinkscope.lab.libraries."
OWN = "flinkscope.lab.libraries"
MEMORY = {
    "jobmanager.memory.process.size": "2200m",
    "jobmanager.memory.jvm-metaspace.size": "900m",
    "taskmanager.memory.process.size": "800m",
    "taskmanager.memory.managed.size": "32m",
    "taskmanager.numberOfTaskSlots": "4",
}
_SOURCES = Path("src/main/java/flinkscope/lab/libraries")


def built(project: str, folder: Path) -> Path:
    """The jar with all libraries of ``jobs/<project>``, 90 to 250 MB; built from Maven's repository."""
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("no Maven here")
    shutil.copytree(JOBS / project, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target"))
    for shared in ("LibraryJob.java", "Leftover.java"):
        shutil.copy(JOBS / "libraries" / _SOURCES / shared, folder / _SOURCES)
    done = subprocess.run([maven, "-q", "-B", "package"], cwd=folder, capture_output=True, text=True, check=False)
    if "Could not transfer artifact" in done.stdout or "Could not resolve dependencies" in done.stdout:
        pytest.skip("Maven's repository cannot be reached")
    assert done.returncode == 0, done.stdout[-2000:]
    return folder / "target" / f"flinkscope-{project}.jar"


def assert_pins_are_named(
    found: Mapping[str, UserLoader], expected: Mapping[str, set[tuple[str, str]]], no_leak: Sequence[str]
) -> None:
    """Each library's pins are there with their kind, library and remedy; nothing of what ends by itself stayed."""
    remedies = {library.name: library.remedy for library in LIBRARIES}
    for name, pins in expected.items():
        assert pins <= {(pin.kind, pin.library) for pin in found[name].pins}, name
        for pin in found[name].pins:
            assert pin.kind != "unknown", (name, pin.chain)
            assert remedies.get(pin.library, "") in pin.remedy
    assert not set(found) & set(no_leak)


def leaked_by_use(jar: Path, names: list[str], dump: Path, *words: str) -> dict[str, UserLoader]:
    """Each library's leaked loader after one submission of each, by the class that used the library."""
    with Cluster(MEMORY) as cluster:
        uploaded = cluster.rest.upload(jar)
        for name in names:
            cluster.rest.run(uploaded, PACKAGE + "LibraryJob", ["--library", name, *words])
        dump_live_heap(cluster.job_manager.pid, dump)
    heap = open_heap(dump, cache=False)
    return {use_of(heap, row): row for row in heap.flink_loaders() if row.state == "leaked"}


def use_of(heap: Heap, row: UserLoader) -> str:
    """The class of this project that the loader defined, beside the job itself."""
    defined = [
        info.name.removeprefix(PACKAGE)
        for info in heap.classes
        if info.name.startswith(PACKAGE) and info.loader_address == row.address
    ]
    return min((name for name in defined if re.fullmatch(r"\w+\$\w+", name)), key=len)
