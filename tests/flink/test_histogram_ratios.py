"""A class histogram alone: the ratios of the lab's designs, and a diagnosis that suspects but does not blame."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope import diagnose
from flinkscope.cli.main import main
from flinkscope.diagnosis.finding import RuledOut, Unclear
from flinkscope.flink.histogram_ratios import state_ratios
from flinkscope.formats.class_histogram import parse_class_histogram

ENTRY = "org.apache.flink.runtime.state.heap.CopyOnWriteStateMap$StateMapEntry"
TIMER = "org.apache.flink.streaming.api.operators.TimerHeapInternalTimer"
WINDOW = "org.apache.flink.streaming.api.windowing.windows.TimeWindow"


def histogram(entries: int, timers: int, windows: int, lists: int = 0) -> str:
    rows = [
        (timers, timers * 32, TIMER), (entries, entries * 40, ENTRY), (windows, windows * 32, WINDOW),
        (timers + 500, (timers + 500) * 32, "java.util.HashMap$Node"),
        (lists + 90, (lists + 90) * 24, "java.util.ArrayList"),
    ]  # fmt: skip
    lines = [f"{i:4}: {n:12} {size:14}  {name}" for i, (n, size, name) in enumerate(rows, 1)]
    total = f"Total {sum(r[0] for r in rows):12} {sum(r[1] for r in rows):14}"
    return "\n".join([" num     #instances         #bytes  class name (module)", "-" * 50, *lines, total, ""])


@pytest.mark.parametrize(
    ("counts", "pattern", "certainty_bp"),
    [
        ((22_000, 44_000, 22_000), "continuous trigger", 7_000),  # purged
        ((44_000, 44_000, 22_000, 22_000), "continuous trigger", 6_000),  # bare
        ((44_000, 66_000, 22_000, 22_000), "continuous trigger", 6_000),  # with lateness
        ((22_000, 22_000, 22_000, 22_000), "one timer a key", 6_000),
        ((40, 22_000, 22_000), "timers only", 5_000),
        ((22_000, 10, 0), None, 0),  # other keyed state
        ((12, 10, 5), None, 0),
        ((90_000, 30_000, 20_000), None, 0),  # mixed
    ],
)
def test_ratios(counts: tuple[int, ...], pattern: str | None, certainty_bp: int) -> None:
    found = state_ratios(parse_class_histogram(histogram(*counts), "histogram.txt"))
    assert (found.pattern, found.certainty_bp) == (pattern, certainty_bp)
    assert (found.entries, found.timers) == counts[:2]
    if pattern == "continuous trigger":
        assert found.panes == 22_000
        assert found.own_bytes == counts[0] * 40 + counts[1] * 64


@pytest.mark.parametrize(
    ("extra", "contents"),
    [
        ("org.apache.flink.streaming.runtime.streamrecord.StreamRecord", "1.1 stream records a window: an evictor"),
        ("java.util.HashMap", "1.1 hash maps a window: a map state"),
        ("org.apache.flink.table.data.binary.BinaryRowData", "1.1 rows an entry: state of SQL operators"),
    ],
)
def test_what_else_a_pane_keeps(extra: str, contents: str) -> None:
    text = histogram(22_000, 44_000, 22_000).replace("Total", f"  99:   24000   768000  {extra}\nTotal")
    assert state_ratios(parse_class_histogram(histogram(22_000, 44_000, 22_000), "h.txt")).contents is None
    assert (state_ratios(parse_class_histogram(text, "h.txt")).contents or "").startswith(contents)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "histogram.txt"
    path.write_text(histogram(22_000, 44_000, 22_000))
    for words, expected in (([], "continuous trigger: 70 % sure"), (["--json"], '"panes": 22000')):
        with pytest.raises(SystemExit) as end:
            main(["state", "ratios", str(path), *words])
        assert end.value.code == 0
        assert expected in capsys.readouterr().out
    for content, code in (("no histogram", 4), (None, 3)):
        path.write_text(content) if content else path.unlink()
        with pytest.raises(SystemExit) as end:
            main(["state", "ratios", str(path)])
        assert end.value.code == code
        assert "hint:" in capsys.readouterr().err


@pytest.mark.parametrize(("timers", "outcome"), [(44_000, Unclear), (22_000, RuledOut)])
def test_the_diagnosis_suspects_and_says_what_decides(tmp_path: Path, timers: int, outcome: type) -> None:
    (tmp_path / "histogram.txt").write_text(histogram(22_000, timers, 22_000))
    diagnosis = diagnose(tmp_path / "histogram.txt")
    finding = next(f for f in diagnosis.findings if f.rule == "R02")
    assert isinstance(finding.outcome, outcome)
    if isinstance(finding.outcome, Unclear):
        assert "GC.heap_dump" in finding.outcome.collect
        assert finding.outcome.evidence[0].figures["panes"] == 22_000
