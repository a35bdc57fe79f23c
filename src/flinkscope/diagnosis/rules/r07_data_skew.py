"""# R07 · Few keys carry most of the data: one subtask fills, the others idle

**Symptom.** Always the same TaskManager dies or crawls; the others have room. More parallelism does not help.

**Why it happens.** All records of a key go to one subtask. A hot key, a null key or few distinct keys give one subtask
many times the state and the load of the others.

**Evidence.** One subtask has read, or one TaskManager holds, more than three times the median of the others: from
`/jobs/JOB/vertices/VERTEX`, or from the dumps or GC logs of at least three TaskManagers.

**Remedy.** Salt the key and aggregate in two phases; in SQL `table.optimizer.agg-phase-strategy: TWO_PHASE` with
mini-batch, `table.optimizer.distinct-agg.split.enabled`; filter null keys.

**Not this when** the heap has room everywhere (reported as a remark of the job, not of the memory), or the source
itself reads one partition only.

**Sources.** Flink docs, SQL performance tuning (“Local-Global Aggregation”, “Split Distinct Aggregation”).
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import Peers, ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.remedies.options import option_remedy
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.units import human_bytes, human_count

RULE = Rule(
    id="R07",
    title="Few keys carry most of the data: one subtask fills, the others idle",
    severity=Severity.CRITICAL,
    needs=(("peers",),),
    explains=("R01", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={"times_the_median": Threshold(3, "times", "key groups alone spread less than twofold")},
    proved_on="Flink 2.0.0 on Java 17, three TaskManagers; recorded texts (corpus R07-hot-subtask)",
)

_TWO_PHASE = {"table.optimizer.agg-phase-strategy": "TWO_PHASE", "table.exec.mini-batch.enabled": "true",
              "table.exec.mini-batch.allow-latency": "5 s", "table.exec.mini-batch.size": "5000"}  # fmt: skip
_OLD = ".keyBy(e -> e.key).process(new Count())"
_NEW = """\
.keyBy(e -> Tuple2.of(e.key, Math.floorMod(e.id.hashCode(), 64)))   // 64 parts a key, on many subtasks
.process(new CountPart())
.keyBy(part -> part.key).process(new SumParts())"""


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a tight process has several times the load of its peers."""
    peers = required(facts.peers)
    evidence = (_evidence(peers),)
    if peers.times < RULE.thresholds["times_the_median"].value:
        return RuledOut(f"{peers.measure}: {peers.times:.1f} times the median of the others", evidence)
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        return RuledOut("the load is uneven, but the heap has room", evidence)
    return Fired(
        summary=f"{peers.who} has {peers.times:.0f} times the {peers.measure} of the others' median",
        evidence=(*evidence, *pressure.evidence),
        remedies=_remedies(facts),
        certainty_bp=8_500,
    )


def _evidence(peers: Peers) -> Evidence:
    own, median = (human_bytes(n) if peers.unit == "bytes" else human_count(n) for n in (peers.own, peers.median))
    text = f"{peers.measure} of {peers.who}: {own}; median of the {peers.others} others: {median}"
    return Evidence(text, peers.place, {"own": peers.own, "median": peers.median, "others": peers.others})


def _remedies(facts: ProcessFacts) -> tuple[Remedy, ...]:
    salt = Remedy(
        id="two-phases",
        title="Salt the key and aggregate in two phases",
        effect="a hot key's records and state spread over all subtasks; only one row a part comes together again",
        cost="a second operator; only for what can be merged (sums, counts, bitmaps)",
        verify="records read and state size of the subtasks differ by less than twofold",
        code=(CodeChange("java", _OLD, _NEW),),
    )
    sql = Remedy(
        id="sql-two-phases",
        title="In a SQL job: aggregate locally first",
        effect="each subtask sends one row a key and batch, not every record",
        cost="results come up to the mini-batch's latency later",
        verify="as above",
    )
    return (salt, *option_remedy(facts, sql, _TWO_PHASE))
