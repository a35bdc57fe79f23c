"""# R31 · A long stop looks like a lost TaskManager

**Symptom.** `Heartbeat of TaskManager with id … timed out`, `TaskManager with id … is no longer reachable`,
`Checkpoint expired before completing`, `Task … did not react to cancelling signal`.

**Why it happens.** All threads stood still for seconds, nearly always in garbage collection; from outside that looks
dead.

**Evidence.** Such a text, and in the GC log a pause of ten seconds or more than half of a minute spent in pauses.

**Remedy.** That of what fills the heap. Raising `heartbeat.timeout` only hides it.

**Not this when** the GC log is calm: then look at the network, or at the machine.

**Sources.** Flink HeartbeatManagerOptions (50 s by default); the lab's incidents.
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, RuledOut, Severity, Unclear
from flinkscope.diagnosis.pressure import share_evidence
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.units import human_ns

RULE = Rule(
    id="R31",
    title="A long stop looks like a lost TaskManager",
    severity=Severity.ERROR,
    needs=(("log",),),
    symptom=True,
    thresholds={
        "pause_ns": Threshold(10_000_000_000, "ns", "a fifth of the default heartbeat timeout of 50 s"),
        "gc_share_bp": Threshold(5_000, "bp of one minute", "more time in GC than in work, as in R10"),
    },
    proved_on="recorded texts (corpus R31-lost-manager)",
)

_KINDS = ("heartbeat_timeout", "task_manager_unreachable", "checkpoint_expired", "task_hangs")


def check(facts: ProcessFacts) -> Outcome:
    """Fires when the log speaks of loss and the GC log of long stops."""
    events = said(facts, *_KINDS)
    if not events:
        return RuledOut("nothing in the log looks like a lost TaskManager")
    gc = present(facts.gc)
    if gc is None:
        return Unclear("the log speaks of time-outs; only the GC log can tell whether the process stood still",
                       "-Xlog:gc*,safepoint in env.java.opts", as_evidence(events))  # fmt: skip
    longest, share = max(gc.series.pause_ns, default=0), present(gc.gc_share_worst_minute_bp) or 0
    if longest < RULE.thresholds["pause_ns"].value and share < RULE.thresholds["gc_share_bp"].value:
        return RuledOut(f"the process never stood still: longest pause {human_ns(longest)}", as_evidence(events))
    stopped = Evidence(f"longest GC pause {human_ns(longest)}", gc.place, {"pause_max_ns": longest})
    return Fired(
        "the process stood still so long that others took it for dead",
        (*as_evidence(events), stopped, *share_evidence(gc)),
        (),
        8_500,
    )
