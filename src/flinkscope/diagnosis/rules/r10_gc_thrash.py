"""# R10 · The JVM does nothing but collect garbage

**Symptom.** The process crawls: heartbeats time out, checkpoints expire, one full GC follows the other. With
ParallelGC the JVM says `GC overhead limit exceeded`; G1 has no such text and goes on until `Java heap space`.

**Why it happens.** The live set has reached the ceiling. Each full GC frees next to nothing, so the next one is due
at once. This is the last act of another cause (R01, R02, …), never a cause by itself.

**Evidence.** Three or more full GCs in a row that each free less than 10 % of a full heap, or more than half of a whole
minute spent in GC pauses.

**Remedy.** That of the cause. Name the collector explicitly (`env.java.opts.taskmanager: -XX:+UseG1GC`), since Flink's
start scripts leave the choice to the JVM, which takes Serial with one CPU or less than 1792 MB.

**Not this when** the full GCs have the cause `Metadata GC Threshold` and the heap is nearly empty (metaspace), or
`System.gc()` (somebody calls it).

**Sources.** HotSpot `GCOverheadChecker`; the lab's incidents (78 full GCs in 145 s at 1728m); StreamPark 3947.
"""

from __future__ import annotations

from flinkscope.absent import Absent, present
from flinkscope.diagnosis.facts import GcFacts, ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, NotEvaluated, Outcome, RuledOut, Severity
from flinkscope.diagnosis.pressure import share_evidence
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.place import Place
from flinkscope.units import human_bp, human_count

MINUTE_NS = 60_000_000_000
RULE = Rule(
    id="R10",
    title="The JVM does nothing but collect garbage",
    severity=Severity.CRITICAL,
    needs=(("gc", "log"),),
    symptom=True,
    explains=("R31",),
    thresholds={
        "fruitless_full_gcs": Threshold(3, "collections", "three in a row that free < 10 %: StreamPark 3947"),
        "gc_share_bp": Threshold(5_000, "bp of one minute", "more time in GC than in work"),
    },
    proved_on="Java 17, and Flink 2.3.0 with every heap incident (corpus R10-thrash-alone)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on back-to-back full GCs without effect, or on a minute spent mostly in GC."""
    gc = present(facts.gc)
    if gc is None:
        return _by_words(facts)
    row, share = gc.fruitless_full_gcs, present(gc.gc_share_worst_minute_bp)
    wasted = row >= RULE.thresholds["fruitless_full_gcs"].value
    if not wasted and (share is None or share < RULE.thresholds["gc_share_bp"].value or _is_short(gc)):
        spent = "" if share is None else f"at most {human_bp(share)} of any minute went into GC, "
        return RuledOut(f"{spent}{row} full GCs in a row without effect")
    spent = "" if share is None else f", {human_bp(share)} of the worst minute spent in GC pauses"
    return Fired(
        summary=f"{human_count(len(gc.full_gcs))} full GCs{spent}",
        evidence=(*_row_evidence(gc), *share_evidence(gc), *_remarks(gc)),
        remedies=(),
        certainty_bp=9_500,
    )


def _by_words(facts: ProcessFacts) -> Outcome:
    """ParallelGC says so itself; a log without its words tells nothing of GC."""
    events = said(facts, "oom_gc_overhead")
    if events:
        return Fired("the JVM gave up: it did nothing but collect", as_evidence(events), (), 9_500)
    return NotEvaluated((facts.gc,)) if isinstance(facts.gc, Absent) else RuledOut("the GC log is calm")


def _remarks(gc: GcFacts) -> tuple[Evidence, ...]:
    """What the GC engine itself remarks beside the thrashing: humongous objects, calls of System.gc(), swapping …"""
    others = (note for note in gc.notes if note.id not in ("gc-thrash", "heap-too-small-for-live-set", "out-of-memory"))
    return tuple(
        Evidence(f"{note.title}: {text}", Place(gc.place.source, line=place.line))
        for note in others
        for text, place in note.evidence[:1]
    )


def _is_short(gc: GcFacts) -> bool:
    """Whether the log covers less than a minute: a start, or a program that only allocates, is no thrashing."""
    return gc.duration_ns < MINUTE_NS


def _row_evidence(gc: GcFacts) -> tuple[Evidence, ...]:
    if not gc.full_gcs or gc.fruitless_full_gcs == 0:
        return ()
    text = f"{gc.fruitless_full_gcs} full GCs in a row freed less than 10 % of the heap each"
    figures = {"fruitless_full_gcs": gc.fruitless_full_gcs, "full_gcs": len(gc.full_gcs)}
    return (Evidence(text, Place(gc.place.source, line=gc.full_gcs[-1].line), figures),)
