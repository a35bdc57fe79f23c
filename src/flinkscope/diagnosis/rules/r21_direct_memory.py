"""# R21 · A TaskManager runs out of direct memory

**Symptom.** `java.lang.OutOfMemoryError: Direct buffer memory`, since JDK 17 `Cannot reserve N bytes of direct buffer
memory (allocated: …, limit: …)`.

**Why it happens.** `-XX:MaxDirectMemorySize` is framework off-heap + task off-heap + network. Network memory never
exceeds its share, so what broke it is user code, a connector or an SDK that allocates direct buffers, or the
framework at a high parallelism.

**Evidence.** The JVM's text with what was wanted, allocated and the limit, which equals the three parts together.

**Remedy.** Room for user code: `taskmanager.memory.task.off-heap.size`. If it still rises from day to day, it leaks:
find the buffers' owner in a heap dump (`flinkscope heap direct DUMP`).

**Not this when** the process is a JobManager (R22), or the text is `Could not allocate enough memory segments for
NetworkBufferPool` (R23: the direct limit is smaller than the network memory).

**Sources.** Flink docs, memory troubleshooting (“OutOfMemoryError: Direct buffer memory”); JDK java.nio.Bits.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import LogEvent, ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.said import as_evidence, number, said
from flinkscope.errors import FlinkscopeError
from flinkscope.flink.memory_model import memory_model
from flinkscope.units import MIB, human_bytes

RULE = Rule(
    id="R21",
    title="A TaskManager runs out of direct memory",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    explains=("R32",),
    roles=("taskmanager",),
    thresholds={"room_bp": Threshold(2_500, "bp of the limit", "a quarter above what was reached: rule of the house")},
    proved_on="Flink 2.3.0 on Java 17 (corpus R21-direct)",
)

_KEY = "taskmanager.memory.task.off-heap.size"


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text."""
    events = said(facts, "oom_direct")
    if not events:
        return RuledOut("no direct buffer was refused")
    limit = number(events[0], "limit_bytes")
    summary = "direct buffers reached their limit" + (f" of {human_bytes(limit)}" if limit else "")
    return Fired(summary, as_evidence(events), _remedies(facts, events[0]), 9_000)


def _remedies(facts: ProcessFacts, event: LogEvent) -> tuple[Remedy, ...]:
    """Task off-heap up by what was wanted and a quarter of the limit, in whole 64 MiB; the process grows along."""
    limit = number(event, "limit_bytes") or 256 * MIB
    more = (number(event, "wanted_bytes") or 0) + limit * RULE.thresholds["room_bp"].value // 10_000
    grid = 64 * MIB
    options = options_of(facts)
    room = -(-more // grid) * grid + _task_off_heap(facts)
    changes: dict[str, str | None] = {_KEY: f"{room // MIB}m"}
    size = "taskmanager.memory.process.size"
    if size in options:
        try:
            before = memory_model(options, "taskmanager", facts.flink_version or "2.3.0")
            changes[size] = f"{-(-(before.process_bytes + room) // grid) * grid // MIB}m"
        except FlinkscopeError:
            pass  # the configuration is illegal as it stands (R29); the off-heap room is still the right key
    remedy = Remedy(
        id="task-off-heap",
        title=f"Give direct buffers of user code their room: {_KEY}",
        effect="-XX:MaxDirectMemorySize grows by as much; heap and managed memory stay as they are",
        cost="a larger container",
        verify="Status.JVM.Memory.Direct.MemoryUsed stays flat below the new limit; if it rises again, it is a leak",
    )
    return option_remedy(facts, remedy, changes)


def _task_off_heap(facts: ProcessFacts) -> int:
    try:
        return memory_model(options_of(facts), "taskmanager", facts.flink_version or "2.3.0").task_off_heap_bytes
    except FlinkscopeError:
        return 0
