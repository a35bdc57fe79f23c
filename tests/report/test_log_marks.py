"""Lines of a Flink log on the axis of the GC log: the zone is found, or the line is not shown."""

from __future__ import annotations

from dataclasses import replace

from flinkscope.diagnosis.facts import GcFacts, LogEvent
from flinkscope.place import Place
from flinkscope.report.log_marks import log_marks
from report_support.incident import gc_facts

START_MS = 1_763_712_000_000  # 2025-11-21 08:00:00 UTC


def event(kind: str, time: str) -> LogEvent:
    return LogEvent(kind, f"a line of {kind}", Place("flink.log", line=7), time)


def gc(start_unix_ms: int | None = START_MS, hours: int = 0) -> GcFacts:
    facts = gc_facts()
    duration_ns = facts.duration_ns + hours * 3_600_000_000_000
    return replace(facts, duration_ns=duration_ns, series=replace(facts.series, start_unix_ms=start_unix_ms))


def seconds(events: list[LogEvent], facts: GcFacts) -> list[float]:
    return [mark.x / 1e9 for mark in log_marks(events, facts)]


def test_utc_where_it_fits() -> None:
    lines = [event("task_lost", "2025-11-21 08:01:00,500"), event("oom_heap", "2025-11-21 08:03:22,000")]
    assert seconds(lines, gc()) == [60.5]
    marks = list(log_marks(lines, gc()))
    assert marks[0].text == "a line of task_lost (flink.log:7)"


def test_another_zone_where_only_that_fits() -> None:
    assert seconds([event("task_lost", "2025-11-21 16:01:00,500")], gc()) == [60.5]


def test_the_death_decides_between_zones() -> None:
    """A log of 13 hours would fit several zones; the out-of-memory error must be at its end."""
    lines = [event("task_lost", "2025-11-21 17:00:00"), event("oom_heap", "2025-11-22 05:03:20")]
    assert seconds(lines, gc(hours=13)) == [3600.0]


def test_a_line_that_may_be_anywhere_is_not_shown() -> None:
    assert seconds([event("task_lost", "2025-11-21 20:00:00")], gc(hours=5)) == []


def test_without_a_wall_clock_the_death_is_the_anchor() -> None:
    lines = [event("task_lost", "2025-11-21 16:01:00"), event("oom_heap", "2025-11-21 16:03:00")]
    assert seconds(lines, gc(None)) == [82.0]
    assert seconds(lines[:1], gc(None)) == []


def test_many_lines_are_thinned_and_bad_times_left_out() -> None:
    lines = [event("task_lost", f"2025-11-21 08:{i // 60:02}:{i % 60:02}") for i in range(150)]
    assert len(seconds(lines, gc())) == 38
    assert seconds([event("task_lost", "yesterday"), event("task_lost", "")], gc()) == []
