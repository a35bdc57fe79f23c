"""``flinkscope diagnose``: from whatever is at hand to the root cause and the exact change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.capture.collect import Wishes
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.report.answer import Answer

_LEVELS = ("critical", "error", "warning", "info", "never")


@click.command(
    "diagnose",
    short_help="name the root cause, show why, give the exact change",
    epilog="Example: flinkscope diagnose heap.hprof gc.log flink.log config.yaml -o report.html",
)
@click.argument("sources", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), multiple=True,
    help="Write the report there; .html, .md or .json decides the form. May be given more than once.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), default="en", show_default=True, envvar="FLINKSCOPE_LANG",
    help="Language of text, HTML and Markdown (or FLINKSCOPE_LANG); zh: 简体中文. JSON stays English.",
)  # fmt: skip
@click.option("--brief", is_flag=True, help="Only the first screen: what happened, why, do this.")
@click.option(
    "--fail-on", type=click.Choice(_LEVELS), default="warning", show_default=True,
    help="Exit with 1 when a finding is at least that severe.",
)  # fmt: skip
@click.option("--heap", is_flag=True, help="Of live sources, a heap dump too (stops the process; see --stop-budget).")
@click.option(
    "--stop-budget", "stop_budget_s", type=click.FloatRange(min=0), default=2.0, show_default=True, metavar="S",
    help="How many seconds a live process may be stopped in all.",
)  # fmt: skip
@click.option("-n", "--namespace", help="Of pods.")
@click.option("--context", help="Of kubectl.")
@click.option("--token", envvar="FLINKSCOPE_TOKEN", help="Bearer token for REST (or FLINKSCOPE_TOKEN).")
@click.option("--ca", "ca_file", type=click.Path(), help="The CA of the REST address, PEM.")
@click.option("--insecure", is_flag=True, help="Trust any certificate of the REST address.")
def command(
    sources: tuple[str, ...],
    output: tuple[Path, ...],
    as_json: bool,
    language: str,
    brief: bool,
    fail_on: str,
    **live: Any,
) -> int:
    """Says why a Flink process ran out of memory, and what to change.

    SOURCES, any mix of them: cases, folders, zips, patterns ('logs/**/*.log') or files (heap dumps as HPROF, GC logs,
    Flink logs, config.yaml, checkpoints as JSON), each recognised by its content; and what is alive: a process id, a
    REST address (http://HOST:8081), a pod (pod/NAME, pod/NAMESPACE/NAME). Several processes at once are told apart.
    Strings of a heap dump are not shown.
    """
    from flinkscope.cli.show import TerminalProgress, terminal_colour

    progress = TerminalProgress()
    progress.phase("looking at what was given")  # before the imports, which take longest on a small case
    try:
        found = _answer(sources, output, progress, live)
    finally:
        progress.done()
    from flinkscope.diagnosis.finding import Severity
    from flinkscope.report import render_json, render_terminal, write_report

    for path in output:
        write_report(found.report, path, language=language)
    if as_json:
        click.echo(render_json(found.report), nl=False)
    else:
        click.echo(render_terminal(found.report, colour=terminal_colour(), details=not brief, language=language))
        for path in output:
            click.echo(f"report: {path}")
    return 0 if fail_on == "never" or not found.diagnosis.at_or_above(Severity(fail_on)) else 1


def _answer(
    sources: tuple[str, ...], output: tuple[Path, ...], progress: TerminalProgress, live: dict[str, Any]
) -> Answer:
    from flinkscope.report.answer import answer
    from flinkscope.report.output import form_of
    from flinkscope.sources.presence import is_there

    for path in output:
        form_of(path)  # a wrong ending is better told before the work than after it
    where = {"namespace": live.pop("namespace"), "context": live.pop("context")}
    wishes = None if all(is_there(source) for source in sources) else _wishes(**live)
    return answer(*sources, wishes=wishes, progress=progress, **where)


def _wishes(*, heap: bool, stop_budget_s: float, **live: Any) -> Wishes:
    from flinkscope.capture.collect import Wishes
    from flinkscope.sources.flink_rest import RestAccess

    access = RestAccess(token=live["token"], ca_file=live["ca_file"], verify=not live["insecure"])
    return Wishes(heap=heap, stop_budget_ms=int(stop_budget_s * 1000), access=access)
