"""A comparison as one HTML page that fetches nothing."""

from __future__ import annotations

from flinkscope.report.comparison import Comparison
from flinkscope.report.comparison_views import VERDICTS, cells, finding_changes
from flinkscope.report.html.page import page_of
from flinkscope.report.html.shapes import pairs
from flinkscope.report.language import in_spoken_language, say, speaking
from flinkscope.report.wording import cleaned


def comparison_html(comparison: Comparison, *, language: str = "en") -> str:
    """Verdict, reasons, findings that went, stayed and came, and each figure as a pair of bars."""
    with speaking(language):
        return _page(in_spoken_language(cleaned(comparison)))


def _page(c: Comparison) -> str:
    return page_of(
        "comparison.html.j2",
        f"{c.before_title} → {c.after_title}",
        [
            ("verdict", say("Verdict")),
            *([("heaps", say("Heaps over time"))] if c.overlay else []),
            ("figures", say("Figures")),
        ],
        c=c,
        verdict=say(VERDICTS[c.verdict]),
        changes=finding_changes(c),
        rows=[(f, *cells(f), pairs(f.before, f.after)) for f in c.figures],
    )
