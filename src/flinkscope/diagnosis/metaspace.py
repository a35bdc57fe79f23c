"""What tells of a full metaspace where there is no heap dump: the GC log, a count of class loaders, submissions."""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.place import Place
from flinkscope.units import human_bytes

MANY_LOADERS = 12  # a process of that many running jobs is rare; a leak of 18 MB a job ended at 23 (paimon 9795)
FEW_LOADERS = 3  # a JobManager has two for one running job, a TaskManager one
_SEVERAL = 3  # submissions: the first one loads classes of Flink itself
_GROWN = 3  # the floor rose by a third of itself or more


def trouble(facts: ProcessFacts) -> tuple[Evidence, ...]:
    """That metaspace ran out, by the JVM's words, or by full collections for it in a nearly empty heap."""
    words = as_evidence(said(facts, "oom_metaspace", "oom_class_space"))
    gc = present(facts.gc)
    driven = [n for n in gc.notes if n.id == "metaspace-full-gc" and n.severity == "error"] if gc else []
    source = gc.place.source if gc else ""
    return (*words, *(Evidence(t, Place(source, line=p.line)) for n in driven for t, p in n.evidence))


def loader_evidence(facts: ProcessFacts) -> tuple[Evidence, ...]:
    """How many user class loaders a histogram or the JVM's own statistics count; nothing where nobody counted."""
    if facts.loader_count is None:
        return ()
    census = present(facts.census)
    text = f"{facts.loader_count} user class loaders are alive"
    return (Evidence(text, census.place if census else Place(facts.id), {"loaders": facts.loader_count}),)


def growth(facts: ProcessFacts) -> tuple[Evidence, ...]:
    """That what stays after full collections grew by a third or more over several submissions; else nothing."""
    gc = present(facts.gc)
    if gc is None or len(facts.programs) < _SEVERAL:
        return ()
    slope, last = gc.figures.get("metaspace_floor_slope_bytes_per_s", 0), gc.figures.get("metaspace_last_bytes", 0)
    grown_bytes = slope * gc.duration_ns // 1_000_000_000
    if last <= 0 or grown_bytes * _GROWN < last:
        return ()
    text = f"metaspace after full collections grew by about {human_bytes(grown_bytes)} to {human_bytes(last)}"
    figures = {"grown_bytes": grown_bytes, "submissions": len(facts.programs)}
    programs = f"{len(facts.programs)} programs were submitted to this process"
    return (Evidence(text, gc.place, figures), Evidence(programs, facts.programs[-1].place))
