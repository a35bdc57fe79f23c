"""The page of a GC log: every real log gives one, its charts hold what the log says, two logs lie over each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flinkscope.gc.log import GcLog, read_gc_log
from flinkscope.report.chart_model import MAX_POINTS, ChartRow, SeriesRow
from flinkscope.report.gc_chart import gc_chart, overlay_chart
from flinkscope.report.html.gc_page import gc_page
from report_support import browser
from report_support.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
LOGS = sorted((ROOT.parent / "shared" / "gclogs").glob("*.log"))
pytestmark = pytest.mark.skipif(not LOGS, reason="the logs of real JVMs are not beside this repository")


def log_named(name: str) -> GcLog:
    return read_gc_log(LOGS[0].parent / name)


def series_of(chart: ChartRow | None, name: str) -> SeriesRow:
    assert chart is not None
    return next(s for p in chart.panels for s in p.series if s.name == name)


@pytest.mark.parametrize("path", LOGS, ids=lambda p: p.name)
def test_every_log_gives_a_page(path: Path) -> None:
    log = read_gc_log(path)
    text = gc_page(log)
    assert len(text.encode()) < 2 << 20
    for block in re.findall(r'<script type="application/json">(.*?)</script>', text, re.S):
        chart = json.loads(block)
        for panel in chart["panels"]:
            assert panel["series"], panel["title"]
            for series in panel["series"]:
                assert len(series["x"]) == len(series["y"]) <= MAX_POINTS + 2
                assert series["x"] == sorted(series["x"])
                assert all(y is None or y >= 0 for y in series["y"]), series["name"]
    for name in log.figures:
        assert f">{name}</td>" in text


def test_live_set_is_what_full_collections_left() -> None:
    log = log_named("jdk17-G1-oom.log")
    live = series_of(gc_chart(log), "live set")
    assert list(live.y) == [f.heap_after_bytes for f in log.full_gcs]
    chart = gc_chart(log)
    assert chart is not None
    assert sum(m.kind == "full_gc" for m in chart.marks) == len(log.full_gcs)
    assert chart.panels[0].levels[0].value == log.max_heap_bytes


def test_upper_bound_is_said() -> None:
    log = log_named("jdk21-ZGC-full.log")
    assert series_of(gc_chart(log), "live set (upper bound)").x


def test_log_without_stamps_has_no_chart_and_says_how_to_get_one() -> None:
    log = log_named("jdk17-G1-deco-tags.log")
    assert gc_chart(log) is None
    text = gc_page(log)
    assert "The log has no time stamps" in text
    assert "-Xlog:gc*:file=gc.log:time,uptime,level,tags" in text


def test_two_logs_over_each_other() -> None:
    before, after = log_named("jdk17-G1-full.log"), log_named("jdk17-Parallel-full.log")
    chart = overlay_chart(before, after)
    assert series_of(chart, "before: heap after GC").x
    assert series_of(chart, "after: heap after GC").x
    text = gc_page(before, after)
    assert "Two GC logs, before and after" in text
    assert text.count("data-chart") - text.count("[data-chart]") == 3


@pytest.mark.skipif(browser.PATH is None, reason="no Chromium on this machine")
def test_pages_draw_in_chromium(tmp_path: Path) -> None:
    page = tmp_path / "gc.html"
    with Browser(tmp_path / "profile") as chromium:
        for name in ("jdk17-G1-full.log", "jdk21-ZGCgen-full.log", "jdk17-Shenandoah-full.log", "jdk11-CMS-full.log"):
            page.write_text(gc_page(log_named(name)), encoding="utf-8")
            chromium.open(page)
            assert chromium.complaints() == []
            assert chromium.run("[...document.querySelectorAll('svg.panel')].every(p => p.querySelector('path'))")
