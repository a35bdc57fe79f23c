"""# R11 · One array is larger than a JVM allows

**Symptom.** `java.lang.OutOfMemoryError: Requested array size exceeds VM limit`, often with plenty of heap free.

**Why it happens.** A single list, buffer, timer queue or serialised record needs an array of more than about 2³¹
elements. No heap size helps: the limit is HotSpot's.

**Evidence.** The JVM's own text, with the stack of who grew the array.

**Remedy.** Split what is one object: `MapState` instead of `ListState` or `ValueState<List>`; smaller records; more
parallelism, so that each subtask's timer queue is smaller.

**Not this when** the text is `Java heap space`: then the heap was full, not the array too long.

**Sources.** HotSpot arrayOop.hpp (max_array_length); Flink HeapPriorityQueue grows its array by half.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R11",
    title="One array is larger than a JVM allows",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    explains=("R24", "R32"),
    proved_on="Flink 2.3.0 and a bare JVM on Java 17 (corpus R11-array)",
)

_OLD = "ValueState<List<Event>> events;"
_NEW = "MapState<Long, Event> events;   // one entry an element: no array grows with the state"


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text."""
    events = said(facts, "oom_array")
    if not events:
        return RuledOut("the JVM refused no array")
    stack = tuple(Evidence(f"grown in {frame.strip()}", events[0].place) for frame in events[0].stack[:3])
    remedy = Remedy(
        id="split-state",
        title="Split what is one object: MapState instead of a list in one value",
        effect="no single array grows with the state any more; no heap setting can do that",
        cost="the state's shape changes: start without the old savepoint, or migrate it",
        verify="the error does not come back when the state grows past the same size",
        code=(CodeChange("java", _OLD, _NEW),),
    )
    return Fired(
        "one array would need more elements than HotSpot allows", (*as_evidence(events), *stack), (remedy,), 9_500
    )
