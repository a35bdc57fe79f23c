"""What people see: one plain model, and renderers without judgement for terminal, HTML, JSON and Markdown.

Imported lazily: the JSON needs no templates, the terminal no jinja2.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Comparison": "flinkscope.report.comparison",
    "Report": "flinkscope.report.model",
    "build_report": "flinkscope.report.builder",
    "compare": "flinkscope.report.comparison",
    "read_report": "flinkscope.report.json_report",
    "render": "flinkscope.report.output",
    "render_comparison": "flinkscope.report.output",
    "render_html": "flinkscope.report.html.page",
    "render_json": "flinkscope.report.json_report",
    "render_markdown": "flinkscope.report.markdown",
    "render_terminal": "flinkscope.report.terminal",
    "to_document": "flinkscope.report.codec",
    "write_report": "flinkscope.report.output",
}

__all__ = [
    "Comparison",
    "Report",
    "build_report",
    "compare",
    "read_report",
    "render",
    "render_comparison",
    "render_html",
    "render_json",
    "render_markdown",
    "render_terminal",
    "to_document",
    "write_report",
]

if TYPE_CHECKING:
    from flinkscope.report.builder import build_report
    from flinkscope.report.codec import to_document
    from flinkscope.report.comparison import Comparison, compare
    from flinkscope.report.html.page import render_html
    from flinkscope.report.json_report import read_report, render_json
    from flinkscope.report.markdown import render_markdown
    from flinkscope.report.model import Report
    from flinkscope.report.output import render, render_comparison, write_report
    from flinkscope.report.terminal import render_terminal


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'flinkscope.report' has no attribute '{name}'")
