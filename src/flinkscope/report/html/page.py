"""One HTML file that fetches nothing: templates with autoescape, styles and scripts inlined and allowed by their hash.

The policy is ``default-src 'none'`` plus the SHA-256 of exactly our style and our script, so nothing that comes out of
a dump or log can run even if escaping failed. Positions are SVG attributes in per cent: no style attribute is needed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

from flinkscope.report.codec import to_document
from flinkscope.report.html.shapes import boxes, icicles, spans
from flinkscope.report.language import in_spoken_language, say, speaking, spoken_language
from flinkscope.report.model import ChangeRow, FigureRow, FindingRow, Report, SnippetRow
from flinkscope.report.quantities import shown
from flinkscope.report.wording import cleaned, first_sentence
from flinkscope.units import human_bp, human_bytes, human_count

_PICTURES = (("memory", "Memory"), ("state", "State"), ("heap", "Heap"), ("loaders", "Class loaders"))
_SCRIPT_WORDS = re.compile(r"""\bsay\("([^"]+)\"""")


def render_html(report: Report, *, language: str = "en") -> str:
    """The report as one HTML page. Size: about 60 KB of code and what the charts hold; cost: tens of milliseconds."""
    with speaking(language):
        return _page(in_spoken_language(cleaned(report)))


def _page(report: Report) -> str:
    root = next((f for f in report.findings if f.rule == report.root_cause), None)
    others = [f for f in report.findings if f is not root]
    return page_of(
        "report.html.j2", report.title, _contents(report, root, others), report=report, root=root, others=others
    )


def page_of(template: str, title: str, contents: list[tuple[str, str]], *, part: str = "chart", **values: Any) -> str:
    """A page from one of our templates. ``contents``: (anchor, name) for the table of contents; ``part``: whose script
    (and style, if it has one of its own) the page needs besides those of all pages."""
    style = asset("style.css") + (asset("flame.css") if part == "flame" else "")
    script = asset(f"{part}.js") + (asset("icicle.js") if part == "chart" else "") + asset("page.js")
    return (
        _templates()
        .get_template(template)
        .render(
            title=title,
            contents=contents,
            style=Markup(style),  # our own files, not input
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
            language=spoken_language(),
            words=data_block(_script_words(script)),
            **values,
        )
    )


def _script_words(script: str) -> dict[str, str]:
    """What the scripts say in the language that is spoken; empty for English, which they speak themselves."""
    if spoken_language() == "en":
        return {}
    return {text: say(text) for text in _SCRIPT_WORDS.findall(script)}


@cache
def asset(name: str) -> str:
    """The text of one of our own style or script files."""
    return (files("flinkscope.report.html") / "assets" / name).read_text(encoding="utf-8")


def prose(text: str) -> Markup:
    """Escaped text in which `words in backticks` are marked as code."""
    pieces = str(text).split("`")
    if len(pieces) % 2 == 0:  # an unpaired backtick stays what it is
        return escape(text)
    marked = [Markup("<code>%s</code>") % p if i % 2 else escape(p) for i, p in enumerate(pieces)]
    return Markup("").join(marked)


def data_block(document: object) -> Markup:
    """JSON that is safe inside a script element: no character that could end the element or a line."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def change_lines(changes: tuple[ChangeRow, ...]) -> list[tuple[str, str]]:
    """A diff: (sign, line) of each option."""
    lines = []
    for change in changes:
        lines += [("-", f" {change.key}: {change.old}")] if change.old is not None else []
        lines += [("+", f" {change.key}: {change.new}")] if change.new is not None else []
    return lines


def change_text(changes: tuple[ChangeRow, ...]) -> str:
    """What to paste into the configuration."""
    return "\n".join(f"{c.key}: {c.new}" for c in changes if c.new is not None)


def snippet_lines(snippet: SnippetRow) -> list[tuple[str, str]]:
    """A diff where there is an old text, else the plain lines."""
    if not snippet.old:
        return [("", line) for line in snippet.new.splitlines()]
    old = [("-", f" {line}") for line in snippet.old.splitlines()]
    return old + [("+", f" {line}") for line in snippet.new.splitlines()]


def _contents(report: Report, root: FindingRow | None, others: list[FindingRow]) -> list[tuple[str, str]]:
    processes = [(f"process-{i}", p.id) for i, p in enumerate(report.processes, 1)]
    rows = [("story", say("Story")), *processes[:1]]
    rows += [("remedies", say("What to change"))] if root and root.remedies else []
    rows += [("evidence", say("Evidence"))] if root else []
    for name, title in _PICTURES:
        title = say(title)
        having = [(i, p) for i, p in enumerate(report.processes, 1) if getattr(p, name)]
        rows += [(f"{name}-{i}", title if len(having) == 1 else f"{title} {p.id}") for i, p in having]
    rows += processes[1:]
    rows += [("others", say("Other findings"))] if others else []
    rows += [("checked", say("Also checked"))] if report.unclear or report.not_evaluated or report.ruled_out else []
    return [*rows, ("provenance", say("Provenance"))]


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flinkscope.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bytes=human_bytes,
        bp=human_bp,
        count=human_count,
        figure=_figure,
        prose=prose,
        first_sentence=first_sentence,
        chart_json=lambda row: data_block(to_document(row)),
        change_lines=change_lines,
        change_text=change_text,
        snippet_lines=snippet_lines,
        lines=lambda texts: [("", text) for text in texts],
        spans=spans,
        boxes=boxes,
        icicles=icicles,
        say=say,
    )
    environment.globals["say"] = say
    return environment


def _figure(figure: FigureRow) -> str:
    return shown(figure.value, figure.unit, figure.text)
