"""``flinkscope gc LOG -o report.html``: one GC log, or a log before and one after, as a page that fetches nothing."""

from __future__ import annotations

from pathlib import Path

from flinkscope.absent import Absent
from flinkscope.gc.figure import Figure
from flinkscope.gc.findings import GcFinding
from flinkscope.gc.log import FullGc, GcLog
from flinkscope.report.builder import place_row
from flinkscope.report.chart_model import Unit
from flinkscope.report.gc_chart import gc_chart, overlay_chart
from flinkscope.report.html.page import page_of
from flinkscope.report.model import EvidenceRow, FigureRow, FindingRow, Severity
from flinkscope.report.quantities import shown
from flinkscope.report.wording import cleaned, harmless, shortened

_TILES = {
    "live_set_last_bytes": "live set, last",
    "live_set_max_bytes": "live set, largest",
    "throughput_bp": "throughput",
    "gc_share_max_1min_bp": "time in GC, worst minute",
    "pause_count": "pauses",
    "pause_max_ns": "longest pause",
    "full_gc_count": "full collections",
    "full_gc_pause_total_ns": "time in full collections",
    "allocation_rate_bytes_per_s": "allocation rate",
    "promotion_rate_bytes_per_s": "promotion rate",
    "time_to_exhaustion_ns": "until the heap is full",
    "metaspace_floor_bytes": "metaspace floor",
}
_UNITS: tuple[Unit, ...] = ("bytes", "ns", "bp", "count", "bytes_per_s", "milli")
_SEVERITIES: tuple[Severity, ...] = ("critical", "error", "warning", "info")
MAX_FULL_GCS = 100
MAX_SAMPLES = 20


def gc_page(log: GcLog, after: GcLog | None = None) -> str:
    """The page of ``log``; with ``after``, that of both over each other and side by side. Cost: tens of ms."""
    logs = [("", log)] if after is None else [("before", log), ("after", after)]
    charts = [gc_chart(one) for _, one in logs]
    overlay = overlay_chart(log, after) if after is not None else None
    contents = [("figures", "Figures"), ("findings", "Findings")] + (
        [("overlay", "Before and after")] if overlay else []
    )
    contents += [(f"log-{i}", name or "Over time") for i, (name, _) in enumerate(logs, 1)]
    names = [shortened(harmless(", ".join(one.files[:3])), 120) for _, one in logs]
    return page_of(
        "gc.html.j2",
        " → ".join(names),
        [*contents, ("all-figures", "All figures"), ("full-gcs", "Full collections"), ("coverage", "Coverage")],
        logs=[_parts(name, one, chart) for (name, one), chart in zip(logs, charts, strict=True)],
        overlay=overlay,
        tiles=[(title, _values(name, [one for _, one in logs])) for name, title in _TILES.items()],
        figure_names=list(dict.fromkeys(n for _, one in logs for n in one.figures)),
    )


def _parts(name: str, log: GcLog, chart: object) -> dict[str, object]:
    coverage = log.coverage
    return {
        "name": name,
        "title": shortened(harmless(Path(log.files[0]).name), 120) if log.files else "GC log",
        "files": [shortened(harmless(f)) for f in log.files],
        "about": " · ".join(
            x for x in (log.collector, f"JDK {log.jdk}" if log.jdk else "", _heap_limit(log), _restarts(log)) if x
        ),
        "chart": chart,
        "findings": [_finding(f) for f in log.findings],
        "figures": {key: cleaned(_row(key, figure)) for key, figure in log.figures.items()},
        "fulls": [_full(f) for f in log.full_gcs[-MAX_FULL_GCS:]],
        "full_count": len(log.full_gcs),
        "coverage": coverage,
        "samples": [(line, shortened(harmless(text), 200)) for line, text in coverage.samples[:MAX_SAMPLES]],
        "notes": [shortened(harmless(n)) for n in coverage.notes],
    }


def _finding(finding: GcFinding) -> FindingRow:
    severity: Severity = next((s for s in _SEVERITIES if s == finding.severity), "info")
    evidence = tuple(EvidenceRow(text, place_row(place)) for text, place in finding.evidence)
    return cleaned(FindingRow(finding.id, finding.title, severity, 0, "fired", finding.remedy, "", evidence=evidence))


def _heap_limit(log: GcLog) -> str:
    return f"heap up to {shown(log.max_heap_bytes, 'bytes')}" if log.max_heap_bytes else ""


def _restarts(log: GcLog) -> str:
    if log.coverage.other_jvms:
        return f"one of {len(log.coverage.other_jvms) + 1} JVMs in this log"
    return f"{len(log.segments)} JVMs" if len(log.segments) > 1 else ""


def _row(name: str, figure: Figure | Absent) -> FigureRow:
    if isinstance(figure, Absent):
        return FigureRow(name, name, "count", absent=figure.reason or figure.kind.value)
    unit: Unit = next((u for u in _UNITS if u == figure.unit), "count")
    return FigureRow(name, name, unit, figure.value, place=figure.note)


def _values(name: str, logs: list[GcLog]) -> list[str]:
    rows = [_row(name, log.figures.get(name, Absent(name))) for log in logs]
    return [shown(row.value, row.unit) for row in rows]


def _full(full: FullGc) -> tuple[str, str, str, str, str, str]:
    return (
        shown(full.start_ns, "ns"),
        shown(full.pause_ns, "ns"),
        shortened(harmless(full.cause), 80),
        shown(full.heap_before_bytes, "bytes"),
        shown(full.heap_after_bytes, "bytes"),
        shortened(harmless(str(full.place)), 120),
    )
