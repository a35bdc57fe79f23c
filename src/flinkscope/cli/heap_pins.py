"""``flinkscope heap pins``: all independent ways in which a set of objects is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.heap_answer import heap_command, parse_address, reference_text, show_answer, size, tail

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.pins import MergedNode, MergedPaths, Pins


@heap_command(
    "pins", "everything that holds an object or a class's instances", "flinkscope heap pins dump.hprof 0xe1a4c0d8"
)
@click.argument("what")
@click.option("--merged", is_flag=True, help="Merged shortest paths from the GC roots instead of independent pins.")
@click.option("--include", multiple=True, type=click.Choice(["soft", "weak", "phantom", "final"]),
              help="Kinds of references that count as holding (default: none of them).")  # fmt: skip
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="So many pins.")
def command(
    heap: Heap, what: str, merged: bool, include: tuple[str, ...], limit: int, as_json: bool, show_strings: bool
) -> None:
    """All independent pins of WHAT: an address, or a class name for all its instances.

    Of a class loader its classes and their instances belong to the set: the loader goes only when every pin is gone.
    """
    from flinkscope.heap.strength import ALL_KINDS

    indices = _objects(heap, what)
    exclude = tuple(kind for kind in ALL_KINDS if kind not in include)
    if merged:
        paths = heap.merged_paths(indices, exclude=exclude)
        show_answer(heap, paths, as_json, show_strings, lambda: _render_merged(paths))
        return
    pins = heap.pins(indices, exclude=exclude, limit=limit)
    show_answer(heap, pins, as_json, show_strings, lambda: _render(pins))


def _objects(heap: Heap, what: str) -> Any:
    import numpy as np

    from flinkscope.errors import UsageError

    if what[:1].isdigit():
        return np.array([heap.index_of(parse_address(what))])
    indices = heap.table(what).indices
    if not len(indices):
        raise UsageError(
            f"no instance of class {what!r}", hint="flinkscope heap histogram lists the classes of the dump"
        )
    return indices


def _render(pins: Pins) -> None:
    click.echo(f"{pins.inside:,} objects in the set, {pins.edges:,} references lead into it")
    for member in pins.root_members:
        click.echo(f"itself a GC root ({member.field}): {tail(reference_text(member.object), 70)}")
    if not pins.pins and not pins.root_members:
        click.echo("nothing holds it, or only soft, weak, phantom or finalizer references do (--include)")
    for number, pin in enumerate(pins.pins, 1):
        click.echo(f"pin {number}: {tail(reference_text(pin.holder), 80)}")
        click.echo(
            f"  .{pin.field} → {tail(reference_text(pin.target), 70)}" + (f"  × {pin.edges:,}" if pin.edges > 1 else "")
        )
        for step in pin.path:
            click.echo(f"    {tail(step.field, 30)} → {tail(reference_text(step.object), 62)}")


def _render_merged(paths: MergedPaths) -> None:
    click.echo(f"{paths.targets:,} objects, {paths.unreached:,} of them without such a path")
    for node in paths.roots:
        _render_node(node, 0)


def _render_node(node: MergedNode, depth: int) -> None:
    from flinkscope.cli.main import printable

    indent = "  " * min(depth, 12)
    text = printable(f"{indent}{node.field} → {reference_text(node.object)}")
    click.echo(f"{node.reached:>9,} {size(node.retained_bytes):>9}  {text if len(text) <= 78 else text[:77] + '…'}")
    for child in node.children if depth < 15 else ():
        _render_node(child, depth + 1)
