"""# R14 · Each submission leaves its class loader in the JobManager

**Symptom.** The JobManager's metaspace grows with each web submission, also after full collections; in the end REST
answers 400, submissions hang, and the process dies (`OutOfMemoryError: Metaspace`, exit code 239; often without a
word in its log, which needs classes to log).

**Why it happens.** `POST /jars/:id/run`, `/plan` and `/run-application` run the program's main() inside the JobManager
in a class loader of its own. Flink closes it when main() returns. Whatever main() or a library left in the JVM (a
shutdown hook, a thread, a driver in DriverManager, an MBean …) still refers to one of its classes, and classes are
unloaded only together with their loader. Removing one of several such pins changes nothing.

**Evidence.** In a heap dump: user class loaders whose `ucp.closed` is true and that GC roots reach strongly; for each
every reference into it from outside, sorted by kind.

**Remedy.** Submit from a client (`flink run`), where main() has a JVM of its own, or use application mode; turn web
submission off; or clean up every pin that is named. A larger metaspace only postpones it.

**Not this when** the loaders are only softly reachable, or there are no more than running jobs: then the metaspace is
simply too small (R15).

**Sources.** flinkscope's lab (jm-metaspace); Flink "Debugging Classloading"; FLINK-16225, FLINK-32203; beam 25510.
"""

from __future__ import annotations

from dataclasses import replace

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Outcome, Severity
from flinkscope.diagnosis.leaked_loaders import arithmetic, groups_of, verdict
from flinkscope.diagnosis.remedies.loader_pins import (
    application_mode,
    client_submission,
    fix_code,
    more_metaspace,
    no_web_submission,
    shared_libraries,
)
from flinkscope.diagnosis.rule import Rule

RULE = Rule(
    id="R14",
    title="Each submission leaves its class loader in the JobManager",
    severity=Severity.CRITICAL,
    needs=(("loaders", "log", "gc"),),
    explains=("R10", "R17", "R18", "R31", "R32"),
    roles=("jobmanager",),
    proved_on="Flink 2.3.0 on Java 11 to 25 (lab jm-metaspace; corpus R14-submissions)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on closed class loaders that GC roots reach strongly."""
    groups = groups_of(facts)
    remedies = (
        replace(client_submission(), arithmetic=arithmetic(facts)),
        *fix_code(groups, facts.role),
        application_mode(),
        *no_web_submission(facts),
        *shared_libraries(facts, groups),
        *more_metaspace(facts, cures=False),
    )
    return verdict(facts, remedies, groups)
