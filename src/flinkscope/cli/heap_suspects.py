"""``flinkscope heap suspects``: leak suspects as in Eclipse MAT's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, reference_text, show_answer, size, table, tail

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.suspects import Suspect


@heap_command(
    "suspects", "leak suspects with accumulation point and path", "flinkscope heap suspects dump.hprof --threshold 5"
)
@click.option("--threshold", type=click.FloatRange(0, 100), default=10.0, show_default=True,
              help="Percent of the used heap that makes a suspect.")  # fmt: skip
@click.option("--drop", type=click.FloatRange(0, 1), default=0.7, show_default=True,
              help="Share of its parent that the biggest child must keep to go on to it.")  # fmt: skip
def command(heap: Heap, threshold: float, drop: float, as_json: bool, show_strings: bool) -> int:
    """Single objects and groups of one class that keep a large part of the heap; exit code 1 if there are any."""
    rows = heap.suspects(threshold_bp=round(100 * threshold), drop_bp=round(10_000 * drop))

    def render() -> None:
        if not rows:
            click.echo(f"nothing retains more than {threshold:g} % of {size(heap.used_bytes)}")
        for number, suspect in enumerate(rows, 1):
            _render(number, suspect)

    show_answer(heap, rows, as_json, show_strings, render)
    return 1 if rows else 0


def _render(number: int, suspect: Suspect) -> None:
    from flinkscope.units import human_bp

    who = f"{suspect.instances:,} × " if suspect.kind == "group" else ""
    click.echo(f"suspect {number}: {who}{tail(suspect.class_name, 80)}")
    click.echo(f"  retains {size(suspect.retained_bytes)}, {human_bp(suspect.share_bp)} of the used heap")
    if suspect.thread is not None:
        click.echo(f"  thread {tail(suspect.thread.name or 'without name', 88)}")
    if suspect.accumulation_point is None:
        click.echo("  no single object gathers it")
    else:
        click.echo(f"  gathers in {tail(reference_text(suspect.accumulation_point), 86)}")
    for step in suspect.path[-12:]:
        click.echo(f"    {tail(step.field, 30)} → {tail(reference_text(step.object), 62)}")
    table(
        ("    OBJECTS", "RETAINED", "CLASS DIRECTLY BELOW"),
        [(child.objects, size(child.retained_bytes), child.class_name) for child in suspect.accumulated[:5]],
    )
    click.echo("")
