"""``flinkscope compare``: did it help?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flinkscope.report.model import Report

_EXIT = {"cured": 0, "better": 1, "not_cured": 1, "cannot_tell": 1}


@click.command(
    "compare",
    short_help="before and after: what went, stayed, came; cured or not",
    epilog="Example: flinkscope compare before.zip after.zip -o comparison.html",
)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), multiple=True,
    help="Write the comparison there; .html, .md or .json decides the form. May be given more than once.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(before: Path, after: Path, output: tuple[Path, ...], as_json: bool) -> int:
    """Puts two cases, folders or saved reports (JSON) side by side and says whether the cure worked.

    Exit code 0: cured. 1: better, not cured, or the evidence cannot tell.
    """
    from flinkscope.cli.show import terminal_colour
    from flinkscope.report import compare, render_comparison
    from flinkscope.report.comparison_views import comparison_terminal
    from flinkscope.report.output import form_of, write_comparison

    for path in output:
        form_of(path)
    comparison = compare(report_of(before), report_of(after))
    for path in output:
        write_comparison(comparison, path)
    if as_json:
        click.echo(render_comparison(comparison, "json"), nl=False)
    else:
        click.echo(comparison_terminal(comparison, colour=terminal_colour()))
        for path in output:
            click.echo(f"comparison: {path}")
    return _EXIT[comparison.verdict]


def report_of(source: Path) -> Report:
    """A saved report as it is; anything else is diagnosed."""
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.diagnosis.run import diagnose_with_case
    from flinkscope.report import build_report, read_report
    from flinkscope.report.json_report import is_report

    if is_report(source):
        return read_report(source)
    progress = TerminalProgress()
    try:
        diagnosis, case = diagnose_with_case(source, progress=progress)
    finally:
        progress.done()
    return build_report(diagnosis, case)
