"""``flinkscope heap threads``: threads with stacks, locals and what they retain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, reference_text, show_answer, size, table, tail

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.threads import ThreadRow


@heap_command(
    "threads", "threads: state, stack with locals, retained size", "flinkscope heap threads dump.hprof --stacks"
)
@click.option("--stacks", is_flag=True, help="Show the stack of every thread with the locals of each frame.")
@click.option("--name", "pattern", default="", help="Only threads whose name contains this.")
def command(heap: Heap, stacks: bool, pattern: str, as_json: bool, show_strings: bool) -> None:
    """Threads of the dump, most retained first. The one that threw OutOfMemoryError is marked."""
    rows = [row for row in heap.threads(show_strings=show_strings) if pattern in (row.name or "")]
    show_answer(heap, rows, as_json, show_strings, lambda: _render(rows, stacks))


def _render(rows: list[ThreadRow], stacks: bool) -> None:
    for row in rows:
        if row.threw_oom:
            click.echo(f"thread {row.name!r} threw OutOfMemoryError")
    if not stacks:
        table(
            ("RETAINED", "STATE", "FRAMES", "CONTEXT CLASS LOADER", "NAME"),
            [
                (size(row.retained_bytes), row.state, len(row.stack), _loader(row), row.name or f"{row.address:#x}")
                for row in rows
            ],
        )
        return
    for row in rows:
        marks = "".join(mark for mark, on in (("  daemon", row.daemon), ("  virtual", row.virtual)) if on)
        click.echo(
            f'"{tail(row.name or "", 70)}" {row.state or "state unknown"}{marks}  retains {size(row.retained_bytes)}'
        )
        for frame in row.stack:
            click.echo(f"    at {tail(str(frame), 90)}")
            for local in frame.locals:
                click.echo(f"        {size(local.retained_bytes):>9}  {tail(reference_text(local.object), 78)}")
        click.echo("")


def _loader(row: ThreadRow) -> str:
    loader = row.context_class_loader
    return "-" if loader is None else tail(loader.class_name.rsplit(".", 1)[-1], 28)
