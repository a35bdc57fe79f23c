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

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R26",
    title="RocksDB has too little memory for its write buffers",
    severity=Severity.WARNING,
    needs=(("log", "config"),),
    roles=("taskmanager",),
    proved_on="Flink 2.3.0 on Java 17 (corpus R26-rocksdb)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on Flink's text, or on a configuration that leaves RocksDB without memory."""
    events, starved = said(facts, "rocksdb_memory"), _starved(facts)
    if not events and not starved:
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
    changes: dict[str, str | None] = {"taskmanager.memory.managed.fraction": "0.6"}
    if "taskmanager.memory.managed.size" in options_of(facts):
        changes["taskmanager.memory.managed.size"] = None  # it would win
    made = option_remedy(facts, fraction, changes)
    evidence = (*as_evidence(events), *starved)
    return Fired("RocksDB flushes all the time for want of memory", evidence, (*made, slots), 9_500)


def _starved(facts: ProcessFacts) -> tuple[Evidence, ...]:
    """What the lint says of RocksDB's memory in this configuration."""
    config = present(facts.config)
    found = [f for f in config.lint if f.rule in ("rocksdb-without-memory", "rocksdb-too-small")] if config else []
    return tuple(Evidence(f.message, f.place) for f in found)
