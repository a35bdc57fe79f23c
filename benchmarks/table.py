"""One table of everything that was measured, next to what was asked for and to the peers.

    python benchmarks/table.py            writes benchmarks/results/README.md from the JSON files beside it

What has not been measured is missing from the table, and said below it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
Row = tuple[str, str, str, str]  # what, measured, asked for, peer


def heap(found: dict[str, Any]) -> Iterator[Row]:
    """The heap engine."""
    for name, dump in found["dumps"].items():
        ours, peers = dump["flinkscope"], dump.get("peers", {})
        for stage, figures in ours.items():
            told = (
                f"{figures['cpu_ms'] / 1000:.2f} s CPU, {figures['wall_ms'] / 1000:.2f} s, {_mb(figures['peak_bytes'])}"
            )
            peer = ""
            if stage == "histogram" and "hprof-slurp" in peers:
                peer = f"hprof-slurp {peers['hprof-slurp']['cpu_ms'] / 1000:.2f} s CPU"
            if stage.endswith("suspects") and "hprof-analyzer" in peers:
                peer = f"hprof-analyzer {peers['hprof-analyzer']['cpu_ms'] / 1000:.1f} s CPU"
                peer += "; MAT 98 s (an idle machine)" if name.startswith("1.6") else ""
            bars = {
                "histogram": "1 GB a CPU second",
                "… and suspects": "10 s CPU, 8 s, 2,000 MB",
                "reopened from the cache: dominators": "1 s",
            }
            yield f"heap, {name} dump: {stage}", told, bars.get(stage, "") if name.startswith("1.6") else "", peer


def gclog(found: dict[str, Any]) -> Iterator[Row]:
    """GC logs."""
    size = found["log_bytes"] / 1e6
    told = f"{found['mb_per_cpu_s_reading']} MB a CPU second"
    yield f"gc, {size:,.0f} MB G1 log: full detail", told, "60, reach for 90", "GCViewer 15-17, GCToolKit 6-7 (idle)"
    yield f"gc, {size:,.0f} MB G1 log: peak", _mb(found["peak_bytes"]), _mb(found["allowed_bytes"]), "GCViewer 480 MB"


def gclog_peers(found: dict[str, Any]) -> Iterator[Row]:
    """GCViewer in the same run."""
    ours = found["flinkscope"]
    theirs, peer = next((name, row) for name, row in found.items() if name.startswith("GCViewer"))
    told = f"{ours['mb_per_cpu_s']} MB a CPU second, {_mb(ours['peak_bytes'])}"
    other = f"{theirs} {peer['mb_per_cpu_s']} MB a CPU second, {_mb(peer['peak_bytes'])}"
    yield f"gc, {found['log_bytes'] / 1e6:,.0f} MB, both in one run, from the start of the process", told, "", other


def diagnosis(found: dict[str, Any]) -> Iterator[Row]:
    """Whole diagnoses."""
    bars = {"the same, heap index made anew": "25 s CPU", "lab incident": "2 s CPU"}
    for run in found["runs"]:
        told = f"{min(run['cpu_s'])} s CPU" + (f", page {run['html_bytes'] // 1000} KB" if "html_bytes" in run else "")
        bar = next((bar for start, bar in bars.items() if run["case"].startswith(start)), "")
        yield f"diagnose: {run['case']}", told, bar, ""


def lens(found: dict[str, Any]) -> Iterator[Row]:
    """Flink's lens."""
    told = f"{found['lens_percent_of_engine']} % of the engine's CPU"
    yield f"lens, {found['entries']:,} entries and {found['timers']:,} timers", told, "20 %", ""


def loaders(found: dict[str, Any]) -> Iterator[Row]:
    """Pins of leaked class loaders."""
    for row in found["results"]:
        told = f"{row['total_cpu_s']} s CPU in all, pins {row['pins_of_the_rest_percent']} % of the rest"
        bar = "2 s in all" if row["file_bytes"] < 200_000_000 else "pins 10 % of the rest"
        yield f"loaders, {row['file_bytes'] / 1e6:,.0f} MB dump, {row['leaked_loaders']} leaked", told, bar, ""


# Published figures of the queries nearest to it, other queries on other machines: an anchor, no race.
NEXMARK = "Nexmark q16, published: Flink 1.16 96,400 rows/s a TaskManager; Alibaba VVR 150,000-630,000 on 8 cores"


def uv(found: dict[str, Any]) -> Iterator[Row]:
    """The daily-UV job."""
    for part, runs in found.items():
        for name, row in runs.items() if part != "machine" else ():
            ours = name == "bucket" and part in ("designs", "ten-million")
            bar = {"designs": "70 MB live, 11 s CPU", "ten-million": "250 MB live, 50 s CPU"}[part] if ours else ""
            peer = NEXMARK if ours and part == "ten-million" else ""
            options = row["options"]
            by = f" by {options['key']}" if "key" in options else ""
            yield f"uv, {int(options['events']):,} events{by}, {name} in {row['memory']}", uv_told(row), bar, peer


def uv_told(row: dict[str, Any]) -> str:
    """How a design did, in one line."""
    if row["outcome"] != "finished":
        cpu = f", {row['cpu_s']:.0f} s CPU" if row["cpu_s"] is not None else ""
        return f"**{row['outcome']}** after {row['rows']:,} events{cpu}"
    exact = "exact" if not row["wrong"] else f"largest error {(row['largest_error_bp'] or 0) / 100:.1f} %"
    told = [f"{row['cpu_s']:.1f} s CPU", exact]
    if row["live_bytes"] is not None:
        told.insert(0, f"{row['live_bytes'] / 1e6:.0f} MB live")
        told.append(f"{row['bytes_per_visitor']} B of heap a visitor")
    if row.get("rows_per_cpu_s"):
        told.append(f"{row['rows_per_cpu_s']:,} rows/s and core after the start")
    return ", ".join(told)


def soak_watch(found: dict[str, Any]) -> Iterator[Row]:
    """The watch over time."""
    early, late = found["resident_bytes_second_quarter"], found["resident_bytes_last_quarter"]
    told = f"{_mb(early)} → {_mb(late)}, {found['descriptors_last_quarter']} descriptors"
    yield f"watch, {found['minutes']:.0f} minutes with {found['restarts']} restarts", told, "flat", ""


def watch(found: dict[str, Any]) -> Iterator[Row]:
    """The watch over several clusters."""
    for name, row in found["results"].items():
        told = f"{row['percent_of_a_core']} % of a core, {row['peak_resident_mb']} MB"
        yield f"watch, {name}, every 2 s", told, "0.5 % of a core, 100 MB", ""


def fleet(found: dict[str, Any]) -> Iterator[Row]:
    """The watch over many."""
    for row in found["fleets"]:
        told = f"{row['cpu_share_bp'] / 100:.2f} % of a core, {_mb(row['peak_bytes'])}"
        bar = "0.5 % of a core, 100 MB" if row["task_managers"] == 50 else ""
        yield f"watch, {row['task_managers']:,} simulated task managers", told, bar, ""


PARTS: dict[str, Callable[[dict[str, Any]], Iterator[Row]]] = {
    "heap": heap, "gclog": gclog, "gclog_peers": gclog_peers, "diagnosis": diagnosis, "lens": lens, "loaders": loaders,
    "uv": uv, "watch": watch, "soak_watch": soak_watch, "fleet": fleet,
}  # fmt: skip


def table() -> str:
    """The page."""
    lines = [
        "# What was measured\n",
        "Written by `benchmarks/table.py` from the JSON files beside it; `make bench` makes these. CPU seconds are"
        " user and system time of all threads. The machine had 2 cores that other work shared; a peer's figure is of"
        " the same run unless it says otherwise.\n",
        "| what | measured | asked for | peer |\n|---|---|---|---|",
    ]
    missing = []
    for name, part in PARTS.items():
        path = RESULTS / f"{name}.json"
        if not path.is_file():
            missing.append(name)
            continue
        lines += ["| " + " | ".join(row) + " |" for row in part(json.loads(path.read_text(encoding="utf-8")))]
    if missing:
        lines.append(f"\nNot measured yet: {', '.join(missing)}.")
    return "\n".join(lines) + "\n"


def _mb(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"


if __name__ == "__main__":
    (RESULTS / "README.md").write_text(table(), encoding="utf-8")
    print(table())
