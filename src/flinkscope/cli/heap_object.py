"""``flinkscope heap object``: one object laid open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, parse_address, reference_text, show_answer, size, tail

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.inspect import FieldValue, ObjectView


@heap_command(
    "object", "one object: fields, statics, elements, references", "flinkscope heap object dump.hprof 0xe1a4c0d8"
)
@click.argument("address")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="Elements and references shown.")
def command(heap: Heap, address: str, limit: int, as_json: bool, show_strings: bool) -> None:
    """The object at ADDRESS: its fields, decoded values, who refers to it and what it refers to."""
    view = heap.object(parse_address(address), limit=limit, show_strings=show_strings)
    show_answer(heap, view, as_json, show_strings, lambda: _render(view))


def _render(view: ObjectView) -> None:
    text = f"  {view.text}" if view.text is not None else ""
    click.echo(tail(f"{view.class_name} @ {view.address:#x}{text}", 100))
    click.echo(
        f"  shallow {size(view.shallow_bytes)}, retained {size(view.retained_bytes)}, loader {view.loader_address:#x}"
    )
    if not view.reachable:
        click.echo("  no GC root reaches it")
    if view.root_kinds:
        click.echo(f"  is a GC root: {', '.join(view.root_kinds)}")
    if view.immediate_dominator is not None:
        click.echo(f"  dominated by {tail(reference_text(view.immediate_dominator), 84)}")
    for title, values in (("fields", view.fields), ("statics", view.statics)):
        if values:
            click.echo(title)
        for value in values:
            name = tail(value.name, 60)
            click.echo(f"  {name} = {tail(_value(value), 94 - len(name))}")
    if view.length is not None:
        click.echo(f"length {view.length:,}")
    for k, element in enumerate(view.elements or ()):
        click.echo(f"  [{k}] {element if isinstance(element, int | float) else tail(reference_text(element), 88)}")
    if view.entries:
        click.echo("entries")
    for entry in view.entries:
        key = "" if entry.key is None else f"{tail(reference_text(entry.key), 45)} → "
        click.echo(f"  {key}{tail(reference_text(entry.value), 50)}")
    for title, count, held in (
        ("refers to", view.outbound_count, view.outbound),
        ("referred to by", view.inbound_count, view.inbound),
    ):
        click.echo(f"{title} {count:,} objects")
        for holding in held:
            click.echo(f"  {tail(', '.join(holding.fields), 30)}: {tail(reference_text(holding.object), 64)}")


def _value(value: FieldValue) -> str:
    return reference_text(value.reference) if value.type == "reference" else f"{value.value} ({value.type})"
