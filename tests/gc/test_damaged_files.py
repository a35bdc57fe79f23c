"""Files that something else than the JVM has had its hands on: holes, cut archives, JSON around the lines."""

from __future__ import annotations

import codecs
import gzip
import json
import random
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.errors import FormatError, UnreadableInputError
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog

HEAD = "[0.005s][info][gc] Using G1\n"


def young(number: int, title: str = "Pause Young (Normal) (G1 Evacuation Pause)") -> str:
    return f"[{number + 1}.000s][info][gc] GC({number}) {title} 50M->30M(128M) 4.000ms\n"


def text(events: int = 9) -> bytes:
    return (HEAD + "".join(young(number) for number in range(events))).encode()


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def pauses(log: GcLog) -> int:
    figure = log.figures["pause_count"]
    assert isinstance(figure, Figure)
    return figure.value


@pytest.mark.parametrize("hole_bytes", [4_096, 100_000, 3_000_000])
@pytest.mark.parametrize("at_line", [0, 4])
def test_a_hole_of_zeros_as_copytruncate_leaves_it(tmp_path: Path, hole_bytes: int, at_line: int) -> None:
    lines = text().splitlines(keepends=True)
    data = b"".join(lines[:at_line]) + bytes(hole_bytes) + b"".join(lines[at_line:])
    log = read_gc_log(saved(tmp_path / "gc.log", data))
    assert pauses(log) >= 8  # the line that ends a hole longer than the longest line is given up, and told
    assert pauses(log) == 9 or log.coverage.notes


def test_the_whole_readable_part_of_a_small_cut_gzip(tmp_path: Path) -> None:
    random.seed(5)
    data = b"".join(young(n, f"Pause Young ({random.random()})").encode() for n in range(500))
    packed = gzip.compress(HEAD.encode() + data)
    log = read_gc_log(saved(tmp_path / "gc.log.gz", packed[: len(packed) * 3 // 4]))
    assert 250 < pauses(log) < 500
    assert log.coverage.notes


def test_a_gzip_that_another_program_wrote_on(tmp_path: Path) -> None:
    log = read_gc_log(saved(tmp_path / "gc.log.gz", gzip.compress(text()) + b"garbage"))
    assert pauses(log) == 9
    assert log.coverage.notes


def test_a_gzip_of_which_nothing_can_be_unpacked_is_not_called_empty(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="damaged"):
        read_gc_log(saved(tmp_path / "gc.log.gz", b"\x1f\x8b" + b"xyz" * 50))


def test_a_byte_order_mark_costs_no_stamp(tmp_path: Path) -> None:
    bare = read_gc_log(saved(tmp_path / "a.log", text()))
    marked = read_gc_log(saved(tmp_path / "b.log", codecs.BOM_UTF8 + text()))
    assert marked.figures == bare.figures


def test_line_ends_of_an_old_mac(tmp_path: Path) -> None:
    assert pauses(read_gc_log(saved(tmp_path / "gc.log", text().replace(b"\n", b"\r")))) == 9


@pytest.mark.parametrize("key", ["log", "message", "msg", "MESSAGE"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_lines_inside_json(tmp_path: Path, key: str, separators: tuple[str, str]) -> None:
    rows = [{"@timestamp": "2026-01-01T00:00:00Z", key: line, "pod": {"n": 1}} for line in text().decode().splitlines()]
    data = "\n".join(json.dumps(row, separators=separators) for row in rows)
    log = read_gc_log(saved(tmp_path / "gc.json", data.encode()))
    assert pauses(log) == 9
    assert log.figures == read_gc_log(saved(tmp_path / "bare.log", text())).figures


def test_a_wrapping_that_nobody_knows_gives_no_figures_of_zero(tmp_path: Path) -> None:
    data = "\n".join(f"<entry><![CDATA[{line}|]]></entry>" for line in text().decode().splitlines())
    data = data.replace("] GC(", "]_GC(")
    with pytest.raises(FormatError, match="prefix"):
        read_gc_log(saved(tmp_path / "gc.xml", data.encode()))
