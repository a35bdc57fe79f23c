"""The report as JSON and back. Deterministic: the same report gives the same bytes; whole numbers only, no floats."""

from __future__ import annotations

import json
from pathlib import Path

from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.report.codec import from_document, to_document
from flinkscope.report.model import FORMAT_NAME, FORMAT_VERSION, Report
from flinkscope.report.wording import cleaned

_HINT = "give a report made by `flinkscope diagnose CASE --json` or `-o report.json`"
MAX_BYTES = 64 << 20  # reports are bounded far below; a larger file is something else


def render_json(report: Report) -> str:
    """The report with sorted keys and two spaces of indent; ends in a line feed."""
    return json.dumps(to_document(report), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_report(path: str | Path) -> Report:
    """The report in a JSON file.

    Raises SourceError when the file cannot be read, UnreadableInputError when it is not a report (with the spot).
    Text of a hand-made file is made harmless as that of a diagnosis is.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UnreadableInputError(f"{file}: larger than any report ({file.stat().st_size:,} bytes)", hint=_HINT)
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror or error}", hint="check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise UnreadableInputError(f"{file}: not text: {error.reason} at byte {error.start:,}", hint=_HINT) from error
    try:
        return parse_report(text)
    except UnreadableInputError as error:
        raise UnreadableInputError(f"{file}: {error.message}", hint=error.hint) from error


def parse_report(text: str) -> Report:
    """The report in a JSON text. Raises UnreadableInputError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableInputError(f"not valid JSON: {error}", hint=_HINT) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT_NAME:
        found = str(document.get("format"))[:40] if isinstance(document, dict) else type(document).__name__
        raise UnreadableInputError(f'expected "format": "{FORMAT_NAME}", found {found!r}', hint=_HINT)
    if document.get("version") != FORMAT_VERSION:
        found = str(document.get("version"))[:40]
        raise UnreadableInputError(
            f"report version {found}; this flinkscope reads {FORMAT_VERSION}", hint="update flinkscope"
        )
    report = from_document(Report, document)
    for process in report.processes:
        for panel in process.timeline.panels if process.timeline else ():
            for series in panel.series:
                if len(series.x) != len(series.y) or list(series.x) != sorted(series.x):
                    raise UnreadableInputError(f"chart series {series.name[:80]!r}: x and y do not fit", hint=_HINT)
    return cleaned(report)


def is_report(path: Path) -> bool:
    """Whether the file begins like a report: a quick look at its first 64 KB, for commands that also take cases."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(1 << 16).lstrip()
    return head.startswith(b"{") and (f'"{FORMAT_NAME}"'.encode() in head or b'"absent":' in head[:2000])
