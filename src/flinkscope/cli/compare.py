"""``flinkscope compare``: did it help?"""

from __future__ import annotations

from pathlib import Path

import click

_GOOD = {"not-cured": ("cured",), "not-better": ("cured", "better")}


@click.command(
    "compare",
    short_help="before and after: what went, stayed, came; cured or not",
    epilog="Example: flinkscope compare before.zip after.zip -o comparison.html",
)
@click.argument("before")
@click.argument("after")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), multiple=True,
    help="Write the comparison there; .html, .md or .json decides the form. May be given more than once.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), default="en", show_default=True, envvar="FLINKSCOPE_LANG",
    help="Language of text, HTML and Markdown (or FLINKSCOPE_LANG); zh: 简体中文. JSON stays English.",
)  # fmt: skip
@click.option(
    "--fail-on", type=click.Choice(["not-cured", "not-better", "came", "never"]), default="not-cured",
    show_default=True, help="Exit with 1: unless cured; unless cured or better; when a finding came; never.",
)  # fmt: skip
def command(before: str, after: str, output: tuple[Path, ...], as_json: bool, language: str, fail_on: str) -> int:
    """Puts two cases, folders, saved reports (JSON) or live processes side by side and says whether the cure worked.

    Exit code 0 or 1 by --fail-on: as it is, 1 unless the verdict is "cured".
    """
    from flinkscope.cli.show import TerminalProgress, terminal_colour
    from flinkscope.report import compare, render_comparison
    from flinkscope.report.answer import report_of
    from flinkscope.report.comparison_views import comparison_terminal
    from flinkscope.report.output import form_of, write_comparison

    for path in output:
        form_of(path)
    progress = TerminalProgress()
    comparison = compare(report_of(before, progress), report_of(after, progress))
    for path in output:
        write_comparison(comparison, path, language=language)
    if as_json:
        click.echo(render_comparison(comparison, "json"), nl=False)
    else:
        click.echo(comparison_terminal(comparison, colour=terminal_colour(), language=language))
        for path in output:
            click.echo(f"comparison: {path}")
    if fail_on == "came":
        return 1 if comparison.came else 0
    return 0 if fail_on == "never" or comparison.verdict in _GOOD[fail_on] else 1
