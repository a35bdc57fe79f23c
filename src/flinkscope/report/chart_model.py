"""A chart as plain data: strips above one time axis, each with its series, levels and marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_POINTS = 1500

Unit = Literal["bytes", "ns", "bp", "count", "bytes_per_s", "milli", "text"]
SeriesKind = Literal["line", "step", "points", "area", "bars"]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One line of a chart: ``x`` in ns since the chart's start, ``y`` in the panel's unit (None: a gap).

    ``hue`` 1–8 picks the colour, so that the same thing has the same colour in every chart.
    """

    name: str
    kind: SeriesKind
    hue: int
    x: tuple[int, ...]
    y: tuple[int | None, ...]
    dashed: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A horizontal line, such as -Xmx."""

    name: str
    value: int
    hue: int


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A moment. ``kind``: death, full_gc, restart, log, checkpoint, safepoint."""

    x: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One strip of a chart with its own y axis; all strips share the time axis."""

    title: str
    unit: Unit
    series: tuple[SeriesRow, ...]
    levels: tuple[LevelRow, ...] = ()
    tall: bool = False


@dataclass(frozen=True, slots=True)
class ChartRow:
    """Strips above one time axis. ``start_unix_ms`` None: only uptime is known. ``note`` says what was thinned."""

    title: str
    panels: tuple[PanelRow, ...]
    marks: tuple[MarkRow, ...] = ()
    start_unix_ms: int | None = None
    note: str = ""
