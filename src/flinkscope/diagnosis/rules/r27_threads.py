"""# R27 · The process may not start more threads

**Symptom.** `java.lang.OutOfMemoryError: unable to create native thread`, or `pthread_create failed (EAGAIN)`.

**Why it happens.** A limit on threads or processes was reached (`ulimit -u`, the cgroup's `pids.max`), nearly always
because something leaks thread pools; or, with EPERM at once, an old container runtime forbids clone3.

**Evidence.** The JVM's text.

**Remedy.** Stop the leak: `flinkscope threads PID` shows which thread names repeat. Raise the limit only for a process
that truly needs that many. Heap and metaspace settings have nothing to do with it.

**Not this when** the text is any other OutOfMemoryError.

**Sources.** HotSpot os::create_thread; pinpoint-docker 216; FLINK-2829.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R27",
    title="The process may not start more threads",
    severity=Severity.CRITICAL,
    needs=(("log",),),
    explains=("R32",),
    proved_on="Java 17 under ulimit -v (corpus R27-threads)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the JVM's text."""
    events = said(facts, "oom_threads", "thread_start_failed")
    if not events:
        return RuledOut("no thread was refused")
    remedy = Remedy(
        id="find-thread-leak",
        title="Find what leaks threads; raise the limit only if they are all wanted",
        effect="the number of threads stays flat",
        cost="none",
        verify="the number of threads is the same before and after a few restarts of the job",
        code=(
            CodeChange(
                "bash", "", "flinkscope threads PID      # names that repeat are the leak\ncat /sys/fs/cgroup/pids.max"
            ),
        ),
    )
    return Fired("the system refused a new thread", as_evidence(events), (remedy,), 9_500)
