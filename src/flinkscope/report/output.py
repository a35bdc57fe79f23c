"""One report, every form: by name (``render``) or by a file's ending (``write_report``)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal

from flinkscope.errors import SourceError, UsageError
from flinkscope.report.comparison import Comparison
from flinkscope.report.model import Report

Form = Literal["terminal", "html", "json", "markdown"]
_ENDINGS: dict[str, Form] = {
    ".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".markdown": "markdown", ".txt": "terminal",
}  # fmt: skip


def render(report: Report, form: Form = "terminal", *, language: str = "en") -> str:
    """The report in one of its forms. ``language``: one of ``language.LANGUAGES``; JSON is always English.

    Cost: milliseconds; HTML and other languages than English tens of them.
    """
    if form == "html":
        from flinkscope.report.html.page import render_html

        return render_html(report, language=language)
    if form == "json":
        from flinkscope.report.json_report import render_json

        return render_json(report)
    if form == "markdown":
        from flinkscope.report.markdown import render_markdown

        return render_markdown(report, language=language)
    from flinkscope.report.terminal import render_terminal

    return render_terminal(report, language=language) + "\n"


def render_comparison(comparison: Comparison, form: Form = "terminal", *, language: str = "en") -> str:
    """A comparison in one of the same forms."""
    from flinkscope.report import comparison_views

    if form == "html":
        from flinkscope.report.html.comparison_page import comparison_html

        return comparison_html(comparison, language=language)
    if form == "json":
        return comparison_views.comparison_json(comparison)
    if form == "markdown":
        return comparison_views.comparison_markdown(comparison, language=language)
    return comparison_views.comparison_terminal(comparison, language=language) + "\n"


def form_of(path: Path) -> Form:
    """The form that a file's ending asks for. Raises UsageError for an ending that means none."""
    form = _ENDINGS.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"{path}: no form of report ends in {path.suffix or 'nothing'!r}", hint=f"use {_known()}")
    return form


def write_report(report: Report, path: str | Path, *, language: str = "en") -> None:
    """Writes the report in the form of the file's ending; a file that is there is replaced in one step."""
    file = Path(path)
    write_whole(file, render(report, form_of(file), language=language))


def write_comparison(comparison: Comparison, path: str | Path, *, language: str = "en") -> None:
    """Writes the comparison in the form of the file's ending."""
    file = Path(path)
    write_whole(file, render_comparison(comparison, form_of(file), language=language))


def write_whole(file: Path, text: str) -> None:
    """Writes the file so that a reader sees the old or the new text, never a part. Raises SourceError."""
    temporary = ""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:40]}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise SourceError(
            f"{file}: cannot be written: {error.strerror or error}", hint="choose another path"
        ) from error


def _known() -> str:
    return ", ".join(sorted(_ENDINGS))
