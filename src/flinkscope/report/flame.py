"""A flame graph in every form: page, collapsed stacks, speedscope JSON, text for the terminal, JSON."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flinkscope.errors import SourceError, UsageError
from flinkscope.formats.collapsed import collapsed_lines
from flinkscope.formats.flame_files import speedscope_document
from flinkscope.formats.stacks import Frame, Stack, StackProfile
from flinkscope.jvm.flame import FlameProfile, by_caller, hot_frames, thread_totals
from flinkscope.report.wording import cleaned, harmless
from flinkscope.units import human_bp, human_bytes, human_count, human_ns, share_bp

HOT_SHOWN = 12
LEAST_CHANGE_BP = 10  # a share that moved by less than 0.1 points is no change: two runs differ by more
_FORMS = {
    ".html": "html", ".htm": "html", ".collapsed": "collapsed", ".folded": "collapsed", ".txt": "collapsed",
    ".json": "speedscope",
}  # fmt: skip
EVENT_TITLES = {
    "cpu": "CPU time", "alloc": "Allocation", "wall": "Wall-clock time", "lock": "Waiting for locks", "": "Stacks",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HotRow:
    """A frame and its shares in basis points: own and in all; of two profiles: own before and after."""

    name: str
    first_bp: int
    second_bp: int


def amount(value: int, unit: str) -> str:
    """A value of a profile as people read it."""
    shown = {"bytes": human_bytes, "ns": human_ns}.get(unit)
    return shown(value) if shown is not None else f"{human_count(value)} samples"


def comparable(flames: Sequence[FlameProfile]) -> None:
    """Raises UsageError where two profiles must not be compared: other events, other units."""
    if len(flames) < 2:
        return
    first, second = flames[0].profile, flames[1].profile
    if first.unit != second.unit or (first.event and second.event and first.event != second.event):
        raise UsageError(
            f"{first.event or 'stacks'} in {first.unit} and {second.event or 'stacks'} in {second.unit} do not compare",
            hint="take both profiles in the same way and of the same event",
        )


def hot_rows(flames: Sequence[FlameProfile], most: int = HOT_SHOWN) -> list[HotRow]:
    """The frames that matter most: by their own share; of two profiles by how much it changed."""
    profiles = [by_caller(flame.profile) for flame in flames]
    if len(profiles) == 1:
        whole = profiles[0].total
        found = hot_frames(profiles[0], most)
        return [HotRow(h.frame.name, share_bp(h.own_value, whole), share_bp(h.value, whole)) for h in found]
    own = [{hot.frame: share_bp(hot.own_value, p.total) for hot in hot_frames(p, len(p.stacks))} for p in profiles]
    rows = [HotRow(f.name, own[0].get(f, 0), own[1].get(f, 0)) for f in {**own[0], **own[1]}]
    changed = [row for row in rows if abs(row.second_bp - row.first_bp) >= LEAST_CHANGE_BP]
    return sorted(changed, key=lambda row: (-abs(row.second_bp - row.first_bp), row.name))[:most]


def harmless_flame(flame: FlameProfile) -> FlameProfile:
    """The profile without characters that could drive a terminal or mislead a reader; numbers as they are."""
    known: dict[Frame, Frame] = {}
    for stack in flame.profile.stacks:
        for frame in stack.frames:
            if frame not in known:
                known[frame] = Frame(harmless(frame.name), frame.kind)
    stacks = tuple(
        Stack(thread and harmless(thread), tuple([known[frame] for frame in frames]), value)
        for thread, frames, value in flame.profile.stacks
    )
    words = cleaned(replace(flame, profile=replace(flame.profile, stacks=())))
    return replace(words, profile=replace(words.profile, stacks=stacks))


def how_told(flame: FlameProfile) -> list[tuple[str, str]]:
    """How a profile came about: the way, its length, why no better way, what to know about it."""
    rows = [("way", flame.way)]
    if flame.seconds is not None:
        rows.append(("length", f"{flame.seconds} s"))
    rows.append(("in all", amount(flame.profile.total, flame.profile.unit)))
    rows += [(f"not {way.way}", way.reason) for way in flame.not_taken]
    rows += [("note", note) for note in flame.profile.notes]
    return rows + ([("missing", flame.profile.gap)] if flame.profile.gap else [])


def flame_text(flames: Sequence[FlameProfile], width: int = 100) -> str:
    """The profile (or two) for the terminal: how it came about, the hottest frames, the threads."""
    flames = [harmless_flame(flame) for flame in flames]
    comparable(flames)
    lines = []
    for flame in flames:
        lines.append(f"{EVENT_TITLES[flame.profile.event]} of {flame.title}")
        lines += [_wrapped(name, text, width) for name, text in how_told(flame)]
        lines.append("")
    two = len(flames) == 2
    lines.append(f"{'before':>9} {'after':>9} {'change':>9}  frame" if two else f"{'own':>9} {'total':>9}  frame")
    for row in hot_rows(flames):
        cells = [human_bp(row.first_bp), human_bp(row.second_bp)] + ([signed_bp(row)] if two else [])
        lines.append(" ".join(f"{cell:>9}" for cell in cells) + "  " + _tail(row.name, width - 10 * len(cells) - 1))
    threads = thread_totals(flames[-1].profile)[:HOT_SHOWN]
    if threads:
        whole = flames[-1].profile.total
        lines += ["", f"{'share':>9}  thread"]
        lines += [f"{human_bp(share_bp(value, whole)):>9}  {_tail(name, width - 11)}" for name, value in threads]
    return "\n".join(lines)


def signed_bp(row: HotRow) -> str:
    """The change of a row in percentage points."""
    points = row.second_bp - row.first_bp
    return f"{'+' if points > 0 else '−' if points < 0 else ''}{abs(points) / 100:.1f}"


def flame_document(flames: Sequence[FlameProfile]) -> dict[str, Any]:
    """The profiles with all stacks, for ``--json``: integers in the unit that it names."""
    comparable(flames)
    return {
        "profiles": [
            {
                "title": flame.title,
                "event": flame.profile.event or None,
                "unit": flame.profile.unit,
                "total": flame.profile.total,
                "seconds": flame.seconds,
                "way": flame.way,
                "not_taken": [{"way": way.way, "reason": way.reason} for way in flame.not_taken],
                "notes": list(flame.profile.notes),
                "gap": flame.profile.gap,
                "stacks": [
                    {"thread": thread, "frames": [frame.name for frame in frames], "value": value}
                    for thread, frames, value in flame.profile.stacks
                ],
            }
            for flame in flames
        ]
    }


def check_form(path: Path) -> str:
    """The form that a file's ending asks for: html, collapsed or speedscope. UsageError for another ending."""
    ending = (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
    if ending not in _FORMS:
        raise UsageError(f"{path}: no form for this ending", hint="FILE.html, FILE.collapsed or FILE.json (speedscope)")
    if not path.absolute().parent.is_dir():
        raise SourceError(f"{path.parent}: no such folder")
    return _FORMS[ending]


def write_flame(flames: Sequence[FlameProfile], path: str | Path) -> None:
    """Writes one profile, or two to compare, in the form of the file's ending; whole or not at all.

    ``.html``: the page; ``.collapsed`` (``.folded``, ``.txt``): collapsed stacks, of two with both values a line;
    ``.json``: speedscope. ``.gz`` after any of these packs it. Raises UsageError for another ending.
    """
    path = Path(path)
    comparable(flames)
    form = check_form(path)
    if form == "html":
        from flinkscope.report.flame_page import flame_html

        text = flame_html(flames)
    elif form == "collapsed":
        text = _collapsed([flame.profile for flame in flames])
    else:
        document = speedscope_document(flames[-1].title, [(flame.title, flame.profile) for flame in flames])
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
    data = text.encode("utf-8", "replace")
    _replace(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _collapsed(profiles: Sequence[StackProfile]) -> str:
    if len(profiles) == 1:
        return "".join(f"{line}\n" for line in collapsed_lines(profiles[0]))
    values: dict[str, list[int]] = {}
    for index, profile in enumerate(profiles):
        for line in collapsed_lines(profile):
            stack, _, value = line.rpartition(" ")
            values.setdefault(stack, [0, 0])[index] += int(value)
    return "".join(f"{stack} {before} {after}\n" for stack, (before, after) in values.items())


def _replace(path: Path, data: bytes) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise SourceError(f"{path}: cannot be written: {error.strerror}") from error


def _wrapped(name: str, text: str, width: int) -> str:
    import textwrap

    return textwrap.fill(f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ")


def _tail(name: str, width: int) -> str:
    """The end of a name, which tells class and method."""
    return name if len(name) <= width else "…" + name[-(width - 1) :]
