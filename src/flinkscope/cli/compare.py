"""``flinkscope compare``: did it help?"""

from __future__ import annotations

from pathlib import Path

import click

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
@click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), default="en", show_default=True, envvar="FLINKSCOPE_LANG",
    help="Language of text, HTML and Markdown (or FLINKSCOPE_LANG); zh: 简体中文. JSON stays English.",
)  # fmt: skip
def command(before: Path, after: Path, output: tuple[Path, ...], as_json: bool, language: str) -> int:
    """Puts two cases, folders or saved reports (JSON) side by side and says whether the cure worked.

    Exit code 0: cured. 1: better, not cured, or the evidence cannot tell.
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
    return _EXIT[comparison.verdict]
