"""A comparison as one HTML page that fetches nothing."""

from __future__ import annotations

from flinkscope.report.comparison import Comparison
from flinkscope.report.comparison_views import VERDICTS, cells, finding_changes
from flinkscope.report.html.page import page_of
from flinkscope.report.html.shapes import pairs
from flinkscope.report.wording import cleaned


def comparison_html(comparison: Comparison) -> str:
    """Verdict, reasons, findings that went, stayed and came, and each figure as a pair of bars."""
    c = cleaned(comparison)
    return page_of(
        "comparison.html.j2",
        f"{c.before_title} → {c.after_title}",
        [("verdict", "Verdict"), *([("heaps", "Heaps over time")] if c.overlay else []), ("figures", "Figures")],
        c=c,
        verdict=VERDICTS[c.verdict],
        changes=finding_changes(c),
        rows=[(f, *cells(f), pairs(f.before, f.after)) for f in c.figures],
    )
