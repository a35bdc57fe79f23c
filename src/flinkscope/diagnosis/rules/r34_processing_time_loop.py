"""# R34 · A processing-time trigger never leaves its loop

**Symptom.** One thread turns at 100 % CPU, the job makes no progress, checkpoints expire; on a restart it begins
again.

**Why it happens.** `ContinuousProcessingTimeTrigger` on an event-time window re-registers a timer that is already due
when it is called; the timer service calls it again at once (FLINK-35069, mended in 1.20).

**Evidence.** A thread dump with a task thread in `InternalTimerServiceImpl.onProcessingTime` below this trigger; or,
in a heap dump, that trigger on an event-time window in a Flink of the affected versions.

**Remedy.** Flink 1.20 or later; or `ContinuousEventTimeTrigger` (mind R02), or a trigger of one's own.

**Not this when** the window is a processing-time window, or the Flink is not affected and no thread turns there.

**Sources.** FLINK-35069 (1.13.6, 1.14.3 – 1.19); ContinuousProcessingTimeTrigger.onProcessingTime.
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.rule import Rule
from flinkscope.flink.memory_options import parse_version
from flinkscope.flink.state_facts import WindowOperator

RULE = Rule(
    id="R34",
    title="A processing-time trigger never leaves its loop",
    severity=Severity.ERROR,
    needs=(("threads", "state"),),
    explains=("R31",),
    roles=("taskmanager",),
    versions="1.13.6 – 1.19",
    proved_on="Flink 1.17.2 on Java 11 (corpus R34-trigger-loop)",
)

_TRIGGER = "ContinuousProcessingTimeTrigger"
_FIRST = ((1, 13, 6), (1, 14, 3))
_MENDED = (1, 20)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on a thread that turns there under an affected Flink."""
    affected = _is_affected(facts.flink_version)
    threads, state = present(facts.threads), present(facts.state)
    operators = [o for o in state.operators if _is_of_kind(o)] if state else []
    shown = tuple(Evidence(f"{o.task}: {o.assigner} with {' of '.join(o.trigger)}", o.place) for o in operators)
    if threads is not None and threads.trigger_loops:
        frames = "; ".join(threads.trigger_frames[:3])
        text = f"{threads.trigger_loops} threads run the trigger from a processing-time timer: {frames}"
        turning = Evidence(text, threads.place, {"threads": threads.trigger_loops})
        if affected is False and not operators:
            return Unclear(f"Flink {facts.flink_version} is mended; one dump shows no loop", _AGAIN, (turning,))
        version = facts.flink_version or "of a version that nothing tells"
        return Fired(
            f"a task thread of Flink {version} turns in the timers of {_TRIGGER}", (turning, *shown), _REMEDIES,
            9_300 if affected else 7_000,
        )  # fmt: skip
    if operators and affected:
        return Unclear(f"the job uses {_TRIGGER} on event-time windows in an affected Flink", _AGAIN, shown)
    return RuledOut(f"no thread turns in {_TRIGGER}")


_AGAIN = "two thread dumps ten seconds apart: jcmd PID Thread.print"
_REMEDIES = (
    Remedy(
        id="upgrade",
        title="Upgrade to Flink 1.20 or later",
        effect="the trigger registers only a time to come",
        cost="an upgrade; state is compatible through a savepoint",
        verify="no thread in InternalTimerServiceImpl.onProcessingTime in two thread dumps in a row",
    ),
    Remedy(
        id="event-time-trigger",
        title="Fire by event time",
        effect="no processing-time timer is registered at all",
        cost="fires when the watermark passes, and keeps an entry and a timer a key (see R02)",
        verify="as above",
        code=(CodeChange("java", f"{_TRIGGER}.of(…)", "ContinuousEventTimeTrigger.of(…)"),),
    ),
)


def _is_of_kind(operator: WindowOperator) -> bool:
    return _TRIGGER in operator.trigger and "EventTime" in (operator.assigner or "")


def _is_affected(version: str | None) -> bool | None:
    """None where nothing tells the version."""
    if version is None:
        return None
    parsed = parse_version(version)
    if parsed >= _MENDED:
        return False
    return parsed >= _FIRST[0] if parsed[:2] == _FIRST[0][:2] else parsed >= _FIRST[1]
