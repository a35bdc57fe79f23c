"""Reads a generated 200 MB G1 log in full detail and reports MB per CPU-second, peak memory and the allowed memory.

    python benchmarks/gclog/measure.py [megabytes] [--result benchmarks/results/gclog.json]

GCViewer on the same kind of log: 15-17 MB per CPU-second, 480 MB at its smallest; GCToolKit: 6-7.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from generate import generate

READ = """
import json, resource, sys, time
begin = time.process_time()
from flinkscope import read_gc_log
log = read_gc_log(sys.argv[1])
read_s = time.process_time() - begin
figures = {name: getattr(figure, "value", None) for name, figure in log.figures.items()}
print(json.dumps({
    "read_cpu_s": read_s, "all_cpu_s": time.process_time() - begin, "events": len(log.events),
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "pause_count": figures["pause_count"],
    "understood": log.coverage.understood_gc_lines, "gc_lines": log.coverage.gc_lines,
}))
"""


def measure(megabytes: int) -> dict[str, object]:
    """Generates the log, reads it in a fresh process, and compares what was read with what was written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.log"
        collections = generate(str(path), megabytes)
        size = path.stat().st_size
        output = subprocess.run(
            [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
        ).stdout
    told = json.loads(output)
    assert told["pause_count"] == collections, "events were lost"
    assert told["understood"] == told["gc_lines"], "lines were not understood"
    return {
        "log_bytes": size,
        "collections": collections,
        "events": told["events"],
        "mb_per_cpu_s_reading": round(size / 1e6 / told["read_cpu_s"], 1),
        "mb_per_cpu_s_with_figures": round(size / 1e6 / told["all_cpu_s"], 1),
        "peak_bytes": told["peak_bytes"],
        "allowed_bytes": (64 << 20) + 100 * told["events"],
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average_1min": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", type=int, nargs="?", default=200)
    parser.add_argument("--result", type=Path)
    chosen = parser.parse_args()
    result = measure(chosen.megabytes)
    print(json.dumps(result, indent=1))
    if chosen.result:
        chosen.result.write_text(json.dumps(result, indent=1) + "\n")
