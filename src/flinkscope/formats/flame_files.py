"""Flame graphs that others wrote: Flink's operator flame graph (JSON) and async-profiler's page (Flink's profiler);
and speedscope's JSON to write. Each of them holds a tree in the order of a walk; it is turned into stacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.stacks import (
    DEEPEST,
    JAVA,
    KERNEL,
    NATIVE,
    Frame,
    Stack,
    StackProfile,
    added_up,
    class_frame,
    guessed_frame,
    java_frame,
)
from flinkscope.place import Place

# f(level, left, width, type, 'title'…) in async-profiler 2.x; the types are those of its own colours
_PAGE_NODE = re.compile(r"^f\((\d+),(\d+),(\d+),(\d),'((?:[^'\\]|\\.)*)'", re.MULTILINE)
_PAGE_KINDS = {0: JAVA, 1: JAVA, 2: JAVA, 3: NATIVE, 4: NATIVE, 5: KERNEL, 6: JAVA}
_PAGE_HEADING = re.compile(r"<h1>([^<]*)</h1>")
_PAGE_EVENTS = {
    "CPU profile": "cpu", "Wall clock profile": "wall", "Allocation profile": "alloc", "Lock profile": "lock",
}  # fmt: skip
_SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_SPEEDSCOPE_UNITS = {"samples": "none", "bytes": "bytes", "ns": "nanoseconds"}


def parse_flink_flame_graph(document: Any, source: str) -> StackProfile:
    """Flink's answer to ``…/vertices/ID/flamegraph`` (1.13 to 2.3): thread states in samples; it knows no threads.

    Raises UnreadableInputError when it is something else, or Flink had no samples yet.
    """
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or "name" not in data:
        raise UnreadableInputError(
            f"{source}: no flame graph of Flink in it: no `data` with a `name`",
            hint="the first answers of a job have none; ask again after some seconds",
        )
    return StackProfile(Place(source), "", "samples", added_up(_stacks(_flink_nodes(data, source))))


def _flink_nodes(root: dict[str, Any], source: str) -> Iterator[tuple[int, Frame, int]]:
    """(level, frame, value) of each node but the root, in the order of a walk."""
    waiting = [(0, child) for child in reversed(_children(root))]
    while waiting:
        level, node = waiting.pop()
        name, value = node.get("name"), node.get("value")
        if not isinstance(name, str) or not isinstance(value, int) or isinstance(value, bool):
            raise UnreadableInputError(f"{source}: a node without name and value: {str(node)[:80]}")
        yield level, java_frame(re.sub(r":-?\d+$", "", name)), value
        waiting += [(level + 1, child) for child in reversed(_children(node))]


def _children(node: dict[str, Any]) -> list[dict[str, Any]]:
    children = node.get("children")
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def parse_async_profiler_page(text: str, source: str, *, event: str = "") -> StackProfile:
    """The page that async-profiler 2.x writes (Flink's profiler answers with it), as stacks in its own counts.

    Raises UnreadableInputError when there is no node in it (version 3 and later pack theirs in another way).
    """
    found = [(int(level), kind, title, int(width)) for level, _, width, kind, title in _PAGE_NODE.findall(text)]
    if not found:
        raise UnreadableInputError(
            f"{source}: a page without the flame graph of async-profiler 2.x",
            hint="write collapsed stacks or JFR with it instead (output=collapsed)",
        )
    heading = _PAGE_HEADING.search(text)
    event = event or _PAGE_EVENTS.get(heading[1] if heading else "", "")
    nodes = []
    for at, (level, kind, title, width) in enumerate(found):
        last = at + 1 == len(found) or found[at + 1][0] <= level
        if level:  # 0 is "all"
            nodes.append((level - 1, _page_frame(title, int(kind), last and event in ("alloc", "lock")), width))
    return StackProfile(Place(source), event, "samples", added_up(_stacks(nodes)))


def _page_frame(title: str, kind: int, may_be_class: bool) -> Frame:
    """A frame. What was allocated or waited for has no callee and is written with dots, methods with slashes; a method
    without callees is one whose callees were too narrow to be drawn."""
    name = re.sub(r"\\(.)", r"\1", title)
    known = _PAGE_KINDS.get(kind, NATIVE)
    if may_be_class and "/" not in name and known in (JAVA, KERNEL):
        return class_frame(name)
    if known == JAVA:
        return java_frame(name)
    return guessed_frame(name) if known == NATIVE else Frame(name, known)


def _stacks(nodes: Iterable[tuple[int, Frame, int]]) -> Iterator[Stack]:
    """The stacks of a tree given as a walk: a node's own value is its value less those of its children."""
    path: list[Frame] = []
    own: list[int] = []
    for level, frame, value in nodes:
        if level >= DEEPEST:
            continue  # counts for the last frame that is kept
        while len(path) > max(0, level):
            yield Stack(None, tuple(path), own.pop())
            path.pop()
        if own:
            own[-1] -= value
        path.append(frame)
        own.append(value)
    while path:
        yield Stack(None, tuple(path), own.pop())
        path.pop()


def speedscope_document(name: str, profiles: Iterable[tuple[str, StackProfile]]) -> dict[str, Any]:
    """speedscope's file format: a profile for each (title, stacks), all with the same frames; open it at speedscope.app
    or with ``speedscope FILE``. Threads are the outermost frame."""
    frames: dict[str, int] = {}
    written = []
    for title, profile in profiles:
        samples = []
        for thread, stack, _ in profile.stacks:
            names = [f"[{thread}]"] if thread is not None else []
            samples.append([frames.setdefault(n, len(frames)) for n in (*names, *(f.name for f in stack))])
        weights = [stack.value for stack in profile.stacks]
        written.append({
            "type": "sampled", "name": title, "unit": _SPEEDSCOPE_UNITS[profile.unit], "startValue": 0,
            "endValue": sum(weights), "samples": samples, "weights": weights,
        })  # fmt: skip
    return {
        "$schema": _SPEEDSCOPE_SCHEMA,
        "shared": {"frames": [{"name": frame} for frame in frames]},
        "profiles": written,
        "name": name,
        "activeProfileIndex": 0,
        "exporter": "flinkscope",
    }


def parse_flame_text(text: str, source: str, event: str) -> StackProfile | None:
    """Flink's JSON or async-profiler's page, told by its beginning; None for anything else."""
    beginning = text.lstrip()[:15].lower()
    if beginning.startswith(("<!doctype html", "<html")):
        return parse_async_profiler_page(text, source, event=event)
    if not beginning.startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableInputError(f"{source}: JSON that cannot be read: {error}") from error
    return parse_flink_flame_graph(document, source)
