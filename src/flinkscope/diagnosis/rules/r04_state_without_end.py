"""# R04 · State that nothing ever clears

**Symptom.** The heap and the checkpoint grow for days, also across the ends of windows; the TaskManager dies of `Java
heap space` at a time that has nothing to do with a window. A restart from the checkpoint dies sooner.

**Why it happens.** A state of the user's own, or of a SQL operator without windows (GROUP BY, a regular join), keeps
one entry for every key ever seen: there is neither a time to live nor a timer that clears it. Broadcast state and
operator state know no time to live at all: what is put there stays until the function removes it, and every subtask
has the whole of a broadcast state.

**Evidence.** From the heap dump: a state that belongs to no window holds a quarter of the heap or more, its values
carry no time to live (`TtlValue`), and its operator has not even one timer for two keys; or a broadcast or operator
state holds that much. From the GC log or the checkpoints: they rise.

**Remedy.** `StateTtlConfig` on the descriptor, in SQL `table.exec.state.ttl`; or a timer that clears the key; an
interval or temporal join in place of a regular one. Broadcast state: remove what is over, or look it up by key.

**Not this when** the state belongs to windows (R02, R03, R06), every key has a timer that will clear it, or the live
set is flat: then the keys are bounded and the heap is too small (R01).

**Sources.** Flink docs, working with state (“State Time-To-Live”); Flink SQL `table.exec.state.ttl` (0: never);
StateTtlConfig, TtlValue 1.10 – 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from flinkscope.absent import present, required
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.held import MUCH_BP, holding
from flinkscope.diagnosis.pressure import HeapPressure, heap_pressure
from flinkscope.diagnosis.remedies.memory import state_backend_remedy
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.flink.state_facts import KeyedState, StateFacts
from flinkscope.units import human_bp, human_bytes, human_count, share_bp

RULE = Rule(
    id="R04",
    title="State that nothing ever clears",
    severity=Severity.CRITICAL,
    needs=(("state",), ("heap",)),
    explains=("R01", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={
        "state_share_bp": Threshold(MUCH_BP, "bp of the reachable heap", "a quarter: nothing else is worth mending"),
        "timers_bp": Threshold(5_000, "bp of the keys", "fewer timers than one for two keys clear no key each"),
    },
    proved_on="Flink 1.20.3 and 2.3.0 on Java 17 (corpus, record.py r04-endless-state)",
)

_TTL = "table.exec.state.ttl"
_OF_WINDOWS = frozenset({"window-contents", "fire-time", "merging-window-set"})
_OLD = 'new ValueStateDescriptor<>("{name}", …)'
_NEW = """\
StateTtlConfig ttl = StateTtlConfig.newBuilder(Duration.ofHours(36))   // before 1.20: Time.hours(36)
    .setUpdateType(StateTtlConfig.UpdateType.OnCreateAndWrite)
    .cleanupIncrementally(10, false).build();                          // RocksDB: cleanupInRocksdbCompactFilter(1000)
descriptor.enableTimeToLive(ttl);"""


@dataclass(frozen=True, slots=True)
class _Kept:
    """State that nothing clears: of keys, or of operators."""

    names: tuple[str, ...]
    size_bytes: int
    what_for: str
    evidence: tuple[Evidence, ...]


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a tight heap is full of state that neither time nor timer clears."""
    state, heap = required(facts.state), required(facts.heap)
    keyed, of_operators = _of_keys(state), _of_operators(state)
    kept = max(keyed, of_operators, key=lambda k: k.size_bytes)
    share = share_bp(kept.size_bytes, max(1, heap.used_bytes))
    if share < RULE.thresholds["state_share_bp"].value:
        return RuledOut(f"state that no window or timer clears is {human_bp(share)} of the reachable heap")
    if kept is keyed and (lives := _time_to_live(facts)):
        return lives
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        return RuledOut(f"such state is {human_bp(share)} of the reachable heap, but there is room")
    evidence = (*kept.evidence, *_growth(facts), *pressure.evidence)
    if pressure.rising is False and not _checkpoints_rise(facts):
        return RuledOut("the live set is flat: the keys are bounded, the heap is too small for them", evidence)
    if pressure.rising is None and not pressure.died_of_heap:
        return Unclear("nothing tells whether that state still grows", "a GC log of a longer run", evidence)
    names = ", ".join(f"“{name}”" for name in kept.names[:3])
    return Fired(
        summary=f"{names}: {human_bytes(kept.size_bytes)} of state, {human_bp(share)} of the live heap,"
        f" {kept.what_for}",
        evidence=evidence,
        remedies=_remedies(facts, kept.names[0]) if kept is keyed else _BOUND,
        certainty_bp=_certainty(pressure, facts),
        explained_bytes=kept.size_bytes,
    )


def _of_keys(state: StateFacts) -> _Kept:
    rows = [s for s in state.states if _is_endless(state, s)]
    what_for = "for every key ever seen: no window, timer or time to live clears it"
    size_bytes = sum(s.total_bytes for s in rows)
    return _Kept(tuple(s.name for s in rows), size_bytes, what_for, tuple(_evidence(s) for s in rows))


def _of_operators(state: StateFacts) -> _Kept:
    rows = sorted(state.operator_states, key=lambda s: -s.size_bytes)
    what_for = "outside of keys: no time to live can clear it, only the function itself"
    shown = tuple(
        Evidence(
            f"{s.kind} state “{s.name}” of {s.task}: {human_count(s.entries)} entries, {human_bytes(s.size_bytes)}",
            s.place,
            {"entries": s.entries, "bytes": s.size_bytes},
        )
        for s in rows[:3]
    )
    return _Kept(tuple(s.name for s in rows), sum(s.size_bytes for s in rows), what_for, shown)


def _time_to_live(facts: ProcessFacts) -> RuledOut | None:
    lived = holding(facts, ("org.apache.flink.runtime.state.ttl.TtlValue",))
    if lived is not None and lived.rows:
        return RuledOut("the state's values carry a time to live", lived.evidence)
    return RuledOut(f"{_TTL} is set") if _seconds(options_of(facts).get(_TTL)) else None


def _is_endless(state: StateFacts, row: KeyedState) -> bool:
    """Not of a window, and without a timer for at least every second key."""
    if row.windows or row.name in _OF_WINDOWS or row.namespaces > max(1, row.keys // 2) > 1:
        return False
    timers = sum(t.timers for t in state.timers if t.task == row.task)
    return timers * 10_000 < row.keys * RULE.thresholds["timers_bp"].value


def _certainty(pressure: HeapPressure, facts: ProcessFacts) -> int:
    return 9_200 if pressure.rising or _checkpoints_rise(facts) else 7_500


def _checkpoints_rise(facts: ProcessFacts) -> bool:
    """Ten completed checkpoints or more, none much smaller than the one before, the last twice the first."""
    found = present(facts.checkpoints)
    sizes = found.sizes_bytes if found else ()
    falls = any(after * 10 < before * 9 for before, after in pairwise(sizes))
    return len(sizes) >= 10 and not falls and sizes[-1] >= 2 * max(1, sizes[0])


def _growth(facts: ProcessFacts) -> tuple[Evidence, ...]:
    found = present(facts.checkpoints)
    if found is None or not _checkpoints_rise(facts):
        return ()
    first, last = found.sizes_bytes[0], found.sizes_bytes[-1]
    text = f"checkpoints only grew: {human_bytes(first)} → {human_bytes(last)} in {len(found.sizes_bytes)} of them"
    return (Evidence(text, found.place, {"first_bytes": first, "last_bytes": last}),)


def _evidence(state: KeyedState) -> Evidence:
    size = human_bytes(state.total_bytes)
    text = f"state “{state.name}” ({state.kind}) of {state.task}: {human_count(state.entries)} entries, {size}"
    return Evidence(text, state.place, {"entries": state.entries, "keys": state.keys, "bytes": state.total_bytes})


_BOUND = (
    Remedy(
        id="bound-operator-state",
        title="Remove what is over from the broadcast or operator state, or keep it by key",
        effect="the state follows what is valid now; by key each subtask holds its share, not all of it",
        cost="a rule for when an element is over; large reference data belong into a lookup or a temporal join",
        verify="flinkscope heap flink DUMP: the operator state's entries stay flat",
        code=(
            CodeChange(
                "java",
                "context.getBroadcastState(RULES).put(rule.id, rule);",
                "if (rule.isOver()) context.getBroadcastState(RULES).remove(rule.id);\n"
                "else context.getBroadcastState(RULES).put(rule.id, rule);",
            ),
        ),
    ),
)


def _remedies(facts: ProcessFacts, name: str) -> tuple[Remedy, ...]:
    live = Remedy(
        id="time-to-live",
        title="Give the state a time to live",
        effect="a key that is not seen any more goes; what is kept follows the keys of that time, not of all times",
        cost="8 bytes an entry; a key that comes back after its time starts afresh; enabling it on an existing state"
        " needs Flink 2.0, or a start without the old savepoint",
        verify="the checkpoint's size and the live set level out after one time to live",
        code=(CodeChange("java", _OLD.format(name=name), _NEW),),
    )
    sql = Remedy(
        id="sql-time-to-live",
        title="In a SQL job: a time to live for all state",
        effect="GROUP BY and joins forget keys that were idle that long",
        cost="results of a key that comes back later count from zero",
        verify="as above",
        code=(CodeChange("sql", "", f"SET '{_TTL}' = '36 h';"),),
    )
    return (live, *option_remedy(facts, sql, {_TTL: "36 h"}), *state_backend_remedy(facts))


def _seconds(text: str | None) -> bool:
    """Whether the option is a time above zero."""
    return text is not None and text.strip().strip("0").strip() not in ("", "ms", "s", "min", "h", "d")
