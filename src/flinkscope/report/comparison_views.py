"""A comparison as text, Markdown and JSON: the verdict first, then the key figures side by side."""

from __future__ import annotations

import json
from dataclasses import replace

from flinkscope.report.codec import to_document
from flinkscope.report.comparison import ComparedFigure, Comparison
from flinkscope.report.language import in_spoken_language, say, speaking
from flinkscope.report.markdown import prose
from flinkscope.report.markdown import table as markdown_table
from flinkscope.report.quantities import shown
from flinkscope.report.terminal_text import Ink, bullets, heading, indented, table
from flinkscope.report.wording import cleaned
from flinkscope.units import human_bp, share_bp

VERDICTS = {"cured": "cured", "better": "better", "not_cured": "not cured", "cannot_tell": "cannot tell"}
_INK = {"cured": "good", "better": "good", "not_cured": "bad", "cannot_tell": "warn"}


def comparison_terminal(comparison: Comparison, *, width: int = 100, colour: bool = False, language: str = "en") -> str:
    """The comparison as text of at most ``width`` columns, without a line feed at its end."""
    with speaking(language):
        return "\n".join(_lines(in_spoken_language(cleaned(comparison)), Ink(colour), width))


def _lines(c: Comparison, ink: Ink, width: int) -> list[str]:
    lines = [f"{ink.of(_INK[c.verdict], '● ' + say(VERDICTS[c.verdict]).upper())}"]
    lines += indented(say("before: {0}", c.before_title), width) + indented(say("after: {0}", c.after_title), width)
    lines += [*heading(say("WHY THIS VERDICT"), ink, width), *bullets(c.reasons, width)]
    lines += heading(say("FINDINGS"), ink, width)
    for name, rules in finding_changes(c):
        lines += indented(f"{name}: {', '.join(rules) if rules else say('none')}", width, "  ", "      ")
    if c.figures:
        lines += heading(say("FIGURES"), ink, width)
        lines += table(
            ("", say("before"), say("after"), say("change")), [(f.title, *cells(f)) for f in c.figures], width
        )
    return lines


def comparison_markdown(comparison: Comparison, *, language: str = "en") -> str:
    """The comparison as Markdown."""
    with speaking(language):
        return _markdown(in_spoken_language(cleaned(comparison)))


def _markdown(c: Comparison) -> str:
    lines = [f"# {say(VERDICTS[c.verdict]).capitalize()}", "", f"- {say('before: {0}', prose(c.before_title))}"]
    lines += [f"- {say('after: {0}', prose(c.after_title))}", "", *(f"- {prose(reason)}" for reason in c.reasons), ""]
    lines += [f"- {name}: {prose(', '.join(rules)) if rules else say('none')}" for name, rules in finding_changes(c)]
    lines += markdown_table(
        (say("figure"), say("before"), say("after"), say("change")), [(prose(f.title), *cells(f)) for f in c.figures]
    )
    return "\n".join(lines) + "\n"


def comparison_json(comparison: Comparison) -> str:
    """The comparison as JSON, deterministic; without the chart, which both reports hold."""
    document = to_document(cleaned(replace(comparison, overlay=None)))
    del document["overlay"]
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def finding_changes(comparison: Comparison) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(what became of them, rules by id and title)."""
    titles = {row.rule: row.title for row in comparison.titles}
    groups = ((say("went"), comparison.went), (say("stayed"), comparison.stayed), (say("came"), comparison.came))
    return tuple((name, tuple(f"{rule} {titles.get(rule, '')}".strip() for rule in rules)) for name, rules in groups)


def cells(figure: ComparedFigure) -> tuple[str, str, str]:
    """Before, after and the change as people read them."""
    return shown(figure.before, figure.unit), shown(figure.after, figure.unit), change(figure)


def change(figure: ComparedFigure) -> str:
    """``-71.2 %``, tenfold and more ``÷ 556``; of shares the difference in points; empty where a side is not known."""
    before, after = figure.before, figure.after
    if before is None or after is None:
        return ""
    if before == after:
        return say("same")
    if figure.unit == "bp":
        return say("{0} points", f"{(after - before) / 100:+.1f}")
    if before <= 0:
        return ""
    if after > 0 and max(before, after) >= 10 * min(before, after):
        return f"÷ {before // after:,}" if before > after else f"× {after // before:,}"
    sign = "+" if after > before else "-"
    return sign + human_bp(share_bp(abs(after - before), before))
