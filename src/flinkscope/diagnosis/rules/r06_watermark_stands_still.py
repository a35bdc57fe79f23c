"""# R06 · The watermark stands still, so past windows are never cleaned up

**Symptom.** State of several past days is still there; the checkpoint never shrinks at the window's end; results of
finished windows never come.

**Why it happens.** The watermark is the minimum over all inputs. One idle partition, or one that stopped, holds it back
for everybody; the clean-up timers of past windows never fire.

**Evidence.** From the heap dump: a tumbling window's state holds three or more windows, and the operator's watermark is
before the end of the oldest while newer ones already have records.

**Remedy.** `WatermarkStrategy.withIdleness(…)`, in SQL `table.exec.source.idle-timeout`; drop or mend the input that
stands still.

**Not this when** the windows overlap by design (sliding, session), or only two are there around midnight.

**Sources.** Flink docs, generating watermarks (“Dealing with idle sources”); WindowOperator.cleanupTime.
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.rules.r02_window_timers import local_time
from flinkscope.flink.state_facts import StateFacts, WindowOperator, WindowSpan
from flinkscope.units import human_count

RULE = Rule(
    id="R06",
    title="The watermark stands still, so past windows are never cleaned up",
    severity=Severity.CRITICAL,
    needs=(("state",),),
    explains=("R01", "R02", "R03", "R10", "R31", "R32"),
    roles=("taskmanager",),
    thresholds={"windows": Threshold(3, "windows", "two overlap around a window's end in health; three do not")},
    proved_on="Flink 2.3.0 on Java 17 (corpus, record.py r06-idle)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires when three tumbling windows are held and the watermark has not passed the first."""
    state = required(facts.state)
    for operator in state.operators:
        windows = _windows(state, operator)
        if len(windows) >= RULE.thresholds["windows"].value and _is_held_back(operator, windows):
            return _fired(operator, windows)
    return RuledOut("no tumbling window holds state of windows that should be over")


def _windows(state: StateFacts, operator: WindowOperator) -> list[WindowSpan]:
    """The most windows that one state of the operator holds; none where they overlap by design."""
    if not (operator.assigner or "").startswith("Tumbling"):
        return []
    return max(([*s.windows] for s in state.states if s.home == operator.home), key=len, default=[])


def _is_held_back(operator: WindowOperator, windows: list[WindowSpan]) -> bool:
    lateness = operator.allowed_lateness_ms or 0
    oldest, newest = windows[0], windows[-1]
    overdue = newest.start_ms >= oldest.end_ms + lateness
    return overdue and (operator.watermark_ms is None or operator.watermark_ms < oldest.end_ms)


def _fired(operator: WindowOperator, windows: list[WindowSpan]) -> Fired:
    zone = operator.offset_ms
    told = "has never come" if operator.watermark_ms is None else f"is {local_time(operator.watermark_ms, zone)}"
    entries = sum(w.entries for w in windows[:-1])
    held = (
        f"{len(windows)} windows from {local_time(windows[0].start_ms, zone)} to {local_time(windows[-1].end_ms, zone)}"
    )
    remedy = Remedy(
        id="idleness",
        title="Let inputs without data not hold the watermark back",
        effect="past windows fire and are cleaned up as soon as the other inputs have passed their end",
        cost="records of an input that comes back late may be late for their window",
        verify="currentInputWatermark of the window operator advances; the checkpoint shrinks at the window's end",
        code=(
            CodeChange(
                "java",
                "WatermarkStrategy.<Event>forBoundedOutOfOrderness(Duration.ofSeconds(5))",
                "WatermarkStrategy.<Event>forBoundedOutOfOrderness(Duration.ofSeconds(5))\n"
                "    .withIdleness(Duration.ofMinutes(1))",
            ),
            CodeChange("sql", "", "SET 'table.exec.source.idle-timeout' = '1 min';"),
        ),
    )
    return Fired(
        summary=f"the watermark {told}, yet {held} hold state: {human_count(entries)} entries that should be gone",
        evidence=(
            Evidence(f"{operator.task}: {held}; the watermark {told}", operator.place, {"windows": len(windows)}),
        ),
        remedies=(remedy,),
        certainty_bp=9_300,
    )
