"""``flinkscope heap sql``: SQL over a dump."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, table

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
        table(result.columns, result.rows)
        click.echo(f"{len(result):,} rows" + (" (there are more: --limit)" if result.truncated else ""))

    show_answer(heap, result, as_json, show_strings, render)
