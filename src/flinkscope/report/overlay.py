"""Two timelines over each other, each from its own start: did the live set stay down this time?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flinkscope.report.chart_model import ChartRow, LevelRow, MarkRow, PanelRow, SeriesRow
from flinkscope.report.model import ProcessRow
from flinkscope.report.timeline import AFTER_GC, HEAP_PANEL, HUE_LIMIT, HUE_USED, LIVE_SET

_KEPT = (AFTER_GC, LIVE_SET)


def overlaid(before: ProcessRow | None, after: ProcessRow | None) -> ChartRow | None:
    """Heap after GC and live set of both processes; None unless both have a heap chart."""
    sides = [("before", before, HUE_LIMIT), ("after", after, HUE_USED)]
    charts = [(name, p.timeline, hue) for name, p, hue in sides if p is not None and p.timeline is not None]
    panels = [(name, _heap_panel(chart), hue) for name, chart, hue in charts]
    found = [(name, panel, hue) for name, panel, hue in panels if panel is not None]
    if len(found) != len(sides):
        return None
    series = tuple(row for name, panel, hue in found for row in _series(name, panel, hue))
    panel = PanelRow(HEAP_PANEL, "bytes", series, tuple(_levels(found)), tall=True)
    marks = tuple(mark for name, chart, _ in charts for mark in _deaths(name, chart))
    return ChartRow("Before and after, each from its own start", (panel,), marks)


def _heap_panel(chart: ChartRow) -> PanelRow | None:
    return next((panel for panel in chart.panels if panel.title == HEAP_PANEL), None)


def _series(side: str, panel: PanelRow, hue: int) -> Iterator[SeriesRow]:
    for row in panel.series:
        if row.name in _KEPT:
            yield replace(row, name=f"{side}: {row.name}", hue=hue, shown=True)


def _levels(found: list[tuple[str, PanelRow, int]]) -> Iterator[LevelRow]:
    levels = [(side, level, hue) for side, panel, hue in found for level in panel.levels]
    if len({level.value for _, level, _ in levels}) == 1 and len(levels) == len(found):
        yield replace(levels[0][1], name=f"{levels[0][1].name} of both", hue=7)
    else:
        yield from (replace(level, name=f"{side}: {level.name}", hue=hue) for side, level, hue in levels)


def _deaths(side: str, chart: ChartRow) -> Iterator[MarkRow]:
    yield from (replace(m, text=f"{side}: {m.text}") for m in chart.marks if m.kind == "death")
