"""The page: one file that fetches nothing; its policy allows only our own style and script, whatever the data hold."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from flinkscope.report import Report, build_report, compare, render_comparison, render_html
from flinkscope.report.html.page import asset, data_block, prose
from report_support.hostile import hostile, hostile_diagnosis
from report_support.incident import diagnosis, healthy

MAX_CODE = 400 << 10
MAX_CHART_CODE = 60 << 10


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text of script and style elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[dict[str, str | None], str, str]] = []
        self._open: tuple[dict[str, str | None], str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = (dict(attrs), tag) if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.raw.append((*self._open, data))

    def attributes(self, name: str) -> Iterator[str]:
        yield from (a[name] or "" for _, a in self.tags if name in a)


def spoilt() -> Report:
    return build_report(hostile_diagnosis())


def spoilt_by_hand() -> Report:
    return hostile(build_report(diagnosis()))


def two_long_named_processes() -> Report:
    """Names that differ only far beyond what an anchor would keep, and a root cause without a remedy."""
    report = build_report(diagnosis())
    processes = tuple(replace(report.processes[0], id="t" * 200 + end) for end in "ab")
    findings = (replace(report.findings[0], remedies=()), *report.findings[1:])
    return replace(report, processes=processes, findings=findings)


PAGES: list[Callable[[], str]] = [
    lambda: render_html(two_long_named_processes()),
    lambda: render_html(build_report(diagnosis())),
    lambda: render_html(build_report(healthy())),
    lambda: render_html(spoilt()),
    lambda: render_html(spoilt_by_hand()),
    lambda: render_comparison(compare(build_report(diagnosis()), build_report(healthy())), "html"),
    lambda: render_comparison(compare(spoilt_by_hand(), spoilt()), "html"),
]


@pytest.mark.parametrize("make", PAGES)
def test_fetches_nothing(make: Callable[[], str]) -> None:
    page = Page(make())
    names = {tag for tag, _ in page.tags}
    assert not names & {"link", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "source", "use"}
    for name in ("src", "srcset", "action", "data", "poster", "background", "xlink:href"):
        assert list(page.attributes(name)) == []
    assert all(href.startswith("#") for href in page.attributes("href"))
    assert "url(" not in asset("style.css")
    assert "@import" not in asset("style.css")


@pytest.mark.parametrize("make", PAGES)
def test_policy_allows_exactly_our_style_and_script(make: Callable[[], str]) -> None:
    page = Page(make())
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    code = [text for attributes, _, text in page.raw if attributes.get("type") != "application/json"]
    assert {base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in code} == allowed
    assert len(code) == 2


@pytest.mark.parametrize("make", PAGES)
def test_no_inline_handlers_or_styles(make: Callable[[], str]) -> None:
    page = Page(make())
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("make", PAGES)
def test_text_from_outside_makes_no_elements(make: Callable[[], str]) -> None:
    text = make()
    assert "window.broken=1>" not in text
    assert "<b>bold" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "x" * 10_000 not in text
    assert "49" not in re.findall(r"\{\{.{1,9}\}\}", text)
    text.encode("utf-8")


@pytest.mark.parametrize("make", PAGES)
def test_ids_are_unique_and_links_lead_somewhere(make: Callable[[], str]) -> None:
    page = Page(make())
    ids = list(page.attributes("id"))
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.attributes("href")} <= set(ids)


@pytest.mark.parametrize("make", PAGES)
def test_size(make: Callable[[], str]) -> None:
    assert len(make().encode()) < 1 << 20
    assert sum(len(asset(name).encode()) for name in ("style.css", "chart.js", "page.js")) < MAX_CODE
    assert len(asset("chart.js").encode()) < MAX_CHART_CODE


def test_chart_data_are_the_model_s() -> None:
    report = build_report(diagnosis())
    page = Page(render_html(report))
    data = [json.loads(text) for attributes, _, text in page.raw if attributes.get("type") == "application/json"]
    timeline = report.processes[0].timeline
    assert timeline is not None
    assert [p["title"] for p in data[0]["panels"]] == [p.title for p in timeline.panels]
    assert data[0]["panels"][0]["series"][0]["y"] == list(timeline.panels[0].series[0].y)


def test_story_comes_first() -> None:
    text = render_html(build_report(diagnosis()))
    order = ["<h4>What happened", "<h4>Why", "<h4>Do this", "97.0 % sure", "<h3>Heap over time", "<h2>What to change"]
    at = [text.index(word) for word in order]
    assert at == sorted(at)
    assert "tm-1/gc.log:2731" in text
    assert "flinkscope collect --nmt PID" in text


def test_same_report_same_page() -> None:
    assert render_html(build_report(diagnosis())) == render_html(build_report(diagnosis()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("the `fire-time` entry", "the <code>fire-time</code> entry"),
        ("`<script>`", "<code>&lt;script&gt;</code>"),
        ("one ` only <i>", "one ` only &lt;i&gt;"),
    ],
)
def test_prose(text: str, expected: str) -> None:
    assert str(prose(text)) == expected


def test_data_block_cannot_be_left() -> None:
    hostile_text = "</script><!--\u2028&"
    block = str(data_block({"name": hostile_text}))
    assert not set("<>&\u2028") & set(block)
    assert json.loads(block)["name"] == hostile_text
