"""# R18 · The space for compressed class pointers is full

**Symptom.** `java.lang.OutOfMemoryError: Compressed class space`. Flink does not enrich the text, and does not count
it as a metaspace error: the process may live on.

**Why it happens.** The class part of the metaspace has a limit of its own, at most 1 GB, and since JDK 11 at most four
fifths of `-XX:MaxMetaspaceSize`. Many small classes (lambdas, proxies, generated code) fill it before the metaspace.

**Evidence.** The JVM's own text; from a heap dump how many classes there are, and whether loaders are leaked.

**Remedy.** As for the metaspace: the cause first (a loader leak, generated classes); else a larger
`jvm-metaspace.size`, which raises this limit with it, or `-XX:CompressedClassSpaceSize`.

**Not this when** the text is `Metaspace` (R14 – R16).

**Sources.** HotSpot Metaspace::ergo_initialize and Metaspace::report_metadata_oome (JDK 11 – 25).
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.leaked_loaders import leaked_of
from flinkscope.diagnosis.remedies.loader_pins import more_metaspace
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R18",
    title="The space for compressed class pointers is full",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    explains=("R32",),
    proved_on="Java 17 (corpus R18-class-space)",
)

_FLAG = "-XX:CompressedClassSpaceSize=512m"


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text."""
    events = said(facts, "oom_class_space")
    if not events:
        return RuledOut("the class space was never exhausted")
    heap, leaked = present(facts.heap), leaked_of(facts)
    counted = (
        (Evidence(f"{heap.class_count:,} classes are loaded", heap.place, {"classes": heap.class_count}),)
        if heap and heap.class_count
        else ()
    )
    cause = f"; {len(leaked)} leaked class loaders fill it" if leaked else ""
    return Fired(
        summary=f"the class space inside the metaspace is full{cause}",
        evidence=(*as_evidence(events), *counted),
        remedies=(*more_metaspace(facts, cures=not leaked), *_flag(facts)),
        certainty_bp=9_000,
    )


def _flag(facts: ProcessFacts) -> tuple[Remedy, ...]:
    key = f"env.java.opts.{'jobmanager' if facts.role == 'jobmanager' else 'taskmanager'}"
    now = options_of(facts).get(key, "")
    if "CompressedClassSpaceSize" not in now:
        remedy = Remedy(
            id="class-space",
            title="A larger class space; it only has an effect below four fifths of the metaspace",
            effect="room for more classes",
            cost="address space; memory only as far as classes fill it",
            verify="jcmd PID VM.metaspace: the class space is less than 70 % used",
            cures=False,
        )
        return option_remedy(facts, remedy, {key: f"{now} {_FLAG}".strip()})
    return ()
