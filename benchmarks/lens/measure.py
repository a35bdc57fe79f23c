"""CPU seconds of the Flink lens beside those of the heap engine on the same dump.

    python benchmarks/lens/measure.py DUMP --out benchmarks/results/lens.json

A dump of 2.2 million entries and as many timers comes from the lens' own job: see docs/explain/lens.md. Each round is a
process of its own, so that compiled kernels come from numba's cache and nothing else is warm.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROUNDS = 3


def once(dump: Path) -> dict[str, Any]:
    """One round in this process: engine with dominators and retained sizes, then the lens, then its details."""
    from flinkscope.flink.lens import view
    from flinkscope.flink.lens.details import state_details
    from flinkscope.flink.lens.read import read_parts
    from flinkscope.heap import open_heap

    begin = time.process_time()
    heap = open_heap(dump, cache=False)
    heap.histogram()  # needs the dominators and all retained sizes
    assert heap.classes  # counts by class, which other answers share
    engine = time.process_time()
    seen = view(heap, details=False)
    lens = time.process_time()
    facts, parts = read_parts(heap)
    again = time.process_time()
    state_details(facts, parts)
    details = time.process_time()
    return {
        "dump_bytes": dump.stat().st_size,
        "objects": heap.object_count,
        "entries": sum(s.entries for s in seen.state.states),
        "timers": sum(t.timers for t in seen.state.timers),
        "named_bp": seen.ownership.named_bp,
        "engine_cpu_s": round(engine - begin, 2),
        "lens_cpu_s": round(lens - engine, 2),
        "details_cpu_s": round(details - again, 2),
    }


def main() -> int:
    """Runs the rounds and writes the one with the least engine time beside all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="with 1: no round before it that compiles")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(once(options.dump)))
        return 0
    command = [sys.executable, __file__, str(options.dump), "--once"]
    if options.rounds > 1:
        subprocess.run(command, check=True, capture_output=True)  # compiles what is not compiled yet
    done = [subprocess.run(command, check=True, capture_output=True).stdout for _ in range(options.rounds)]
    rounds = [json.loads(text) for text in done]
    best = min(rounds, key=lambda r: r["engine_cpu_s"])
    whole = best["lens_cpu_s"] + best["details_cpu_s"]
    answer = {
        **best,
        "lens_percent_of_engine": round(100 * best["lens_cpu_s"] / best["engine_cpu_s"], 1),
        "lens_with_details_percent_of_engine": round(100 * whole / best["engine_cpu_s"], 1),
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    text = json.dumps(answer, indent=2)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
