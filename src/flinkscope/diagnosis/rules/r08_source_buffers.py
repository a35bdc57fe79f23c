"""# R08 · The source has fetched more than the job can take

**Symptom.** `Java heap space` soon after the start or while catching up; the heap is full of records that no operator
has seen yet.

**Why it happens.** A source fetches ahead of the job: a Kafka consumer up to `fetch.max.bytes` a broker and
`max.partition.fetch.bytes` a partition, each reader for itself. Many partitions in one TaskManager, or large records,
multiply.

**Evidence.** From the heap dump: classes of the source's client (Kafka's consumer, the reader's queues) keep a quarter
of the live heap or more.

**Remedy.** Smaller fetches: `properties.max.partition.fetch.bytes`, `properties.fetch.max.bytes`,
`properties.max.poll.records`; more parallelism.

**Not this when** the records hang below Flink's state, or the heap has room.

**Sources.** Kafka consumer configuration; Flink's SourceReaderBase and FutureCompletingBlockingQueue (1.12 – 2.3).
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.held import MUCH_BP, holding
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.units import human_bp, human_bytes

RULE = Rule(
    id="R08",
    title="The source has fetched more than the job can take",
    severity=Severity.CRITICAL,
    needs=(("heap",),),
    explains=("R01", "R05", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={"share_bp": Threshold(MUCH_BP, "bp of the reachable heap", "a quarter: nothing else comes first")},
    proved_on="kafka-clients 3.9.1 on Java 17 (corpus R08-kafka-records)",
)

SOURCES = (
    "org.apache.kafka.clients.consumer.",
    "org.apache.flink.connector.kafka.source.",
    "org.apache.flink.streaming.connectors.kafka.",
    "org.apache.flink.connector.base.source.reader.",
    "org.apache.pulsar.client.impl.ConsumerBase",
    "org.apache.rocketmq.client.consumer.",
)
_NEW = """\
KafkaSource.<Event>builder()
    .setProperty("max.partition.fetch.bytes", "262144")   // 1 MiB by default, for each partition
    .setProperty("fetch.max.bytes", "8388608")            // 50 MiB by default, for each broker
    .setProperty("max.poll.records", "200")"""
_SQL = """\
'properties.max.partition.fetch.bytes' = '262144',
'properties.fetch.max.bytes' = '8388608',
'properties.max.poll.records' = '200'"""


def check(facts: ProcessFacts) -> Outcome:
    """Fires when a tight heap is full of what a source fetched."""
    heap = required(facts.heap)
    held = holding(facts, SOURCES)
    readers = [o for o in heap.owners if o.what.startswith("source reader")]
    if held is None or held.share_bp < RULE.thresholds["share_bp"].value:
        share = held.share_bp if held else 0
        return RuledOut(f"what a source has fetched is {human_bp(share)} of the reachable heap")
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        return RuledOut("a source's buffers are large, but the heap has room", held.evidence)
    remedy = Remedy(
        id="smaller-fetches",
        title="Let each reader fetch less at a time",
        effect="buffers fall to partitions × the new limit",
        cost="more requests; throughput falls only where records are tiny",
        verify="flinkscope heap flink DUMP: the source reader keeps little",
        code=(CodeChange("java", "KafkaSource.<Event>builder()", _NEW), CodeChange("sql", "", _SQL)),
    )
    return Fired(
        summary=f"records that were fetched and not yet read keep {human_bytes(held.size_bytes)},"
        f" {human_bp(held.share_bp)} of the live heap" + (f", in {len(readers)} source readers" if readers else ""),
        evidence=(*held.evidence, *pressure.evidence),
        remedies=(remedy,),
        certainty_bp=8_800,
        explained_bytes=held.size_bytes,
    )
