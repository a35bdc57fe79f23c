"""# R06 · The watermark stands still, so past windows are never cleaned up

**Symptom.** State of several past days is still there; the checkpoint never shrinks at the window's end; results of
finished windows never come.

**Why it happens.** The watermark is the minimum over all inputs. One idle partition, or one that stopped, holds it back
for everybody; the clean-up timers of past windows never fire.

**Evidence.** From the heap dump: a window operator has records for windows that begin a whole window (of sessions:
three gaps) after the end of the oldest one that it still holds, and its watermark is before that end. Where the
watermark has come at all, the heap must be tight as well.

**Remedy.** `WatermarkStrategy.withIdleness(…)`, in SQL `table.exec.source.idle-timeout`; drop or mend the input that
stands still.

**Not this when** only two windows are there around midnight; or the watermark follows at the distance that
`forBoundedOutOfOrderness` gives it, and what is held fits into the heap.

**Sources.** Flink docs, generating watermarks (“Dealing with idle sources”); WindowOperator.cleanupTime.
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.pressure import heap_pressure
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
    thresholds={
        "windows": Threshold(3, "windows", "two overlap around a window's end in health; three do not"),
        "gaps": Threshold(3, "gaps of a session", "sessions of different keys overlap: rule of the house"),
    },
    proved_on="Flink 2.3.0 on Java 17 (corpus, record.py r06-idle)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires when windows that should be over are held and the watermark has not passed them."""
    state = required(facts.state)
    for operator in state.operators:
        windows = _windows(state, operator)
        if not _is_held_back(operator, windows):
            continue
        if operator.watermark_ms is None or heap_pressure(facts).is_tight:
            return _fired(operator, windows)
        told = Evidence(_held(operator, windows), operator.place, {"windows": len(windows)})
        return Unclear(
            "windows wait for the watermark, as bounded out-of-orderness makes them; they fit", _TWICE, (told,)
        )
    return RuledOut("no window operator holds state of windows that should be over")


_TWICE = "curl JOBMANAGER:8081/jobs/JOB/vertices/VERTEX/watermarks, twice: the watermarks must rise"


def _windows(state: StateFacts, operator: WindowOperator) -> list[WindowSpan]:
    """The most windows that one state of the operator holds, in the order of their ends.

    Those with less than a hundredth of the fullest one's entries are left out: strays with a timestamp of their own.
    """
    most = max(([*s.windows] for s in state.states if s.home == operator.home), key=len, default=[])
    fullest = max((w.entries for w in most), default=0)
    return [w for w in most if w.entries * 100 >= fullest]


def _is_held_back(operator: WindowOperator, windows: list[WindowSpan]) -> bool:
    """Whether the newest window begins long after the oldest one's end, and the watermark has not passed that end.

    Where no watermark has come, as much time as three windows is enough: sessions without an end are one window.
    """
    if not windows:
        return False
    least = RULE.thresholds["windows"].value
    oldest, newest = windows[0], max(windows, key=lambda w: w.start_ms)
    length = operator.size_ms or oldest.end_ms - oldest.start_ms
    if operator.watermark_ms is None:
        return max(w.end_ms for w in windows) - min(w.start_ms for w in windows) >= least * length
    if len(windows) < least:
        return False
    if "Session" in (operator.assigner or ""):
        length *= RULE.thresholds["gaps"].value
    overdue = newest.start_ms >= oldest.end_ms + length + (operator.allowed_lateness_ms or 0)
    return overdue and operator.watermark_ms < oldest.end_ms


def _held(operator: WindowOperator, windows: list[WindowSpan]) -> str:
    zone, last = operator.offset_ms, max(w.end_ms for w in windows)
    span = f"from {local_time(windows[0].start_ms, zone)} to {local_time(last, zone)}"
    return f"{operator.task}: {human_count(len(windows))} windows {span}; the watermark {_told(operator)}"


def _told(operator: WindowOperator) -> str:
    at = operator.watermark_ms
    return "has never come" if at is None else f"is {local_time(at, operator.offset_ms)}"


def _fired(operator: WindowOperator, windows: list[WindowSpan]) -> Fired:
    entries = sum(w.entries for w in windows[:-1])
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
        summary=f"the watermark {_told(operator)}, yet {human_count(len(windows))} windows hold state:"
        f" {human_count(entries)} entries that wait for it",
        evidence=(Evidence(_held(operator, windows), operator.place, {"windows": len(windows)}),),
        remedies=(remedy,),
        certainty_bp=9_300,
    )
