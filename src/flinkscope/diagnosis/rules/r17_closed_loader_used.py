"""# R17 · Code of a job that is over still runs

**Symptom.** `IllegalStateException: Trying to access closed classloader. Please check if you store classloaders
directly or indirectly in static fields …`.

**Why it happens.** A thread, timer or hook that outlived its job loads a class through the job's closed loader. Flink
wraps user class loaders to notice that (1.12 on): it is a leak that announced itself early.

**Evidence.** The text with its stack: the topmost frame of the user's or a library's code is the culprit.

**Remedy.** As for R14 and R16: stop what outlives the job. `classloader.check-leaked-classloader: false` takes the
exception away, not the leak: only for a shutdown that it blocks.

**Not this when** it comes once, while the JVM ends: a hook that runs late does no harm.

**Sources.** FLINK-16225; iceberg 3776; FlinkUserCodeClassLoaders.SafetyNetWrapperClassLoader.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.leaked_loaders import ATTEMPTS
from flinkscope.diagnosis.remedies.options import option_remedy
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said

RULE = Rule(
    id="R17",
    title="Code of a job that is over still runs",
    severity=Severity.ERROR,
    needs=(("log",),),
    roles=("jobmanager", "taskmanager"),
    versions="1.12 – 2.3",
    proved_on="recorded texts (corpus R17-closed-loader)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on Flink's text."""
    events = said(facts, "closed_class_loader")
    if not events:
        return RuledOut("no closed class loader was used")
    find = Remedy(
        id="stop-what-outlives",
        title="Find and stop what outlives the job",
        effect="no thread of a job runs after its end; its classes can be unloaded",
        cost="a change of the job",
        verify="the text is gone, and flinkscope heap loaders --leaked names no loader",
        code=(
            CodeChange("bash", "", "jcmd PID GC.heap_dump /tmp/f.hprof\nflinkscope heap loaders --leaked /tmp/f.hprof"),
        ),
    )
    silence = Remedy(
        id="no-check",
        title="Stop-gap: let closed loaders be used",
        effect="the exception is gone, the leak is not",
        cost="the leak goes on unseen",
        verify="metaspace after full GC",
        cures=False,
    )
    silent = option_remedy(facts, silence, {"classloader.check-leaked-classloader": "false"})
    summary = "something that a job started outlived it and used its closed class loader"
    return Fired(summary, as_evidence(events), (find, *silent), 9_000, attempts=ATTEMPTS[1:2])
