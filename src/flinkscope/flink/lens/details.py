"""Each keyed state closer: spread of sizes, fill, balance, largest keys, windows against the watermark; a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from flinkscope.flink.lens.keys import describe_key
from flinkscope.flink.lens.reader import NULL
from flinkscope.flink.lens.rows import key_types
from flinkscope.flink.state_facts import KeyedState, StateFacts, WindowOperator, WindowSpan

if TYPE_CHECKING:
    from flinkscope.flink.lens.read import StateParts
    from flinkscope.flink.lens.reader import Reader
    from flinkscope.flink.lens.states import StateEntries

_LARGEST = 5
_DAY_MS = 86_400_000
_MOST_EAST = 14 * 60  # minutes: no clock is further ahead of UTC
_FAR_WINDOWS = 2  # a window that ends more than so many sizes after the watermark is far in the future


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, middle and most of a set of figures, and the 99th percentile."""

    least: int
    median: int
    p99: int
    most: int


@dataclass(frozen=True, slots=True)
class LargeKey:
    """A key of one entry and what the entry holds. ``key``: its shape, its value only where that was asked for."""

    key: str
    size_bytes: int
    address: int


@dataclass(frozen=True, slots=True)
class WindowAge:
    """Windows of a state against the watermark, in entries: past their clean-up time, and far in the future."""

    watermark_ms: int
    past: int
    far_future: int


@dataclass(frozen=True, slots=True)
class StateDetail:
    """Details of one keyed state. ``entry_bytes``: entry with its value; ``fill_bp``: entries per table slot.

    ``key_groups``, ``subtasks``: entries of each. None: nothing there, or no watermark.
    """

    task: str
    name: str
    entry_bytes: Spread | None
    fill_bp: int
    key_groups: Spread | None
    subtasks: Spread | None
    largest: tuple[LargeKey, ...]
    age: WindowAge | None
    job: str | None = None
    operator: str = ""


def state_details(facts: StateFacts, parts: StateParts, *, show_strings: bool = False) -> tuple[StateDetail, ...]:
    """One row a state, in the order of ``facts.states``. Cost: some array passes over the entries."""
    operators = {o.home: o for o in facts.operators}
    backends = {o.home: o.backend for o in parts.operators if o.backend != NULL}
    return tuple(
        StateDetail(
            task=state.task,
            name=state.name,
            entry_bytes=_spread(sizes := entry_sizes(parts.reader, columns)),
            fill_bp=state.entries * 10_000 // max(1, state.table_slots),
            key_groups=_spread(columns.in_group),
            subtasks=_spread(np.bincount(columns.subtask_of_group, weights=columns.in_group).astype(np.int64)),
            largest=_largest(
                parts.reader, columns, sizes, key_types(parts.reader, backends.get(state.home, NULL)), show=show_strings
            ),
            age=_age(state, operators.get(state.home)),
            job=state.job,
            operator=state.operator,
        )
        for state, columns in zip(facts.states, parts.entries, strict=True)
    )


def entry_sizes(reader: Reader, columns: StateEntries) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Bytes of each entry with what its value retains, where only the entry holds it."""
    heap, values = reader.heap, columns.values
    safe = np.maximum(values, 0)
    owned = (values >= 0) & (heap.idom[safe] == columns.entries)
    return heap.shallow_bytes[columns.entries].astype(np.int64) + np.where(owned, heap.retained_bytes[safe], 0)


def _spread(figures: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Spread | None:
    if not len(figures):
        return None
    ranks = [0, len(figures) // 2, min(len(figures) - 1, len(figures) * 99 // 100), len(figures) - 1]
    ordered = np.partition(figures, sorted(set(ranks)))
    return Spread(*(int(ordered[rank]) for rank in ranks))


def _largest(
    reader: Reader,
    columns: StateEntries,
    sizes: np.ndarray[tuple[int], np.dtype[np.int64]],
    types: Sequence[str],
    *,
    show: bool,
) -> tuple[LargeKey, ...]:
    count = min(_LARGEST, len(sizes))
    if not count:
        return ()
    top = np.argpartition(-sizes, count - 1)[:count]
    top = top[np.argsort(-sizes[top], kind="stable")]
    heap = reader.heap
    return tuple(
        LargeKey(
            describe_key(heap, int(columns.keys[i]), show=show, types=types),
            int(sizes[i]),
            heap.address_of(int(columns.entries[i])),
        )
        for i in top
    )


def _age(state: KeyedState, operator: WindowOperator | None) -> WindowAge | None:
    if operator is None or operator.watermark_ms is None:
        return None
    windows = state.windows
    now, late = operator.watermark_ms, operator.allowed_lateness_ms or 0
    return WindowAge(
        watermark_ms=now,
        past=sum(w.entries for w in windows if w.needed_until_ms - 1 + late <= now),
        far_future=sum(w.entries for w in windows if w.end_ms - now > _FAR_WINDOWS * _length(w, operator)),
    )


def _length(window: WindowSpan, operator: WindowOperator) -> int:
    """A window's own length; of slices that of the whole window."""
    own = window.end_ms - window.start_ms
    return own if window.over_ms is None else max(own, operator.size_ms or 0)


def _until(states: list[KeyedState], operator: WindowOperator) -> str:
    """`` until 2026-11-22 00:00+08:00``: clean-up of the only window, on the clock that the window's offset tells."""
    ends = {w.needed_until_ms for s in states for w in s.windows}
    if len(ends) != 1:
        return ""
    minutes = -(operator.offset_ms or 0) % _DAY_MS // 60_000
    ahead = timedelta(minutes=minutes - (1_440 if minutes > _MOST_EAST else 0))
    end = timedelta(milliseconds=ends.pop() + (operator.allowed_lateness_ms or 0))
    try:
        text = (datetime(1970, 1, 1, tzinfo=UTC) + end).astimezone(timezone(ahead)).isoformat(" ", "minutes")
    except OverflowError:
        return ""
    return f" until {text}"


def verdict(facts: StateFacts, operator: WindowOperator) -> str | None:
    """What this operator keeps, in a sentence; None where it keeps nothing."""
    states = [s for s in facts.states if s.home == operator.home]
    timers = [t for t in facts.timers if t.home == operator.home]
    panes = max([s.entries for s in states] + [t.cleanup for t in timers], default=0)
    if not panes:
        return None
    held = [f"{s.entries / panes:.2g} `{s.name}`" for s in states if s.entries]
    count = sum(t.timers for t in timers)
    part = "slice" if any(w.over_ms is not None for s in states for w in s.windows) else "window"
    what = [f"{', '.join(held)} entries"] if held else []
    what += [f"{count / panes:.2g} timers"] if count else []
    text = f"each of {panes:,} (key, {part}) panes holds {' and '.join(what)}{'' if held else ' on the heap'}"
    text += _until(states, operator)
    due = [t for t in timers if t.firing]
    if due:
        text += f"; {sum(t.due_next for t in due):,} timers fire at the next instant"
    if "PurgingTrigger" in operator.trigger:
        text += "; purging removes only the contents"
    elif operator.evictor:
        text += "; the evictor removes only the contents"
    return text
