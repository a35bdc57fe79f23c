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

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.diagnosis.split import flink_role, split_of
from flinkscope.place import Place
from flinkscope.units import MIB, human_bytes

RULE = Rule(
    id="R20",
    title="The container was killed for its memory, not the JVM for its heap",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    proved_on="Java 17 in a memory cgroup (corpus R20-killed-in-its-group); recorded texts of Kubernetes and YARN",
)

_KILLED = 137
_MANAGED = "state.backend.rocksdb.memory.managed"


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
        evidence=(*as_evidence(events), *code, *_who_took_it(facts)),
        remedies=_remedies(facts),
        certainty_bp=9_000 if events else 6_000,
    )


def _who_took_it(facts: ProcessFacts) -> tuple[Evidence, ...]:
    """What tells the parts: limit against process.size, peak, native memory by purpose, RocksDB without bounds."""
    config, memory, container = present(facts.config), split_of(facts), present(facts.container)
    found: list[Evidence] = []
    if container is not None and container.limit_bytes is not None:
        limit, size = container.limit_bytes, memory.process_bytes if memory else None
        against = f"; process.size is {human_bytes(size)}" if size else ""
        more = ": less than the process was promised" if size and limit < size else ""
        text = f"the container's limit is {human_bytes(limit)}{against}{more}"
        found.append(Evidence(text, container.place, {"limit_bytes": limit, "process_bytes": size or 0}))
        if container.peak_bytes is not None:
            cache = (
                f", of it {human_bytes(container.page_cache_bytes)} page cache" if container.page_cache_bytes else ""
            )
            text = f"its memory peaked at {human_bytes(container.peak_bytes)}{cache}"
            found.append(Evidence(text, container.place, {"peak_bytes": container.peak_bytes}))
    native = present(facts.native)
    if native is not None:
        parts = sorted(native.parts.items(), key=lambda part: -part[1])[:4]
        text = f"HotSpot has committed {human_bytes(native.committed_bytes)}: "
        text += ", ".join(f"{name} {human_bytes(size)}" for name, size in parts)
        found.append(Evidence(text, native.place, {"committed_bytes": native.committed_bytes}))
    if config is not None and config.options.get(_MANAGED, "true").lower() == "false":
        text = f"{_MANAGED}: false: RocksDB has no bound"
        found.append(Evidence(text, config.places.get(_MANAGED, config.place)))
    return tuple(found)


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
    return (*_fitting(facts), *_bounded_rocksdb(facts), *overhead, *_arenas(facts, role))


def _fitting(facts: ProcessFacts) -> tuple[Remedy, ...]:
    """Where the container is smaller than what the process was promised: that and nothing else."""
    container, memory = present(facts.container), split_of(facts)
    if container is None or memory is None or container.limit_bytes is None:
        return ()
    if container.limit_bytes >= memory.process_bytes:
        return ()
    remedy = Remedy(
        id="fit-the-container",
        title="Let process.size be the container's limit",
        effect="Flink plans with what there is; nothing is promised that the container does not give",
        cost="a smaller heap; or raise the container's limit instead",
        verify="kubectl get pod -o json: limits.memory is process.size",
    )
    key = f"{flink_role(facts.role)}.memory.process.size"
    return option_remedy(facts, remedy, {key: f"{container.limit_bytes // MIB}m"})


def _bounded_rocksdb(facts: ProcessFacts) -> tuple[Remedy, ...]:
    if options_of(facts).get(_MANAGED, "true").lower() != "false":
        return ()
    remedy = Remedy(
        id="rocksdb-within-managed",
        title="Keep RocksDB within managed memory",
        effect="block cache and write buffers of all column families share the slot's managed memory",
        cost="less cache where it took more than that",
        verify="the container's peak stays below its limit",
    )
    return option_remedy(facts, remedy, {_MANAGED: "true"})


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
