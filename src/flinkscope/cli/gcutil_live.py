"""The readable view of ``flinkscope gcutil --live``: one line a measure, with its recent course."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from flinkscope.errors import SourceError

if TYPE_CHECKING:
    from rich.table import Table

    from flinkscope.jvm.live import LiveJvm
    from flinkscope.jvm.pressure import Pressure

_BARS = "▁▂▃▄▅▆▇█"
_HISTORY = 40


def watch(jvm: LiveJvm, interval_ms: int, count: int) -> None:
    """Shows the JVM until it ends, Ctrl-C, or ``count`` samples (0: no end)."""
    from rich.console import Console
    from rich.live import Live

    from flinkscope.jvm.pressure import PressureGauge

    gauge = PressureGauge(jvm)
    history: deque[Pressure] = deque(maxlen=_HISTORY)
    console = Console()
    with Live(console=console, auto_refresh=False) as live:
        taken = 0
        while True:
            try:
                history.append(gauge.sample(time.monotonic_ns()))
            except SourceError:
                if history:
                    return
                raise
            live.update(_table(jvm.process.pid, history), refresh=True)
            taken += 1
            if taken == count:
                return
            time.sleep(interval_ms / 1000)


def sparkline(values: list[int], top: int) -> str:
    """The course of ``values`` as bars of eight heights; ``top`` is a full bar."""
    return "".join(_BARS[min(7, max(0, value) * 8 // top)] if top > 0 else _BARS[0] for value in values)


def _table(pid: int, history: deque[Pressure]) -> Table:
    from rich.table import Table

    from flinkscope.units import human_bp, human_bytes, human_count

    now = history[-1]
    limit, metaspace = now.metaspace_limit_bytes, now.metaspace_used_bytes
    shares = [p.gc_share_bp if isinstance(p.gc_share_bp, int) else 0 for p in history]
    table = Table(title=f"JVM {pid}", box=None, title_justify="left", show_header=False, width=100)
    for column in ("measure", "now", "of"):
        table.add_column(column, justify="left" if column == "measure" else "right", no_wrap=True)
    table.add_column("course", min_width=_HISTORY, no_wrap=True)

    def course(name: str, top: int) -> str:
        values = [getattr(sample, name) or 0 for sample in history]
        return sparkline(values, max(top, *values))

    table.add_row("old generation", human_bytes(now.old_used_bytes), human_bytes(now.old_capacity_bytes),
                  course("old_used_bytes", now.old_capacity_bytes))  # fmt: skip
    table.add_row("eden", human_bytes(now.eden_used_bytes), "", course("eden_used_bytes", 0))
    table.add_row("survivors", human_bytes(now.survivor_used_bytes), "", course("survivor_used_bytes", 0))
    table.add_row("metaspace (at last GC)", human_bytes(metaspace) if isinstance(metaspace, int) else "?",
                  human_bytes(limit) if isinstance(limit, int) else "no limit",
                  course("metaspace_used_bytes", limit if isinstance(limit, int) else 0))  # fmt: skip
    share = human_bp(now.gc_share_bp) if isinstance(now.gc_share_bp, int) else "-"
    table.add_row("time in GC", share, "100 %", sparkline(shares, 10_000))
    table.add_row("collections", human_count(now.young_collections), f"full {now.full_collections:,}", now.last_cause)
    table.add_row("loaded classes", human_count(now.loaded_classes), "", course("loaded_classes", 0))
    table.add_row("threads", human_count(now.threads), "", course("threads", 0))
    return table
