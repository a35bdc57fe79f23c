"""The flame graph as one HTML page that fetches nothing: search, zoom, inversion, threads, the difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from flinkscope.formats.stacks import CLASS, KERNEL, NATIVE, Frame
from flinkscope.jvm.flame import THREAD, FlameNode, FlameProfile, FlameTree, flame_tree, thread_totals
from flinkscope.report.flame import EVENT_TITLES, amount, comparable, harmless_flame, hot_rows, how_told, signed_bp
from flinkscope.report.html.page import data_block, page_of
from flinkscope.units import human_bp, share_bp

_ROWS = 40
_LONGEST_NAME = 400
_LEGEND = (
    (2, "job and libraries"), (1, "Flink"), (7, "JDK"), (4, "JVM and native"), (6, "kernel"),
    (5, "what was allocated or locked"), (3, "thread"),
)  # fmt: skip
_COMPARED = ((2, "grew"), (1, "shrank"))
_HUES = {NATIVE: 4, KERNEL: 6, CLASS: 5, THREAD: 3}
_JDK = ("java.", "javax.", "jdk.", "sun.", "com.sun.")


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    cells: tuple[str, ...]
    change: str = ""


@dataclass(frozen=True, slots=True)
class FlamePage:
    """What the template shows; texts only."""

    heading: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    legend: tuple[tuple[int, str], ...]
    data: Markup
    hot_title: str
    hot_columns: tuple[str, ...]
    hot_rows: tuple[_Row, ...]
    threads: tuple[tuple[str, str, str], ...]
    unit_title: str


def flame_html(flames: Sequence[FlameProfile]) -> str:
    """The page of one profile, or of two to compare (before, after). Size: about 60 KB of code and 10 B a node.

    Raises UsageError where the two do not compare.
    """
    comparable(flames)
    flames = [harmless_flame(flame) for flame in flames]
    two = len(flames) == 2
    title = " → ".join(flame.title for flame in flames)
    tree = flame_tree([flame.profile for flame in flames])
    last = flames[-1].profile
    page = FlamePage(
        heading=f"{EVENT_TITLES[last.event]}{', before and after' if two else ''}",
        subtitle=title,
        facts=_facts(flames),
        notes=_notes(tree, flames),
        legend=_COMPARED if two else _LEGEND,
        data=data_block(_data(tree, flames)),
        hot_title="What changed most" if two else "Largest frames",
        hot_columns=("before", "after", "points") if two else ("own", "with callees"),
        hot_rows=tuple(_rows(flames, two)),
        threads=tuple(
            (name, amount(value, last.unit), human_bp(share_bp(value, last.total)))
            for name, value in thread_totals(last)[:_ROWS]
        ),
        unit_title={"bytes": "bytes", "ns": "time"}.get(last.unit, "samples"),
    )
    return page_of("flame.html.j2", title, [], part="flame", page=page)


def _facts(flames: Sequence[FlameProfile]) -> tuple[tuple[str, str], ...]:
    if len(flames) == 1:
        return tuple(how_told(flames[0]))
    names = ("before", "after")
    return tuple(
        (when, f"{flame.title}: " + "; ".join(f"{name}: {text}" for name, text in how_told(flame)))
        for when, flame in zip(names, flames, strict=True)
    )


def _notes(tree: FlameTree, flames: Sequence[FlameProfile]) -> tuple[str, ...]:
    notes = []
    if any(tree.left_out):
        unit = flames[-1].profile.unit
        left_out = amount(tree.left_out[-1], unit)
        notes.append(f"The smallest branches ({left_out}) are counted with their callers")
    if len(flames) == 2:
        notes.append("Colours and changes compare shares of each profile, so their lengths may differ")
    return tuple(notes)


def _rows(flames: Sequence[FlameProfile], two: bool) -> list[_Row]:
    rows = []
    for row in hot_rows(flames, _ROWS):
        cells = (human_bp(row.first_bp), human_bp(row.second_bp))
        if two:
            grown = "grown" if row.second_bp > row.first_bp else "shrunk"
            rows.append(_Row(row.name, (*cells, signed_bp(row)), grown))
        else:
            rows.append(_Row(row.name, cells))
    return rows


def _data(tree: FlameTree, flames: Sequence[FlameProfile]) -> dict[str, Any]:
    """The tree as columns, nodes in the order of a walk."""
    frames: dict[Frame, int] = {}
    frame_of: list[int] = []
    depth_of: list[int] = []
    own: list[list[int]] = [[] for _ in flames]
    for i, value in enumerate(tree.root.own):  # stacks without frames
        if value:
            frame_of.append(frames.setdefault(Frame("[no stack]", NATIVE), len(frames)))
            depth_of.append(0)
            for j, column in enumerate(own):
                column.append(value if i == j else 0)
    waiting: list[tuple[int, FlameNode]] = [(0, child) for child in reversed(tree.root.children.values())]
    while waiting:
        depth, node = waiting.pop()
        frame_of.append(frames.setdefault(node.frame, len(frames)))
        depth_of.append(depth)
        for column, value in zip(own, node.own, strict=True):
            column.append(value)
        waiting += [(depth + 1, child) for child in reversed(node.children.values())]
    return {
        "unit": flames[-1].profile.unit,
        "titles": ["before", "after"] if len(flames) == 2 else [flames[0].title],
        "threads": tree.threads,
        "frames": [[frame.name[:_LONGEST_NAME], _hue(frame)] for frame in frames],
        "node": {"frame": frame_of, "depth": depth_of, "own": own},
    }


def _hue(frame: Frame) -> int:
    found = _HUES.get(frame.kind)
    if found is not None:
        return found
    if frame.name.startswith(_JDK):
        return 7
    return 1 if frame.name.startswith("org.apache.flink.") else 2
