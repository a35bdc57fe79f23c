"""# R22 · A JobManager runs out of direct memory

**Symptom.** `java.lang.OutOfMemoryError: Direct buffer memory` in a thread `jobmanager-io-thread-…`, then
`FATAL: Thread … produced an uncaught exception. Stopping the process` and exit code 239.

**Why it happens.** Writing checkpoint metadata through NIO keeps one temporary direct buffer a thread, as large as the
largest write. Without `enable-jvm-direct-memory-limit` the limit is -Xmx, so it grows unseen until the container or
the JVM ends it.

**Evidence.** The JVM's text in the JobManager's log.

**Remedy.** Bound the cached buffers: `-Djdk.nio.maxCachedBufferSize=262144`; then more
`jobmanager.memory.off-heap.size`.

**Not this when** the process is a TaskManager (R21).

**Sources.** JDK sun.nio.ch.Util (maxCachedBufferSize); Stack Overflow 79818098; Flink JobManagerOptions.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R22",
    title="A JobManager runs out of direct memory",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    explains=("R31", "R32"),
    roles=("jobmanager",),
    versions="1.11 – 2.3",
    proved_on="Flink 2.3.0 on Java 17 (corpus R22-main-keeps-direct)",
)

_FLAG = "-Djdk.nio.maxCachedBufferSize=262144"
_OPTS = "env.java.opts.jobmanager"


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text."""
    events = said(facts, "oom_direct")
    if not events:
        return RuledOut("no direct buffer was refused")
    return Fired("direct buffers of the JobManager reached their limit", as_evidence(events), _remedies(facts), 8_500)


def _remedies(facts: ProcessFacts) -> tuple[Remedy, ...]:
    present = options_of(facts).get(_OPTS, "")
    bound = Remedy(
        id="bound-nio-buffers",
        title="Bound the buffers that NIO keeps a thread",
        effect="a thread keeps at most 256 KiB instead of its largest write ever",
        cost="larger writes allocate anew each time",
        verify="Status.JVM.Memory.Direct.MemoryUsed of the JobManager stays flat over checkpoints",
    )
    more = Remedy(
        id="more-off-heap",
        title="Give the JobManager more off-heap memory",
        effect="the limit, where one is set, moves up",
        cost="that much less heap in the same container",
        verify="as above",
        cures=False,
    )
    first = () if _FLAG in present else option_remedy(facts, bound, {_OPTS: f"{present} {_FLAG}".strip()})
    return (*first, *option_remedy(facts, more, {"jobmanager.memory.off-heap.size": "256m"}))
