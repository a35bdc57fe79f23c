"""# R20 · The container was killed for its memory, not the JVM for its heap

**Symptom.** The pod ends with `OOMKilled`, exit code 137, or YARN says `is running beyond physical memory limits`. The
log stops without any OutOfMemoryError.

**Why it happens.** The kernel counts everything the process touches: heap, metaspace, direct memory, managed memory,
threads, code cache, malloc arenas, child processes (Python). The sum passed the container's limit although no part of
the JVM was full.

**Evidence.** The container's or YARN's own words, or exit code 137, and no OutOfMemoryError before it.

**Remedy.** Give native memory its room: a larger `jvm-overhead` inside the same process size, or a larger container;
with RocksDB keep `state.backend.rocksdb.memory.managed: true`; with glibc set `MALLOC_ARENA_MAX` or use jemalloc.

**Not this when** an OutOfMemoryError stands before the kill: then the heap (R01, R02), metaspace (R15) or direct memory
(R21) was full, and the kill is its echo. Exit code 143 is a polite SIGTERM and no sign of it.

**Sources.** Flink docs, memory troubleshooting (“Container memory exceeded”); Linux mm/oom_kill.c; YARN
ContainersMonitorImpl.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.diagnosis.split import flink_role
from flinkscope.place import Place

RULE = Rule(
    id="R20",
    title="The container was killed for its memory, not the JVM for its heap",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    proved_on="recorded texts of Kubernetes, the kernel and YARN (corpus R20-…)",
)

_KILLED = 137


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the container's words or exit code 137, when no OutOfMemoryError came first."""
    events = said(facts, "container_killed")
    if not events and facts.exit_code != _KILLED:
        return RuledOut("nothing says that the container was killed")
    own = [e for e in facts.log_events if e.kind.startswith("oom_")]
    if own:
        return RuledOut(
            f"the JVM itself ran out of memory first: {own[0].text.strip()[:120]}", as_evidence(tuple(own[:1]))
        )
    code = (Evidence(f"exit code {_KILLED}: SIGKILL", Place(facts.id)),) if facts.exit_code == _KILLED else ()
    return Fired(
        summary="the kernel or YARN killed the process; no part of the JVM had run out",
        evidence=(*as_evidence(events), *code),
        remedies=_remedies(facts),
        certainty_bp=9_000 if events else 6_000,
    )


def _remedies(facts: ProcessFacts) -> tuple[Remedy, ...]:
    role = flink_role(facts.role)
    minimum = f"{role}.memory.jvm-overhead.min"
    largest = f"{role}.memory.jvm-overhead.max"
    overhead = option_remedy(
        facts,
        Remedy(
            id="more-overhead",
            title="Leave more of the container to native memory",
            effect="the JVM's own parts become smaller by as much as the overhead grows, inside the same container",
            cost="that much less heap and managed memory; raise process.size as well if the live set needs it",
            verify="the container's memory.peak stays below its limit over the same load",
            cures=False,
        ),
        {minimum: "512m", largest: options_of(facts).get(largest, "1g")},
    )
    return (*overhead, *_arenas(facts, role))


def _arenas(facts: ProcessFacts, role: str) -> tuple[Remedy, ...]:
    key = f"containerized.{'master' if role == 'jobmanager' else 'taskmanager'}.env.MALLOC_ARENA_MAX"
    remedy = Remedy(
        id="malloc-arenas",
        title="Keep glibc from reserving an arena a thread",
        effect="native memory fragments less; Flink's own images use jemalloc for the same reason",
        cost="slightly more contention in malloc",
        verify="resident memory flattens out below the limit",
        cures=False,
    )
    return option_remedy(facts, remedy, {key: "1"})
