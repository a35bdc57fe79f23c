"""The memory split as text, JSON and a self-contained HTML page. Only words and boxes: no figure is computed here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape
from typing import Any

from flinkscope.absent import Absent
from flinkscope.flink.memory_inside import Inside
from flinkscope.flink.memory_model import JobManagerMemory, MemoryNode, TaskManagerMemory
from flinkscope.units import human_bytes

Memory = TaskManagerMemory | JobManagerMemory

WIDTH = 100
_BAR_WIDTH = 96
# leaf label → letter in the bar and hue of the HTML box
_LOOKS = {
    "Framework heap": ("f", 210),
    "Task heap": ("H", 225),
    "JVM heap": ("H", 225),
    "Managed memory": ("M", 30),
    "Framework off-heap": ("o", 160),
    "Task off-heap": ("t", 140),
    "Off-heap": ("o", 160),
    "Network": ("N", 120),
    "JVM metaspace": ("s", 285),
    "JVM overhead": ("v", 330),
}


def leaves(node: MemoryNode) -> Iterator[MemoryNode]:
    """The innermost boxes, left to right."""
    if not node.children:
        yield node
    for child in node.children:
        yield from leaves(child)


def tree_lines(memory: Memory) -> list[str]:
    """The split as an indented tree: name, size, exact bytes, the key that sets it."""
    return [_row("", memory.tree()), *_branches(memory.tree(), "")]


def bar_lines(memory: Memory) -> list[str]:
    """A stacked bar of at most 96 columns, one letter a part, and its legend."""
    parts = [node for node in leaves(memory.tree()) if node.size_bytes]
    bar = "".join(_LOOKS[n.label][0] * w for n, w in zip(parts, _widths(parts, memory.process_bytes), strict=True))
    legend = "  ".join(f"{_LOOKS[node.label][0]} {node.label.lower()}" for node in parts)
    return [f"[{bar}]", *textwrap.wrap(legend, WIDTH - 2)]


def step_lines(memory: Memory) -> list[str]:
    """How each part came about."""
    lines: list[str] = []
    for step in memory.steps:
        head = f"{step.part} = {human_bytes(step.size_bytes)}: "
        lines += textwrap.wrap(head + step.how, WIDTH, initial_indent="  ", subsequent_indent="      ")
    return lines


def inside_lines(inside: Inside) -> list[str]:
    """Slots, buffers, idle memory and RocksDB in sentences."""
    network = inside.network
    lines = [
        f"slots: {inside.slots}; each has {human_bytes(inside.task_heap_slot_bytes)} of task heap and "
        f"{human_bytes(inside.managed_slot_bytes)} of managed memory",
        f"network: {network.available:,} buffers of {human_bytes(network.segment_bytes)}"
        + (
            "; how many are needed: --parallelism N --exchanges N"
            if network.needed is None
            else f"; {network.exchanges} keyed exchange(s) at parallelism {network.parallelism} need "
            f"{network.needed:,}, use up to {network.needed_with_floating:,}: "
            + ("enough" if network.enough else "NOT ENOUGH, the job will not start")
        ),
    ]
    if isinstance(inside.idle_managed_bytes, Absent):
        lines.append(f"{inside.idle_managed_bytes}; {inside.idle_managed_bytes.how_to_get}")
    elif inside.idle_managed_bytes:
        lines.append(f"idle: {human_bytes(inside.idle_managed_bytes)} of managed memory: {inside.idle_why}")
    if not isinstance(inside.rocksdb, Absent):
        share = inside.rocksdb
        lines.append(
            f"RocksDB a slot: {human_bytes(share.slot_bytes)} ({share.source}): block cache "
            f"{human_bytes(share.block_cache_bytes)}, of it write buffers up to "
            f"{human_bytes(share.write_buffer_bytes)}"
        )
        if share.flushes_constantly:
            lines.append(
                f"RocksDB is too small: one arena block of {human_bytes(share.arena_block_bytes)} does not fit, so it "
                "flushes constantly"
            )
    elif inside.backend == "rocksdb":
        lines.append(str(inside.rocksdb))
    return [
        part for line in lines for part in textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]


def memory_document(memory: Memory, inside: Inside | None) -> dict[str, Any]:
    """The split as plain data for JSON: every ``_bytes`` figure, flags, notes, steps and the inside."""
    names = [name for name in dir(type(memory)) if name.endswith("_bytes")]
    document: dict[str, Any] = {name: getattr(memory, name) for name in names}
    document.update(
        role=memory.role,
        flink=memory.flink,
        jvm_flags=list(memory.jvm_flags),
        dynamic_options=memory.dynamic_options(),
        notes=list(memory.notes),
        steps=[
            {"part": step.part, "size_bytes": step.size_bytes, "how": step.how, "keys": list(step.keys)}
            for step in memory.steps
        ],
    )
    if inside is not None:
        document["inside"] = _inside_document(inside)
    return document


def memory_html(memory: Memory, title: str) -> str:
    """One HTML page with the stacked bar and the table of parts: fetches nothing, runs nothing."""
    cells, rows = [], []
    for node in leaves(memory.tree()):
        letter, hue = _LOOKS[node.label]
        share = 100 * node.size_bytes / max(memory.process_bytes, 1)
        tip = f"{node.label}: {human_bytes(node.size_bytes)} ({node.size_bytes:,} bytes)"
        if node.size_bytes:
            cells.append(
                f'<span style="flex:{share:.4f};background:hsl({hue} 55% 60%)" title="{escape(tip)}">{letter}</span>'
            )
        rows.append(
            f"<tr><td>{letter}</td><td>{escape(node.label)}</td><td>{human_bytes(node.size_bytes)}</td>"
            f"<td>{node.size_bytes:,}</td><td>{share:.1f} %</td><td><code>{escape(node.key or '')}</code></td></tr>"
        )
    steps = "".join(
        f"<li><b>{escape(step.part)}</b> = {human_bytes(step.size_bytes)}: {escape(step.how)}</li>"
        for step in memory.steps
    )
    return _PAGE.format(
        title=escape(title),
        total=escape(f"{human_bytes(memory.process_bytes)} ({memory.process_bytes:,} bytes)"),
        bar="".join(cells),
        rows="".join(rows),
        steps=steps,
        flags=escape(memory.jvm_flags),
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><style>
:root{{color-scheme:light dark}}
body{{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
.bar{{display:flex;height:3.5rem;border-radius:.4rem;overflow:hidden}}
.bar span{{display:grid;place-items:center;color:#111;min-width:2px;overflow:hidden}}
td{{padding:.15rem .8rem .15rem 0}}code{{overflow-wrap:anywhere}}
td:nth-child(n+3):nth-child(-n+5){{text-align:right;font-variant-numeric:tabular-nums}}
</style></head>
<body><h1>{title}</h1><p>Total process memory {total}</p><div class="bar">{bar}</div>
<table>{rows}</table><h2>How it comes about</h2><ul>{steps}</ul>
<h2>JVM flags</h2><p><code>{flags}</code></p></body></html>
"""


def _inside_document(inside: Inside) -> dict[str, Any]:
    share = inside.rocksdb
    return {
        "slots": inside.slots,
        "managed_slot_bytes": inside.managed_slot_bytes,
        "task_heap_slot_bytes": inside.task_heap_slot_bytes,
        "state_backend": inside.backend,
        "idle_managed_bytes": None if isinstance(inside.idle_managed_bytes, Absent) else inside.idle_managed_bytes,
        "idle_why": inside.idle_why,
        "rocksdb": {"absent": str(share)}
        if isinstance(share, Absent)
        else {name: getattr(share, name) for name in share.__slots__},
        "network": {name: getattr(inside.network, name) for name in inside.network.__slots__},
    }


def _branches(node: MemoryNode, indent: str) -> Iterator[str]:
    for child in node.children:
        last = child is node.children[-1]
        yield _row(indent + ("└─ " if last else "├─ "), child)
        yield from _branches(child, indent + ("   " if last else "│  "))


def _row(indent: str, node: MemoryNode) -> str:
    name = f"{indent}{node.label}"
    sizes = f"{name:<30}{human_bytes(node.size_bytes):>10}{node.size_bytes:>16,}"
    row = f"{sizes}  {node.key or ''}".rstrip()
    return row if len(row) <= WIDTH else sizes


def _widths(parts: list[MemoryNode], total_bytes: int) -> list[int]:
    """Columns of each part: at least one, the rounding error goes to the largest."""
    widths = [max(1, round(_BAR_WIDTH * node.size_bytes / max(total_bytes, 1))) for node in parts]
    if widths:
        widths[widths.index(max(widths))] += _BAR_WIDTH - sum(widths)
    return widths
