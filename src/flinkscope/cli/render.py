"""``flinkscope render``: a saved report in another form, without the dump."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "render",
    short_help="a saved report (JSON) as a page, as text or as Markdown",
    epilog="Example: flinkscope render report.json -o report.html",
)
@click.argument("report", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), multiple=True,
    help="Write there; .html, .md, .txt or .json decides the form. Without it: text on the terminal.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), default="en", show_default=True, envvar="FLINKSCOPE_LANG",
    help="Language of text, HTML and Markdown (or FLINKSCOPE_LANG); zh: 简体中文. JSON stays English.",
)  # fmt: skip
def command(report: Path, output: tuple[Path, ...], as_json: bool, language: str) -> None:
    """Renders a report that `flinkscope diagnose -o report.json` saved."""
    from flinkscope.cli.show import terminal_colour
    from flinkscope.report import read_report, render_json, render_terminal, write_report

    saved = read_report(report)
    for path in output:
        write_report(saved, path, language=language)
        click.echo(f"report: {path}")
    if as_json:
        click.echo(render_json(saved), nl=False)
    elif not output:
        click.echo(render_terminal(saved, colour=terminal_colour(), language=language))
