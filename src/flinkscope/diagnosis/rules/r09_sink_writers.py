"""# R09 · Too many open writers, each with its own buffer

**Symptom.** `Java heap space` that grows with the number of partitions written to at the same time, not with the data.

**Why it happens.** Writers of Parquet, ORC, Iceberg, Hudi or Paimon buffer a whole row group or page set for every
open file; with dynamic partitions each subtask has one open file for each partition that it sees.

**Evidence.** From the heap dump: the writers' classes keep a quarter of the live heap or more; how many writers are
open.

**Remedy.** Distribute by partition before the sink, so that each subtask writes few; smaller row groups; Paimon's
`write-buffer-size` and `write-buffer-spillable`.

**Not this when** there are few writers and the heap has room.

**Sources.** iceberg 8318; paimon 4484; DataSQRL 780; ParquetProperties (row group 128 MB by default).
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.held import MUCH_BP, holding
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.units import human_bp, human_bytes, human_count

RULE = Rule(
    id="R09",
    title="Too many open writers, each with its own buffer",
    severity=Severity.CRITICAL,
    needs=(("heap",),),
    explains=("R01", "R05", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={"share_bp": Threshold(MUCH_BP, "bp of the reachable heap", "a quarter: nothing else comes first")},
    proved_on="recorded texts: facts of heap dumps as the issues describe them",
)

WRITERS = (
    "org.apache.parquet.",
    "org.apache.flink.parquet.",
    "org.apache.orc.",
    "org.apache.flink.orc.",
    "org.apache.flink.connector.file.sink.",
    "org.apache.flink.formats.parquet.",
    "org.apache.iceberg.",
    "org.apache.paimon.",
    "org.apache.hudi.",
)
_NEW = """\
-- one subtask a partition, so that each has few files open (Iceberg; Paimon: 'bucket' or sink.clustering.by-columns)
ALTER TABLE t SET ('write.distribution-mode' = 'hash');
ALTER TABLE t SET ('write.parquet.row-group-size-bytes' = '16777216');"""


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a tight heap is full of writers' buffers."""
    held = holding(facts, WRITERS)
    if held is None or held.share_bp < RULE.thresholds["share_bp"].value:
        share = held.share_bp if held else 0
        return RuledOut(f"writers of files keep {human_bp(share)} of the reachable heap")
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        return RuledOut("the writers' buffers are large, but the heap has room", held.evidence)
    writers = max((row.objects for row in held.rows if row.class_name.endswith("Writer")), default=0)
    remedy = Remedy(
        id="fewer-open-files",
        title="Let each subtask write few partitions, with smaller row groups",
        effect="open writers fall from partitions × subtasks to about the partitions; each buffers less",
        cost="a shuffle before the sink; smaller row groups read a little slower",
        verify="flinkscope heap histogram DUMP: few writers, little retained",
        code=(
            CodeChange("java", "stream.sinkTo(sink)", "stream.keyBy(r -> r.partition()).sinkTo(sink)"),
            CodeChange("sql", "", _NEW),
        ),
    )
    return Fired(
        summary=f"{human_count(writers) + ' open writers' if writers else 'open writers'} keep"
        f" {human_bytes(held.size_bytes)}, {human_bp(held.share_bp)} of the live heap",
        evidence=(*held.evidence, *pressure.evidence),
        remedies=(remedy,),
        certainty_bp=8_800,
        explained_bytes=held.size_bytes,
    )
