"""A GC log on a terminal: what is wrong, the figures that matter, curves, coverage. At most 100 columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flinkscope.absent import Absent
from flinkscope.formats.gclog.records import MISSING, EventTable
from flinkscope.gc.figure import Figure
from flinkscope.gc.findings import GcFinding
from flinkscope.gc.log import GcLog
from flinkscope.report.chart_model import Unit
from flinkscope.report.gc_chart import gc_chart
from flinkscope.report.quantities import shown
from flinkscope.report.terminal_tables import chart_lines
from flinkscope.report.terminal_text import Ink, fitted, heading, indented, table
from flinkscope.report.wording import harmless
from flinkscope.units import human_bytes, human_count, human_ns

_UNITS: tuple[Unit, ...] = ("bytes", "ns", "bp", "count", "bytes_per_s", "milli")
_TIME = (
    *("log_duration_ns", "throughput_bp", "gc_share_max_1min_bp", "pause_count", "pause_total_ns", "pause_max_ns"),
    *("pause_p50_ns", "pause_p99_ns", "stopped_outside_gc_ns", "time_to_safepoint_max_ns"),
)
_COLLECTIONS = (
    *("young_gc_count", "young_gc_pause_total_ns", "young_gc_pause_max_ns", "full_gc_count"),
    *("full_gc_pause_total_ns", "full_gc_pause_max_ns", "concurrent_cycle_count", "allocation_stall_count"),
)
_MEMORY = (
    *("live_set_last_bytes", "live_set_max_bytes", "live_set_trend_bytes_per_s", "time_to_exhaustion_ns"),
    *("heap_used_max_bytes", "heap_capacity_max_bytes", "allocation_rate_bytes_per_s"),
    *("promotion_rate_bytes_per_s", "humongous_share_max_bp", "metaspace_floor_bytes", "metaspace_used_max_bytes"),
)
_SECTIONS = (("Time", _TIME), ("Collections", _COLLECTIONS), ("Memory", _MEMORY))
_SEVERITY_INK = {"error": "bad", "warning": "warn", "info": "quiet"}
_SHOWN_FULL = 8


def log_text(log: GcLog, *, colour: bool = False, width: int = 100, all_figures: bool = False) -> str:
    """The whole summary; ``all_figures``: every figure instead of the ones that matter."""
    ink = Ink(colour)
    lines = [*_title(log, ink, width), *_findings(log.findings, ink, width)]
    chart = gc_chart(log)
    if chart is not None:
        lines += ["", *chart_lines(chart, ink, width)]
    sections = (("All figures", tuple(log.figures)),) if all_figures else _SECTIONS
    for title, names in sections:
        lines += ["", *heading(title, ink, width)]
        lines += table(
            ("figure", "value", "note"), [_figure_cells(name, log.figures[name]) for name in names], width, 3
        )
    lines += [*_full_gcs(log, ink, width), *_coverage(log, ink, width)]
    return "\n".join(lines) + "\n"


def compared_text(before: GcLog, after: GcLog, *, colour: bool = False, width: int = 100) -> str:
    """The figures of two logs side by side."""
    ink = Ink(colour)
    lines = [f"before: {_names(before)}", f"after:  {_names(after)}", ""]
    names = [name for _, section in _SECTIONS for name in section]
    rows = [(name, _amount(before.figures[name]), _amount(after.figures[name])) for name in names]
    lines += table(("figure", "before", "after"), rows, width, 1)
    for title, log in (("Before", before), ("After", after)):
        found = _findings(log.findings, ink, width)
        lines += ["", *heading(title, ink, width), *(found or ["  nothing found"])]
    return "\n".join(lines) + "\n"


def event_line(events: EventTable, row: int) -> str:
    """One event as it comes (``--follow``)."""
    start, duration = int(events.start_ns[row]), int(events.duration_ns[row])
    before, after = int(events["heap_before_bytes"][row]), int(events["heap_after_bytes"][row])
    moment = f"{start / 1e9:12.3f} s" if start != MISSING else " " * 14
    length = human_ns(duration) if duration != MISSING else ""
    sizes = f"{human_bytes(before)} → {human_bytes(after)}" if MISSING not in (before, after) else ""
    cause = events.cause_of(row)
    title = events.name_of(row) + (f" ({cause})" if cause else "")
    return harmless(f"{moment}  {fitted(title, 48):48}  {length:>8}  {sizes}")


def _names(log: GcLog) -> str:
    names = ", ".join(Path(file).name for file in log.files[:3])
    return harmless(names + (f" and {len(log.files) - 3} more" if len(log.files) > 3 else ""))


def _title(log: GcLog, ink: Ink, width: int) -> list[str]:
    heap = f"heap up to {human_bytes(log.max_heap_bytes)}" if log.max_heap_bytes else ""
    runs = f"{len(log.segments)} JVMs one after another" if len(log.segments) > 1 else ""
    others = "lines of several JVMs are mixed" if log.is_mixed else ""
    if log.coverage.other_jvms:
        others = f"one of {len(log.coverage.other_jvms) + 1} JVMs in this log"
    about = [log.collector or "collector unknown", f"JDK {log.jdk}" if log.jdk else "", heap, runs, others]
    return [ink.strong(fitted(_names(log), width)), "  " + harmless(" · ".join(part for part in about if part))]


def _findings(found: tuple[GcFinding, ...], ink: Ink, width: int) -> list[str]:
    lines: list[str] = []
    for finding in found:
        lines += ["", f"{ink.of(_SEVERITY_INK[finding.severity], finding.severity)}: {ink.strong(finding.title)}"]
        for text, place in finding.evidence:
            lines += indented(harmless(f"{text}  [{place}]"), width)
        lines += indented(f"→ {finding.remedy}", width)
    return lines


def _figure_cells(name: str, figure: Figure | Absent) -> tuple[str, str, str]:
    note = figure.reason if isinstance(figure, Absent) else figure.note
    return name, _amount(figure), fitted(note, 50)


def _amount(figure: Figure | Absent) -> str:
    if isinstance(figure, Absent):
        return "n/a" if figure.kind.value == "not applicable" else "unknown"
    return shown(figure.value, next((unit for unit in _UNITS if unit == figure.unit), "count"))


def _full_gcs(log: GcLog, ink: Ink, width: int) -> Iterator[str]:
    if not log.full_gcs:
        return
    yield ""
    left_out = len(log.full_gcs) - _SHOWN_FULL
    yield from heading("Full collections" + (f" (the last {_SHOWN_FULL})" if left_out > 0 else ""), ink, width)
    rows = [
        (
            harmless(str(full.place)),
            shown(full.start_ns, "ns"),
            shown(full.pause_ns, "ns"),
            shown(full.heap_before_bytes, "bytes"),
            shown(full.heap_after_bytes, "bytes"),
            fitted(harmless(full.cause), 30),
        )
        for full in log.full_gcs[-_SHOWN_FULL:]
    ]
    yield from table(("place", "at", "pause", "before", "after", "cause"), rows, width, 1)


def _coverage(log: GcLog, ink: Ink, width: int) -> Iterator[str]:
    coverage = log.coverage
    understood = f"{human_count(coverage.understood_gc_lines)} of {human_count(coverage.gc_lines)} GC lines understood"
    yield ""
    yield ink.quiet(f"{human_count(coverage.lines)} lines, {understood}")
    for line, text in coverage.samples[:5]:
        yield from indented(harmless(f"not understood, line {line}: {text}"), width)
    for note in coverage.notes[:10]:
        yield from indented(harmless(note), width)
    if coverage.clock_jumps:
        yield f"  the clock went backwards {coverage.clock_jumps} times: mixed logs of several JVMs?"
