"""A GC log as JSON and as CSV: the same names as in Python, integers only, absent figures with their reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flinkscope.absent import Absent
from flinkscope.formats.gclog.records import MISSING, EventTable, Kind
from flinkscope.gc.figure import Figure

if TYPE_CHECKING:
    from flinkscope.gc.log import GcLog

CSV_COLUMNS = (
    *("line", "start_ns", "duration_ns", "kind", "name", "cause", "gc_id", "flags"),
    *EventTable.columns[8:],
)


def log_document(log: GcLog) -> dict[str, Any]:
    """Everything but the events, ready for ``json.dumps``."""
    coverage = log.coverage
    return {
        "files": list(log.files),
        "collector": log.collector,
        "jdk": log.jdk,
        "max_heap_bytes": log.max_heap_bytes,
        "zero_wall_ns": log.timeline.zero_wall_ns,
        "event_count": len(log.events),
        "figures": {name: figure_document(figure) for name, figure in log.figures.items()},
        "full_gcs": [{**asdict(full), "place": str(full.place)} for full in log.full_gcs],
        "segments": [
            {**asdict(run), "jvm": {**asdict(run.jvm), "flags": list(run.jvm.flags)}, "duration_ns": run.duration_ns}
            for run in log.segments
        ],
        "coverage": {**asdict(coverage), "samples": [{"line": line, "text": text} for line, text in coverage.samples]},
        "findings": [
            {
                "id": finding.id,
                "title": finding.title,
                "severity": finding.severity,
                "evidence": [{"text": text, "place": str(place)} for text, place in finding.evidence],
                "remedy": finding.remedy,
            }
            for finding in log.findings
        ],
    }


def figure_document(figure: Figure | Absent) -> dict[str, Any]:
    """``{"value", "unit", "note"}``, or ``{"absent", "reason", "how_to_get"}``."""
    if isinstance(figure, Absent):
        return {"absent": figure.kind.value, "reason": figure.reason, "how_to_get": figure.how_to_get}
    return {"value": figure.value, "unit": figure.unit, "note": figure.note}


def event_rows(events: EventTable) -> Iterator[tuple[str, ...]]:
    """The events as CSV rows in the order of CSV_COLUMNS; empty cells for what the log does not tell."""
    columns = [events[name] for name in CSV_COLUMNS]
    for start in range(0, len(events), 10_000):  # a slice at a time: Python numbers are ten times as large
        parts = [column[start : start + 10_000].tolist() for column in columns]
        for row in zip(*parts, strict=True):
            cells = ["" if number == MISSING else str(number) for number in row]
            cells[3] = Kind(row[3]).name.lower()
            cells[4], cells[5] = events.names[row[4]], events.names[row[5]]
            yield tuple(cells)
