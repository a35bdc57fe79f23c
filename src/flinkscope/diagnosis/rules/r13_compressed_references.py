"""# R13 · The heap is just too large for compressed references

**Symptom.** After raising -Xmx past 32 GB the same job needs more memory than before.

**Why it happens.** Below 32 GB HotSpot stores a reference in 4 bytes, above in 8. A state entry grows from 40 to 56
bytes, a timer from 32 to 40. Between 32 and about 45 GB a heap holds less than one of 31 GB did.

**Evidence.** -Xmx between 32 and 45 GB, from the GC log or the configuration.

**Remedy.** At most 31 GB a TaskManager; more TaskManagers with fewer slots.

**Not this when** -Xmx is well above 45 GB, or the collector is ZGC, which never compresses references.

**Sources.** HotSpot CompressedOops (heap_address_bits); entry sizes measured on JDK 17.
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.place import Place
from flinkscope.units import GIB, human_bytes

RULE = Rule(
    id="R13",
    title="The heap is just too large for compressed references",
    severity=Severity.WARNING,
    needs=(("gc", "config"),),
    thresholds={
        "lost_from_bytes": Threshold(32 * GIB, "bytes", "HotSpot: 2^32 × 8 bytes of alignment"),
        "worth_from_bytes": Threshold(45 * GIB, "bytes", "entries 40 → 56 bytes: 32 × 1.4"),
    },
    proved_on="Java 17 (corpus R13-just-above-32-gb)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on a maximum heap between the two bounds."""
    gc, config = present(facts.gc), present(facts.config)
    memory = present(config.memory) if config else None
    told = present(gc.max_heap_bytes) if gc else None
    heap_bytes = told or (memory.heap_bytes if memory else None)
    if heap_bytes is None:
        return Unclear("nothing tells -Xmx", "-Xlog:gc* in env.java.opts")
    if gc is not None and "Z" in gc.collector and "ZGC" in gc.collector:
        return RuledOut("ZGC has no compressed references at any size")
    lost, worth = (RULE.thresholds[n].value for n in ("lost_from_bytes", "worth_from_bytes"))
    if not lost <= heap_bytes < worth:
        return RuledOut(f"-Xmx is {human_bytes(heap_bytes)}")
    place = gc.place if told and gc else (config.place if config else Place(facts.id))
    remedy = Remedy(
        id="below-32-gb",
        title="At most 31 GB of heap a TaskManager, more of them",
        effect="references take 4 bytes again: about a third less heap for state and timers",
        cost="more, smaller TaskManagers; keep the number of slots the same in all",
        verify="the GC log says “Compressed Oops: Enabled”",
    )
    text = f"-Xmx is {human_bytes(heap_bytes)}: references take 8 bytes"
    return Fired(text, (Evidence(text, place, {"max_heap_bytes": heap_bytes}),), (remedy,), 8_500)
