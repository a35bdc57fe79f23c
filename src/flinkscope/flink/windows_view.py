"""Forecasts as text and as plain data."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from flinkscope.flink.windows_forecast import Forecast
from flinkscope.flink.windows_needs import Needs
from flinkscope.units import human_bytes, human_ns

_BARS = "▁▂▃▄▅▆▇█"
_NO_HEAP = "-"


def forecast_lines(found: Forecast, need: Needs) -> list[str]:
    """One design in words and figures, with its curve."""
    peak, cluster = found.peak, found.cluster
    each = peak.live_bytes / max(1, peak.panes)
    lines = [
        f"{found.name}: {peak.entries:,} state entries and {peak.timers:,} timers at the peak, {clock(peak.time_ms)}"
        " into the window",
        f"  on the heap      {human_bytes(peak.live_bytes)} in the whole job, {each:,.0f} bytes a (key, window)"
        if found.on_heap
        else "  on the heap      none of it: state and timers are in RocksDB (managed memory and disk)",
        f"  TaskManager      live set {human_bytes(need.live_set_bytes)} in the fullest one"
        f" ({min(cluster.slots, cluster.parallelism)} of {cluster.parallelism} subtasks), Flink's own objects included",
        f"  full checkpoint  {human_bytes(peak.checkpoint_bytes)}, uncompressed",
        f"  each firing      {firing(found)}",
        f"  needed           heap {human_bytes(need.heap_bytes)} (task heap {human_bytes(need.task_heap_bytes)}):"
        f" taskmanager.memory.process.size: {need.process_size}",
    ]
    if need.capped:
        lines.append("                   31 GiB of heap are not enough: more TaskManagers or fewer slots in each")
    if found.snapshot_copy_bytes:
        lines.append(f"  while a checkpoint runs over a firing: up to {human_bytes(found.snapshot_copy_bytes)} more")
    if found.left_bytes:
        lines.append(f"  LEAK: {human_bytes(found.left_bytes)} of global state stay for ever, for each window")
    lines.append(fill(f"  how sure: {found.basis}", 100, subsequent_indent="    "))
    return [*lines, *curve_lines(found)]


def curve_lines(found: Forecast) -> list[str]:
    """Live bytes over the window (entries where nothing is on the heap) as bars of eight heights."""
    what = "live bytes" if found.on_heap else "entries"
    values = [p.live_bytes if found.on_heap else p.entries for p in found.points]
    top = max(1, *values)
    bars = "".join(_BARS[min(7, value * 8 // top)] for value in values)
    shown = human_bytes(top) if found.on_heap else f"{top:,}"
    return [f"  {what:<16} {bars} {shown}", f"  {'':<16} 0:00{'':{max(1, len(bars) - 9)}}{clock(found.load.window_ms)}"]


def curves_lines(rows: list[Forecast]) -> list[str]:
    """The live bytes of each design that has any, drawn to one scale."""
    shown = [found for found in rows if found.on_heap]
    top = max((point.live_bytes for found in shown for point in found.points), default=0)
    if not top:
        return []
    lines = [f"live bytes over the window, one scale up to {human_bytes(top)}"]
    for found in shown:
        bars = "".join(_BARS[min(7, point.live_bytes * 8 // top)] for point in found.points)
        lines.append(f"  {found.name:<10} {bars}")
    return lines


def firing(found: Forecast) -> str:
    """How long one firing blocks a subtask."""
    most = max(p.fired_panes for p in found.points)
    if found.firing_ns is None:
        return f"{most:,} panes at most; their time in RocksDB was not measured (a seek and a write for each timer)"
    low, high = found.firing_ns
    return f"{most:,} panes at most: {human_ns(low)} to {human_ns(high)} in each subtask"


def side_by_side_lines(rows: list[tuple[Forecast, Needs]]) -> list[str]:
    """Designs as a table."""
    head = f"{'DESIGN':<10}{'ENTRIES':>14}{'TIMERS':>14}{'ON THE HEAP':>13}{'CHECKPOINT':>12}{'FIRING UP TO':>14}"
    lines = [f"{head}{'PROCESS.SIZE':>14}"]
    for found, need in rows:
        peak = found.peak
        heap = human_bytes(peak.live_bytes) if found.on_heap else _NO_HEAP
        time = human_ns(found.firing_ns[1]) if found.firing_ns else _NO_HEAP
        lines.append(
            f"{found.name:<10}{peak.entries:>14,}{peak.timers:>14,}{heap:>13}{human_bytes(peak.checkpoint_bytes):>12}"
            f"{time:>14}{need.process_size + ('!' if need.capped else ''):>14}"
        )
    lines += curves_lines([found for found, _ in rows])
    if any(need.capped for _, need in rows):
        lines.append("! one TaskManager cannot hold it in 31 GiB of heap: more TaskManagers, fewer slots in each")
    lines += [f"{found.name}: {found.basis}" for found, _ in rows if not found.basis.startswith("measured on Flink")]
    return lines


def document(found: Forecast, need: Needs) -> dict[str, Any]:
    """A forecast as plain data: bytes, counts, milliseconds."""
    from dataclasses import asdict

    return {
        "design": found.name,
        "basis": found.basis,
        "on_heap": found.on_heap,
        "peak": asdict(found.peak),
        "live_set_bytes": found.live_set_bytes,
        "snapshot_copy_bytes": found.snapshot_copy_bytes,
        "left_bytes_per_window": found.left_bytes,
        "firing_ns": found.firing_ns,
        "needs": asdict(need),
        "curve": [asdict(point) for point in found.points],
    }


def clock(time_ms: int) -> str:
    """``13:30`` hours and minutes."""
    return f"{time_ms // 3_600_000}:{time_ms // 60_000 % 60:02}"
