"""``flinkscope heap direct``: direct buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap import Heap
    from flinkscope.heap.direct import DirectMemory


@heap_command("direct", "direct buffers and the JVM's own count of them", "flinkscope heap direct dump.hprof")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="So many buffers.")
def command(heap: Heap, top: int, as_json: bool, show_strings: bool) -> None:
    """DirectByteBuffers by kind. Views own nothing; the JDK's map of its own classes is no direct memory."""
    memory = heap.direct(limit=top)
    show_answer(heap, memory, as_json, show_strings, lambda: _render(memory))


def _render(memory: DirectMemory) -> None:
    click.echo(f"owned by buffers: {size(memory.owned_bytes)}")
    if isinstance(memory.jvm_reserved_bytes, int):
        limit = size(memory.jvm_max_bytes) if isinstance(memory.jvm_max_bytes, int) else "an unknown limit"
        click.echo(f"the JVM's own count: {size(memory.jvm_reserved_bytes)} of {limit} (-XX:MaxDirectMemorySize)")
    else:
        click.echo(f"the JVM's own count: {memory.jvm_reserved_bytes.reason}")
    for name, used in memory.netty_counter_bytes:
        click.echo(f"Netty without cleaner: {size(used)}  ({name})")
    table(("BUFFERS", "CAPACITY", "KIND"), [(t.buffers, size(t.capacity_bytes), t.kind) for t in memory.totals])
    click.echo("")
    table(
        ("CAPACITY", "KIND", "ADDRESS", "HELD BY"),
        [(size(b.capacity_bytes), b.kind, f"{b.address:#x}", b.owner) for b in memory.buffers],
    )
