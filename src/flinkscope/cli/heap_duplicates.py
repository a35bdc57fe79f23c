"""``flinkscope heap duplicates``: classes that several class loaders define."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap


@heap_command(
    "duplicates", "classes that several class loaders define", "flinkscope heap duplicates dump.hprof --top 20"
)
@click.option("--top", type=click.IntRange(1), default=50, show_default=True, help="So many classes on the terminal.")
def command(heap: Heap, top: int, as_json: bool, show_strings: bool) -> None:
    """Class names that are loaded more than once: the trace of a class loader leak, or of two copies of a library."""
    rows = heap.duplicates()

    def render() -> None:
        if not rows:
            click.echo("no class is defined by more than one class loader")
        table(
            ("LOADERS", "INSTANCES", "FIRST LOADERS", "CLASS"),
            [
                (len(row.loaders), sum(row.instances), " ".join(f"{a:#x}" for a in row.loaders[:3]), row.class_name)
                for row in rows[:top]
            ],
        )
        if len(rows) > top:
            click.echo(f"… and {len(rows) - top:,} more (--top)")

    show_answer(heap, rows, as_json, show_strings, render)
