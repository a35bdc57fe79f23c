"""Logs of JDK 7 and 8 written from lists of events: reading gives the list back; whatever befalls them, no failure."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope.formats.gclog import preunified_blocks
from flinkscope.formats.gclog.preunified import PreunifiedParser
from flinkscope.formats.gclog.records import EventBuilder, EventTable, Kind
from strategies.preunified_logs import COLLECTORS, EVENTS, FLAGS, Flags, Happened, Row, write

CORPUS = sorted((Path(__file__).parents[1] / "corpus" / "gclog" / "jdk8-own").glob("*.log"))
GROUPS = {"heap": "heap", "young": "young", "old": "old", "classes": "metaspace"}


def read(text: bytes, cuts: tuple[int, ...] = ()) -> EventBuilder:
    """Reads a log in chunks of whole lines that end at or behind the cuts."""
    builder = EventBuilder()
    parser = PreunifiedParser(builder)
    begin = 0
    for cut in (*sorted(cuts), len(text)):
        end = text.find(b"\n", cut) + 1 or len(text)
        if end > begin:
            parser.feed(text[begin:end])
            begin = end
    parser.finish()
    return builder


def rows_of(table: EventTable) -> list[Row]:
    found = []
    columns = {name: table[name] for name in EventTable.columns}
    for i in range(len(table)):
        sizes = {
            field: tuple(int(columns[f"{group}_{when}_bytes"][i]) for when in ("before", "after", "capacity"))
            for field, group in GROUPS.items()
        }
        cpu = tuple(int(columns[name][i]) for name in ("user_ms", "sys_ms", "real_ms"))
        found.append(
            Row(
                Kind(int(table.kind[i])),
                int(table.start_ns[i]),
                int(table.duration_ns[i]),
                table.cause_of(i),
                int(table.flags[i]),
                int(table.gc_id[i]),
                **sizes,
                cpu_ms=cpu,
            )
        )
    return found


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(COLLECTORS, FLAGS, EVENTS, st.lists(st.integers(0, 20_000), max_size=3))
def test_reading_gives_the_events_back(collector: str, flags: Flags, events: list[Happened], cuts: list[int]) -> None:
    text, written = write(collector, flags, events)
    builder = read(text, tuple(cuts))
    found = rows_of(builder.table())
    assert found == written
    assert builder.coverage.torn_events == 0
    assert builder.coverage.understood_gc_lines == builder.coverage.gc_lines
    assert builder.coverage.lines == text.count(b"\n")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(COLLECTORS, FLAGS, EVENTS)
def test_lines_read_many_at_once_are_read_as_one_by_one(collector: str, flags: Flags, events: list[Happened]) -> None:
    text, _ = write(collector, flags, events)
    fast, slow = read(text).table(), read_one_by_one(text).table()
    assert rows_of(fast) == rows_of(slow)
    assert [fast.name_of(i) for i in range(len(fast))] == [slow.name_of(i) for i in range(len(slow))]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_own_logs_are_read_the_same_both_ways(path: Path) -> None:
    text = path.read_bytes()
    fast, slow = read(text), read_one_by_one(text)
    assert rows_of(fast.table()) == rows_of(slow.table())
    assert [vars(part) for part in fast.segments] == [vars(part) for part in slow.segments]
    assert fast.coverage.understood_gc_lines == slow.coverage.understood_gc_lines
    assert fast.coverage.gc_lines == slow.coverage.gc_lines


def read_one_by_one(text: bytes) -> EventBuilder:
    """The slow twin: every line goes through the bracket tree."""
    fast = preunified_blocks.template_of
    preunified_blocks.template_of = lambda _line: None  # type: ignore[assignment]
    try:
        return read(text)
    finally:
        preunified_blocks.template_of = fast


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_chunks_do_not_matter(path: Path) -> None:
    text = path.read_bytes()
    whole = rows_of(read(text).table())
    assert rows_of(read(text, tuple(range(0, len(text), 97))).table()) == whole


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_a_log_cut_anywhere_keeps_all_whole_events_before(path: Path) -> None:
    text = path.read_bytes()
    whole = rows_of(read(text).table())
    for cut in range(1, len(text), max(1, len(text) // 60)):
        builder = read(text[:cut])
        kept = rows_of(builder.table())
        settled = [row for row in kept if not row.flags & 16][:-2]  # the last may lack sizes and CPU times
        assert settled == whole[: len(settled)]
        assert len(kept) <= len(whole) + 1


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CORPUS), st.randoms(use_true_random=False))
def test_corrupt_logs_are_read_in_part(path: Path, dice: random.Random) -> None:
    text = bytearray(path.read_bytes())
    for _ in range(dice.randrange(1, 12)):
        at = dice.randrange(len(text))
        what = dice.randrange(4)
        if what == 0:
            text[at] = dice.randrange(256)
        elif what == 1:
            del text[at : at + dice.randrange(1, 80)]
        elif what == 2:
            text[at:at] = dice.choice((b"[", b"]", b"\n", b"[GC ", b"9" * 400, b"->", b"}\n", b"\x00", b"0.000: "))
        else:
            other = dice.randrange(len(text))
            text[at:at] = text[other : other + dice.randrange(1, 300)]
        text = text or bytearray(b"x")
    builder = read(bytes(text))
    coverage, table = builder.coverage, builder.table()
    assert 0 <= coverage.understood_gc_lines <= coverage.gc_lines <= coverage.lines
    assert np.all(table.start_ns >= -1)
    assert np.all(table.duration_ns >= -1)
    for column in EventTable.columns[8:]:
        assert np.all(table[column] >= -1), column


@pytest.mark.parametrize("noise", [b"[", b"]", b"9", b"1K->", b"(a", b"[GC ", b"0.000: ", b"Heap before ", b" "])
def test_a_long_line_of_anything_is_read_in_linear_time(noise: bytes) -> None:
    """64 KiB is the longest line that sources hand on; a pattern that goes back and forth in it would take hours."""
    line = noise * (65_536 // len(noise))
    builder = read(b"0.100: [GC " + line + b"\n" + line + b"\n" + line + b"]\n0.200: [GC 1K->1K(1K), 0.1000000 secs]\n")
    assert builder.coverage.lines == 4
    assert len(builder.table()) >= 1
