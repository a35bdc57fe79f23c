"""CPU, wall and peak memory of `flinkscope diagnose` on a case, each run a process of its own; one warm-up.

python benchmarks/diagnosis/measure.py CASE --repeat 5 --out benchmarks/results/diagnosis.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from flinkscope.sources.case import open_case


def run_once(case: Path) -> dict[str, float]:
    """One diagnosis with its HTML page, measured by the operating system."""
    page = case.parent / ".benchmark.html"
    command = [sys.executable, "-m", "flinkscope", "diagnose", str(case), "-o", str(page), "--json"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    page.unlink(missing_ok=True)
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": wall, "peak_mb": usage.ru_maxrss / 1024}


def main() -> None:
    """Measures and writes medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    case = open_case(given.case)
    sizes = {a.path: case.path_of(a).stat().st_size for a in case.artifacts if a.kind in ("heap_dump", "gc_log")}
    run_once(given.case)
    runs = [run_once(given.case) for _ in range(given.repeat)]
    result = {
        "what": "flinkscope diagnose CASE with an HTML page, warm JIT cache, one process a run",
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "input_bytes": sizes,
        "median": {key: round(statistics.median(r[key] for r in runs), 2) for key in runs[0]},
        "runs": [{key: round(value, 2) for key, value in run.items()} for run in runs],
    }
    text = json.dumps(result, indent=1) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
