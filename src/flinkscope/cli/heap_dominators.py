"""``flinkscope heap dominators``: the dominator tree, grouped or object by object, and who dominates a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, parse_address, show_answer, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap


@heap_command(
    "dominators", "the dominator tree: what keeps how much; drill down",
    "flinkscope heap dominators dump.hprof --under 0xe1a4c0d8 --by class",
)  # fmt: skip
@click.option("--under", metavar="ADDRESS", help="What this object dominates immediately (default: top level).")
@click.option("--by", type=click.Choice(["object", "class", "package", "loader"]), default="object", show_default=True,
              help="One row an object, or added up.")  # fmt: skip
@click.option("--of", "class_name", metavar="CLASS", help="Who immediately dominates the instances of this class.")
@click.option("--top", type=click.IntRange(1), default=30, show_default=True, help="So many rows.")
def command(
    heap: Heap, under: str | None, by: str, class_name: str | None, top: int, as_json: bool, show_strings: bool
) -> None:
    """An object retains what would be freed with it. Children's sizes never overlap, so they can be added."""
    from flinkscope.heap.grouping import grouped_dominators, immediate_dominators

    if class_name is not None:
        groups = immediate_dominators(heap, heap.table(class_name).indices)
        head = ("DOMINATORS", "THEY RETAIN", "OBJECTS OF THE CLASS", "DOMINATING CLASS")
        cells = [(row.objects, row.retained_bytes, row.classes, row.name) for row in groups[:top]]
        show_answer(heap, groups, as_json, show_strings, lambda: table(head, cells))
        return
    parent = heap.index_of(parse_address(under)) if under is not None else -1
    if by != "object":
        rows = grouped_dominators(heap, by, parent)
        kept = [(row.objects, row.shallow_bytes, row.retained_bytes, row.name) for row in rows[:top]]
        names = ("OBJECTS", "SHALLOW", "RETAINED", by.upper())
        show_answer(heap, rows, as_json, show_strings, lambda: table(names, kept))
        return
    objects = heap.dominators(parent, top)
    shown = [
        (f"{row.address:#x}", row.shallow_bytes, row.retained_bytes, _label(row.class_name, row.label))
        for row in objects
    ]
    show_answer(heap, objects, as_json, show_strings, lambda: table(("ADDRESS", "SHALLOW", "RETAINED", "CLASS"), shown))


def _label(class_name: str, label: str) -> str:
    return f"class {label}" if label else class_name
