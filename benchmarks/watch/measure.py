"""Measures what watching 50 REST targets at 2 s costs: 50 clusters of one TaskManager, and one cluster of 50.

    python benchmarks/watch/measure.py --seconds 120 --out benchmarks/results/watch.json

The endpoints are simulated by a process of its own, which answers as Flink 2.3's REST interface does. What is measured
is a real `flinkscope watch` process: its CPU time between two moments, its largest resident memory, and its looks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

TARGETS = 50
WARM_UP_S = 60.0  # imports and the first look at each target are no running cost
JOB = {
    "jid": "0" * 31 + "1", "name": "job", "jobType": "STREAMING", "start-time": 1_700_000_000_000, "end-time": -1,
    "duration": 1, "state": "RUNNING", "last-modification": 1_700_000_000_000, "tasks": {"total": 1, "running": 1},
}  # fmt: skip
VERTEX = {"id": "a" * 32, "name": "Source -> Map", "parallelism": 1, "maxParallelism": 128, "status": "RUNNING",
          "tasks": {}, "metrics": {}}  # fmt: skip


class FlinkLike(BaseHTTPRequestHandler):
    """Answers for any number of clusters, each below /cluster-N/; cluster-N-M has M TaskManagers."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        """One document."""
        prefix, path = re.match(r"(/cluster-\d+-\d+)?(/[^?]*)", self.path).groups()  # type: ignore[union-attr]
        managers = int((prefix or "-1").rpartition("-")[2])
        kind = re.sub(r"tm-\d+|[0-9a-f]{32}", "ID", path)
        self.asked[kind] = self.asked.get(kind, 0) + 1
        body = json.dumps(answer(path, managers)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


def answer(path: str, managers: int) -> Any:
    """What Flink answers at this path, for a cluster of so many TaskManagers."""
    if path == "/overview":
        return {"taskmanagers": managers, "slots-total": managers, "slots-available": 0, "jobs-running": 1,
                "jobs-finished": 0, "jobs-cancelled": 0, "jobs-failed": 0, "flink-version": "2.3.0"}  # fmt: skip
    if path == "/jobs/overview":
        return {"jobs": [JOB]}
    if path == "/taskmanagers":
        return {"taskmanagers": [{"id": f"tm-{n}", "path": f"pekko://tm-{n}", "dataPort": 1, "jmxPort": -1,
                                  "slotsNumber": 1, "freeSlots": 0, "timeSinceLastHeartbeat": 1,
                                  "hardware": {"cpuCores": 1, "physicalMemory": 1 << 33, "freeMemory": 1 << 29,
                                               "managedMemory": 1 << 28}, "memoryConfiguration": {}}
                                 for n in range(managers)]}  # fmt: skip
    if path.endswith("/watermarks"):
        return [{"id": "0.currentInputWatermark", "value": str(int(time.time() * 1000))}]
    if path.endswith("/metrics"):
        used = 200_000_000 + int(time.time()) % 60 * 1_000_000
        names = {"Heap.Used": used, "Heap.Max": 1 << 29, "Metaspace.Used": 90 << 20, "Metaspace.Max": 256 << 20,
                 "Direct.MemoryUsed": 1 << 27}  # fmt: skip
        found = [{"id": f"Status.JVM.Memory.{name}", "value": str(value)} for name, value in names.items()]
        return [
            *found,
            {"id": "Status.JVM.Threads.Count", "value": "70"},
            {"id": "lastCheckpointSize", "value": "1000"},
        ]
    return {**JOB, "vertices": [VERTEX], "plan": {"nodes": []}}


def measure(urls: list[str], seconds: float) -> dict[str, Any]:
    """CPU share and memory of one ``flinkscope watch`` of these clusters at 2 s, after the warm-up."""
    FlinkLike.asked.clear()
    command = [str(Path(sys.executable).with_name("flinkscope")), "watch", *urls, "--interval", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watch:
        try:
            time.sleep(WARM_UP_S)
            before, began, asked = cpu_s(watch.pid), time.monotonic(), dict(FlinkLike.asked)
            time.sleep(seconds)
            used, span = cpu_s(watch.pid) - before, time.monotonic() - began
            status = Path(f"/proc/{watch.pid}/status").read_text(encoding="utf-8")
        finally:
            watch.terminate()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    requests = sum(count - asked.get(kind, 0) for kind, count in FlinkLike.asked.items())
    return {
        "clusters": len(urls), "seconds": round(span, 1), "cpu_s": round(used, 2),
        "percent_of_a_core": round(100 * used / span, 3), "peak_resident_mb": int(peak[1]) // 1024 if peak else None,
        "requests": requests,
    }  # fmt: skip


def cpu_s(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measures both shapes and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), FlinkLike)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    shapes = {
        "50 clusters of one TaskManager": [f"{url}/cluster-{n}-1" for n in range(TARGETS)],
        "one cluster of 50 TaskManagers": [f"{url}/cluster-0-{TARGETS}"],
    }
    results = {name: measure(urls, options.seconds) for name, urls in shapes.items()}
    document = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version()}
    text = json.dumps({**document, "interval_s": 2, "results": results}, indent=1) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
