"""# R32 · The process lives on after an OutOfMemoryError

**Symptom.** A task fails with OutOfMemoryError, the job restarts, fails sooner, restarts again; the process never ends
and is never replaced.

**Why it happens.** Flink lets a TaskManager live on after a heap OutOfMemoryError in a task
(`taskmanager.jvm-exit-on-oom` is false by default). What filled the heap may still be there.

**Evidence.** Two or more OutOfMemoryErrors in one process' log at different times, without the JVM ending.

**Remedy.** Let the JVM end and leave evidence: `taskmanager.jvm-exit-on-oom: true`, a heap dump on the first error. The
cause is another rule's.

**Not this when** the JVM ended with the first error.

**Sources.** Flink TaskManagerOptions.KILL_ON_OUT_OF_MEMORY; Task.doRun.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R32",
    title="The process lives on after an OutOfMemoryError",
    severity=Severity.WARNING,
    needs=(("log",),),
    roles=("taskmanager",),
    symptom=True,
    proved_on="Flink 2.3.0 on Java 17 (corpus R21-direct, R32-lives-on)",
)

_KEY = "taskmanager.jvm-exit-on-oom"
_DUMP = "-XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/dumps"


def check(facts: ProcessFacts) -> Outcome:
    """Fires on several errors at different times in a process that went on."""
    events = said(facts, "oom_heap", "oom_metaspace", "oom_direct", "oom_gc_overhead")
    times = {e.time for e in events if e.time is not None}
    if len(times) < 2 or said(facts, "jvm_ends") or facts.exit_code is not None:
        return RuledOut("the process did not go on after an OutOfMemoryError")
    leave = Remedy(
        id="exit-on-oom",
        title="Let the JVM end on OutOfMemoryError, and leave a heap dump",
        effect="a fresh process takes over at once, and the first error leaves its evidence",
        cost="all slots of that TaskManager restart",
        verify="after the next error the process is replaced and a dump is there",
        cures=False,
    )
    opts = options_of(facts).get("env.java.opts.taskmanager", "")
    changes: dict[str, str | None] = {_KEY: "true"}
    if "HeapDumpOnOutOfMemoryError" not in opts:
        changes["env.java.opts.taskmanager"] = f"{opts} {_DUMP}".strip()
    made = option_remedy(facts, leave, changes)
    return Fired(f"{len(times)} OutOfMemoryErrors in one process that went on", as_evidence(events), made, 9_000)
