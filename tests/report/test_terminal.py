"""Text for the terminal: fits, first screen first, same words with and without colour, nothing drives the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flinkscope.report import Report, build_report, compare, render_terminal
from flinkscope.report.comparison_views import comparison_terminal
from flinkscope.report.terminal_text import code_lines, columns_of, fitted, indented, table
from flinkscope.report.wording import harmless
from report_support.hostile import hostile, hostile_diagnosis
from report_support.incident import diagnosis, healthy

REPORTS: list[Callable[[], Report]] = [
    lambda: build_report(diagnosis()),
    lambda: build_report(healthy()),
    lambda: build_report(hostile_diagnosis()),
    lambda: hostile(build_report(diagnosis())),
]


@pytest.mark.parametrize("make", REPORTS)
@pytest.mark.parametrize("width", [100, 80])
def test_fits(make: Callable[[], Report], width: int) -> None:
    text = render_terminal(make(), width=width)
    assert [line for line in text.splitlines() if columns_of(line) > width] == []


@pytest.mark.parametrize("make", REPORTS)
def test_nothing_drives_the_terminal(make: Callable[[], Report]) -> None:
    text = render_terminal(make())
    assert all(c.isprintable() or c == "\n" for c in text)


def test_first_screen_says_it_all() -> None:
    first = render_terminal(build_report(diagnosis()), details=False)
    assert len(first.splitlines()) <= 40
    for words in (
        "Per-key window state and timers",
        "out of memory",
        "two timers",
        "+ taskmanager.memory.process.size: 1849m",
        "97.0 %",
    ):
        assert words in first
    assert render_terminal(build_report(diagnosis())).startswith(first)


def test_colour_changes_no_words() -> None:
    report = build_report(diagnosis())
    coloured = render_terminal(report, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_terminal(report)


def test_undecided_rules_come_with_their_command() -> None:
    text = render_terminal(build_report(diagnosis()))
    assert "R20 Container killed" in text
    assert "collect: flinkscope collect --nmt PID" in text
    assert "R14 Class loader leak: 2 user class loaders for 1 job" in text


def test_unknown_is_not_zero() -> None:
    text = render_terminal(build_report(healthy()))
    unknown = next(line for line in text.splitlines() if "not known:" in line)
    assert "reachable in the heap dump" in unknown
    assert "flinkscope collect --dump PID" in text


def test_comparison() -> None:
    text = comparison_terminal(compare(build_report(diagnosis()), build_report(healthy())))
    assert text.splitlines()[0] == "● CURED"
    assert re.search(r"state entries +808,147 +not known", text)
    hard = comparison_terminal(compare(REPORTS[3](), REPORTS[2]()))
    assert max(columns_of(line) for line in hard.splitlines()) <= 100


@given(st.text(max_size=300), st.integers(20, 120))
def test_any_paragraph_fits(text: str, width: int) -> None:
    for line in indented(harmless(text), width, "  • ", "    "):
        assert columns_of(line) <= width


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=200), st.integers(20, 90))
def test_code_is_cut_but_never_lost(text: str, width: int) -> None:
    lines = code_lines(text, width, "  + ", "    ")
    assert "".join(line[4:] for line in lines) == text
    assert all(columns_of(line) <= width for line in lines)


@given(st.text(max_size=80), st.integers(3, 40))
def test_cut_names_fit(text: str, columns: int) -> None:
    assert columns_of(fitted(harmless(text), columns)) <= columns


def test_table_gives_way_in_its_first_column() -> None:
    rows = [("org.apache." + "x" * 200, "1"), ("short", "12,345")]
    lines = table(("class", "objects"), rows, 60)
    assert max(map(len, lines)) <= 60
    assert lines[2].endswith("12,345")


def test_wide_characters_take_two_columns() -> None:
    assert columns_of("内存不足") == 8
    assert all(columns_of(line) <= 30 for line in indented("内存不足" * 20, 30))
