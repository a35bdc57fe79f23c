"""``flinkscope heap duplicates``: classes that several class loaders define."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, table, tail

if TYPE_CHECKING:
    from flinkscope.flink.loader_duplicates import DuplicateSet, LoaderOfSet
    from flinkscope.heap import Heap
    from flinkscope.heap.loaders import DuplicateRow

_STATES = {"leaked": "leaked", "live": "live", "awaiting_gc": "awaits GC"}


@heap_command(
    "duplicates", "classes that several class loaders define", "flinkscope heap duplicates dump.hprof --by loaders"
)
@click.option("--by", type=click.Choice(["class", "loaders"]), default="class", show_default=True,
              help="One row a class, or one a set of loaders, with its first and last job.")  # fmt: skip
@click.option("--top", type=click.IntRange(1), default=50, show_default=True, help="So many rows on the terminal.")
def command(heap: Heap, by: str, top: int, as_json: bool, show_strings: bool) -> None:
    """Class names that are loaded more than once: the trace of a class loader leak, or of two copies of a library."""
    if by == "loaders":
        from flinkscope.flink.loader_duplicates import duplicate_sets

        sets = duplicate_sets(heap)
        show_answer(heap, sets, as_json, show_strings, lambda: _render_sets(sets, top))
    else:
        rows = heap.duplicates()
        show_answer(heap, rows, as_json, show_strings, lambda: _render(rows, top))


def _render(rows: Sequence[DuplicateRow], top: int) -> None:
    table(
        ("COPIES", "INSTANCES", "FIRST LOADERS", "CLASS"),
        [
            (len(row.loaders), sum(row.instances), " ".join(f"{a:#x}" for a in row.loaders[:3]), row.class_name)
            for row in rows[:top]
        ],
    )
    _end(len(rows), top)


def _render_sets(sets: Sequence[DuplicateSet], top: int) -> None:
    for one in sets[:top]:
        classes = "1 class" if len(one.classes) == 1 else f"{len(one.classes):,} classes"
        click.echo(f"{one.copies} copies of {classes}, {one.instances:,} instances")
        click.echo(f"  {tail(', '.join(one.classes[:3]), 94)}{' …' if len(one.classes) > 3 else ''}")
        click.echo(f"  first: {_owner(one.first)}\n  last:  {_owner(one.last)}")
    if any(not one.ordered for one in sets[:top]):
        click.echo("first and last are by address where the dump does not tell when the jobs of a set began")
    _end(len(sets), top)


def _owner(one: LoaderOfSet) -> str:
    """The job, else the jar, else the loader."""
    state = _STATES.get(one.state or "", one.class_name.rpartition(".")[2])
    job = f"{one.job_name or 'job'} {one.job}" if one.job else one.jar or ""
    return f"{one.address:#x} {state} {tail(job, 60)}".rstrip()


def _end(found: int, top: int) -> None:
    if not found:
        click.echo("no class is defined by more than one class loader")
    if found > top:
        click.echo(f"… and {found - top:,} more (--top)")
