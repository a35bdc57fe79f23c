"""# R24 · The JobManager's heap is full

**Symptom.** `Java heap space. A heap space-related out-of-memory error has occurred … 'jobmanager.memory.heap.size'`
in the JobManager's log, or `Fatal error occurred in the cluster entrypoint`; all jobs of the cluster stop.

**Why it happens.** The JobManager keeps handles of retained checkpoints (state below the inline threshold lies in the
handles themselves), the execution graphs of running and of archived jobs, splits of sources, and whatever main() of a
submitted program allocates.

**Evidence.** The process is a JobManager and died of heap, or its live set fills it; from a heap dump which of these
keeps most.

**Remedy.** By what fills it: checkpoints to a directory, a lower inline threshold, fewer retained checkpoints; a
smaller job store (`jobstore.max-capacity`, `jobstore.type: File`); then a larger `jobmanager.memory.process.size`.

**Not this when** the text is Metaspace (R14, R15) or direct memory (R22).

**Sources.** spotify flink-operator 157; flink-cdc 1338; FileArchivedExecutionGraphStore, CompletedCheckpointStore.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts, UserHold
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.held import MUCH_BP, Holding, hold_evidence, holding
from flinkscope.diagnosis.pressure import HeapPressure, heap_pressure
from flinkscope.diagnosis.remedies.memory import memory_remedies
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.split import split_of, version_of
from flinkscope.flink.options import option
from flinkscope.units import GIB, MIB, human_bp, human_bytes

RULE = Rule(
    id="R24",
    title="The JobManager's heap is full",
    severity=Severity.CRITICAL,
    needs=(("log", "gc", "heap"),),
    explains=("R01", "R10", "R31", "R32"),
    roles=("jobmanager",),
    thresholds={"share_bp": Threshold(1_500, "bp of the reachable heap", "Flink's own objects at rest keep a tenth")},
    proved_on="Flink 2.3.0 on Java 17 (corpus R24-main-in-the-jobmanager)",
)


@dataclass(frozen=True, slots=True)
class _Filler:
    """What may fill a JobManager: its words, its classes, its remedies."""

    what: str
    prefixes: tuple[str, ...]
    remedies: Callable[[ProcessFacts], tuple[Remedy, ...]]


def check(facts: ProcessFacts) -> Outcome:
    """Fires on a JobManager that died of heap or whose live set fills it."""
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        share = pressure.live_share_bp
        return RuledOut("the heap has room" + (f": {human_bp(share)} live" if share is not None else ""))
    filler, held = _fullest(facts)
    kept = _by_user_code(facts) if filler is None else None
    told = f": {filler.what} keep {human_bytes(held.size_bytes)}" if filler and held else ""
    told = f": {kept.class_name}, {kept.what}, keeps {human_bytes(kept.retained_bytes)}" if kept else told
    specific = filler.remedies(facts) if filler else ()
    return Fired(
        summary=f"the JobManager ran out of heap{told}" if pressure.died_of_heap else f"its live set fills it{told}",
        evidence=(*(held.evidence if held else ()), *_kept_evidence(facts, kept), *pressure.evidence),
        remedies=(*specific, *(_LEAVE if kept else ()), *memory_remedies(facts, pressure), *_double(facts, pressure)),
        certainty_bp=9_000 if filler or kept else 7_000,
        explained_bytes=held.size_bytes if held else kept.retained_bytes if kept else 0,
    )


def _fullest(facts: ProcessFacts) -> tuple[_Filler | None, Holding | None]:
    """The filler that holds most, where it holds enough."""
    found = [(filler, held) for filler in _FILLERS if (held := holding(facts, filler.prefixes)) is not None]
    filler, held = max(found, key=lambda pair: pair[1].share_bp, default=(None, None))
    if held is None or held.share_bp < RULE.thresholds["share_bp"].value:
        return None, None
    return filler, held


def _by_user_code(facts: ProcessFacts) -> UserHold | None:
    """What a submitted program's main(), or a plugin, keeps: a quarter of the heap or more."""
    heap = present(facts.heap)
    worst = next(iter(heap.holds), None) if heap else None
    enough = worst is not None and heap is not None and worst.retained_bytes * 10_000 >= MUCH_BP * heap.used_bytes
    return worst if enough else None


def _kept_evidence(facts: ProcessFacts, kept: UserHold | None) -> tuple[Evidence, ...]:
    heap = present(facts.heap)
    return (hold_evidence(kept, heap.place),) if kept and heap else ()


_LEAVE = (
    Remedy(
        id="main-elsewhere",
        title="Run main() outside of the JobManager: flink run, or application mode with a heap for it",
        effect="what a submitted program allocates is not the JobManager's any more",
        cost="whoever submits needs Flink's client",
        verify="the JobManager's live set stays flat over submissions",
    ),
)


def _checkpoints(facts: ProcessFacts) -> tuple[Remedy, ...]:
    version = version_of(facts)
    modern = option("execution.checkpointing.dir", version) is not None
    threshold = "execution.checkpointing.data-inline-threshold" if modern else "state.storage.fs.memory-threshold"
    retained = "execution.checkpointing.num-retained" if modern else "state.checkpoints.num-retained"
    folder = "execution.checkpointing.dir" if modern else "state.checkpoints.dir"
    changes: dict[str, str | None] = {threshold: "1kb", retained: "1"}
    if folder not in options_of(facts):
        changes[folder] = "s3://bucket/checkpoints"
    remedy = Remedy(
        id="checkpoints-out-of-the-heap",
        title="Keep state out of the checkpoints' handles",
        effect="small state goes to files as well; the JobManager keeps paths only, of one checkpoint",
        cost="more small files in the checkpoint directory",
        verify="the size of `_metadata` falls; a heap dump of the JobManager shows few bytes in ByteStreamStateHandle",
    )
    return option_remedy(facts, remedy, changes)


def _archive(facts: ProcessFacts) -> tuple[Remedy, ...]:
    file_store = option("jobstore.type", version_of(facts)) is not None
    changes: dict[str, str | None] = {"jobstore.max-capacity": "20", "jobstore.expiration-time": "600"}
    if file_store:
        changes["jobstore.type"] = "File"
    remedy = Remedy(
        id="small-job-store",
        title="Keep few finished jobs, on disk",
        effect="finished jobs leave the heap after ten minutes, at most 20 are kept",
        cost="the web page shows less history; a history server shows all",
        verify="/jobs/overview lists at most 20 finished jobs; the live set falls",
    )
    return option_remedy(facts, remedy, changes)


def _graphs(_facts: ProcessFacts) -> tuple[Remedy, ...]:
    remedy = Remedy(
        id="smaller-graphs",
        title="Smaller job graphs",
        effect="the graph grows with parallelism × vertices (all-to-all edges since 1.13 no longer with its square)",
        cost="lower parallelism, or more clusters with fewer jobs each",
        verify="a heap dump of the JobManager: execution graphs keep less",
    )
    return (remedy,)


def _splits(_facts: ProcessFacts) -> tuple[Remedy, ...]:
    remedy = Remedy(
        id="fewer-splits",
        title="Fewer splits in the source's enumerator",
        effect="the enumerator keeps every split that is not yet read, in CDC snapshots also the finished ones",
        cost="coarser splits (CDC: scan.incremental.snapshot.chunk.size)",
        verify="a heap dump of the JobManager: the enumerator keeps less",
    )
    return (remedy,)


_FILLERS = (
    _Filler("handles of checkpoints", (
        "org.apache.flink.runtime.state.memory.ByteStreamStateHandle",
        "org.apache.flink.runtime.checkpoint.CompletedCheckpoint",
        "org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStore",
        "org.apache.flink.runtime.checkpoint.StandaloneCompletedCheckpointStore",
        "org.apache.flink.runtime.checkpoint.OperatorState",
        "org.apache.flink.runtime.checkpoint.PendingCheckpoint",
    ), _checkpoints),
    _Filler("archived jobs", (
        "org.apache.flink.runtime.executiongraph.Archived",
        "org.apache.flink.runtime.dispatcher.MemoryExecutionGraphInfoStore",
        "org.apache.flink.runtime.dispatcher.MemoryArchived",
        "org.apache.flink.runtime.dispatcher.FileExecutionGraphInfoStore",
        "org.apache.flink.runtime.scheduler.ExecutionGraphInfo",
    ), _archive),
    _Filler("execution graphs of running jobs", (
        "org.apache.flink.runtime.executiongraph.Default",
        "org.apache.flink.runtime.executiongraph.Execution",
        "org.apache.flink.runtime.scheduler.DefaultScheduler",
        "org.apache.flink.runtime.jobmaster.JobMaster",
    ), _graphs),
    _Filler("splits of sources", (
        "org.apache.flink.runtime.source.coordinator.",
        "org.apache.flink.connector.file.src.",
        "org.apache.flink.cdc.",
        "com.ververica.cdc.",
    ), _splits),
)  # fmt: skip


def _double(facts: ProcessFacts, pressure: HeapPressure) -> tuple[Remedy, ...]:
    """Where no live set is known to size from: twice the process."""
    memory, key = split_of(facts), "jobmanager.memory.process.size"
    if pressure.live_set_bytes is not None:
        return ()
    now_bytes = memory.process_bytes if memory else GIB * 16 // 10
    remedy = Remedy(
        id="larger-jobmanager",
        title="A larger JobManager, and a heap dump to tell what fills it",
        effect="more heap; how much is really needed only the live set tells",
        cost="a larger process; no cure where it grows",
        verify="flinkscope gc GC.LOG: the live set stays below 70 % of the heap",
        cures=False,
    )
    return option_remedy(facts, remedy, {key: f"{2 * now_bytes // MIB}m"})
