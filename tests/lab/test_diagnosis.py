"""The diagnosis of a real dead TaskManager, of its cured twin, and of what is left when evidence is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flinkscope import build_report, compare, diagnose, open_heap
from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.finding import Fired, Severity, Verdict
from flinkscope.lab.incidents import uv_heap
from flinkscope.sources.case import Case

pytestmark = pytest.mark.flink


@pytest.fixture(scope="module")
def diagnosis(dead: uv_heap.Outcome) -> Diagnosis:
    return diagnose(dead.case.root)


def truth(case: Case) -> dict[str, object]:
    (artifact,) = case.of_kind("job_truth")
    expected: dict[str, object] = json.loads(case.path_of(artifact).read_text())["expected"]
    return expected


def dump(case: Case) -> Path:
    (artifact,) = case.of_kind("heap_dump", "taskmanager-0")
    return case.path_of(artifact)


def test_the_root_cause_is_named_first(diagnosis: Diagnosis) -> None:
    assert diagnosis.root_cause is not None
    assert diagnosis.root_cause.rule == "R02"
    assert [f.rule for f in diagnosis.fired] == ["R02", "R10"]
    assert diagnosis.fired[1].explained_by == "R02"


def test_state_and_timers_are_what_the_job_counted(dead: uv_heap.Outcome) -> None:
    expected = truth(dead.case)
    tolerance = int(str(expected["tolerance"]))
    state = open_heap(dump(dead.case)).flink().state
    entries = {s.name: s.entries for s in state.states}
    assert set(entries) == {"fire-time", "window-contents", "visitors"}
    for name, count in expected["state_entries"].items():  # type: ignore[attr-defined]
        assert abs(entries[name] - count) <= tolerance, name
    (service,) = state.timers
    assert abs(service.timers - int(str(expected["timers"]))) <= tolerance
    assert {len(s.windows) for s in state.states} == {1}
    assert state.operators[0].trigger == ("PurgingTrigger", "ContinuousEventTimeTrigger")


def test_nearly_every_byte_has_a_named_owner(dead: uv_heap.Outcome) -> None:
    heap = open_heap(dump(dead.case))
    ownership = heap.flink().ownership
    assert ownership.named_bp >= 9_800
    assert sum(o.size_bytes for o in ownership.owners) == heap.used_bytes


def test_the_dump_alone_gives_the_same_cause_and_a_setting(dead: uv_heap.Outcome) -> None:
    alone = diagnose(dump(dead.case))
    assert alone.root_cause is not None
    assert alone.root_cause.rule == "R02"
    process = alone.facts.processes[0]
    assert (process.role, process.flink_version) == ("taskmanager", "2.3.0")
    assert isinstance(alone.root_cause.outcome, Fired)
    changes = {c.key: c.old for r in alone.root_cause.outcome.remedies for c in r.options}
    assert changes["taskmanager.memory.process.size"] == "900m"


def test_without_the_dump_only_the_symptom_is_named(dead: uv_heap.Outcome, tmp_path: Path) -> None:
    for kind in ("gc_log", "stdout", "config"):
        artifact = dead.case.of_kind(kind, "taskmanager-0" if kind != "config" else None)[0]
        shutil.copyfile(dead.case.path_of(artifact), tmp_path / Path(artifact.path).name)
    found = diagnose(tmp_path)
    assert found.root_cause is None
    assert [f.rule for f in found.fired] == ["R10"]
    assert {f.rule: f.verdict for f in found.findings}["R02"] is Verdict.NOT_EVALUATED


def test_half_a_dump_blames_nobody(dead: uv_heap.Outcome, tmp_path: Path) -> None:
    cut = tmp_path / "heap.hprof"
    with dump(dead.case).open("rb") as whole, cut.open("wb") as half:
        half.write(whole.read(dump(dead.case).stat().st_size // 3))
    found = diagnose(cut)
    assert found.root_cause is None
    process = found.facts.processes[0]
    assert process.heap.gap is not None  # type: ignore[union-attr]
    assert {f.rule: f.verdict for f in found.findings}["R02"] is Verdict.UNCLEAR


def test_the_cured_twin_is_healthy_and_compare_says_so(diagnosis: Diagnosis, cured: uv_heap.Outcome) -> None:
    after = diagnose(cured.case.root)
    assert after.at_or_above(Severity.WARNING) == ()
    comparison = compare(build_report(diagnosis), build_report(after))
    assert comparison.verdict == "cured"
    assert comparison.went == ("R02", "R10")
    figures = {f.name: (f.before, f.after) for f in comparison.figures}
    for name in ("live_set_bytes", "gc_share_bp", "timers", "state_entries", "checkpoint_bytes"):
        before, now = figures[name]
        assert before is not None, name
        assert now is not None, name
        assert now < before, name
