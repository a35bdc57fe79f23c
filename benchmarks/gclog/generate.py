"""Writes a G1 log as `-Xlog:gc*,safepoint:file=…:time,uptime,level,tags` of JDK 17 would: no two collections alike.

python benchmarks/gclog/generate.py big.log 200        # 200 MB
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HEAD = """[gc] Using G1
[gc,init] Version: 17.0.15+6 (release)
[gc,init] CPUs: 8 total, 8 available
[gc,init] Memory: 65536M
[gc,init] Heap Region Size: 4M
[gc,init] Heap Min Capacity: 8G
[gc,init] Heap Initial Capacity: 8G
[gc,init] Heap Max Capacity: 8G
[gc,init] Parallel Workers: 8
"""


def generate(path: str, size_mb: int, seed: int = 7) -> int:
    """Writes the log and returns the number of its collections."""
    random.seed(seed)
    uptime_ms, number, written, old, meta = 20, 0, 0, 120, 61_000
    with open(path, "w", encoding="ascii") as out:
        for line in HEAD.splitlines():
            tags, _, text = line[1:].partition("] ")
            written += out.write(f"{stamp(uptime_ms)}[info][{tags}] {text}\n")
        while written < size_mb * 1_000_000:
            uptime_ms += random.randint(150, 2500)
            pause_us = random.randint(3_000, 60_000)
            written += out.write(collection(number, uptime_ms, pause_us, old, meta))
            uptime_ms += pause_us // 1000
            old = 120 if old > 1200 else old + random.randint(0, 5)
            meta += random.randint(0, 3)
            number += 1
    return number


def stamp(uptime_ms: int) -> str:
    """The first two decorations."""
    moment = START + timedelta(milliseconds=uptime_ms)
    return f"[{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000][{uptime_ms / 1000:.3f}s]"


def collection(number: int, begin_ms: int, pause_us: int, old: int, meta: int) -> str:
    """All lines of one young collection."""
    eden, survivor = random.randint(300, 500), random.randint(10, 40)
    a, b = stamp(begin_ms), stamp(begin_ms + pause_us // 1000)
    title = f"GC({number}) Pause Young (Normal) (G1 Evacuation Pause)"
    before, after = (eden + survivor + old) * 4, (survivor + old) * 4
    part = pause_us / 4000
    gc = f"GC({number})"
    return (
        f"{a}[info][gc,start    ] {title}\n"
        f"{a}[info][gc,task     ] {gc} Using 8 workers of 8 for evacuation\n"
        f"{b}[info][gc,phases   ] {gc}   Pre Evacuate Collection Set: {part / 9:.1f}ms\n"
        f"{b}[info][gc,phases   ] {gc}   Merge Heap Roots: {part / 7:.1f}ms\n"
        f"{b}[info][gc,phases   ] {gc}   Evacuate Collection Set: {part * 3:.1f}ms\n"
        f"{b}[info][gc,phases   ] {gc}   Post Evacuate Collection Set: {part / 3:.1f}ms\n"
        f"{b}[info][gc,phases   ] {gc}   Other: {part / 20:.1f}ms\n"
        f"{b}[info][gc,heap     ] {gc} Eden regions: {eden}->0({eden - 3})\n"
        f"{b}[info][gc,heap     ] {gc} Survivor regions: {survivor}->{survivor + 1}({survivor + 9})\n"
        f"{b}[info][gc,heap     ] {gc} Old regions: {old}->{old + 2}\n"
        f"{b}[info][gc,heap     ] {gc} Archive regions: 2->2\n"
        f"{b}[info][gc,heap     ] {gc} Humongous regions: {number % 5}->{number % 3}\n"
        f"{b}[info][gc,metaspace] {gc} Metaspace: {meta}K({meta + 700}K)->{meta}K({meta + 700}K) "
        f"NonClass: {meta - 7000}K({meta - 6800}K)->{meta - 7000}K({meta - 6800}K) "
        f"Class: 7000K(7200K)->7000K(7200K)\n"
        f"{b}[info][gc          ] {title} {before}M->{after}M(8192M) {pause_us / 1000:.3f}ms\n"
        f"{b}[info][gc,cpu      ] {gc} User={pause_us / 250_000:.2f}s Sys=0.00s Real={pause_us / 1e6:.2f}s\n"
        f'{b}[info][safepoint   ] Safepoint "G1CollectForAllocation", '
        f"Time since last: {random.randint(10**8, 10**9)} ns, "
        f"Reaching safepoint: {random.randint(10**3, 10**6)} ns, Cleanup: 4136 ns, "
        f"At safepoint: {pause_us * 1000} ns, Total: {pause_us * 1000 + 140_000} ns\n"
    )


if __name__ == "__main__":
    print(generate(sys.argv[1], int(sys.argv[2])), "collections")
