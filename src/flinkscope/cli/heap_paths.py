"""``flinkscope heap paths``: from GC roots to an object, or merged for all instances of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.heap_answer import heap_command, parse_address, reference_text, show_answer, size, tail

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.paths import RootPaths

_KINDS = ("soft", "weak", "phantom", "final")


@heap_command(
    "paths", "paths from GC roots to an object: who holds it",
    "flinkscope heap paths dump.hprof 0xe1a4c0d8 --exclude weak --exclude soft",
)  # fmt: skip
@click.argument("target", metavar="ADDRESS|CLASS")
@click.option("--exclude", type=click.Choice([*_KINDS, "none"]), multiple=True, default=_KINDS, show_default=True,
              help="References not followed; may be given several times.")  # fmt: skip
@click.option("--exclude-field", "exclude_fields", metavar="CLASS.FIELD", multiple=True,
              help="A field not followed, such as java.lang.Thread.inheritedAccessControlContext.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1), default=5, show_default=True, help="So many paths.")
def command(
    heap: Heap, target: str, exclude: tuple[str, ...], exclude_fields: tuple[str, ...], limit: int, as_json: bool,
    show_strings: bool,
) -> None:  # fmt: skip
    """ADDRESS: the shortest path, then one through each other object that holds it. CLASS: the shortest paths to all
    its instances, merged into one tree."""
    kinds = tuple(kind for kind in exclude if kind != "none")
    if target[:1].isdigit():
        found = heap.paths(parse_address(target), exclude=kinds, exclude_fields=exclude_fields, limit=limit)
        show_answer(heap, found, as_json, show_strings, lambda: _render(found))
        return
    merged = heap.merged_paths(heap.table(target).indices, exclude=kinds)
    show_answer(heap, merged, as_json, show_strings, lambda: _render_tree(merged))


def _render(found: RootPaths) -> None:
    if not found.reachable:
        click.echo("no GC root reaches it: garbage that the next collection frees")
    elif found.only_weakly:
        click.echo(f"only {', '.join(found.excluded)} references hold it: the JVM may free it")
    for number, path in enumerate(found.paths, 1):
        click.echo(f"path {number}:")
        for step in path:
            click.echo(f"  {tail(step.field, 36)} → {tail(reference_text(step.object), 58)}")
    if found.holders > len(found.paths):
        click.echo(f"{found.holders:,} objects hold it; --limit shows more")


def _render_tree(merged: Any) -> None:
    click.echo(f"{merged.targets:,} objects; {merged.unreached:,} without a path")

    def show(node: Any, depth: int) -> None:
        where = "  " * min(depth, 12)
        text = f"{where}{node.reached:,} {size(node.retained_bytes)} {node.field} → {reference_text(node.object)}"
        click.echo(tail(text, 100) if len(text) > 100 else text)
        for child in node.children:
            show(child, depth + 1)

    for root in merged.roots:
        show(root, 0)
