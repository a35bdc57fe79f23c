"""Reports in Chinese: every sentence has its translation, also out of a saved report; nothing English is left over."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.absent import Absent
from flinkscope.diagnosis.engine import judge
from flinkscope.diagnosis.facts import Facts
from flinkscope.errors import UsageError
from flinkscope.report import build_report, compare, read_report, render, render_comparison, write_report
from flinkscope.report.language import (
    Catalogue,
    catalogue,
    catalogue_text,
    in_spoken_language,
    read_catalogue,
    say,
    speaking,
)
from flinkscope.report.terminal_text import columns_of
from report_support import browser
from report_support.hostile import hostile
from report_support.incident import diagnosis, healthy, process_facts

TOOLS = Path(__file__).resolve().parents[2] / "tools"
HOLE = re.compile(r"\{\d+\}")
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    return read_catalogue(catalogue_text("zh"))


def test_every_sentence_is_translated(chinese: dict[str, str]) -> None:
    """Mend with: python tools/catalogue.py zh --add FILE"""
    sentences = runpy.run_path(str(TOOLS / "messages.py"))["sentences"]()
    assert len(sentences) > 800
    assert [f"{place}: {text}" for text, place in sentences.items() if text not in chinese] == []


def test_translations_have_the_same_holes(chinese: dict[str, str]) -> None:
    for source, text in chinese.items():
        assert sorted(set(HOLE.findall(source))) == sorted(set(HOLE.findall(text))), source


def sentences_of(value: object, *ways: str) -> Iterator[str]:
    """The texts of these fields, anywhere in a report."""
    if isinstance(value, tuple):
        for item in value:
            yield from sentences_of(item, *ways)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            found = getattr(value, field.name)
            if field.name in ways:
                yield from [found] if isinstance(found, str) else found
            else:
                yield from sentences_of(found, *ways)


TOLD = ("summary", "why", "text", "effect", "cost", "what", "headline", "certainty_why")


@pytest.mark.parametrize("without", [(), ("gc",), ("heap", "state"), ("log", "checkpoints"), ("config",)])
def test_nothing_english_is_left_of_what_rules_say(without: tuple[str, ...]) -> None:
    """All rules on the incident's facts, also with some of them missing."""
    facts = replace(process_facts(), **{name: Absent(name) for name in without})
    report = build_report(judge(Facts("a case", {}, (facts,), ())))
    with speaking("zh"):
        told = in_spoken_language((report.story, report.findings, report.ruled_out, report.unclear))
    left = [text for text in sentences_of(told, *TOLD) if ENGLISH.search(re.sub(r"`[^`]*`", "", text))]
    assert left == []


CASES = {
    "a stable live set of 1.72 GiB fills 96.0 % of the heap": "稳定的存活集 1.72 GiB 占堆的 96.0 %",
    "A stable live set of 1.72 GiB fills 96.0 % of the heap.": "稳定的存活集 1.72 GiB 占堆的 96.0 %。",
    "After the last full collection 223 MiB of the heap's 224 MiB was still in use.":
        "最后一次 Full GC 后仍有223 MiB  在使用（堆共 224 MiB）。",
    "3 checkpoints completed, 1 failed; their size went from 1 B to 2 B.":
        "完成 3 个检查点，1 个失败；大小由 1 B 变为 2 B。",
    "keys and windows; checkpoint copies": "键和窗口；检查点副本",
    "heap dump: not collected (the file is empty)": "堆转储：未收集（文件为空）",
    "GC pauses": "GC 停顿",
    "java.lang.OutOfMemoryError: Java heap space": "java.lang.OutOfMemoryError: Java heap space",
    "taskmanager.memory.process.size": "taskmanager.memory.process.size",
    "": "",
}  # fmt: skip


@pytest.mark.parametrize("english", CASES)
def test_sentences_are_found_by_their_templates(english: str) -> None:
    assert catalogue("zh").of(english) == CASES[english]


def test_holes_beside_each_other_are_cut_at_known_pieces() -> None:
    entries = {"{0}{1} stay{2}": "留下 {2}{0}{1}", " of {0} bytes": "（共 {0} 字节）", " at most (no full GC)": "至多"}
    known = Catalogue("xx", entries)
    assert known.of("5 of 9 bytes stay at most (no full GC)") == "留下 至多5（共 9 字节）"
    assert known.of("5 stay") == "留下 5"


def test_openings_before_a_hole() -> None:
    entries = {
        "{0}{1} stay in use for ever": "永远使用 {0}{1}",
        "at most ": "至多",
        "up to {0} of it, ": "其中至多 {0}，",
    }
    known = Catalogue("xx", entries)
    assert known.of("at most 5 stay in use for ever") == "永远使用 至多5"
    assert known.of("up to 7 of it, 5 stay in use for ever") == "永远使用 其中至多 7，5"
    assert known.of("it is at most 5 stay in use for ever") == "永远使用 it is at most 5"


def test_any_text_can_be_looked_up() -> None:
    """Every sentence of the catalogue, cut, doubled and filled with itself: an answer, never an error."""
    known, texts = catalogue("zh"), list(catalogue("zh").entries)
    for number, text in enumerate(texts):
        other = texts[(number * 7 + 3) % len(texts)]
        for changed in (HOLE.sub(other, text), text[: len(text) // 2], text + other, f"{other}; {text} ({other})"):
            assert isinstance(known.of(changed), str)


def test_same_from_the_saved_report(tmp_path: Path) -> None:
    report = build_report(diagnosis())
    write_report(report, tmp_path / "r.json", language="zh")
    saved = read_report(tmp_path / "r.json")
    assert saved == report  # JSON is always English
    for form in ("terminal", "html", "markdown"):
        text = render(saved, form, language="zh")  # type: ignore[arg-type]
        assert text == render(report, form, language="zh")  # type: ignore[arg-type]
        assert ("连续触发器" in text) == (form != "terminal") or "怎么办" in text


def test_the_terminal_keeps_its_width() -> None:
    for line in render(build_report(diagnosis()), "terminal", language="zh").splitlines():
        assert columns_of(line) <= 100, line


def test_hostile_reports_stay_harmless() -> None:
    text = render(hostile(build_report(diagnosis())), "html", language="zh")
    assert "<script>window.broken=1</script>" not in text
    assert "\x1b" not in render(hostile(build_report(diagnosis())), "terminal", language="zh")


def test_comparison() -> None:
    comparison = compare(build_report(diagnosis()), build_report(healthy()))
    assert "为何如此判定" in render_comparison(comparison, "terminal", language="zh")
    assert '<html lang="zh-CN">' in render_comparison(comparison, "html", language="zh")


def test_no_such_language() -> None:
    with pytest.raises(UsageError, match="no catalogue"), speaking("xx"):
        pass
    assert say("{0} sure", "98 %") == "98 % sure"


def test_by_the_command(tmp_path: Path) -> None:
    from flinkscope.cli.render import command

    write_report(build_report(diagnosis()), tmp_path / "r.json")
    result = CliRunner().invoke(command, [str(tmp_path / "r.json"), "--lang", "zh"])
    assert result.exit_code == 0
    assert "怎么办" in result.output


@pytest.mark.skipif(browser.PATH is None, reason="no Chromium on this machine")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render(build_report(diagnosis()), "html", language="zh"), encoding="utf-8")
    with browser.Browser(tmp_path / "profile") as running:
        running.open(page, width=390)
        assert running.complaints() == []
        assert running.run("document.documentElement.scrollWidth") <= 390
        assert running.run("document.querySelector('.chart-hint').textContent") == "拖动缩放 · 方向键逐点查看"
