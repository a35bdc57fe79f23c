"""``flinkscope heap histogram``: objects and bytes by class, package, class loader or super class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap

_ORDER = {
    "retained": lambda row: (-(row.retained_bytes or 0), -row.shallow_bytes),
    "shallow": lambda row: (-row.shallow_bytes, -row.objects),
    "objects": lambda row: (-row.objects, -row.shallow_bytes),
}


@heap_command(
    "histogram", "objects and bytes by class, package, loader or super class",
    "flinkscope heap histogram dump.hprof --retained --filter 'org\\.apache\\.flink' --top 20",
)  # fmt: skip
@click.option("--by", type=click.Choice(["class", "package", "loader", "superclass"]), default="class",
              show_default=True, help="What makes a row.")  # fmt: skip
@click.option("--retained", is_flag=True, help="Reachable objects with (minimum) retained sizes; needs the graph.")
@click.option("--unreachable", is_flag=True, help="Only objects that no GC root reaches.")
@click.option("--filter", "pattern", metavar="REGEX", help="Only rows whose name matches.")
@click.option("--sort", type=click.Choice(list(_ORDER)), help="Default: retained if asked for, else shallow.")
@click.option("--exact", is_flag=True, help="Exact retained sizes of the rows shown: a pass over the graph each.")
@click.option("--top", type=click.IntRange(1), default=40, show_default=True, help="So many rows on the terminal.")
def command(
    heap: Heap, by: str, retained: bool, unreachable: bool, pattern: str | None, sort: str | None, exact: bool,
    top: int, as_json: bool, show_strings: bool,
) -> None:  # fmt: skip
    """Without --retained all objects of the dump are counted, straight from the index: no graph is built."""
    rows = _rows(heap, by, retained or exact, unreachable)
    if pattern is not None:
        rows = [row for row in rows if _compiled(pattern).search(_name(row))]
    order = sort or ("retained" if retained or exact else "shallow")
    rows = sorted(rows, key=_ORDER[order])
    if exact:
        from flinkscope.heap.grouping import exact_retained

        rows = exact_retained(heap, rows[:top], by)

    def render() -> None:
        retained_head = "RETAINED" if exact else "RETAINED >="
        head = ("OBJECTS", "SHALLOW", retained_head, by.upper())
        table(head, [(row.objects, row.shallow_bytes, row.retained_bytes, _name(row)) for row in rows[:top]])
        total = (f"{sum(r.objects for r in rows):,} objects", f"{sum(r.shallow_bytes for r in rows):,} bytes")
        click.echo(f"{len(rows):,} rows, {', '.join(total)}" + (f"; --top {top} shown" if len(rows) > top else ""))

    show_answer(heap, rows, as_json, show_strings, render)


def _rows(heap: Heap, by: str, retained: bool, unreachable: bool) -> list[Any]:
    from flinkscope.errors import UsageError
    from flinkscope.heap.grouping import grouped_histogram

    if by == "class":
        return list(heap.histogram(retained=retained and not unreachable, unreachable=unreachable))
    if unreachable:
        raise UsageError("--unreachable works by class only", hint="leave out --by")
    return list(grouped_histogram(heap, by, retained=retained))


def _name(row: Any) -> str:
    return str(getattr(row, "class_name", None) or row.name)


def _compiled(pattern: str) -> re.Pattern[str]:
    from flinkscope.errors import UsageError

    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--filter {pattern!r}: {error}", hint="it is a Python regular expression") from error
