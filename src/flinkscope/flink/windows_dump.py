"""The parameters of a prediction read from a heap dump: what each pane weighs there, not what a model says."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.errors import UsageError
from flinkscope.flink.state_facts import KeyedState, StateFacts, WindowOperator
from flinkscope.flink.windows import Element, Trigger, WindowDesign
from flinkscope.flink.windows_bytes import COMPRESSED
from flinkscope.flink.windows_load import Load

_OPERATORS_OWN = ("window-contents", "fire-time", "count", "last-element")
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class ReadFromDump:
    """Design and load as the dump shows them. ``part``: how much of the window had passed at the watermark (0 to 1).

    ``panes``: measured there; ``notes``: what was assumed.
    """

    design: WindowDesign
    load: Load
    part: float | None
    panes: int
    state_bytes: int
    notes: tuple[str, ...]


def read_from_dump(state: StateFacts, *, events_per_key: float = 1.0, interval_ms: int | None = None) -> ReadFromDump:
    """The fullest window operator of the dump. Raises UsageError where there is none with panes.

    Keys by the end of the window are extrapolated from the part that has passed: events come evenly.
    """
    operator = _fullest(state)
    states = {s.name: s for s in state.states if s.home == operator.home}
    timers = [t for t in state.timers if t.home == operator.home]
    panes = max([s.entries for s in states.values()] + [t.cleanup for t in timers])
    window_ms = operator.size_ms or _DAY_MS
    part = _part(operator, states, window_ms)
    notes = [] if part else ["the watermark is not readable or past: the dump is taken as the end of the window"]
    seen = 1 - (1 - (part or 1.0)) ** events_per_key
    own = [s for s in states.values() if s.name not in _OPERATORS_OWN]
    design = WindowDesign(
        name="dump",
        trigger=_trigger(operator, notes),
        evicts=0 if operator.evictor else None,
        own_value_bytes=sum(s.content_bytes // max(1, s.entries) for s in own),
        lateness_ms=operator.allowed_lateness_ms or 0,
    )
    load = Load(
        keys_per_window=max(1, round(panes / seen)),
        events_per_key=events_per_key,
        window_ms=window_ms,
        interval_ms=interval_ms or operator.trigger_interval_ms or window_ms,
        element=_element(state, states.get("window-contents"), panes),
    )
    notes.append(f"{events_per_key:g} events a key assumed (--events): a heap dump does not tell")
    return ReadFromDump(design, load, part, panes, state.state_bytes, tuple(notes))


def _fullest(state: StateFacts) -> WindowOperator:
    """The window operator whose task holds most state entries and timers."""

    def weight(operator: WindowOperator) -> int:
        entries = sum(s.entries for s in state.states if s.home == operator.home)
        return entries + sum(t.timers for t in state.timers if t.home == operator.home)

    best = max(state.operators, key=weight, default=None)
    if best is None or not weight(best):
        raise UsageError(
            "the dump has no window operator with state on the heap",
            hint="flinkscope heap flink DUMP shows what it has",
        )
    return best


def _part(operator: WindowOperator, states: dict[str, KeyedState], window_ms: int) -> float | None:
    """How much of the fullest window had passed at the watermark; None where it cannot be told."""
    windows = [w for s in states.values() for w in s.windows]
    if operator.watermark_ms is None or not windows:
        return None
    fullest = max(windows, key=lambda w: w.entries)
    part = (operator.watermark_ms - fullest.start_ms) / window_ms
    return part if 0 < part <= 1 else None


def _trigger(operator: WindowOperator, notes: list[str]) -> Trigger:
    names = " ".join(operator.trigger)
    purging = "PurgingTrigger" in operator.trigger
    if "ContinuousProcessing" in names:
        return "continuous-processing"
    if "Continuous" in names:
        return "purging-continuous" if purging else "continuous"
    if "CountTrigger" in names:
        return "purging-count" if purging else "count"
    if "DeltaTrigger" in names:
        return "delta"
    if "EventTimeTrigger" not in names:
        notes.append(f"the trigger {names or '?'} is not known: predicted like EventTimeTrigger")
    return "event-time"


def _element(state: StateFacts, contents: KeyedState | None, panes: int) -> Element:
    """Key bytes from keys and windows together (a pane has one of each); record bytes from the contents' lists."""
    key = max(0, state.keys_and_windows_bytes // max(1, panes) - COMPRESSED.window)
    record = COMPRESSED.tuple2
    if contents is not None and contents.entries:
        record = max(0, contents.content_bytes // contents.entries - COMPRESSED.array_list(1))
    return Element(key, record, COMPRESSED.boxed_long, COMPRESSED.string(16))
