"""A comparison as text, Markdown and JSON: the verdict first, then the key figures side by side."""

from __future__ import annotations

import json
from dataclasses import replace

from flinkscope.report.codec import to_document
from flinkscope.report.comparison import ComparedFigure, Comparison
from flinkscope.report.markdown import prose
from flinkscope.report.markdown import table as markdown_table
from flinkscope.report.quantities import shown
from flinkscope.report.terminal_text import Ink, bullets, heading, indented, table
from flinkscope.report.wording import cleaned
from flinkscope.units import human_bp, share_bp

VERDICTS = {"cured": "cured", "better": "better", "not_cured": "not cured", "cannot_tell": "cannot tell"}
_INK = {"cured": "good", "better": "good", "not_cured": "bad", "cannot_tell": "warn"}


def comparison_terminal(comparison: Comparison, *, width: int = 100, colour: bool = False) -> str:
    """The comparison as text of at most ``width`` columns, without a line feed at its end."""
    c, ink = cleaned(comparison), Ink(colour)
    lines = [f"{ink.of(_INK[c.verdict], '● ' + VERDICTS[c.verdict].upper())}"]
    lines += indented(f"before: {c.before_title}", width) + indented(f"after:  {c.after_title}", width)
    lines += [*heading("WHY THIS VERDICT", ink, width), *bullets(c.reasons, width)]
    lines += heading("FINDINGS", ink, width)
    for name, rules in finding_changes(c):
        lines += indented(f"{name + ':':<8} {', '.join(rules) if rules else 'none'}", width)
    if c.figures:
        lines += heading("FIGURES", ink, width)
        lines += table(("", "before", "after", "change"), [(f.title, *cells(f)) for f in c.figures], width)
    return "\n".join(lines)


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    c = cleaned(comparison)
    lines = [f"# {VERDICTS[c.verdict].capitalize()}", "", f"- before: {prose(c.before_title)}"]
    lines += [f"- after: {prose(c.after_title)}", "", *(f"- {prose(reason)}" for reason in c.reasons), ""]
    lines += [f"- {name}: {', '.join(rules) if rules else 'none'}" for name, rules in finding_changes(c)]
    lines += markdown_table(("figure", "before", "after", "change"), [(prose(f.title), *cells(f)) for f in c.figures])
    return "\n".join(lines) + "\n"


def comparison_json(comparison: Comparison) -> str:
    """The comparison as JSON, deterministic; without the chart, which both reports hold."""
    document = to_document(cleaned(replace(comparison, overlay=None)))
    del document["overlay"]
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def finding_changes(comparison: Comparison) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(what became of them, rule ids)."""
    return (("went", comparison.went), ("stayed", comparison.stayed), ("came", comparison.came))


def cells(figure: ComparedFigure) -> tuple[str, str, str]:
    """Before, after and the change as people read them."""
    return shown(figure.before, figure.unit), shown(figure.after, figure.unit), change(figure)


def change(figure: ComparedFigure) -> str:
    """``-71.2 %``, tenfold and more ``÷ 556``; of shares the difference in points; empty where a side is not known."""
    before, after = figure.before, figure.after
    if before is None or after is None:
        return ""
    if before == after:
        return "same"
    if figure.unit == "bp":
        return f"{(after - before) / 100:+.1f} points"
    if before <= 0:
        return ""
    if after > 0 and max(before, after) >= 10 * min(before, after):
        return f"÷ {before // after:,}" if before > after else f"× {after // before:,}"
    sign = "+" if after > before else "-"
    return sign + human_bp(share_bp(abs(after - before), before))
