"""# R28 · The system refused native memory

**Symptom.** The JVM ends with an hs_err file: `There is insufficient memory for the Java Runtime Environment to
continue. Native memory allocation (mmap) failed`.

**Why it happens.** The machine or the container had no memory left to commit: the heap's own pages (-Xms = -Xmx and
a host that is too small), or thread stacks and malloc under a full cgroup.

**Evidence.** The JVM's own text.

**Remedy.** `process.size` must fit into the machine; otherwise as for a killed container (R20).

**Not this when** the text is `Java heap space`: then the system gave the memory and the job filled it.

**Sources.** HotSpot os_linux.cpp (report_vm_out_of_memory).
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R28",
    title="The system refused native memory",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    proved_on="Java 17 under ulimit -v (corpus R28-native)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text."""
    events = said(facts, "native_memory")
    if not events:
        return RuledOut("the system refused no memory")
    remedy = Remedy(
        id="fit-the-machine",
        title="Make the processes on this machine fit into its memory",
        effect="what is promised by process.size can really be had",
        cost="fewer or smaller processes a machine",
        verify="free memory stays above zero when all processes are up",
        code=(CodeChange("bash", "", "free -m; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.peak"),),
    )
    return Fired("the system had no memory left to give", as_evidence(events), (remedy,), 9_000)
