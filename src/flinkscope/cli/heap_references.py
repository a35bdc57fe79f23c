"""``flinkscope heap references``: soft, weak, phantom and finalizer references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, reference_text, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.references import ReferenceReport


@heap_command("references", "soft, weak, phantom, finalizer references", "flinkscope heap references dump.hprof")
def command(heap: Heap, as_json: bool, show_strings: bool) -> None:
    """References by kind. ONLY BY THEM is what would be free if references of that kind did not hold theirs."""
    report = heap.references()
    show_answer(heap, report, as_json, show_strings, lambda: _render(report))


def _render(report: ReferenceReport) -> None:
    table(
        ("KIND", "REFERENCES", "CLEARED", "REFERENTS", "ONLY BY THEM", "MOST OF CLASS"),
        [
            (
                row.kind,
                row.references,
                row.cleared,
                row.referents,
                f"{row.only_objects:,} = {size(row.only_bytes)}",
                row.classes[0].class_name if row.classes else None,
            )
            for row in report.rows
        ],
    )
    click.echo(f"reached without any of them: {size(report.strong_bytes)}")
    click.echo(f"objects with a finalizer: {report.registered:,}; waiting in its queue: {report.waiting_count:,}")
    if report.in_finalization is not None:
        click.echo(f"being finalized: {reference_text(report.in_finalization)}")
    for waiting in report.waiting[:10]:
        click.echo(f"  waits: {reference_text(waiting)}")
