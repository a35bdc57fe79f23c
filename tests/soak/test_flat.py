"""Memory and descriptors stay flat: many diagnoses in one process, two at once on the same dump and cache."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flinkscope import build_report, diagnose, render
from strategies.java_heap import JavaHeap, hash_map, with_collections

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
MIB = 1 << 20


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """A dump, a GC log, a Flink log and a configuration of one process."""
    heap = JavaHeap()
    with_collections(heap)
    heap.root(hash_map(heap, [(heap.string(f"k{n}"), heap.string("v")) for n in range(2000)], 4096))
    (tmp_path / "heap.hprof").write_bytes(heap.dump.to_bytes())
    shutil.copy(next((CORPUS / "gclog").rglob("*G1*.log")), tmp_path / "gc.log")
    shutil.copy(CORPUS / "flinklog" / "taskmanager.log", tmp_path / "taskmanager.log")
    (tmp_path / "config.yaml").write_text("taskmanager.memory.process.size: 1728m\n")
    return tmp_path


def _many(evidence: Path, times: int, warm: int) -> tuple[int, int]:
    """Growth of memory and of descriptors after the first ``warm`` diagnoses."""
    before = (0, 0)
    for number in range(times):
        found = diagnose(evidence)
        render(build_report(found), "html")
        if number == warm:
            before = (resident_bytes(), len(os.listdir("/proc/self/fd")))
    return resident_bytes() - before[0], len(os.listdir("/proc/self/fd")) - before[1]


def test_thirty_diagnoses_leave_nothing(evidence: Path) -> None:
    grown_bytes, descriptors = _many(evidence, 30, warm=10)
    assert descriptors <= 0
    assert grown_bytes < 16 * MIB


@pytest.mark.heavy
def test_a_thousand_diagnoses_leave_nothing(evidence: Path) -> None:
    grown_bytes, descriptors = _many(evidence, 1000, warm=50)
    assert descriptors <= 0
    assert grown_bytes < 24 * MIB


def test_two_at_once_on_one_dump_and_an_empty_cache(evidence: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    command = [sys.executable, "-m", "flinkscope", "heap", "dominators", str(evidence / "heap.hprof"), "--json"]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)
    ]
    answers = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1]
    assert json.loads(answers[0])
    again = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert again == answers[0]
