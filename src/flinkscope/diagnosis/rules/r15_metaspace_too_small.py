"""# R15 · The metaspace is simply too small

**Symptom.** `OutOfMemoryError: Metaspace`, often at the first deployment of a job with many libraries.

**Why it happens.** The classes of Flink, of the connectors and of the running jobs need more than the limit (256 MB
unless set; 96 MB in Flink 1.10.0).

**Evidence.** The JVM's text, and a heap dump in which no closed class loader is strongly reachable: every class that is
loaded is in use.

**Remedy.** Raise `jobmanager.memory.jvm-metaspace.size` or `taskmanager.memory.jvm-metaspace.size`: it is taken from
the same process size.

**Not this when** closed class loaders are kept (R14, R16): then any limit is reached.

**Sources.** FLINK-16406; Flink's memory troubleshooting page.
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis import metaspace
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, RuledOut, Severity, Unclear
from flinkscope.diagnosis.leaked_loaders import COLLECT, leaked_of
from flinkscope.diagnosis.remedies.loader_pins import more_metaspace
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import said

RULE = Rule(
    id="R15",
    title="The metaspace is simply too small",
    severity=Severity.CRITICAL,
    needs=(("log", "gc"),),
    explains=("R10", "R31", "R32"),
    roles=("jobmanager", "taskmanager"),
    proved_on="Java 17 (corpus R15-too-small)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text when the dump shows that nothing is leaked."""
    full = metaspace.trouble(facts)
    if not full or (said(facts, "oom_class_space") and not said(facts, "oom_metaspace")):
        return RuledOut("metaspace was never exhausted")
    rows, heap = present(facts.loaders), present(facts.heap)
    if rows is None or heap is None:
        return _without_dump(facts, full)
    leaked = leaked_of(facts)
    if leaked:
        return RuledOut(f"{len(leaked)} closed class loaders are kept: a leak fills any metaspace")
    shown = Evidence(
        f"none of the {len(rows)} user class loaders is closed and kept", heap.place, {"loaders": len(rows)}
    )
    return Fired(
        "the classes in use need more metaspace than there is",
        (*full, shown),
        more_metaspace(facts, cures=True),
        9_000,
    )


def _without_dump(facts: ProcessFacts, full: tuple[Evidence, ...]) -> Outcome:
    """Few loaders alive leave nothing to leak; without a count nothing is decided."""
    counted = metaspace.loader_evidence(facts)
    if metaspace.growth(facts) or facts.loader_count is None or facts.loader_count > metaspace.FEW_LOADERS:
        return Unclear("only a heap dump tells too small from a leak", COLLECT, (*full, *counted))
    summary = "the classes in use need more metaspace than there is"
    return Fired(summary, (*full, *counted), more_metaspace(facts, cures=True), 7_500)
