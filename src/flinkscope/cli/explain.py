"""``flinkscope explain``: what a word of the reports, figures and metrics means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flinkscope.glossary import Explanation


@click.command(
    "explain",
    short_help="what a term, figure, metric or option means, offline",
    epilog='Example: flinkscope explain "live set"   ·   flinkscope explain metaspace_floor_bytes',
)
@click.argument("term", nargs=-1)
@click.option("--list", "list_all", is_flag=True, help="All terms, one a line.")
@click.option("--json", "as_json", is_flag=True, help="JSON: name, kind, text, also, source, rules.")
def command(term: tuple[str, ...], list_all: bool, as_json: bool) -> None:
    """Explains TERM: a word of a report, a figure, a measure of `watch`, a rule, or an option of Flink.

    Near misses are found too; other names and Chinese ones as well.
    """
    from dataclasses import asdict

    from flinkscope.cli.show import echo_json
    from flinkscope.glossary import explain, known_terms

    found = known_terms() if list_all else explain(" ".join(term))
    if as_json:
        echo_json([asdict(entry) for entry in found])
    elif list_all:
        for entry in found:
            click.echo(f"{entry.kind:<8} {entry.name}")
    else:
        for number, entry in enumerate(found):
            _show(entry, first=number == 0)


def _show(entry: Explanation, *, first: bool) -> None:
    also = f" (also {', '.join(entry.also[:6])})" if entry.also else ""
    if not first:
        click.echo()
    click.echo(click.wrap_text(f"{entry.name}: {entry.kind}{also}", 98, "", "  "))
    click.echo(click.wrap_text(entry.text, 98, "  ", "  "))
    if entry.source:
        click.echo(f"  from: {entry.source}")
    if entry.rules:
        click.echo(f"  rules: {', '.join(entry.rules)} (flinkscope rules {entry.rules[0]})")
