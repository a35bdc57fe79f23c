"""Watches a lab cluster whose TaskManager is killed again and again, and writes what the watch itself costs.

    python benchmarks/soak/watch.py [MINUTES] [--result benchmarks/results/soak_watch.json]

Memory, descriptors, threads and CPU of the watching process every 30 s, from /proc. Flat: the last quarter's memory is
no more than 5 % above that of the second quarter, and no descriptor was added.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from flinkscope.lab.cluster import Cluster

EVERY_S = 30
RESTART_EVERY_S = 150
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def cost(pid: int) -> dict[str, float]:
    """What a process uses now."""
    place = Path(f"/proc/{pid}")
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return {
        "resident_bytes": int((place / "statm").read_text().split()[1]) * PAGE,
        "descriptors": len(os.listdir(place / "fd")),
        "threads": int(fields[17]),
        "cpu_s": (int(fields[11]) + int(fields[12])) / TICKS,
    }


def soak(minutes: float, output: Path) -> tuple[list[dict[str, float]], int]:
    """The samples, and how often the TaskManager was killed."""
    sizes = {"taskmanager.memory.process.size": "1216m", "jobmanager.memory.process.size": "800m"}
    rows, kills = [], 0
    with Cluster(sizes) as cluster, output.open("wb") as out:
        command = [
            sys.executable,
            "-m",
            "flinkscope",
            "watch",
            cluster.rest_url,
            "--flink",
            "--json",
            "--prometheus",
            "0",
        ]
        watch = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        started = killed = time.monotonic()
        try:
            while time.monotonic() - started < minutes * 60:
                time.sleep(EVERY_S)
                rows.append({"at_s": round(time.monotonic() - started), **cost(watch.pid)})
                if time.monotonic() - killed > RESTART_EVERY_S:
                    killed, kills = time.monotonic(), kills + 1
                    os.kill(cluster.workers[-1].pid, signal.SIGKILL)
                    time.sleep(1)
                    cluster.replace_dead_workers()
        finally:
            watch.kill()
            watch.wait()
    return rows, kills


def main() -> None:
    """Runs, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=30.0)
    parser.add_argument("--result", type=Path)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "watch.jsonl"
        rows, kills = soak(words.minutes, output)
        lines = output.read_bytes().count(b"\n")
    quarter = len(rows) // 4
    early, late = rows[quarter : 2 * quarter], rows[-quarter:]
    result = {
        "what": "flinkscope watch REST --flink at 2 s over one JobManager and one TaskManager, killed and replaced",
        "python": platform.python_version(),
        "minutes": words.minutes,
        "restarts": kills,
        "lines_printed": lines,
        "resident_bytes_second_quarter": median(row["resident_bytes"] for row in early),
        "resident_bytes_last_quarter": median(row["resident_bytes"] for row in late),
        "descriptors_second_quarter": max(row["descriptors"] for row in early),
        "descriptors_last_quarter": max(row["descriptors"] for row in late),
        "cpu_share_bp": round(10_000 * (rows[-1]["cpu_s"] - rows[0]["cpu_s"]) / (rows[-1]["at_s"] - rows[0]["at_s"])),
        "samples": rows,
    }
    text = json.dumps(result, indent=1)
    if words.result:
        words.result.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
