"""# R01 · The heap is too small for a live set that does not grow

**Symptom.** `java.lang.OutOfMemoryError: Java heap space`, or full GC after full GC, at a load that has been the same
for hours.

**Why it happens.** What the job keeps alive is stable, but a collector needs room beside it: at more than about 70 % of
-Xmx it collects ever more often, and a peak ends it.

**Evidence.** The live set (heap after a full GC) is flat and fills more than 70 % of -Xmx, or the process died of heap.

**Remedy.** Heap = 3–4 × the live set. With the hashmap state backend, and no Python or batch operator,
`taskmanager.memory.managed.size: 0` gives the heap the 40 % that nobody uses; then
`taskmanager.memory.process.size`, computed by the memory model so that the process starts.

**Not this when** the live set still rises: then a bigger heap alone only dies later (see R02 for window state growing
until the window ends, R04 for state without end, R05 for caches).

**Sources.** Hunt & John, *Java Performance* (2011), ch. 7; Flink docs, memory troubleshooting.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, RuledOut, Severity, Unclear
from flinkscope.diagnosis.pressure import TIGHT_BP, HeapPressure, heap_pressure
from flinkscope.diagnosis.remedies.memory import memory_remedies
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.units import human_bp, human_bytes

RULE = Rule(
    id="R01",
    title="The heap is too small for a live set that does not grow",
    severity=Severity.CRITICAL,
    needs=(("gc",),),
    explains=("R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={"live_share_bp": Threshold(TIGHT_BP, "bp of -Xmx", "above 70 % is risky: Java Performance ch. 7")},
    proved_on="Java 17 (corpus R01-flat-live-set)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a flat live set leaves the collector too little room."""
    pressure = heap_pressure(facts)
    if pressure.live_set_bytes is None:
        return Unclear("the GC log shows no live set yet", "let it run through a full GC, or take a heap dump")
    if not pressure.is_tight:
        return RuledOut(_roomy(pressure), pressure.evidence)
    if pressure.rising:
        return RuledOut("the live set still rises: more heap alone only dies later", pressure.evidence)
    if pressure.rising is None:
        collect = "a heap dump (jcmd PID GC.heap_dump FILE), or the GC log of a longer run"
        return Unclear("the GC log does not tell a flat live set from a rising one", collect, pressure.evidence)
    live, share = pressure.live_set_bytes, pressure.live_share_bp
    return Fired(
        summary=f"a stable live set of {human_bytes(live)} fills {human_bp(share or 0)} of the heap",
        evidence=pressure.evidence,
        remedies=memory_remedies(facts, pressure),
        certainty_bp=8_500,
        explained_bytes=live,
    )


def _roomy(pressure: HeapPressure) -> str:
    share = pressure.live_share_bp
    known = f"{human_bytes(pressure.live_set_bytes or 0)} live"
    return f"{known}, {human_bp(share)} of -Xmx: room enough" if share is not None else f"{known}; -Xmx is not known"
