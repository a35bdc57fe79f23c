"""Windows whose panes alone fill the heap, whatever their trigger: many keys, or many windows that overlap."""

from __future__ import annotations

from collections.abc import Sequence

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Unclear
from flinkscope.diagnosis.held import MUCH_BP
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.remedies.memory import memory_remedies, state_backend_remedy
from flinkscope.flink.state_facts import StateFacts, WindowOperator
from flinkscope.units import human_bp, human_bytes, human_count, share_bp

OVERLAPPING = 12  # windows of one key at a time: an hour by five minutes
_OLD = "SlidingEventTimeWindows.of(Duration.ofHours(24), Duration.ofMinutes(5))"
_NEW = """\
TumblingEventTimeWindows.of(Duration.ofMinutes(5))        // one pane a key at a time: a partial result each 5 minutes
// then keyBy again and add up the last 288 partial results in a function of your own; SQL's HOP does just that"""


def verdict(facts: ProcessFacts, state: StateFacts, heap_bytes: int, none_such: str) -> Outcome:
    """Fires on a heap that the panes of ordinary windows fill and that still rises; ``none_such``: why not else."""
    operator = max(state.operators, key=lambda o: _weight(state, o), default=None)
    share = share_bp(state.state_bytes, max(1, heap_bytes))
    if (
        operator is None
        or share < MUCH_BP
        or _weight(state, operator) * 2 < state.state_bytes
        or _lists(state, operator)
    ):
        return RuledOut(none_such)
    pressure = heap_pressure(facts)
    evidence = (*_evidence(state, operator), *pressure.evidence)
    if not pressure.is_tight:
        return RuledOut("the panes of its windows weigh much, but there is room", evidence)
    if pressure.rising is False:
        return RuledOut("the live set is flat: as many panes come as go, the heap is too small for them", evidence)
    if pressure.rising is None and not pressure.died_of_heap:
        return Unclear("nothing tells whether the panes still become more", "a GC log of a longer run", evidence)
    entries, windows = _panes(state, operator)
    return Fired(
        summary=f"{human_count(entries)} panes (key, window) in {human_count(windows)} windows keep state and timers"
        f" until their window ends: {human_bytes(state.state_bytes)}, {human_bp(share)} of the live heap",
        evidence=evidence,
        remedies=(*_fewer(operator, windows), *memory_remedies(facts, pressure), *state_backend_remedy(facts)),
        certainty_bp=8_800,
        explained_bytes=state.state_bytes,
        title="Windows keep state and timers for every key until they end",
    )


def _weight(state: StateFacts, operator: WindowOperator) -> int:
    """Bytes of its states and timers; keys and windows are not told apart by operator."""
    own = sum(s.total_bytes for s in state.states if s.home == operator.home)
    return own + sum(t.own_bytes for t in state.timers if t.home == operator.home)


def _lists(state: StateFacts, operator: WindowOperator) -> bool:
    """Whether records fill it, not panes: that is R03."""
    lists = [s for s in state.states if s.home == operator.home and s.name == "window-contents" and s.kind == "list"]
    return sum(s.content_bytes for s in lists) * 2 > _weight(state, operator)


def _panes(state: StateFacts, operator: WindowOperator) -> tuple[int, int]:
    rows = [s for s in state.states if s.home == operator.home]
    return max((s.entries for s in rows), default=0), max((len(s.windows) for s in rows), default=0)


def _evidence(state: StateFacts, operator: WindowOperator) -> Sequence[Evidence]:
    rows = [
        Evidence(
            f"state “{s.name}”: {human_count(s.entries)} entries of {human_count(s.keys)} keys in"
            f" {human_count(len(s.windows))} windows, {human_bytes(s.total_bytes)}",
            s.place,
            {"entries": s.entries, "keys": s.keys, "windows": len(s.windows), "bytes": s.total_bytes},
        )
        for s in state.states
        if s.home == operator.home
    ]
    rows += [
        Evidence(
            f"timers “{t.service}”: {human_count(t.timers)}, {human_bytes(t.own_bytes)}", t.place, {"timers": t.timers}
        )
        for t in state.timers
        if t.home == operator.home
    ]
    size = f" of {operator.size_ms // 60_000} min" if operator.size_ms else ""
    text = f"the operator: {operator.assigner}{size}, trigger {' of '.join(operator.trigger)}"
    return (*rows, Evidence(text, operator.place))


def _fewer(operator: WindowOperator, windows: int) -> tuple[Remedy, ...]:
    if "Sliding" not in (operator.assigner or "") or windows < OVERLAPPING:
        return ()
    remedy = Remedy(
        id="slices",
        title="Aggregate in slices, not once for each window that overlaps",
        effect=f"a key is in one pane at a time instead of {human_count(windows)}; the results stay the same",
        cost="a second step; only for what can be added up (sums, counts, bitmaps)",
        verify="flinkscope heap flink DUMP: entries fall to about the number of keys",
        code=(CodeChange("java", _OLD, _NEW),),
    )
    return (remedy,)
