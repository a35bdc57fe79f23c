"""``flinkscope diagnose``: from whatever is at hand to the root cause and the exact change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flinkscope.report.model import Report

_LEVELS = ("critical", "error", "warning", "info", "never")


@click.command(
    "diagnose",
    short_help="name the root cause, show why, give the exact change",
    epilog="Example: flinkscope diagnose heap.hprof gc.log flink.log config.yaml -o report.html",
)
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), multiple=True,
    help="Write the report there; .html, .md or .json decides the form. May be given more than once.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--brief", is_flag=True, help="Only the first screen: what happened, why, do this.")
@click.option(
    "--fail-on", type=click.Choice(_LEVELS), default="warning", show_default=True,
    help="Exit with 1 when a finding is at least that severe.",
)  # fmt: skip
def command(sources: tuple[Path, ...], output: tuple[Path, ...], as_json: bool, brief: bool, fail_on: str) -> int:
    """Says why a Flink process ran out of memory, and what to change.

    SOURCES: a case (folder or zip), folders, or single files: heap dumps (HPROF, also gzip), GC logs, Flink logs,
    config.yaml, checkpoints as JSON. Each is recognised by its content. Strings of a heap dump are not shown.
    """
    from flinkscope.cli.show import TerminalProgress, terminal_colour
    from flinkscope.diagnosis.finding import Severity
    from flinkscope.diagnosis.run import diagnose_with_case
    from flinkscope.report import build_report, render_json, render_terminal, write_report
    from flinkscope.report.output import form_of

    for path in output:
        form_of(path)  # a wrong ending is better told before the work than after it
    progress = TerminalProgress()
    try:
        diagnosis, case = diagnose_with_case(*sources, progress=progress)
    finally:
        progress.done()
    report: Report = build_report(diagnosis, case)
    for path in output:
        write_report(report, path)
    if as_json:
        click.echo(render_json(report), nl=False)
    else:
        click.echo(render_terminal(report, colour=terminal_colour(), details=not brief))
        for path in output:
            click.echo(f"report: {path}")
    return 0 if fail_on == "never" or not diagnosis.at_or_above(Severity(fail_on)) else 1
