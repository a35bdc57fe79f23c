"""What a process said, on the time axis of its GC log: two clocks, of which one names no zone, brought together.

A GC log's wall clock has its offset from UTC, or the log has only uptime; Flink's log has local time without a zone.
The death is in both: the OutOfMemoryError is the last thing that a dying JVM does. Where nobody died, UTC is taken if
the lines then fall into its time, else the one zone for which they do; where several zones would do, no line is
shown rather than a line at a wrong place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from flinkscope.diagnosis.facts import GcFacts, LogEvent
from flinkscope.report.chart_model import MarkRow
from flinkscope.report.wording import shortened

MAX_LOG_MARKS = 40
_QUARTER_MS = 900_000
_ZONES_MS = range(-12 * 4 * _QUARTER_MS, 14 * 4 * _QUARTER_MS + 1, _QUARTER_MS)  # UTC-12 to UTC+14
_AROUND_MS = 120_000  # a process logs a little before its first and after its last collection


def log_marks(events: Sequence[LogEvent], gc: GcFacts) -> Iterator[MarkRow]:
    """A mark for each line that a rule may need and whose time can be placed; at most MAX_LOG_MARKS, spread evenly.

    The out-of-memory line itself is the chart's death and not told twice.
    """
    timed = [(event, moment) for event in events if (moment := moment_of(event)) is not None]
    zero_ms = _zero_of(timed, gc)
    if zero_ms is None:
        return
    told = [(e, m - zero_ms) for e, m in timed if not e.kind.startswith("oom")]
    end_ms = gc.duration_ns // 1_000_000 + _AROUND_MS
    placed = [(event, at_ms) for event, at_ms in told if 0 <= at_ms <= end_ms]
    for event, at_ms in placed[:: -(-len(placed) // MAX_LOG_MARKS) or 1]:
        yield MarkRow(at_ms * 1_000_000, "log", shortened(f"{event.text.strip()} ({event.place})", 200))


def moment_of(event: LogEvent) -> int | None:
    """The event's time in ms as if its clock were UTC; None where it has none."""
    try:
        moment = datetime.fromisoformat((event.time or "").strip().replace(",", "."))
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _zero_of(timed: Sequence[tuple[LogEvent, int]], gc: GcFacts) -> int | None:
    """The moment of the GC log's start on the log's clock, in ms; None where it cannot be told."""
    deaths = [moment for event, moment in timed if event.kind.startswith("oom")]
    length_ms = gc.duration_ns // 1_000_000
    start_ms = gc.series.start_unix_ms
    if start_ms is None:
        return deaths[-1] - length_ms if deaths else None
    moments = [moment for _, moment in timed]
    fitting = [
        zone for zone in _ZONES_MS
        if all(start_ms - _AROUND_MS <= m - zone <= start_ms + length_ms + _AROUND_MS for m in moments)
    ]  # fmt: skip
    if deaths and fitting:
        return start_ms + min(fitting, key=lambda zone: abs(deaths[-1] - zone - start_ms - length_ms))
    if 0 in fitting:
        return start_ms
    return start_ms + fitting[0] if len(fitting) == 1 else None
