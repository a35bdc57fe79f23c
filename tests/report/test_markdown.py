"""Markdown for an issue tracker: code stays code, and nothing from outside becomes markup."""

from __future__ import annotations

import re

from flinkscope.report import build_report, compare, render_comparison, render_markdown
from flinkscope.report.markdown import cell, fenced, prose
from report_support.hostile import hostile
from report_support.incident import diagnosis, healthy


def test_story_change_evidence() -> None:
    text = render_markdown(build_report(diagnosis()))
    assert text.startswith("# Per-key window state and timers\n")
    assert "\n+ taskmanager.memory.process.size: 1849m\n" in text
    assert "(`tm-1/gc.log:2731`)" in text
    assert "| `fire-time` | reducing | 402,118 | 402,118 | 26.5 MiB |" in text
    assert "Collect: `flinkscope collect --nmt PID`" in text


def test_outside_text_is_no_markup() -> None:
    text = render_markdown(hostile(build_report(diagnosis())))
    outside_fences = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", text)
    tags = set(re.findall(r"<[^>]*>", re.sub(r"`[^`\n]*`", "", outside_fences)))
    assert tags <= {"<details>", "</details>", "<summary>", "</summary>"}
    assert "](javascript" not in re.sub(r"`[^`\n]*`", "", outside_fences)
    assert "\x1b" not in text


def test_table_cells_keep_their_columns() -> None:
    text = render_markdown(hostile(build_report(diagnosis())))
    for block in re.findall(r"(?m)(?:^\|.*\|\n)+", text):
        counts = {line.count("|") for line in block.splitlines()}
        assert len(counts) == 1, block


def test_fence_is_longer_than_what_is_inside() -> None:
    assert fenced("a ```` b", "java")[1] == "`````java"


def test_pieces() -> None:
    assert prose("one ` of <i>") == "one &#96; of &#60;i&#62;"
    assert prose("see `fire-time` <i>") == "see `fire-time` &#60;i&#62;"
    assert cell("a`b|c\nd") == "`a'b¦c d`"


def test_comparison() -> None:
    text = render_comparison(compare(build_report(diagnosis()), build_report(healthy())), "markdown")
    assert text.startswith("# Cured\n")
    assert "| timers | 804,236 | not known |  |" in text
