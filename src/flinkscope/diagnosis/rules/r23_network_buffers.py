"""# R23 · There are too few network buffers for this parallelism

**Symptom.** A job does not start: `java.io.IOException: Insufficient number of network buffers: required A, but only B
available. The total number of network buffers is currently set to C of D bytes each.`

**Why it happens.** Each exchange needs buffers by its channels; with p → p and s slots a TaskManager needs about
s·(2p+1) + s·(p+1) for every keyed exchange. Network memory is a fraction between a minimum and a maximum.

**Evidence.** Flink's own four numbers.

**Remedy.** Network memory computed from them, or less parallelism, or fewer slots a TaskManager.

**Not this when** the text is about the NetworkBufferPool's segments at start: then -XX:MaxDirectMemorySize was set by
hand below the network memory.

**Sources.** Flink NetworkBufferPool.redistributeBuffers (1.10 – 2.3); memory model of this tool.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import LogEvent, ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, Remedy, RuledOut, Severity, Step
from flinkscope.diagnosis.remedies.options import option_remedy
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.said import as_evidence, number, said
from flinkscope.units import MIB

RULE = Rule(
    id="R23",
    title="There are too few network buffers for this parallelism",
    severity=Severity.ERROR,
    needs=(("log",),),
    roles=("taskmanager", "jobmanager"),
    thresholds={"spare_bp": Threshold(1_000, "bp", "a tenth more than asked for, for the next task's exchange")},
    proved_on="Flink 2.3.0 on Java 17 (corpus R23-network)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on Flink's text."""
    events = said(facts, "network_buffers")
    if not events:
        return RuledOut("no task lacked network buffers")
    first = events[0]
    needed, free = number(first, "needed"), number(first, "available")
    return Fired(
        f"a task asked for {needed} buffers when {free} were left",
        as_evidence(events),
        _remedies(facts, first),
        9_500,
    )


def _remedies(facts: ProcessFacts, event: LogEvent) -> tuple[Remedy, ...]:
    needed, free = number(event, "needed"), number(event, "available")
    total, segment = number(event, "total"), number(event, "segment_bytes")
    if needed is None or free is None or total is None or segment is None:
        return ()
    buffers = (total + needed - free) * (10_000 + RULE.thresholds["spare_bp"].value) // 10_000
    size_bytes = -(-buffers * segment // MIB) * MIB
    size = f"{size_bytes // MIB}m"
    remedy = Remedy(
        id="more-network",
        title=f"Set network memory to {size}",
        effect=f"{buffers:,} buffers instead of {total:,}",
        cost="taken from the task heap unless process.size grows along",
        verify="the job starts; “Allocated … MB for network buffer pool” in the log shows the new number",
        arithmetic=(
            Step("buffers wanted", f"({total} in all + {needed} required − {free} available) × 1.1", None),
            Step("network memory", f"{buffers:,} × {segment:,} bytes, in whole MiB", size_bytes),
        ),
    )
    return option_remedy(
        facts, remedy, {"taskmanager.memory.network.min": size, "taskmanager.memory.network.max": size}
    )
