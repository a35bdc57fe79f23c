"""Collapsed stacks (``thread;outer;inner 42``), as async-profiler and Brendan Gregg's scripts have them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.stacks import DEEPEST, Frame, Stack, StackProfile, added_up, class_frame, guessed_frame
from flinkscope.place import Place

_THREAD = re.compile(r"\[(?P<name>.*?)(?: tid=\d+)?\]$")
_NOT_THREADS = (
    "[GC_active]",
    "[unknown",
    "[not_walkable",
    "[deopt",
    "[no_Java_frame]",
    "[break_",
    "[skipped",
    "[vdso]",
)
_LONGEST_LINE = 1 << 20


def parse_collapsed(
    text: str, source: str, *, event: str = "", unit: str = "samples", leaf_is_class: bool | None = None
) -> StackProfile:
    """Reads collapsed stacks. Lines that are none are counted in ``gap``. ``leaf_is_class``: the innermost frame names
    what was allocated or locked (async-profiler's alloc and lock); None tells it from the event.

    A first frame in brackets (``[name tid=7]``) is the thread. Raises UnreadableInputError when no line is a stack.
    """
    of_class = event in ("alloc", "lock") if leaf_is_class is None else leaf_is_class
    known: dict[tuple[str, bool], Frame] = {}
    stacks, bad, first_bad = [], 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        entry = _split(line)
        if entry is None:
            bad += bool(line.strip())
            first_bad = first_bad or (number if line.strip() else 0)
            continue
        stacks.append(_stack(*entry, of_class, known))
    if not stacks:
        raise UnreadableInputError(
            f"{source}: no collapsed stack in it", hint="a line of one looks like: [main tid=1];Main.main;Main.work 42"
        )
    gap = f"{bad:,} lines are no stacks (the first: line {first_bad:,})" if bad else None
    return StackProfile(Place(source), event, unit, added_up(stacks), gap=gap)


def allocated_bytes(counts: str, totals: str, interval_bytes: int, source: str) -> StackProfile:
    """The bytes allocated, estimated from async-profiler's two dumps of one recording: ``samples`` and ``total``.

    The JVM takes a sample each ``interval_bytes`` on the average, so an object of s bytes is seen with the probability
    1 − exp(−s / interval); each sample stands for s divided by that (JEP 331). Neither dump alone tells it: samples ×
    interval makes large arrays too small, and the sum of the sampled sizes makes small objects vanish.
    """
    counted, summed = _entries(counts), _entries(totals)
    if [stack for stack, _ in counted] != [stack for stack, _ in summed]:  # the order is the same in 2.9; be safe
        sums: dict[str, int] = {}
        for stack, value in summed:
            sums[stack] = sums.get(stack, 0) + value
        merged: dict[str, int] = {}
        for stack, value in counted:
            merged[stack] = merged.get(stack, 0) + value
        counted, summed = list(merged.items()), [(stack, sums.get(stack, 0)) for stack in merged]
    known: dict[tuple[str, bool], Frame] = {}
    stacks = [
        _stack(stack, _estimate(count, total, interval_bytes), True, known)
        for (stack, count), (_, total) in zip(counted, summed, strict=True)
    ]
    samples = sum(count for _, count in counted)
    note = f"estimated from {samples:,} samples, one each {interval_bytes // 1024} KiB on the average"
    return StackProfile(Place(source), "alloc", "bytes", added_up(stacks), notes=(note,))


def collapsed_lines(profile: StackProfile) -> Iterator[str]:
    """The profile as collapsed stacks, one line each, without line ends; readable by parse_collapsed again."""
    for thread, frames, value in profile.stacks:
        names = [f"[{_clean(thread)}]"] if thread is not None else []
        names += [_clean(frame.name) + ("_[k]" if frame.kind == "kernel" else "") for frame in frames]
        yield f"{';'.join(names)} {value}"


def _split(line: str) -> tuple[str, int] | None:
    stack, _, count = line.rstrip().rpartition(" ")
    if not stack or len(line) > _LONGEST_LINE or not (count.isascii() and count.isdigit()) or len(count) > 18:
        return None
    return stack, int(count)


def _entries(text: str) -> list[tuple[str, int]]:
    return [entry for entry in map(_split, text.split("\n")) if entry is not None]


def _stack(stack: str, value: int, of_class: bool, known: dict[tuple[str, bool], Frame]) -> Stack:
    names = stack.split(";", DEEPEST + 1)[: DEEPEST + 1]
    thread = None
    match = _THREAD.match(names[0])
    if match and not names[0].startswith(_NOT_THREADS):
        thread = match["name"]
        names = names[1:]
    last = len(names) - 1
    frames = []
    for at, name in enumerate(names):
        key = (name, of_class and at == last)
        frame = known.get(key)
        if frame is None:
            frame = known[key] = _leaf(name) if key[1] else guessed_frame(name)
        frames.append(frame)
    return Stack(thread, tuple(frames), value)


def _leaf(name: str) -> Frame:
    """``byte[]_[i]`` (inside a thread's buffer) and ``byte[]_[k]`` (outside) are the same class."""
    return class_frame(name[:-4] if name[-4:] in ("_[i]", "_[k]") else name)


def _estimate(count: int, total_bytes: int, interval_bytes: int) -> int:
    if count <= 0 or total_bytes <= 0:
        return count * interval_bytes
    seen = -math.expm1(-total_bytes / count / interval_bytes)
    return round(total_bytes / seen)


def _clean(name: str) -> str:
    """A name that cannot break the line."""
    return "".join("�" if c == ";" or not c.isprintable() else c for c in name)
