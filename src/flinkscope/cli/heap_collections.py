"""``flinkscope heap collections``: how full collections are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap


@heap_command(
    "collections", "fill, emptiness, collisions, waste of collections", "flinkscope heap collections dump.hprof"
)
@click.option("--owners", type=click.IntRange(0), default=3, show_default=True, help="Owning fields a class.")
def command(heap: Heap, owners: int, as_json: bool, show_strings: bool) -> None:
    """Reachable collections by class: maps, sets, lists, queues of the JDK, state maps and timer queues of Flink."""
    rows = heap.collections(owners=owners)

    def render() -> None:
        table(
            ("COUNT", "EMPTY", "ENTRIES", "FILL", "COLLIDE", "WASTED", "CLASS"),
            [
                (
                    row.collections,
                    row.empty,
                    row.entries,
                    "-" if row.fill_bp is None else f"{row.fill_bp // 100} %",
                    row.collisions,
                    size(row.wasted_bytes),
                    row.class_name,
                )
                for row in rows
            ],
        )
        shares = [(size(o.bytes), o.objects, o.field) for row in rows[:10] for o in row.owners if o.bytes]
        if shares:
            click.echo("\nowners of the most wasteful")
        table(("WASTED", "OBJECTS", "FIELD"), shares)

    show_answer(heap, rows, as_json, show_strings, render)
