"""``flinkscope state predict -o growth.html``: window designs over one window, side by side, as a page of curves."""

from __future__ import annotations

from flinkscope.flink.windows_forecast import Forecast
from flinkscope.flink.windows_needs import Needs
from flinkscope.flink.windows_view import firing
from flinkscope.report.chart_model import ChartRow, PanelRow, SeriesRow
from flinkscope.report.html.page import page_of
from flinkscope.report.quantities import shown
from flinkscope.report.wording import harmless

_NS_PER_MS = 1_000_000
_HUES = 8


def growth_page(rows: list[tuple[Forecast, Needs]], notes: list[str]) -> str:
    """The page of these designs with what each needs, the described one first. Cost: tens of milliseconds."""
    titled = [(harmless(found.name), found, need) for found, need in rows]
    contents = [("curves", "Over the window"), ("designs", "Designs")]
    return page_of(
        "growth.html.j2",
        f"window state: {titled[0][0]}",
        contents,
        chart=growth_chart([(name, found) for name, found, _ in titled]),
        designs=[_design(name, found, need) for name, found, need in titled],
        notes=[harmless(note) for note in notes],
        keys=titled[0][1].load.keys_per_window,
    )


def growth_chart(rows: list[tuple[str, Forecast]]) -> ChartRow:
    """Live bytes, entries and timers of each design over the window; designs off the heap have no bytes."""
    return ChartRow(
        "Window state of the whole job",
        (
            PanelRow("live bytes", "bytes", _lines(rows, "live_bytes", on_heap=True), tall=True),
            PanelRow("state entries", "count", _lines(rows, "entries")),
            PanelRow("timers", "count", _lines(rows, "timers")),
            PanelRow("checkpoint", "bytes", _lines(rows, "checkpoint_bytes")),
        ),
        note="Time is from the window's start; events are taken as even over it.",
    )


def _lines(rows: list[tuple[str, Forecast]], figure: str, *, on_heap: bool = False) -> tuple[SeriesRow, ...]:
    return tuple(
        SeriesRow(
            name=name,
            kind="line",
            hue=number % _HUES + 1,
            x=tuple(point.time_ms * _NS_PER_MS for point in found.points),
            y=tuple(getattr(point, figure) for point in found.points),
        )
        for number, (name, found) in enumerate(rows)
        if found.on_heap or not on_heap
    )


def _design(name: str, found: Forecast, need: Needs) -> dict[str, str]:
    peak = found.peak
    return {
        "name": name,
        "entries": shown(peak.entries, "count"),
        "timers": shown(peak.timers, "count"),
        "heap": shown(peak.live_bytes, "bytes") if found.on_heap else "outside the heap",
        "checkpoint": shown(peak.checkpoint_bytes, "bytes"),
        "firing": firing(found),
        "process_size": need.process_size + (" (not enough: more TaskManagers)" if need.capped else ""),
        "basis": found.basis,
    }
