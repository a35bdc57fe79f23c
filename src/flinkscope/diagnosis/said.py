"""What a process said itself: log events of a kind, as evidence and as numbers."""

from __future__ import annotations

from flinkscope.diagnosis.facts import LogEvent, ProcessFacts
from flinkscope.diagnosis.finding import Evidence


def said(facts: ProcessFacts, *kinds: str) -> tuple[LogEvent, ...]:
    """The events of these kinds in the order of the log."""
    return tuple(e for e in facts.log_events if e.kind in kinds)


def as_evidence(events: tuple[LogEvent, ...], most: int = 3) -> tuple[Evidence, ...]:
    """The first events with their places; how many more there are stands with the last."""
    shown = [Evidence(f"it said: {e.text.strip()[:300]}", e.place, _figures(e)) for e in events[:most]]
    more = len(events) - len(shown)
    if more > 0:
        last = shown[-1]
        shown[-1] = Evidence(f"{last.text} (and {more} more like it)", last.place, last.figures)
    return tuple(shown)


def number(event: LogEvent, name: str) -> int | None:
    """A figure of the event's text, or None."""
    text = event.details.get(name) or ""
    return int(text) if text.isdigit() else None


def _figures(event: LogEvent) -> dict[str, int]:
    return {name: int(text) for name, text in event.details.items() if text and text.isdigit()}
