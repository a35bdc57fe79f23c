"""Collections of G1 read many at once are those read one by one and line by line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from flinkscope.formats.gclog import unified_blocks
from flinkscope.formats.gclog.records import EventBuilder, EventTable
from flinkscope.formats.gclog.unified import UnifiedParser
from strategies import gclog_unified as writer

CORPUS = Path(__file__).parents[1] / "corpus" / "gclog" / "jvm"
G1_LOGS = sorted(path.name for path in CORPUS.glob("*G1*"))


def young(number: int, dice: random.Random, title: str) -> writer.Collection:
    after = dice.randrange(10, 900)
    before = after + dice.randrange(900)
    return writer.Collection(
        title,
        1_000 * number + 1_000,
        dice.randrange(900_000),
        before,
        after,
        2_048,
        dice.randrange(90_000),
        7,
        details=True,
    )


def long_log(seed: int, decorations: tuple[str, ...]) -> bytes:
    """Long runs of collections, some with a safepoint behind them, a restart, a damaged number, torn lines."""
    dice = random.Random(seed)
    titles = [*writer.YOUNG_TITLES["G1"], "Pause Full (System.gc())"]
    events: list[writer.Collection | writer.Stop] = []
    for number in range(120):
        events.append(young(number, dice, dice.choice(titles) if number % 40 > 30 else titles[0]))
        if number % 3 == 0:
            total_ns = dice.randrange(900_000)
            events.append(writer.Stop(1_000 * number + 1_001, "G1CollectForAllocation", dice.randrange(999), total_ns))
    text = writer.render(writer.Log("G1", decorations, tuple(events)))  # type: ignore[arg-type]
    text += writer.render(writer.Log("G1", decorations, tuple(young(n, dice, titles[0]) for n in range(30))))
    lines = text.split(b"\n")
    at = next(i for i in range(len(lines) // 2, len(lines)) if b"Eden" in lines[i])
    lines[at] = lines[at].replace(b"->", b"999999->")  # more digits than a count can have
    del lines[at + 90 : at + 93]
    return b"\n".join(lines)


def read(text: bytes) -> tuple[EventTable, EventBuilder]:
    builder = EventBuilder()
    parser = UnifiedParser(builder)
    half = text.rfind(b"\n", 0, len(text) // 2) + 1
    for chunk in (text[:half], text[half:]):
        parser.feed(chunk)
    parser.finish()
    return builder.table(), builder


def all_of(text: bytes) -> tuple[object, ...]:
    table, builder = read(text)
    names = [(table.name_of(row), table.cause_of(row)) for row in range(len(table))]
    columns = {name: table[name].tolist() for name in table.columns if name not in ("name", "cause")}
    return names, columns, builder.segments, builder.coverage.lines, builder.coverage.gc_lines


@pytest.mark.parametrize(
    "decorations",
    [("time", "uptime", "level", "tags"), ("uptime",), ("tags",), ("time", "pid", "tags"), ("uptimenanos", "tags")],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_at_once_or_one_by_one(seed: int, decorations: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    text = long_log(seed, decorations)
    many: list[int] = []
    write = unified_blocks.BlockReader._write

    def counted(reader: unified_blocks.BlockReader, held: list[unified_blocks.Texts]) -> None:
        many.append(len(held))
        write(reader, held)

    monkeypatch.setattr(unified_blocks.BlockReader, "_write", counted)
    together = all_of(text)
    assert sum(many) > 60
    monkeypatch.setattr(unified_blocks, "_FEWEST", 10**9)
    assert all_of(text) == together
    monkeypatch.setattr(unified_blocks, "_FIRST_LINE", b"this is nowhere in the log")
    assert all_of(text) == together


@pytest.mark.parametrize("name", G1_LOGS)
def test_the_same_of_logs_of_real_jvms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (CORPUS / name).read_bytes()
    monkeypatch.setattr(unified_blocks, "_FEWEST", 2)
    together = all_of(text)
    monkeypatch.setattr(unified_blocks, "_FIRST_LINE", b"this is nowhere in the log")
    assert all_of(text) == together
