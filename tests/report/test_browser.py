"""The page in a real Chromium: charts draw, zoom, read out; nothing is fetched, refused or broken; it fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flinkscope.report import build_report, compare, render_comparison, render_html
from report_support import browser
from report_support.browser import Browser
from report_support.hostile import hostile, hostile_diagnosis
from report_support.incident import diagnosis, healthy

pytestmark = pytest.mark.skipif(browser.PATH is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def incident(tmp_path: Path) -> Path:
    return written(tmp_path, render_html(build_report(diagnosis())))


def written(folder: Path, text: str) -> Path:
    page = folder / "page.html"
    page.write_text(text, encoding="utf-8")
    return page


def test_pages_load_without_a_complaint_or_a_request(chromium: Browser, tmp_path: Path) -> None:
    reports = [build_report(diagnosis()), build_report(healthy()), build_report(hostile_diagnosis())]
    pages = [render_html(r) for r in reports]
    pages.append(render_html(hostile(reports[0])))
    pages.append(render_comparison(compare(reports[0], reports[1]), "html"))
    for text in pages:
        page = written(tmp_path, text)
        chromium.open(page)
        assert chromium.complaints() == []
        assert chromium.requests() == [page.resolve().as_uri()]
        assert chromium.run("typeof window.broken") == "undefined"
        assert chromium.run("getComputedStyle(document.querySelector('.card')).display") != "none"


def test_policy_stops_a_foreign_script(chromium: Browser, tmp_path: Path) -> None:
    text = render_html(build_report(diagnosis()))
    chromium.open(written(tmp_path, text.replace("</main>", "<script>window.broken=1</script></main>")))
    assert chromium.run("typeof window.broken") == "undefined"
    assert any("Content Security Policy" in complaint for complaint in chromium.complaints())


def test_chart_draws_every_shown_series(chromium: Browser, incident: Path) -> None:
    chromium.open(incident)
    assert chromium.run("document.querySelectorAll('svg.panel').length") == 3
    assert chromium.run("document.querySelectorAll('svg.panel path.fill').length") == 2
    assert chromium.run("document.querySelectorAll('svg.panel path.mark-full').length") == 53
    labels = chromium.run("[...document.querySelectorAll('svg.panel .label')].map(l => l.textContent)")
    assert labels == ["-Xmx 256 MiB", "log ends: out of memory (exit code 239)"]
    ticks = chromium.run("[...document.querySelector('svg.panel').querySelectorAll('.tick')].map(t => t.textContent)")
    assert ticks == ["0 B", "64 MiB", "128 MiB", "192 MiB", "256 MiB"]


def test_legend_hides_and_shows(chromium: Browser, incident: Path) -> None:
    chromium.open(incident)
    chromium.run("document.querySelector('.key[aria-pressed=true]').click()")
    assert chromium.run("document.querySelector('svg.panel').querySelectorAll('path.fill').length") == 0
    chromium.run("document.querySelector('.key[aria-pressed=false]').click()")
    assert chromium.run("document.querySelector('svg.panel').querySelectorAll('path.fill').length") == 1


def test_keyboard_reads_values_and_zooms(chromium: Browser, incident: Path) -> None:
    chromium.open(incident)
    chromium.run("document.querySelector('.chart-stage').focus()")
    chromium.key("ArrowRight")
    said = chromium.run("document.querySelector('[aria-live]').textContent")
    assert said.startswith("at 0:00")
    assert "heap in use" in said
    assert chromium.run("document.querySelector('.chart-tip').hidden") is False
    whole = axis(chromium)
    chromium.key("+")
    assert axis(chromium) != whole
    chromium.key("0")
    assert axis(chromium) == whole
    chromium.key("Escape")
    assert chromium.run("document.querySelector('.chart-tip').hidden") is True


def test_drag_zooms_and_double_click_shows_all(chromium: Browser, incident: Path) -> None:
    chromium.open(incident)
    whole = axis(chromium)
    chromium.run("document.querySelector('svg.panel').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = chromium.run("(r => [r.x, r.y])(document.querySelector('svg.panel').getBoundingClientRect())")
    x, y = box[0] + 700, box[1] + 120
    chromium.mouse("mousePressed", x, y, clickCount=1)
    chromium.mouse("mouseMoved", x + 60, y)
    chromium.mouse("mouseMoved", x + 120, y)
    assert chromium.run("document.querySelectorAll('rect.selection').length") == 3
    chromium.mouse("mouseReleased", x + 120, y)
    assert axis(chromium) != whole
    assert chromium.run("document.querySelectorAll('rect.selection').length") == 0
    for count in (1, 2):
        chromium.mouse("mousePressed", x, y, clickCount=count)
        chromium.mouse("mouseReleased", x, y, clickCount=count)
    assert axis(chromium) == whole


@pytest.mark.parametrize("width", [390, 768, 1120, 1600])
def test_page_is_as_wide_as_the_screen(chromium: Browser, incident: Path, width: int) -> None:
    chromium.open(incident, width=width)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.run("document.querySelector('svg.panel').getBoundingClientRect().right") <= width


def test_text_can_be_read_in_light_and_dark(chromium: Browser, incident: Path) -> None:
    """WCAG AA: 4.5 to 1 for text; measured on what is drawn, for each text on the card it lies on."""
    for dark in (False, True):
        chromium.open(incident, dark=dark)
        worst = chromium.run(_CONTRAST)
        assert worst["ratio"] >= 4.5, worst


def test_copy_button_gives_the_configuration(chromium: Browser, incident: Path) -> None:
    chromium.open(incident)
    copies = chromium.run("[...document.querySelectorAll('button[data-copy]')].map(b => [b.hidden, b.dataset.copy])")
    expected = "taskmanager.memory.process.size: 1849m\ntaskmanager.memory.managed.size: 468m"
    assert [False, expected] in copies


def test_chart_without_points_draws(chromium: Browser, tmp_path: Path) -> None:
    report = build_report(diagnosis())
    process = report.processes[0]
    assert process.timeline is not None
    empty = tuple(replace(p, series=tuple(replace(s, x=(), y=()) for s in p.series)) for p in process.timeline.panels)
    timeline = replace(process.timeline, panels=empty, marks=())
    changed = replace(report, processes=(replace(process, timeline=timeline),))
    chromium.open(written(tmp_path, render_html(changed)))
    assert chromium.complaints() == []


def axis(chromium: Browser) -> list[str]:
    """The labels of the time axis."""
    script = "[...[...document.querySelectorAll('svg.panel')].at(-1).querySelectorAll('.tick')].map(t => t.textContent)"
    labels: list[str] = chromium.run(script)
    return labels


_CONTRAST = """
(() => {
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const p = parts(getComputedStyle(e).backgroundColor);
      if (p.length < 4 || p[3] > 0) return p;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 99 };
  for (const e of document.querySelectorAll("main *, nav *, .top *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest("svg, script, .unseen, [aria-pressed=false]") || !e.getClientRects().length) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: e.textContent.slice(0, 60), tag: e.tagName, css: e.className };
  }
  return worst;
})()
"""
