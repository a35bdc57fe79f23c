"""Where the rectangles of memory bars and ownership maps go, in per cent of their picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flinkscope.report.model import HeapRow, MemoryBarRow
from flinkscope.report.treemap import squarified

MAP_WIDTH, MAP_HEIGHT = 1000.0, 330.0  # the map's shape on a wide screen: what "square" is judged by
_LABEL_WIDTH, _LABEL_HEIGHT = 9.0, 13.0  # per cent below which a label is not readable
_CHARACTER_PER_CENT = 0.8
_REST = "everything else"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a bar: start and width in per cent."""

    name: str
    bytes: int
    hue: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the map in per cent, its full name, and the label that fits into it."""

    name: str
    label: str
    bytes: int
    hue: int
    x: str
    y: str
    width: str
    height: str
    labelled: bool


def spans(bar: MemoryBarRow, bars: Sequence[MemoryBarRow]) -> list[Span]:
    """The bar's parts on the scale of the largest of ``bars``, so that their lengths can be compared."""
    scale = max((b.total_bytes for b in bars), default=0) or 1
    at, placed = 0, []
    for segment in bar.segments:
        if segment.bytes:
            width = f"{segment.bytes * 100 / scale:.3f}"
            placed.append(Span(segment.name, segment.bytes, segment.hue, f"{at * 100 / scale:.3f}", width))
            at += segment.bytes
    return placed


def boxes(heap: HeapRow) -> list[Box]:
    """The owners as a treemap, plus one box for all that no listed owner keeps."""
    owners = [(o.name, o.detail, o.bytes) for o in heap.owners]
    return _map(owners, heap.used_bytes)


@dataclass(frozen=True, slots=True)
class Icicle:
    """A box of the dominator icicle: ``row`` counts from the top, ``x`` and ``width`` in per cent of the heap."""

    name: str
    label: str
    count: int
    bytes: int
    hue: int
    row: int
    x: str
    width: str


def icicles(heap: HeapRow) -> list[Icicle]:
    """The dominator tree by class, the heap on top, children below their parent, the biggest on the left."""
    whole = max(heap.used_bytes, 1)
    placed = [Icicle("", "", heap.reachable_objects, heap.used_bytes, 7, 0, "0", "100")]
    starts = [0]  # where the next node of each depth begins, in bytes
    hues = _hues([node.name for node in heap.tree])
    for node in heap.tree:
        del starts[node.depth + 1 :]
        x = starts[node.depth]
        starts[node.depth] = x + node.bytes
        starts.append(x)
        label = node.name.rsplit(".", 1)[-1]
        span = (f"{x * 100 / whole:.3f}", f"{node.bytes * 100 / whole:.3f}")
        placed.append(Icicle(node.name, label, node.count, node.bytes, hues[node.name], node.depth + 1, *span))
    return placed


def _map(parts: list[tuple[str, str, int]], whole: int) -> list[Box]:
    parts = [part for part in parts if part[2] > 0]
    rest = whole - sum(size for _, _, size in parts)
    if rest > 0:
        parts.append((_REST, "", rest))
    parts.sort(key=lambda part: -part[2])
    placed = squarified([size for _, _, size in parts], MAP_WIDTH, MAP_HEIGHT)
    hues = _hues([name for name, _, _ in parts])
    result = []
    for (name, detail, size), r in zip(parts, placed, strict=True):
        width, height = r.width * 100 / MAP_WIDTH, r.height * 100 / MAP_HEIGHT
        short = name if " " in name else name.rsplit(".", 1)[-1]  # a class by its simple name
        full = f"{name} {detail}".rstrip()
        label = _fitting(short, int(width / _CHARACTER_PER_CENT))
        shape = (f"{r.x * 100 / MAP_WIDTH:.3f}", f"{r.y * 100 / MAP_HEIGHT:.3f}", f"{width:.3f}", f"{height:.3f}")
        result.append(Box(full, label, size, hues[name], *shape, width > _LABEL_WIDTH and height > _LABEL_HEIGHT))
    return result


def _hues(names: Sequence[str]) -> dict[str, int]:
    """The same class has the same colour; the rest is grey."""
    hues = dict.fromkeys(names, 7)
    order = (1, 3, 5, 4, 6, 8)
    for number, name in enumerate(dict.fromkeys(n for n in names if n != _REST)):
        hues[name] = order[number % len(order)]
    return hues


def _fitting(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: max(1, characters - 1)] + "…"


def pairs(before: int | None, after: int | None) -> tuple[str, str] | None:
    """Widths in per cent of two bars on one scale; None where a side is not known or both are 0."""
    if before is None or after is None or max(before, after) <= 0:
        return None
    scale = max(before, after)
    return f"{max(0, before) * 100 / scale:.2f}", f"{max(0, after) * 100 / scale:.2f}"
