"""The incident on a real Flink: it dies as it should, the dump holds what the job counted, the cure is exact."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from flinkscope.errors import UsageError
from flinkscope.flink.lens import read_state
from flinkscope.heap import open_heap
from flinkscope.lab.demo import tell
from flinkscope.lab.incidents import uv_heap
from flinkscope.sources.case import Case, open_case
from lab_support.plain_hprof import count_instances

ENTRY = "org.apache.flink.runtime.state.heap.CopyOnWriteStateMap$StateMapEntry"
TIMER = "org.apache.flink.streaming.api.operators.TimerHeapInternalTimer"
WINDOW = "org.apache.flink.streaming.api.windowing.windows.TimeWindow"
ARTIFACTS = {
    "config",
    "command_line",
    "gc_log",
    "heap_dump",
    "gcutil",
    "flink_log",
    "stdout",
    "checkpoints",
    "job",
    "job_truth",
}
VISITORS = "flinkscope.lab.uv.Visitors"
FLINK_S_OWN = 4  # a state entry and a window beside the job's panes: measured 0 or 1 of each on 2.3.0


def text_of(case: Case, kind: str) -> str:
    (artifact,) = case.of_kind(kind, "taskmanager-0")
    return case.path_of(artifact).read_text(encoding="utf-8", errors="replace")


def json_of(case: Case, kind: str) -> Any:
    (artifact,) = case.of_kind(kind)
    return json.loads(case.path_of(artifact).read_text(encoding="utf-8"))


def dump_of(case: Case) -> Path:
    (artifact,) = case.of_kind("heap_dump", "taskmanager-0")
    return case.path_of(artifact)


def state_in(dump: Path) -> tuple[dict[str, int], int]:
    """Entries by state name, and timers, as the lens reads them out of Flink's own tables."""
    state = read_state(open_heap(dump), dump.name)
    return {s.name: s.entries for s in state.states}, sum(t.timers for t in state.timers)


def assert_died_of_heap_space(outcome: uv_heap.Outcome) -> None:
    """Exit code, JVM's text and a complete dump, all of this run."""
    assert outcome.died
    process = outcome.case.process("taskmanager-0")
    assert process is not None
    assert process.exit_code == 3  # -XX:+ExitOnOutOfMemoryError
    out = text_of(outcome.case, "stdout")
    assert "java.lang.OutOfMemoryError: Java heap space" in out
    written = re.search(r"Heap dump file created \[(\d+) bytes", out)
    assert written is not None
    assert dump_of(outcome.case).stat().st_size == int(written.group(1))
    assert re.search(r"Pause Full \(G1 (Compaction|Evacuation) Pause\)", text_of(outcome.case, "gc_log"))


@pytest.mark.flink
def test_the_purging_incident_dies_and_the_case_is_complete(dead: uv_heap.Outcome) -> None:
    assert_died_of_heap_space(dead)
    case = open_case(dead.case.root)
    assert case == dead.case
    kinds = {artifact.kind for artifact in case.artifacts}
    assert kinds == ARTIFACTS
    assert [m.kind for m in case.missing] == ["results"]
    assert case.labels["outcome"] == "died"
    gcutil = text_of(case, "gcutil").splitlines()
    assert gcutil[0].split()[:6] == ["Timestamp", "S0", "S1", "E", "O", "M"]
    assert len(gcutil) > 3
    history = json_of(case, "checkpoints")["history"]
    assert any(c["status"] == "COMPLETED" and c["state_size"] > 0 for c in history)
    assert re.search(r"^[12]> 2017-11-26 item \d+: \d+ visitors$", text_of(case, "stdout"), re.MULTILINE)
    assert "-Xmx134217728" in text_of(case, "command_line")


@pytest.mark.flink
def test_the_dump_of_the_dead_holds_what_the_job_counted(dead: uv_heap.Outcome) -> None:
    counts = count_instances(dump_of(dead.case))
    expected = json_of(dead.case, "job_truth")["expected"]
    tolerance = expected["tolerance"]
    assert expected["panes"] > 50_000
    assert abs(counts[WINDOW] - expected["panes"]) <= tolerance + FLINK_S_OWN
    # beside the live state, a snapshot in progress still holds what was changed since it began
    assert counts[ENTRY] >= expected["state_entries_total"] - tolerance
    assert counts[TIMER] >= expected["timers"] - tolerance
    entries, timers = state_in(dump_of(dead.case))
    assert entries.keys() == expected["state_entries"].keys()
    for name, count in expected["state_entries"].items():
        assert abs(entries[name] - count) <= tolerance
    assert abs(timers - expected["timers"]) <= tolerance


@pytest.mark.flink
def test_the_better_design_lives_in_that_memory_and_its_result_is_exact(
    dead: uv_heap.Outcome, cured: uv_heap.Outcome
) -> None:
    assert cured.outcome == "finished"
    assert cured.check is not None
    assert cured.check.exact, cured.check.examples
    assert cured.check.pairs > 100_000
    memory = [line for line in text_of(dead.case, "command_line").splitlines() if line.startswith("-X")]
    assert [line for line in text_of(cured.case, "command_line").splitlines() if line.startswith("-X")] == memory
    counts = count_instances(dump_of(cured.case))
    assert counts[VISITORS] == json_of(cured.case, "job_truth")["expected"]["map_entries"]["items"]
    assert counts[WINDOW] == 0
    assert "Heap Dump Initiated GC" in text_of(cured.case, "gc_log")
    process = cured.case.process("taskmanager-0")
    assert process is not None
    assert process.exit_code is None


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("trigger", ["bare", "evictor", "purging"])
def test_every_variant_dies_and_lives_in_more_memory_with_exact_results(tmp_path: Path, trigger: str) -> None:
    plan = uv_heap.Plan(trigger=trigger, size="quick", seed=7)
    died = uv_heap.run(plan, tmp_path / "dead")
    assert_died_of_heap_space(died)
    memory = {"taskmanager.memory.process.size": "1250m"}
    lived = uv_heap.run(uv_heap.cure_plan(plan, memory=memory), tmp_path / "alive")
    assert lived.check is not None
    assert lived.check.exact, lived.check.examples
    expected = json_of(lived.case, "job_truth")["expected"]
    counts = count_instances(dump_of(lived.case))
    assert 0 <= counts[WINDOW] - expected["panes"] <= FLINK_S_OWN
    assert counts[TIMER] == expected["timers"]
    assert 0 <= counts[ENTRY] - expected["state_entries_total"] <= FLINK_S_OWN
    assert state_in(dump_of(lived.case)) == (expected["state_entries"], expected["timers"])


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("java", ["11", "21", "25"])
def test_it_dies_on_every_java(tmp_path: Path, java: str) -> None:
    assert_died_of_heap_space(uv_heap.run(uv_heap.Plan(size="quick", java=java), tmp_path / "case"))


@pytest.mark.flink
@pytest.mark.heavy
def test_it_dies_in_the_incident_s_layout_of_two_task_managers(tmp_path: Path) -> None:
    outcome = uv_heap.run(uv_heap.Plan(size="quick", task_managers=2), tmp_path / "case")
    assert outcome.died
    codes = [p.exit_code for p in outcome.case.processes if p.role == "taskmanager"]
    assert 3 in codes
    assert len(outcome.case.of_kind("heap_dump")) == codes.count(3)


@pytest.mark.flink
@pytest.mark.heavy
def test_it_dies_at_the_incident_s_own_size(tmp_path: Path) -> None:
    outcome = uv_heap.run(uv_heap.Plan(size="full"), tmp_path / "case")
    assert_died_of_heap_space(outcome)
    assert "-Xmx536870902" in text_of(outcome.case, "command_line")


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("trigger", ["bare", "evictor", "purging"])
def test_the_whole_story_goes_as_promised(tmp_path: Path, trigger: str) -> None:
    chapters = list(tell(uv_heap.Plan(size="quick", trigger=trigger), tmp_path))
    assert [c.name for c in chapters] == ["incident", "diagnosis", "more-memory", "better-design"]
    for chapter in chapters:
        assert chapter.as_promised, chapter.text
        assert all(path.exists() for path in chapter.files)


def test_a_case_tells_how_to_repeat_it(tmp_path: Path) -> None:
    plan = uv_heap.Plan(
        trigger="evictor", size="full", design="bucket", memory={"taskmanager.memory.managed.size": "0"}, seed=5
    )
    case = Case(tmp_path, "", "", labels=plan.labels())
    assert uv_heap.plan_of(case) == plan
    with pytest.raises(UsageError, match="not a case of the incident"):
        uv_heap.plan_of(Case(tmp_path, "", ""))


def test_a_cure_changes_options_and_removes_them() -> None:
    plan = uv_heap.Plan(size="quick")
    changes = {"taskmanager.memory.process.size": "1g", "taskmanager.memory.framework.heap.size": ""}
    config = uv_heap.cure_plan(plan, memory=changes).config()
    assert config["taskmanager.memory.process.size"] == "1g"
    assert config["taskmanager.memory.managed.size"] == "132m"
    assert "taskmanager.memory.framework.heap.size" not in config
    with pytest.raises(UsageError, match="changes something"):
        uv_heap.cure_plan(plan)


@pytest.mark.parametrize("field", ["trigger", "size", "design"])
def test_a_plan_refuses_unknown_words(field: str) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        dataclasses.replace(uv_heap.Plan(), **{field: "nonsense"})


def test_a_folder_with_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    for replace in (False, True):
        with pytest.raises(UsageError, match="something else"):
            uv_heap.run(uv_heap.Plan(), tmp_path, replace=replace)
    assert (tmp_path / "precious").exists()
