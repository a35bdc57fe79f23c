"""# R16 · Each finished job leaves its class loader in the TaskManager

**Symptom.** The TaskManager's metaspace grows with each job (or restart) it ran, also after full collections, until
`OutOfMemoryError: Metaspace`.

**Why it happens.** Tasks load the job's classes in a class loader of the job. A thread, pool, hook or registry entry
that a function, source, sink or format left behind still refers to it after the job's end.

**Evidence.** In a heap dump: user class loaders whose `ucp.closed` is true and that GC roots reach strongly, with the
job that they were of, and every reference into each from outside.

**Remedy.** Stop threads and close clients in `close()`, or in
`RuntimeContext.registerUserCodeClassLoaderReleaseHookIfAbsent`; connectors and drivers into `lib/`.

**Not this when** no loader is closed: a running job may need all its classes (R15).

**Sources.** Flink "Debugging Classloading"; paimon 9795; flink-cdc 4539; hudi 8148; FLINK-16408 (up to 1.10 each
fail-over made a new loader).
"""

from __future__ import annotations

from dataclasses import replace

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Outcome, Severity
from flinkscope.diagnosis.leaked_loaders import arithmetic, groups_of, verdict
from flinkscope.diagnosis.remedies.loader_pins import fix_code, more_metaspace, shared_libraries
from flinkscope.diagnosis.rule import Rule

RULE = Rule(
    id="R16",
    title="Each finished job leaves its class loader in the TaskManager",
    severity=Severity.CRITICAL,
    needs=(("loaders", "log", "gc"),),
    explains=("R10", "R17", "R18", "R31", "R32"),
    roles=("taskmanager",),
    proved_on="Flink 1.20.3 on Java 17 (corpus R16-thread-left-behind, record.py r16-thread-left-behind)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on closed class loaders that GC roots reach strongly."""
    groups = groups_of(facts)
    code = tuple(replace(remedy, arithmetic=arithmetic(facts)) for remedy in fix_code(groups, facts.role))
    remedies = (*code, *shared_libraries(facts, groups), *more_metaspace(facts, cures=False))
    return verdict(facts, remedies, groups)
