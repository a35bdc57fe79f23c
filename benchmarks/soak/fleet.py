"""Watches simulated fleets by REST and writes what the watch itself costs.

    python benchmarks/soak/fleet.py [--managers 50 200 1000] [--seconds 120] [--result benchmarks/results/fleet.json]

One process stands for the cluster's JobManager and answers with the recorded answers of a real Flink 2.3 for as many
TaskManagers as wanted; heaps move. Another process watches it. CPU, memory and the time between looks are read from
/proc and from the watch's own lines. The cost of the simulated cluster is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "corpus" / "rest"
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
GAUGES = {
    "Status.JVM.Memory.Heap.Max": 1 << 30,
    "Status.JVM.Memory.Metaspace.Used": 60 << 20,
    "Status.JVM.Memory.Metaspace.Max": 256 << 20,
    "Status.JVM.Memory.Direct.MemoryUsed": 80 << 20,
    "Status.JVM.Threads.Count": 70,
    "Status.JVM.ClassLoader.ClassesLoaded": 9000,
    "Status.JVM.ClassLoader.ClassesUnloaded": 12,
}


def documents(managers: int) -> dict[str, Any]:
    """Path → answer; metrics are made on the way."""
    one = json.loads((CORPUS / "taskmanagers.json").read_text())["taskmanagers"][0]
    fleet = [{**one, "id": f"10.0.{n // 250}.{n % 250}:41883-{n:06x}"} for n in range(managers)]
    overview = {**json.loads((CORPUS / "overview.json").read_text()), "taskmanagers": managers}
    return {"/overview": overview, "/jobs/overview": {"jobs": []}, "/taskmanagers": {"taskmanagers": fleet}}


def simulate(managers: int) -> None:
    """Serves until it is killed; prints its port."""
    answers = {path: json.dumps(document).encode() for path, document in documents(managers).items()}

    class Cluster(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = answers.get(path)
            if body is None and path.endswith("/metrics"):
                gauges = {**GAUGES, "Status.JVM.Memory.Heap.Used": random.randrange(200 << 20, 900 << 20)}
                body = json.dumps([{"id": name, "value": str(value)} for name, value in gauges.items()]).encode()
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"{}")))
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def watch(managers: int, seconds: float) -> dict[str, float]:
    """What watching that many costs."""
    cluster = subprocess.Popen(
        [sys.executable, __file__, "--simulate", str(managers)], stdout=subprocess.PIPE, text=True
    )
    assert cluster.stdout is not None
    port = int(cluster.stdout.readline())
    command = [sys.executable, "-m", "flinkscope", "watch", f"http://127.0.0.1:{port}", "--json"]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        os.set_blocking(watcher.stdout.fileno(), False)  # type: ignore[union-attr]
        time.sleep(10)  # starting Python is not watching
        before, begin = _cpu_s(watcher.pid), time.monotonic()
        while time.monotonic() - begin < seconds:
            time.sleep(1)
            while watcher.stdout.read(1 << 20):  # type: ignore[union-attr]
                pass
        spent = time.monotonic() - begin
        status = Path(f"/proc/{watcher.pid}/status").read_text()
        return {
            "task_managers": managers,
            "cpu_share_bp": round(10_000 * (_cpu_s(watcher.pid) - before) / spent),
            "resident_bytes": int(Path(f"/proc/{watcher.pid}/statm").read_text().split()[1]) * PAGE,
            "peak_bytes": int(status.split("VmHWM:")[1].split()[0]) * 1024,
            "seconds": round(spent),
        }
    finally:
        watcher.kill()
        cluster.kill()
        watcher.wait()
        cluster.wait()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    """Runs all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--managers", nargs="+", type=int, default=[50, 200, 1000])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--result", type=Path)
    parser.add_argument("--simulate", type=int, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.simulate:
        simulate(words.simulate)
        return
    rows = [watch(managers, words.seconds) for managers in words.managers]
    text = json.dumps({"python": platform.python_version(), "fleets": rows}, indent=1)
    if words.result:
        words.result.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
