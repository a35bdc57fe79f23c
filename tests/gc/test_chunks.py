"""However a log is cut into chunks, its events and their lines are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope.formats.gclog.records import EventBuilder
from flinkscope.formats.gclog.unified import UnifiedParser

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "gclogs"
CORPUS = Path(__file__).parents[1] / "corpus" / "gclog" / "jvm"
NAMES = ("jdk11-CMS-full", "jdk17-G1-full", "jdk17-Serial-full", "jdk17-Shenandoah-full", "jdk21-ZGCgen-default")
SNIFFED_BYTES = 8_000  # the first chunk decides on the decorations


def read(text: bytes, chunk_bytes: int) -> tuple[object, ...]:
    builder = EventBuilder()
    parser = UnifiedParser(builder)
    begin, end = 0, text.find(b"\n", SNIFFED_BYTES) + 1 or len(text)
    while begin < len(text):
        parser.feed(text[begin:end])
        begin, end = end, text.find(b"\n", min(len(text) - 1, end + chunk_bytes)) + 1 or len(text)
    parser.finish()
    table, coverage = builder.table(), builder.coverage
    columns = [table[name].tolist() for name in table.columns if name not in ("name", "cause")]
    return columns, coverage.lines, coverage.gc_lines, coverage.understood_gc_lines, coverage.samples


@pytest.mark.parametrize("name", NAMES)
def test_events_do_not_depend_on_chunks(name: str) -> None:
    path = next((folder / f"{name}.log" for folder in (CORPUS, SHARED) if (folder / f"{name}.log").is_file()), None)
    if path is None:
        pytest.skip(f"{name}.log is only in ../shared/gclogs, which is not there")
    text = path.read_bytes()
    whole = read(text, len(text))
    assert read(text, 10_000) == whole
    assert read(text, 1_500) == whole
