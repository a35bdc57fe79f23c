"""# R02 · A continuous trigger keeps state and timers for every key of the window

**Symptom.** The TaskManager dies of `Java heap space` some hours after midnight, earlier on busy days; full GCs free
less and less; the checkpoint grows all day and shrinks when the window ends. Purging the window, or evicting all its
elements, does not help.

**Why it happens.** `ContinuousEventTimeTrigger` keeps one `fire-time` entry and one timer of its own for each pane,
that is for each (key, window); the window operator keeps one clean-up timer. When the trigger fires it re-arms at once,
whether or not new data came: every key that was ever seen in the window is held until the window ends. `PurgingTrigger`
and an evictor remove only the window's *contents* (the state `window-contents`); trigger state, timers, the key and the
window object stay. So the heap grows with the number of *distinct keys of the day*, not with the data.

Other triggers keep one entry and one timer a pane: enough where there are many, since a sliding window puts each record
into size ÷ slide panes (24 h by 5 min: 288), and keys that come once a day stay a day. The finding then says so in its
title, and names no trigger.

**Evidence.** From the heap dump: entries of `window-contents`, `fire-time` and the function's own per-window states;
timers per (key, window); what they weigh together; the operator's own fields (assigner, trigger, evictor). From the GC
log: a live set that rises towards -Xmx.

**Remedy.** Best: change the design, so that what is kept does not grow with the keys (item buckets; a pre-aggregation;
slices in place of sliding windows). Next: a trigger that re-arms only where data came; RocksDB. More heap is only right
when the number of keys a day is bounded: heap = 3–5 × the live set at the end of the window.

**Not this when** the live set is far below -Xmx (the pattern alone is no illness), when the watermark stands still and
windows of past days are never cleaned (R06), or when user-named state outlives its window (R04).

**Sources.** Flink 1.10.3 … 2.3.0: WindowOperator, ContinuousEventTimeTrigger.onEventTime, PurgingTrigger,
EvictingWindowOperator; measured on the operators' harness: 314 bytes a key under PurgingTrigger; the lab.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from flinkscope.absent import Absent, required
from flinkscope.diagnosis import panes
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.pressure import HeapPressure, heap_pressure
from flinkscope.diagnosis.remedies.memory import memory_remedies, state_backend_remedy
from flinkscope.diagnosis.remedies.window_design import bucket_design, quiet_trigger
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.flink.histogram_ratios import StateRatios
from flinkscope.flink.state_facts import KeyedState, StateFacts, TimerService, WindowOperator
from flinkscope.units import human_bp, human_bytes, human_count, share_bp

RULE = Rule(
    id="R02",
    title="A continuous trigger keeps state and timers for every key of the window",
    severity=Severity.CRITICAL,
    needs=(("state", "classes"), ("heap", "classes")),
    explains=("R01", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={
        "state_share_bp": Threshold(
            1_000, "bp of the reachable heap", "timers and state are at least a tenth of the heap"
        ),
    },
    proved_on="Flink 2.3.0 on Java 11, 17, 21 and 25, Flink 1.17 and 1.20 (lab uv-heap)",
)


_WHOLE_DUMP = "a whole heap dump: copy it again, or jcmd PID GC.heap_dump FILE"


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a heap that is too tight is held by the panes of a continuous trigger."""
    if isinstance(facts.state, Absent) or isinstance(facts.heap, Absent):
        return _from_histogram(required(facts.classes))
    state, heap = facts.state, facts.heap
    operator = next((o for o in state.operators if _is_continuous(o)), None)
    share = share_bp(state.state_bytes, heap.used_bytes)
    small = share < RULE.thresholds["state_share_bp"].value
    if heap.gap is not None and (operator is None or small):
        return _cut_off(state, heap.gap)
    if operator is None:
        none_such = f"no window operator with a continuous trigger runs here ({_operators(state)})"
        return panes.verdict(facts, state, heap.used_bytes, none_such)
    if small:
        return RuledOut(f"its state and timers are only {human_bp(share)} of the reachable heap")
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        if pressure.live_share_bp is None:
            return Unclear("the pattern is there, but nothing tells how full the heap is", "flinkscope gc LOG")
        return RuledOut(
            f"the pattern is there ({_panes(state, operator):,} panes), but it fits: the live set is"
            f" {human_bp(pressure.live_share_bp)} of -Xmx"
        )
    return Fired(
        summary=_summary(state, operator, share),
        evidence=(*_state_evidence(state, operator), *pressure.evidence),
        remedies=_remedies(facts, pressure, operator),
        certainty_bp=9_800 if pressure.died_of_heap else 9_000,
        explained_bytes=state.state_bytes,
        attempts=_attempts(operator),
    )


def _from_histogram(ratios: StateRatios) -> Outcome:
    """Ratios of a class histogram: enough to suspect, never enough to blame an operator."""
    if ratios.pattern != "continuous trigger":
        return RuledOut(f"the class histogram speaks against it: {ratios.why}")
    found = Evidence(
        f"{ratios.why}; about {human_count(ratios.panes)} panes,"
        f" {human_bytes(ratios.own_bytes)} without keys and values",
        ratios.place,
        {"entries": ratios.entries, "timers": ratios.timers, "windows": ratios.windows, "panes": ratios.panes},
    )
    return Unclear(
        f"the counts of a class histogram fit it ({human_bp(ratios.certainty_bp)} certain), but it names no operator"
        " and no trigger",
        "jcmd PID GC.heap_dump FILE, then flinkscope heap flink FILE",
        (found,),
    )


def _cut_off(state: StateFacts, gap: str) -> Unclear:
    """What an incomplete dump still tells: how many entries and timers there are, not whose."""
    entries = state.unowned_entries + sum(s.entries for s in state.states)
    timers = state.unowned_timers + sum(t.timers for t in state.timers)
    text = f"{human_count(entries)} state entries and {human_count(timers)} timers are in the part that is there"
    found = Evidence(text, state.place, {"entries": entries, "timers": timers})
    return Unclear(
        f"the dump is incomplete, most of its state may be in the part that is missing: {gap}", _WHOLE_DUMP, (found,)
    )


def _is_continuous(operator: WindowOperator) -> bool:
    return any("Continuous" in name for name in operator.trigger)


def _operators(state: StateFacts) -> str:
    return ", ".join(f"{o.assigner} with {' of '.join(o.trigger)}" for o in state.operators) or "no window operator"


def _states_of(state: StateFacts, operator: WindowOperator) -> list[KeyedState]:
    return [s for s in state.states if s.home == operator.home]


def _timers_of(state: StateFacts, operator: WindowOperator) -> list[TimerService]:
    return [t for t in state.timers if t.home == operator.home]


def _panes(state: StateFacts, operator: WindowOperator) -> int:
    """(key, window) pairs: the trigger keeps one `fire-time` entry for each."""
    entries = {s.name: s.entries for s in _states_of(state, operator)}
    return entries.get("fire-time") or max(entries.values(), default=0)


def _summary(state: StateFacts, operator: WindowOperator, state_share_bp: int) -> str:
    panes = _panes(state, operator)
    entries = sum(s.entries for s in _states_of(state, operator))
    timers = sum(t.timers for t in _timers_of(state, operator))
    keep = " Purging removes only the window's contents." if "PurgingTrigger" in operator.trigger else ""
    keep = " The evictor empties only the window's contents." if operator.evictor else keep
    return (
        f"each of {human_count(panes)} (key, window) panes holds {_per(entries, panes)} state entries and"
        f" {_per(timers, panes)} timers until {_window_end(state, operator)}.{keep} Together"
        f" {human_bytes(state.state_bytes)}, {human_bp(state_share_bp)} of the live heap"
    )


def _per(count: int, panes: int) -> str:
    return f"{count / panes:.2g}" if panes else "?"


def _window_end(state: StateFacts, operator: WindowOperator) -> str:
    ends = [w.needed_until_ms for s in _states_of(state, operator) for w in s.windows]
    return local_time(max(ends), operator.offset_ms) if ends else "the window ends"


def local_time(epoch_ms: int, offset_ms: int | None) -> str:
    """``2017-11-26 00:00 +08:00``: the window's own zone, told by its offset (-8 h is UTC+8); UTC without one."""
    zone = UTC if not offset_ms else timezone(timedelta(milliseconds=-offset_ms))
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=epoch_ms)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z").replace("UTC+", "+").replace("UTC-", "-")


def _state_evidence(state: StateFacts, operator: WindowOperator) -> tuple[Evidence, ...]:
    panes = _panes(state, operator)
    rows = [
        Evidence(
            f"state “{s.name}”: {human_count(s.entries)} entries, {human_bytes(s.total_bytes)},"
            f" {s.total_bytes // max(1, s.entries)} bytes each",
            s.place,
            {"entries": s.entries, "bytes": s.total_bytes, "windows": len(s.windows)},
        )
        for s in _states_of(state, operator)
    ]
    rows += [
        Evidence(
            f"timers “{t.service}”: {human_count(t.timers)}, {_per(t.timers, panes)} a pane,"
            f" {human_bytes(t.own_bytes)}; {human_count(t.cleanup)} only wait for the window's end,"
            f" {human_count(t.due_next)} fire together next time",
            t.place,
            {"timers": t.timers, "cleanup": t.cleanup, "firing": t.firing, "bytes": t.own_bytes},
        )
        for t in _timers_of(state, operator)
    ]
    keys = Evidence(
        f"keys and windows: {human_bytes(state.keys_and_windows_bytes)}; a pane costs"
        f" {state.state_bytes // max(1, panes)} bytes in all",
        state.place,
        {"panes": panes, "bytes_per_pane": state.state_bytes // max(1, panes)},
    )
    return (*rows, keys, Evidence(_setup(operator), operator.place))


def _setup(operator: WindowOperator) -> str:
    minutes = f" every {operator.trigger_interval_ms // 60_000} min" if operator.trigger_interval_ms else ""
    evictor = f", evictor {operator.evictor}" if operator.evictor else ""
    hours = f" of {operator.size_ms // 3_600_000} h" if operator.size_ms else ""
    return f"the operator: {operator.assigner}{hours}, trigger {' of '.join(operator.trigger)}{minutes}{evictor}"


def _attempts(operator: WindowOperator) -> tuple[str, ...]:
    """Why what people try first does not help, the variant that runs here first."""
    purging = (
        "PurgingTrigger clears `window-contents` after each firing, nothing else: the `fire-time` entry and both timers"
        " of every pane stay until its window ends."
    )
    evictor = (
        "TimeEvictor.of(0s, true) empties the list in `window-contents` after each firing, keeps the trigger's entry"
        " and the timers, and makes the operator store whole StreamRecords in between."
    )
    bare = "Without either, `window-contents` keeps every record of the day on top of entries and timers."
    order = (purging, evictor, bare)
    if operator.evictor:
        order = (evictor, purging, bare)
    elif "PurgingTrigger" not in operator.trigger:
        order = (bare, purging, evictor)
    return order


def _remedies(facts: ProcessFacts, pressure: HeapPressure, operator: WindowOperator) -> tuple[Remedy, ...]:
    memory = memory_remedies(facts, pressure)
    return (bucket_design(operator), *memory, quiet_trigger(operator), *state_backend_remedy(facts))
