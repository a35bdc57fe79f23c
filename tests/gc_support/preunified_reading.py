"""Reading a log of JDK 7 or 8 without the files around it, and its events in brief."""

from __future__ import annotations

from pathlib import Path

from flinkscope.formats.gclog.preunified import COMMA, PreunifiedParser
from flinkscope.formats.gclog.records import EventBuilder, EventTable, Kind, Segment

OWN = Path(__file__).parents[1] / "corpus" / "gclog" / "jdk8-own"
MS = 1_000_000


def read(name: str) -> tuple[EventTable, EventBuilder]:
    return read_text((OWN / name).read_bytes())


def read_text(text: bytes) -> tuple[EventTable, EventBuilder]:
    builder = EventBuilder()
    parser = PreunifiedParser(builder)
    parser.feed(text)
    parser.finish()
    return builder.table(), builder


def brief(table: EventTable) -> list[tuple[str, str, float, float, int, int]]:
    """(kind, cause, start in ms, duration in ms, heap before and after in K) of every row."""
    before, after = table["heap_before_bytes"], table["heap_after_bytes"]
    return [
        (
            Kind(int(table.kind[i])).name,
            table.cause_of(i),
            int(table.start_ns[i]) / MS,
            int(table.duration_ns[i]) / MS,
            max(int(before[i]) >> 10, -1),
            max(int(after[i]) >> 10, -1),
        )
        for i in range(len(table))
    ]


def triple(table: EventTable, group: str, row: int) -> tuple[int, ...]:
    return tuple(int(table[f"{group}_{when}_bytes"][row]) >> 10 for when in ("before", "after", "capacity"))


def segment(builder: EventBuilder) -> Segment:
    assert len(builder.segments) == 1
    return builder.segments[0]


def understood_all(builder: EventBuilder) -> bool:
    coverage = builder.coverage
    return coverage.understood_gc_lines == coverage.gc_lines and not coverage.samples and not coverage.torn_events


def sample_lines() -> list[bytes]:
    texts = (
        COMMA.sub(b".", path.read_bytes()) if "comma" in path.name else path.read_bytes() for path in OWN.glob("*.log")
    )
    return sorted({line for text in texts for line in text.split(b"\n") if line})
