"""# R26 · RocksDB has too little memory for its write buffers

**Symptom.** `RocksDBStateBackend performance will be poor because of the current Flink memory configuration! RocksDB
will flush memtable constantly`; throughput is bad from the start.

**Why it happens.** The slot's share of managed memory is so small that RocksDB's arena block is larger than seven
eighths of its write-buffer budget.

**Evidence.** Flink's own text.

**Remedy.** More managed memory a slot: a larger fraction, fewer slots, or a fixed size a TaskManager.

**Not this when** state is on the heap.

**Sources.** Flink RocksDBMemoryControllerUtils.validateArenaBlockSize (1.10 – 2.3).
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R26",
    title="RocksDB has too little memory for its write buffers",
    severity=Severity.WARNING,
    needs=(("log",),),
    roles=("taskmanager",),
    proved_on="Flink 2.3.0 on Java 17 (corpus R26-rocksdb)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on Flink's text."""
    events = said(facts, "rocksdb_memory")
    if not events:
        return RuledOut("RocksDB did not complain of its memory")
    fraction = Remedy(
        id="more-managed",
        title="Give managed memory a larger part of Flink's memory",
        effect="RocksDB's write buffers and block cache grow by the same factor",
        cost="that much less task heap in the same process size",
        verify="the warning is gone; flush and compaction metrics calm down",
    )
    slots = Remedy(
        id="fewer-slots",
        title="Fewer slots a TaskManager",
        effect="each slot's RocksDB gets a larger share",
        cost="more TaskManagers for the same parallelism",
        verify="as above",
    )
    made = option_remedy(facts, fraction, {"taskmanager.memory.managed.fraction": "0.6"})
    return Fired("RocksDB flushes all the time for want of memory", as_evidence(events), (*made, slots), 9_500)
