"""Each rule on the incident's facts, on its healthy twin, and with the evidence taken away piece by piece."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flinkscope.absent import Absent
from flinkscope.diagnosis.engine import judge
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Finding, Fired, NotEvaluated, RuledOut, Unclear, Verdict
from flinkscope.diagnosis.rule import all_rules, evaluate
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.state_facts import OperatorState, WindowSpan
from flinkscope.place import Place
from flinkscope.report import build_report
from report_support.incident import MIB, facts, gc_facts, process_facts, state_facts

RULES = {m.rule.id: m for m in all_rules()}


def findings(process: ProcessFacts) -> dict[str, Finding]:
    return {f.rule: f for f in judge(replace(facts(), processes=(process,))).findings}


def healthy() -> ProcessFacts:
    """The same job in a heap with room: nothing died, full GCs are rare and useful."""
    gc = replace(
        gc_facts(),
        max_heap_bytes=1024 * MIB,
        gc_share_bp=300,
        gc_share_worst_minute_bp=900,
        fruitless_full_gcs=0,
        full_gcs=gc_facts().full_gcs[:2],
    )
    heap = replace(process_facts().heap, oom_thread=None)
    return replace(process_facts(), gc=gc, heap=heap, log=(), exit_code=None)


def test_the_incident_has_one_root_cause_and_its_symptoms_are_folded() -> None:
    diagnosis = judge(facts())
    root = diagnosis.root_cause
    assert root is not None
    assert root.rule == "R02"
    fired = {f.rule: f for f in diagnosis.fired}
    assert fired["R10"].explained_by == "R02"
    assert root.explains == ("R10",)
    assert [f.rule for f in diagnosis.fired] == ["R02", "R10"]


def test_a_rising_live_set_is_no_case_of_a_heap_that_is_too_small() -> None:
    outcome = evaluate(RULES["R01"], process_facts())
    assert isinstance(outcome, RuledOut)
    assert "rises" in outcome.why


def test_a_flat_live_set_near_the_ceiling_is() -> None:
    gc = gc_facts()
    flat = replace(gc.series, heap_after_bytes=tuple(200 * MIB + i % 7 for i in range(len(gc.series.time_ns))))
    gc = replace(gc, series=flat, live_set_max_bytes=200 * MIB)
    outcome = evaluate(RULES["R01"], replace(process_facts(), gc=gc))
    assert isinstance(outcome, Fired)
    assert outcome.remedies[0].options[0].key.startswith("taskmanager.memory.")


def test_nothing_fires_on_the_healthy_twin() -> None:
    assert judge(replace(facts(), processes=(healthy(),))).fired == ()


@pytest.mark.parametrize(
    ("lost", "verdict"),
    [("state", Verdict.NOT_EVALUATED), ("heap", Verdict.NOT_EVALUATED), ("gc", Verdict.FIRED), ("log", Verdict.FIRED)],
)
def test_r02_without_one_piece_of_evidence(lost: str, verdict: Verdict) -> None:
    missing = Absent(lost, how_to_get=f"get {lost}")
    found = findings(replace(process_facts(), **{lost: missing}))
    assert found["R02"].verdict is verdict
    if verdict is Verdict.NOT_EVALUATED:
        assert isinstance(found["R02"].outcome, NotEvaluated)
        assert missing in found["R02"].outcome.missing


def test_r02_is_unclear_when_nothing_tells_how_full_the_heap_is() -> None:
    process = healthy()
    bare = replace(process, gc=Absent("gc"), config=Absent("config"))
    assert isinstance(evaluate(RULES["R02"], bare), Unclear)


def test_without_a_gc_log_the_log_rules_say_what_to_collect() -> None:
    found = findings(replace(process_facts(), gc=Absent("GC log", how_to_get="-Xlog:gc*")))
    for rule in ("R01", "R10"):
        outcome = found[rule].outcome
        assert isinstance(outcome, NotEvaluated)
        assert outcome.missing[0].how_to_get == "-Xlog:gc*"


@pytest.mark.parametrize(
    ("trigger", "evictor", "first_attempt"),
    [
        (("PurgingTrigger", "ContinuousEventTimeTrigger"), None, "PurgingTrigger"),
        (("ContinuousEventTimeTrigger",), "TimeEvictor", "TimeEvictor"),
        (("ContinuousEventTimeTrigger",), None, "Without either"),
    ],
)
def test_the_three_variants_are_told_apart(trigger: tuple[str, ...], evictor: str | None, first_attempt: str) -> None:
    state = state_facts()
    operator = replace(state.operators[0], trigger=trigger, evictor=evictor)
    outcome = evaluate(RULES["R02"], replace(process_facts(), state=replace(state, operators=(operator,))))
    assert isinstance(outcome, Fired)
    assert outcome.attempts[0].startswith(first_attempt)
    assert ("Purging removes only" in outcome.summary) is ("PurgingTrigger" in trigger and evictor is None)
    assert ("evictor empties only" in outcome.summary) is (evictor is not None)


def test_a_symptom_alone_is_no_root_cause_and_says_what_would_tell_it() -> None:
    missing = Absent("heap dump", how_to_get="jcmd PID GC.heap_dump FILE")
    diagnosis = judge(replace(facts(), processes=(replace(process_facts(), heap=missing, state=missing),)))
    assert diagnosis.root_cause is None
    assert [f.rule for f in diagnosis.fired] == ["R10"]
    story = build_report(diagnosis).story
    assert "does not tell the cause" in story.headline
    assert story.do[0] == "To find the cause, collect: jcmd PID GC.heap_dump FILE"


def test_a_cut_off_dump_rules_nothing_out() -> None:
    process = process_facts()
    assert not isinstance(process.heap, Absent)
    cut = replace(process, heap=replace(process.heap, gap="half of it is missing"))
    for state in (replace(state_facts(), operators=()), replace(state_facts(), state_bytes=100)):
        outcome = evaluate(RULES["R02"], replace(cut, state=state))
        assert isinstance(outcome, Unclear)
        assert outcome.evidence[0].figures["timers"] == 804_236


def test_other_triggers_are_told_by_another_title() -> None:
    state = state_facts()
    operator = replace(state.operators[0], trigger=("EventTimeTrigger",))
    outcome = evaluate(RULES["R02"], replace(process_facts(), state=replace(state, operators=(operator,))))
    assert isinstance(outcome, Fired)
    assert "Continuous" not in outcome.summary + outcome.title
    assert isinstance(evaluate(RULES["R02"], replace(process_facts(), state=replace(state, operators=()))), RuledOut)


def test_a_window_that_keeps_its_records_is_another_cause() -> None:
    state = state_facts()
    contents = replace(state.states[2], content_bytes=200_000_000, entries=1_000)
    operator = replace(state.operators[0], trigger=("EventTimeTrigger",))
    buffers = replace(state, states=(contents,), timers=(), operators=(operator,))
    found = findings(replace(process_facts(), state=buffers))
    assert found["R03"].verdict is Verdict.FIRED
    assert found["R02"].verdict is Verdict.RULED_OUT
    assert findings(process_facts())["R03"].verdict is Verdict.RULED_OUT
    assert findings(replace(healthy(), state=buffers))["R03"].verdict is Verdict.RULED_OUT


def test_windows_of_past_days_mean_that_the_watermark_stands_still() -> None:
    state = state_facts()
    day = 86_400_000
    first = state.states[0].windows[0]
    windows = tuple(WindowSpan(first.start_ms + d * day, first.end_ms + d * day, 1_000) for d in range(3))
    held = replace(state, states=(replace(state.states[0], windows=windows), *state.states[1:]))
    diagnosis = judge(replace(facts(), processes=(replace(process_facts(), state=held),)))
    assert diagnosis.root_cause is not None
    assert diagnosis.root_cause.rule == "R06"
    assert "R02" in diagnosis.root_cause.explains
    never = replace(held, operators=(replace(held.operators[0], watermark_ms=None),))
    assert findings(replace(healthy(), state=never))["R06"].verdict is Verdict.FIRED
    advanced = replace(held, operators=(replace(held.operators[0], watermark_ms=windows[1].end_ms),))
    hour = day // 24
    overlapping = tuple(WindowSpan(first.start_ms + h * hour, first.end_ms + h * hour, 1_000) for h in range(25))
    sliding = replace(
        held,
        states=(replace(state.states[0], windows=overlapping),),
        operators=(replace(held.operators[0], assigner="SlidingEventTimeWindows"),),
    )
    strays = (windows[0], *(replace(w, entries=9) for w in windows[1:]))
    few = replace(held, states=(replace(state.states[0], windows=strays),))
    for calm in (state, advanced, sliding, few):
        assert findings(replace(process_facts(), state=calm))["R06"].verdict is Verdict.RULED_OUT
    assert findings(replace(healthy(), state=held))["R06"].verdict is Verdict.UNCLEAR


def test_sessions_that_never_close_wait_for_the_watermark() -> None:
    state, minute = state_facts(), 60_000
    start = state.states[0].windows[0].start_ms
    sessions = tuple(WindowSpan(start + m * minute, start + (m + 1) * minute, 50) for m in range(60))
    operator = replace(state.operators[0], assigner="EventTimeSessionWindows", size_ms=minute, watermark_ms=None)
    held = replace(state, states=(replace(state.states[0], windows=sessions),), operators=(operator,))
    assert findings(replace(process_facts(), state=held))["R06"].verdict is Verdict.FIRED
    open_ones = replace(held, states=(replace(state.states[0], windows=sessions[:2]),))
    assert findings(replace(process_facts(), state=open_ones))["R06"].verdict is Verdict.RULED_OUT


def test_broadcast_state_that_only_grows_has_no_time_to_live() -> None:
    process = process_facts()
    rules = OperatorState("rules", "rules", "broadcast", 400_000, 160_000_000, Place("heap.hprof"))
    alone = replace(state_facts(), states=(), timers=(), operators=(), operator_states=(rules,))
    found = judge(replace(facts(), processes=(replace(process, state=alone),)))
    assert found.root_cause is not None
    assert found.root_cause.rule == "R04"
    assert "“rules”: 153 MiB of state" in found.root_cause.outcome.summary  # type: ignore[union-attr]
    assert findings(replace(healthy(), state=alone))["R04"].verdict is Verdict.RULED_OUT


@pytest.mark.parametrize(
    ("gib", "collector", "fires"), [(31, "G1", False), (33, "G1", True), (33, "ZGC", False), (64, "G1", False)]
)
def test_compressed_references_are_lost_between_32_and_45_gb(gib: int, collector: str, fires: bool) -> None:
    gc = replace(healthy().gc, max_heap_bytes=gib * 1024 * MIB, collector=collector)
    assert (findings(replace(healthy(), gc=gc))["R13"].verdict is Verdict.FIRED) is fires


def test_every_memory_remedy_starts_and_gives_more_heap() -> None:
    outcome = evaluate(RULES["R02"], process_facts())
    assert isinstance(outcome, Fired)
    memory = [r for r in outcome.remedies if r.id.startswith("memory-")]
    assert memory
    config = process_facts().config
    assert not isinstance(config, Absent)
    for remedy in memory:
        changed = dict(config.options)
        for change in remedy.options:
            changed.pop(change.key, None)
            if change.new is not None:
                changed[change.key] = change.new
        model = memory_model(changed, "taskmanager", "2.3.0")
        assert model.heap_bytes >= 2.5 * 250 * MIB
        assert sum(remedy.memory_after.values()) == model.process_bytes


@pytest.mark.parametrize("module", all_rules(), ids=lambda m: m.rule.id)
def test_every_rule_has_a_page_with_all_its_parts(module: object) -> None:
    page = module.page  # type: ignore[attr-defined]
    rule = module.rule  # type: ignore[attr-defined]
    assert page.startswith(f"# {rule.id} · {rule.title}")
    for part in (
        "**Symptom.**",
        "**Why it happens.**",
        "**Evidence.**",
        "**Remedy.**",
        "**Not this when**",
        "**Sources.**",
    ):
        assert part in page
    assert all(t.source for t in rule.thresholds.values())


def test_windows_that_overlap_keep_panes_without_any_continuous_trigger() -> None:
    state = state_facts()
    operator = replace(state.operators[0], assigner="SlidingEventTimeWindows", trigger=("EventTimeTrigger",))
    hour, first = 3_600_000, state.states[0].windows[0]
    overlapping = tuple(WindowSpan(first.start_ms + h * hour, first.end_ms + h * hour, 10_000) for h in range(24))
    sliding = replace(state, states=(replace(state.states[0], windows=overlapping),), operators=(operator,))
    found = judge(replace(facts(), processes=(replace(process_facts(), state=sliding),)))
    assert found.root_cause is not None
    assert found.root_cause.rule == "R02"
    assert found.root_cause.title == "Windows keep state and timers for every key until they end"
    outcome = found.root_cause.outcome
    assert isinstance(outcome, Fired)
    assert outcome.remedies[0].id == "slices"
    assert findings(replace(healthy(), state=sliding))["R02"].verdict is Verdict.RULED_OUT
    small = replace(process_facts(), state=replace(sliding, state_bytes=1_000_000))
    assert findings(small)["R02"].verdict is Verdict.RULED_OUT
