"""Compares the heap engine's figures with hprof-analyzer's (which copies Eclipse MAT's formulas) on the same dumps.

    python benchmarks/heap/compare.py DUMP… --analyzer ~/.cargo/bin/hprof-analyzer --out benchmarks/results/heap_peers.json

``hprof-analyzer`` comes from crates.io (``cargo install --locked hprof-analyzer``). Sizes are taken with sizes="mat".
Every difference is listed; docs/explain/heap.md says why there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from flinkscope import open_heap
from flinkscope.heap.store import Heap

FIGURES = ("objects", "shallow_bytes", "retained_bytes")


def theirs_of(analyzer: str, dump: Path) -> dict[str, Any]:
    """The peer's canonical JSON report, with its CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        before = os.times()
        subprocess.run(
            [analyzer, "-f", "json", "--detail", "max", str(dump), str(out)], check=True, capture_output=True
        )
        after = os.times()
        report: dict[str, Any] = json.loads(out.read_text())
    report["cpu_ms"] = round(1000 * (after.children_user + after.children_system
                                     - before.children_user - before.children_system))  # fmt: skip
    return report


def classes_of_ours(heap: Heap) -> dict[str, list[tuple[int, ...]]]:
    """Class name → sorted (objects, shallow, retained) of the reachable objects, one of each loader."""
    found = defaultdict(list)
    reachable = heap.reachable
    counts = [0] * (len(heap.classes) + 1)
    sums = counts.copy()
    import numpy as np

    rows = heap.class_of[reachable]
    objects = np.bincount(rows[rows >= 0], minlength=len(heap.classes))
    bytes_ = np.bincount(rows[rows >= 0], heap.shallow_bytes[reachable][rows >= 0], len(heap.classes)).astype(np.int64)
    retained = heap.class_retained
    del counts, sums
    for info in heap.classes:
        row = info.index
        if objects[row]:
            found[info.name].append((int(objects[row]), int(bytes_[row]), int(retained[row])))
    return {name: sorted(rows) for name, rows in found.items()}


def classes_of_theirs(report: dict[str, Any]) -> dict[str, list[tuple[int, ...]]]:
    """The same of the peer's histogram."""
    found = defaultdict(list)
    for row in report["overview"]["histogram"]:
        if row["instances"]:
            found[row["pretty_class"]].append((row["instances"], row["shallow"], row["retained"]))
    return {name: sorted(rows) for name, rows in found.items()}


def compare(analyzer: str, dump: Path) -> dict[str, Any]:
    """Totals, classes, top dominators, duplicates and loaders of both, and every difference."""
    report = theirs_of(analyzer, dump)
    overview = report["overview"]
    heap = open_heap(dump, cache=False, sizes="mat")
    totals = {
        "reachable objects": [heap.reachable_object_count, overview["total_objects"]],
        "used bytes": [heap.used_bytes, overview["total_shallow"]],
        "unreachable objects": [heap.object_count - heap.reachable_object_count, overview["unreachable_count"]],
        "unreachable bytes": [heap.unreachable_bytes, overview["unreachable_shallow"]],
        "GC roots": [len(heap.roots.indices), overview["gc_roots"]],
        "duplicate classes": [len(heap.duplicates()), len(overview["duplicate_classes"])],
    }
    ours, theirs = classes_of_ours(heap), classes_of_theirs(report)
    common = sorted(ours.keys() & theirs.keys())
    differing = {name: {"ours": ours[name], "theirs": theirs[name]} for name in common if ours[name] != theirs[name]}
    top = [row.retained_bytes for row in heap.dominators(limit=20)]
    their_top = [row["retained"] for row in report["top"]["biggest_objects"]][:20]
    return {
        "bytes": dump.stat().st_size,
        "peer_cpu_ms": report["cpu_ms"],
        "totals (ours, theirs)": totals,
        "classes compared": len(common),
        "classes that differ": differing,
        "only ours": sorted(ours.keys() - theirs.keys())[:20],
        "only theirs": sorted(theirs.keys() - ours.keys())[:20],
        "biggest objects equal": top[: len(their_top)] == their_top,
        "biggest objects (ours, theirs)": [] if top[: len(their_top)] == their_top else [top, their_top],
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
