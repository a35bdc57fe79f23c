"""# R03 · A window keeps every record until it fires

**Symptom.** The TaskManager dies of `Java heap space`; the checkpoint grows with the number of records, not of keys.

**Why it happens.** A `ProcessWindowFunction` without pre-aggregation, or any evictor, makes the operator keep all
records of the window in a list. A day's window keeps a day of records.

**Evidence.** From the heap dump: the list state `window-contents` holds more than a quarter of the heap, and at least
twice what triggers and timers hold.

**Remedy.** Aggregate as records come: `.aggregate(agg, processFunction)` or `.reduce(…)`; drop the evictor.

**Not this when** there is about one record a pane and the timers weigh as much as the contents (R02), or the heap has
room.

**Sources.** Flink docs, windows (“ProcessWindowFunction with incremental aggregation”); WindowOperator and
EvictingWindowOperator 1.10 – 2.3.
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.remedies.memory import memory_remedies
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.flink.state_facts import KeyedState
from flinkscope.units import human_bp, human_bytes, human_count, share_bp

RULE = Rule(
    id="R03",
    title="A window keeps every record until it fires",
    severity=Severity.CRITICAL,
    needs=(("state",), ("heap",)),
    explains=("R01", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={
        "contents_share_bp": Threshold(
            2_500, "bp of the reachable heap", "a quarter: nothing else is worth mending first"
        ),
        "times_the_rest": Threshold(2, "times", "triggers and timers weigh less than half: else R02 explains more"),
    },
    proved_on="Flink 2.3.0 on Java 17 (corpus, record.py r03-window)",
)

_CODE = """\
.aggregate(new CountDistinct(), new AddWindowAndKey())   // the accumulator is kept, not the records"""


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a tight heap is full of window contents kept as lists."""
    state, heap = required(facts.state), required(facts.heap)
    contents = [s for s in state.states if s.name == "window-contents" and s.kind == "list"]
    held = sum(s.content_bytes for s in contents)
    homes = {s.home for s in contents}
    rest = sum(s.total_bytes for s in state.states if s.home in homes and s not in contents)
    rest += sum(t.own_bytes for t in state.timers if t.home in homes)
    share = share_bp(held, heap.used_bytes)
    enough = share >= RULE.thresholds["contents_share_bp"].value
    if not enough or held < RULE.thresholds["times_the_rest"].value * rest:
        return RuledOut(f"window contents kept as lists are {human_bp(share)} of the reachable heap")
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        return RuledOut(f"window contents are {human_bp(share)} of the reachable heap, but there is room")
    remedy = Remedy(
        id="aggregate",
        title="Aggregate as records come instead of keeping them",
        effect="one accumulator a pane instead of all its records",
        cost="the function changes from Iterable to accumulator; state is not compatible",
        verify="flinkscope heap flink DUMP: window-contents is no list any more",
        code=(CodeChange("java", ".process(new MyProcessWindowFunction())", _CODE),),
    )
    return Fired(
        summary=f"windows keep {human_bytes(held)} of records, {human_bp(share)} of the live heap",
        evidence=(*(_evidence(s) for s in contents), *pressure.evidence),
        remedies=(remedy, *memory_remedies(facts, pressure)),
        certainty_bp=9_000,
        explained_bytes=held,
    )


def _evidence(state: KeyedState) -> Evidence:
    size = human_bytes(state.content_bytes)
    text = f"state “window-contents” of {state.task}: {human_count(state.entries)} lists, {size}"
    return Evidence(text, state.place, {"entries": state.entries, "bytes": state.content_bytes})
