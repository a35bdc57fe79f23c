"""``flinkscope gc``: a GC log's figures, curves and findings; two logs over each other; a log that is being written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flinkscope.gc.log import GcLog

_LEVELS = ("error", "warning", "info", "never")


@click.command(
    "gc",
    short_help="a GC log: live set, trend, pauses, throughput, what is wrong",
    epilog="Example: flinkscope gc /opt/flink/log/gc.log -o gc.html",
)
@click.argument("logs", nargs=-1, required=True)
@click.option("--compare", "after", metavar="LOG", help="A second log (after the cure) beside the first.")
@click.option("--jvm", metavar="NAME", help="Which JVM, where several wrote into the log at the same time.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a page with charts (.html).")
@click.option("--json", "as_json", is_flag=True, help="Print figures, full collections, coverage, findings as JSON.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path, allow_dash=True), help="Write all events as CSV.")
@click.option("--all", "all_figures", is_flag=True, help="Show every figure, not only those that matter.")
@click.option("--follow", is_flag=True, help="Print collections as they come; Ctrl-C ends with the summary.")
@click.option(
    "--fail-on", type=click.Choice(_LEVELS), default="warning", show_default=True,
    help="Exit with 1 when a finding is at least that severe.",
)  # fmt: skip
def command(
    logs: tuple[str, ...],
    after: str | None,
    jvm: str | None,
    output: Path | None,
    as_json: bool,
    csv_path: Path | None,
    all_figures: bool,
    follow: bool,
    fail_on: str,
) -> int:
    """Reads a GC log of JDK 7 to 25, any collector, and says what it means.

    LOGS: a file, a folder, a quoted glob, a zip or gzip; any file of a rotated set brings the others.

    \b
      flinkscope gc gc.log.0.current
      flinkscope gc before.log --compare after.log -o cure.html
      flinkscope gc gc.log --json | jq .figures.live_set_last_bytes
    """
    from flinkscope.errors import UsageError

    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{output}: the page is written as .html", hint="use --json or --csv for other forms")
    log = _follow(logs) if follow else _read(logs, jvm)
    second = _read((after,)) if after and not follow else None
    if csv_path is not None:
        _write_csv(log, csv_path)
    if output is not None:
        _write_page(log, second, output)
    if not (csv_path is not None and str(csv_path) == "-"):
        _show(log, second, as_json=as_json, all_figures=all_figures)
    if output is not None and not as_json:
        click.echo(f"page: {output}", err=True)
    worst = _LEVELS.index(fail_on)
    found = (second or log).findings
    return 1 if fail_on != "never" and any(_LEVELS.index(finding.severity) <= worst for finding in found) else 0


def _read(logs: tuple[str, ...], jvm: str | None = None) -> GcLog:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.gc.log import read_gc_log

    progress = TerminalProgress()
    try:
        return read_gc_log(logs, progress=progress, jvm=jvm)
    finally:
        progress.done()


def _show(log: GcLog, second: GcLog | None, *, as_json: bool, all_figures: bool) -> None:
    from flinkscope.cli.show import echo_json, terminal_colour

    if as_json:
        from flinkscope.gc.document import log_document

        echo_json(log_document(log) if second is None else {"before": log_document(log), "after": log_document(second)})
        return
    from flinkscope.report.gc_text import compared_text, log_text

    colour = terminal_colour()
    text = (
        compared_text(log, second, colour=colour) if second else log_text(log, colour=colour, all_figures=all_figures)
    )
    click.echo(text, nl=False)


def _write_page(log: GcLog, second: GcLog | None, path: Path) -> None:
    from flinkscope.report.html.gc_page import gc_page
    from flinkscope.report.output import write_whole

    write_whole(path, gc_page(log, second))


def _write_csv(log: GcLog, path: Path) -> None:
    import csv

    from flinkscope.gc.document import CSV_COLUMNS, event_rows

    with click.open_file(str(path), "w", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows(event_rows(log.events))


def _follow(logs: tuple[str, ...]) -> GcLog:
    from flinkscope.errors import UsageError
    from flinkscope.gc.log import follow_gc_log
    from flinkscope.report.gc_text import event_line

    if len(logs) != 1 or not Path(logs[0]).is_file():
        raise UsageError("--follow takes the one file that is being written", hint="give gc.log or gc.log.N.current")
    log, shown = None, 0
    try:
        for log in follow_gc_log(logs[0]):
            for row in range(shown, len(log.events)):
                if log.timeline.collections[row]:
                    click.echo(event_line(log.events, row))
            shown = len(log.events)
            sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo("")
    if log is None:
        raise UsageError(f"{logs[0]}: no GC line came", hint="is it the log of -Xlog:gc* or -Xloggc?")
    return log
