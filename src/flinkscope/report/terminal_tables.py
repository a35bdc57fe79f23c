"""The pictures of a process as text: figures, heap over time as a strip, the memory bar, state and class tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flinkscope.report.chart_model import ChartRow, PanelRow, SeriesRow
from flinkscope.report.language import say
from flinkscope.report.model import FigureRow, FlinkStateRow, HeapRow, MemoryBarRow
from flinkscope.report.quantities import shown
from flinkscope.report.terminal_text import Ink, columns_of, fitted, heading, indented, padded, table
from flinkscope.units import human_bytes, human_count, human_ns

_STEPS = "▁▂▃▄▅▆▇█"
_FILLS = "█▓▒░▚▞▤▥"
STRIP = 42
TOP_CLASSES = 12
TOP_OWNERS = 8


def figure_lines(figures: Iterable[FigureRow], width: int) -> list[str]:
    """Known figures, two a line; the unknown ones in one sentence."""
    known = [f"{f.title}: {shown(f.value, f.unit, f.text)}" for f in figures if f.value is not None or f.text]
    half = (width - 4) // 2
    lines = []
    while known:
        first = known.pop(0)
        both = known and columns_of(first) <= half and columns_of(known[0]) <= half
        lines += [f"  {padded(first, half)}  {known.pop(0)}".rstrip()] if both else indented(first, width)
    unknown = [f.title for f in figures if f.value is None and not f.text]
    return lines + (indented(say("not known: {0}", ", ".join(unknown)), width, "  ", "    ") if unknown else [])


def chart_lines(chart: ChartRow, ink: Ink, width: int) -> Iterator[str]:
    """Each panel's main series as one strip of bars under its highest value."""
    yield ""
    last = max((s.x[-1] for p in chart.panels for s in p.series if s.x), default=0)
    for panel in chart.panels:
        for series in panel.series:
            if series.shown and series.x and any(v is not None for v in series.y):
                yield from _strip_lines(panel, series, last, width)
    if last:
        yield ink.quiet(f"  {'':<26}  0{human_ns(last):>{STRIP - 1}}")
    for mark in chart.marks:
        if mark.kind in ("death", "restart"):
            yield from indented(f"{human_ns(mark.x)}: {mark.text}", width)


def _strip_lines(panel: PanelRow, series: SeriesRow, last: int, width: int) -> Iterator[str]:
    top = max((v for v in series.y if v is not None), default=0)
    ceiling = max([top, *(level.value for level in panel.levels)])
    strip = "".join(_bar(value, ceiling) for value in _columns(series, last))
    limit = "".join(f", {level.name} {shown(level.value, panel.unit)}" for level in panel.levels)
    tail = f"{say('max')} {shown(top, panel.unit)}{limit}"
    text = f"  {padded(fitted(series.name, 26), 26)}  {strip}"
    yield from (
        [f"{text}  {tail}"]
        if columns_of(text) + columns_of(tail) + 2 <= width
        else [text, f"  {'':<26}  {tail}"[:width]]
    )


def _columns(series: SeriesRow, last: int) -> list[int | None]:
    """The highest value of each of STRIP stretches of time; a step or line holds its value, bars leave gaps."""
    columns: list[int | None] = [None] * STRIP
    for x, y in zip(series.x, series.y, strict=True):
        at = min(STRIP - 1, x * STRIP // max(1, last))
        if y is not None:
            known = columns[at]
            columns[at] = y if known is None else max(known, y)
    if series.kind != "bars":
        for at in range(1, STRIP):
            columns[at] = columns[at - 1] if columns[at] is None else columns[at]
    return columns


def _bar(value: int | None, ceiling: int) -> str:
    if value is None:
        return " "
    return _STEPS[min(len(_STEPS) - 1, value * len(_STEPS) // max(1, ceiling))]


def memory_lines(bars: Sequence[MemoryBarRow], ink: Ink, width: int) -> Iterator[str]:
    """Each split as a bar; all bars have the scale of the largest."""
    if not bars:
        return
    yield from heading("  " + say("memory split"), ink, width)
    largest = max(bar.total_bytes for bar in bars)
    for bar in bars:
        yield from indented(f"{bar.title}: {human_bytes(bar.total_bytes)}", width)
        cells = [s.bytes * (width - 4) // max(1, largest) for s in bar.segments]
        yield "  " + "".join(_FILLS[s.hue % len(_FILLS)] * n for s, n in zip(bar.segments, cells, strict=True))
        legend = [f"{_FILLS[s.hue % len(_FILLS)]} {s.name} {human_bytes(s.bytes)}" for s in bar.segments if s.bytes]
        yield from indented("  ".join(legend), width)


def state_lines(state: FlinkStateRow, ink: Ink, width: int) -> Iterator[str]:
    """State and timer tables and how the window operators are set up."""
    kept = say("{0} in {1}", human_bytes(state.total_bytes), state.backend or say("an unknown backend"))
    yield from heading(f"  {say('keyed state and timers')}: {kept}", ink, width)
    if state.states:
        header = tuple(map(say, ("state", "kind", "entries", "keys", "windows", "bytes", "per entry")))
        rows = [
            (s.name, s.kind, *map(human_count, (s.entries, s.keys, s.windows)), *_sizes(s.bytes, s.bytes_per_entry))
            for s in state.states
        ]
        yield from table(header, rows, width, left=2)
    if state.timers:
        header = tuple(map(say, ("timers", "domain", "timers", "keys", "clean-up", "firing", "bytes")))
        rows = [
            (t.service, t.domain, *map(human_count, (t.timers, t.keys, t.cleanup, t.firing)), human_bytes(t.bytes))
            for t in state.timers
        ]
        yield from ["", *table(header, rows, width, left=2)]
    for o in state.operators:
        yield from indented(
            say("{0}: {1}; trigger {2}; evictor {3}; function {4}", o.task, o.window, o.trigger, o.evictor, o.function),
            width,
            "  ",
            "    ",
        )
    if state.note:
        yield from indented(state.note, width)


def heap_lines(heap: HeapRow, ink: Ink, width: int) -> Iterator[str]:
    """The biggest classes and owners of the dump."""
    size = say("{0} objects, {1} reachable", human_count(heap.reachable_objects), human_bytes(heap.used_bytes))
    yield from heading(f"  {say('heap dump')}: {size}", ink, width)
    rows = [(c.name, human_count(c.count), human_bytes(c.shallow_bytes)) for c in heap.classes[:TOP_CLASSES]]
    if rows:
        yield from table((say("class"), say("objects"), say("bytes")), rows, width)
    owners = [(f"{o.name} {o.detail} {o.place}".rstrip(), human_bytes(o.bytes)) for o in heap.owners[:TOP_OWNERS]]
    if owners:
        yield from ["", *table((say("owner"), say("keeps")), owners, width)]
    if heap.note:
        yield from indented(heap.note, width)


def _sizes(total: int, per_entry: int) -> tuple[str, str]:
    return human_bytes(total), human_bytes(per_entry)
