"""# R05 · User code keeps objects outside of Flink's state

**Symptom.** The heap rises although state and checkpoints stay small; restarts of the *job* do not always help, since
a static field lives as long as its class.

**Why it happens.** A static map, a cache without bound, a list in a function's field: nothing of it is state, so Flink
neither counts nor clears it, and no checkpoint shows it.

**Evidence.** From the heap dump: one class that is neither the JDK's nor Flink's keeps a quarter of the live heap or
more, in a static field or in one object, and no keyed state stands above it.

**Remedy.** Bound the cache (size or time), or make it keyed state with a time to live.

**Not this when** the object hangs below Flink's state (R02 – R04), belongs to a connector's reader or writer (R08,
R09), or the heap has room.

**Sources.** Flink docs, memory troubleshooting; Eclipse MAT's leak suspects (a single object that dominates).
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import ProcessFacts, UserHold
from flinkscope.diagnosis.finding import CodeChange, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.held import MUCH_BP, hold_evidence
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.rules.r08_source_buffers import SOURCES
from flinkscope.diagnosis.rules.r09_sink_writers import WRITERS
from flinkscope.units import human_bp, human_bytes, share_bp

RULE = Rule(
    id="R05",
    title="User code keeps objects outside of Flink's state",
    severity=Severity.CRITICAL,
    needs=(("heap",),),
    explains=("R01", "R10", "R31", "R32"),
    roles=("taskmanager", "jvm"),
    thresholds={"share_bp": Threshold(MUCH_BP, "bp of the reachable heap", "a quarter: nothing else comes first")},
    proved_on="Flink 1.17.2, 1.20.3 and 2.3.0; bare JVMs on Java 17 to 25 (corpus, record.py r05-static-map)",
)

_NEW = """\
Cache<Key, Value> cache = Caffeine.newBuilder()
    .maximumSize(100_000).expireAfterAccess(Duration.ofMinutes(10)).build();   // bounded by size and by time
// or, where it must survive a restart: MapState with a StateTtlConfig"""


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a tight heap is kept by a class of the user outside of state."""
    heap = required(facts.heap)
    worst = next((h for h in heap.holds if _counts(h)), None)
    share = share_bp(worst.retained_bytes, max(1, heap.used_bytes)) if worst else 0
    if worst is None or share < RULE.thresholds["share_bp"].value:
        if heap.gap is not None:
            return Unclear("the dump is incomplete", "a whole heap dump: jcmd PID GC.heap_dump FILE")
        return RuledOut(f"no class of the user keeps more than {human_bp(share)} of the reachable heap outside state")
    pressure = heap_pressure(facts)
    evidence = (*(hold_evidence(h, heap.place) for h in heap.holds if _counts(h)), *pressure.evidence)
    if not pressure.is_tight:
        return RuledOut(
            f"{worst.class_name} keeps {human_bp(share)} of the reachable heap, but there is room", evidence
        )
    kept = f"its {worst.what}" if worst.what.startswith("static") else worst.what
    bound = Remedy(
        id="bound-it",
        title=f"Bound what {worst.class_name.rpartition('.')[2]} keeps, or make it state",
        effect=f"{human_bytes(worst.retained_bytes)} can be freed; what is kept has an upper limit",
        cost="what falls out of the bound is looked up or computed again",
        verify="a second heap dump after the same load: the class does not keep more than its bound",
        code=(CodeChange("java", f"{worst.what}: {worst.holder}", _NEW),),
    )
    return Fired(
        summary=f"{worst.class_name} ({kept}) keeps {human_bytes(worst.retained_bytes)}, {human_bp(share)} of the live"
        " heap, outside of Flink's state",
        evidence=evidence,
        remedies=(bound,),
        certainty_bp=9_000,
        explained_bytes=worst.retained_bytes,
    )


def _counts(hold: UserHold) -> bool:
    return not hold.inside_state and not hold.class_name.startswith((*SOURCES, *WRITERS))
