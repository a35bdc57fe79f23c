"""``flinkscope heap sql``: SQL over a dump."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import NARROW, WIDTH, cell, heap_command, show_answer, table, tail

if TYPE_CHECKING:
    from flinkscope.heap import Heap


@heap_command(
    "sql",
    "SQL over objects, classes, refs, strings and every class",
    """flinkscope heap sql dump.hprof 'SELECT count(*) FROM "java.util.HashMap$Node" WHERE value IS NULL'""",
)
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="So many rows.")
def command(heap: Heap, query: str, limit: int, as_json: bool, show_strings: bool) -> None:
    """The answer to one SELECT. Tables: objects, classes, fields, refs, roots, threads, loaders, strings, and every
    class in double quotes with its columns this, this_shallow_bytes, this_retained_bytes and its fields."""
    result = heap.sql(query, limit=limit, show_strings=show_strings)

    def render() -> None:
        _show(result.columns, result.rows)
        click.echo(f"{len(result):,} rows" + (" (there are more: --limit)" if result.truncated else ""))

    show_answer(heap, result, as_json, show_strings, render)


def _show(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table where it fits, else a block of lines a row. Numbers are plain: many are addresses, to be copied."""
    texts = [[cell(value, plain=True) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[k]) for row in texts)]) for k, name in enumerate(columns)]
    if sum(widths[:-1]) + min(widths[-1], NARROW) + 2 * (len(widths) - 1) <= WIDTH:
        table(columns, rows, plain=True)
        return
    longest = min(max(map(len, columns)), WIDTH // 2)
    for place, row in enumerate(texts, 1):
        click.echo(f"row {place}")
        for name, text in zip(columns, row, strict=True):
            click.echo(f"  {tail(name, longest).ljust(longest)}  {tail(text, WIDTH - longest - 4)}")
