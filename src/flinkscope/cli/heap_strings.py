"""``flinkscope heap strings``: strings, their duplicates, and a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.strings import FoundString, StringReport


@heap_command(
    "strings", "strings: how many, how equal; search them", "flinkscope heap strings dump.hprof --find 'user_[0-9]+'"
)
@click.option("--find", "pattern", default=None, help="List strings in which this regular expression is found.")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="So many rows.")
def command(heap: Heap, pattern: str | None, top: int, as_json: bool, show_strings: bool) -> None:
    """Strings of the dump and what equal ones cost; with --find those that match."""
    if pattern is not None:
        from flinkscope.heap.strings import find_strings

        found = find_strings(heap, pattern, limit=top, show_strings=show_strings)
        show_answer(heap, found, as_json, show_strings, lambda: _render_found(found))
        return
    report = heap.strings(top=top, show_strings=show_strings)
    show_answer(heap, report, as_json, show_strings, lambda: _render(report))


def _render(report: StringReport) -> None:
    click.echo(
        f"{report.strings:,} strings, {report.distinct:,} distinct, {report.characters:,} characters, "
        f"{size(report.shallow_bytes)}; equal ones waste {size(report.wasted_bytes)}"
    )
    table(
        ("WASTED", "STRINGS", "LENGTH", "FIELD", "TEXT"),
        [
            (
                size(group.wasted_bytes),
                group.strings,
                group.length_chars,
                group.owners[0].field[-44:] if group.owners else None,
                group.text if group.text is not None else f"(hidden) @ {group.example_address:#x}",
            )
            for group in report.duplicates
        ],
    )


def _render_found(found: list[FoundString]) -> None:
    if not found:
        click.echo("no string matches")
    table(
        ("RETAINED", "LENGTH", "ADDRESS", "TEXT"),
        [
            (
                size(row.retained_bytes),
                row.length_chars,
                f"{row.address:#x}",
                "(hidden)" if row.text is None else row.text,
            )
            for row in found
        ],
    )
