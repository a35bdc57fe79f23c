"""``flinkscope heap waste``: memory that could be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap


@heap_command(
    "waste", "duplicate strings, boxes, empty collections, zero arrays", "flinkscope heap waste dump.hprof --top 20"
)
@click.option("--owners", type=click.IntRange(0), default=3, show_default=True, help="Owning fields a row.")
@click.option("--top", type=click.IntRange(1), default=25, show_default=True, help="So many rows on the terminal.")
def command(heap: Heap, owners: int, top: int, as_json: bool, show_strings: bool) -> None:
    """Memory that could be saved, by kind and class, with the fields that hold it."""
    rows = heap.waste(owners=owners)

    def render() -> None:
        for kind in dict.fromkeys(row.kind for row in rows):
            wasted = sum(row.wasted_bytes for row in rows if row.kind == kind)
            click.echo(f"{size(wasted):>10}  {kind}")
        click.echo("")
        table(
            ("WASTED", "OBJECTS", "KIND", "CLASS", "MOST BY FIELD"),
            [
                (
                    size(row.wasted_bytes),
                    row.objects,
                    row.kind,
                    row.class_name.rsplit(".", 1)[-1][:20],
                    row.owners[0].field if row.owners else None,
                )
                for row in rows[:top]
            ],
        )

    show_answer(heap, rows, as_json, show_strings, render)
