"""``flinkscope heap loaders``: the tree of class loaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.loaders import LoaderRow


@heap_command("loaders", "class loaders; --leaked: who keeps each", "flinkscope heap loaders --leaked jobmanager.hprof")
@click.option("--leaked", is_flag=True, help="Flink's user class loaders: leaked or live, and every pin of each.")
@click.pass_context
def command(ctx: click.Context, /, heap: Heap, leaked: bool, as_json: bool, show_strings: bool) -> None:
    """Class loaders below their parents. RETAINED is that of the loader with its classes and their instances.

    With --leaked exit code 1 when a user class loader is leaked.
    """
    if leaked:
        from flinkscope.cli.heap_leaked import show_leaked

        ctx.exit(show_leaked(heap, as_json, show_strings))
    rows = heap.loaders()
    show_answer(heap, rows, as_json, show_strings, lambda: _render(rows))


def _render(rows: list[LoaderRow]) -> None:
    table(
        ("CLASSES", "INSTANCES", "RETAINED", "ADDRESS", "LOADER"),
        [
            (
                row.defined_classes,
                row.instances,
                size(row.set_retained_bytes),
                f"{row.address:#x}",
                "  " * min(row.depth, 8) + row.class_name.rsplit(".", 1)[-1] + (f" {row.name!r}" if row.name else ""),
            )
            for row in rows
        ],
    )
