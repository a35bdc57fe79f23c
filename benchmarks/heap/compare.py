"""Compares the heap engine's figures with hprof-analyzer's (which copies Eclipse MAT's formulas) on the same dumps.

    python benchmarks/heap/compare.py DUMP… --out benchmarks/results/heap_peers.json

``hprof-analyzer`` comes from crates.io (``cargo install --locked hprof-analyzer``). Sizes are taken with sizes="mat".
Every difference is listed; docs/explain/heap.md says why there are any.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from flinkscope import open_heap
from flinkscope.heap.histogram import count_classes
from flinkscope.heap.store import Heap

BOOT_LOADER_BYTES = 72  # of MAT's object at address 0


def theirs_of(analyzer: str, dump: Path) -> dict[str, Any]:
    """The peer's canonical JSON report."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [analyzer, "-f", "json", "--detail", "max", str(dump), str(out)]
        subprocess.run(command, check=True, capture_output=True)
        report: dict[str, Any] = json.loads(out.read_text())
    return report


def classes_of_ours(heap: Heap) -> dict[str, list[tuple[int, ...]]]:
    """Class name → sorted (objects, shallow, retained) of the reachable objects, one of each loader."""
    counts, sums = count_classes(heap.store, heap.shallow_bytes, heap.reachable)
    found = defaultdict(list)
    for info in heap.classes:
        if counts[info.index]:
            row = (int(counts[info.index]), int(sums[info.index]), int(heap.class_retained[info.index]))
            found[info.name].append(row)
    return {name: sorted(rows) for name, rows in found.items()}


def classes_of_theirs(report: dict[str, Any]) -> dict[str, list[tuple[int, ...]]]:
    """The same of the peer's histogram."""
    found = defaultdict(list)
    for row in report["overview"]["histogram"]:
        if row["instances"]:
            found[row["pretty_class"]].append((row["instances"], row["shallow"], row["retained"]))
    return {name: sorted(rows) for name, rows in found.items()}


def retained_rule(heap: Heap, name: str, ours: list[tuple[int, ...]], theirs: list[tuple[int, ...]]) -> str:
    """Why the retained sizes of a class differ; empty if for no known reason."""
    if [row[:2] for row in ours] != [row[:2] for row in theirs]:
        return ""
    more = sum(row[2] for row in theirs) - sum(row[2] for row in ours)
    if name == "java.lang.ClassLoader" and more == -BOOT_LOADER_BYTES:
        return "the peer leaves the boot loader's own bytes out"
    mirrors = heap.store.mirror_index[heap.store.classes.rows_by_name[name]]
    if more == int(heap.retained_bytes[mirrors[mirrors >= 0]].sum()):
        return "the peer counts the class object twice: it is in the set that it is added to"
    return ""


def loaders_compared(heap: Heap, report: dict[str, Any]) -> dict[str, Any]:
    """Per class loader: instances and their bytes. The peer's count of classes and its retained sizes are not of the
    same thing (classes loaded, reachable or not; sums of classes that overlap), so they are left out."""
    ours = {row.address: [row.instances, row.instance_bytes] for row in heap.loaders()}
    theirs = {row["loader_id"]: [row["instances"], row["shallow"]] for row in report["overview"]["loader_rollup"]}
    empty = [0, 0]  # the peer also lists unreachable loaders
    differ = {hex(a): [ours.get(a), row] for a, row in theirs.items() if ours.get(a, empty) != row}
    unreachable = len(theirs.keys() - ours.keys())
    return {
        "equal": len(theirs) - unreachable - len(differ),
        "of the peer, unreachable": unreachable,
        "different (ours, theirs)": differ,
    }


def classes_compared(heap: Heap, report: dict[str, Any]) -> dict[str, Any]:
    """How many classes both list, and each that differs, by reason."""
    ours, theirs = classes_of_ours(heap), classes_of_theirs(report)
    common = sorted(ours.keys() & theirs.keys())
    reasons: Counter[str] = Counter()
    unexplained = {}
    for name in common:
        if ours[name] != theirs[name]:
            reason = retained_rule(heap, name, ours[name], theirs[name])
            reasons[reason or "unexplained"] += 1
            if not reason:
                unexplained[name] = {"ours": ours[name], "theirs": theirs[name]}
    return {
        "classes compared": len(common),
        "classes of one side only": len(ours.keys() ^ theirs.keys()),
        "classes that differ, by reason": dict(reasons),
        "unexplained": unexplained,
    }


def compare(analyzer: str, dump: Path) -> dict[str, Any]:
    """Totals, classes, top dominators, duplicates and suspects of both, and every difference."""
    report = theirs_of(analyzer, dump)
    overview = report["overview"]
    heap = open_heap(dump, cache=False, sizes="mat")
    totals = {
        "reachable objects": [heap.reachable_object_count, overview["total_objects"]],
        "used bytes": [heap.used_bytes, overview["total_shallow"]],
        "unreachable objects": [heap.object_count - heap.reachable_object_count, overview["unreachable_count"]],
        "unreachable bytes": [heap.unreachable_bytes, overview["unreachable_shallow"]],
        "GC roots": [len(heap.roots.indices), overview["gc_roots"]],
    }
    biggest = report["top"]["biggest_objects"]
    duplicates = {row.class_name: len(row.loaders) for row in heap.duplicates()}
    peer_duplicates = {row["pretty_class"]: row["loader_count"] for row in overview["duplicate_classes"]}  # at most 100
    return {
        "bytes": dump.stat().st_size,
        "totals (ours, theirs)": totals,
        **classes_compared(heap, report),
        "class loaders": loaders_compared(heap, report),
        "biggest objects equal": [row.retained_bytes for row in heap.dominators(limit=len(biggest))]
        == [row["retained"] for row in biggest],
        "peer's duplicate classes that are ours too": [
            sum(duplicates.get(name) == loaders for name, loaders in peer_duplicates.items()),
            len(peer_duplicates),
        ],
        "suspects (ours, theirs)": [
            [[row.class_name, row.retained_bytes] for row in heap.suspects()],
            [[row["pretty_class"], row["retained"]] for row in report["leaks"]["suspects"]],
        ],
    }


def main() -> None:
    """Compares all dumps and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dumps", type=Path, nargs="+")
    parser.add_argument("--analyzer", default="hprof-analyzer")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results = {dump.parent.parent.name + "/" + dump.name: compare(options.analyzer, dump) for dump in options.dumps}
    text = json.dumps(results, indent=1, ensure_ascii=False)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
