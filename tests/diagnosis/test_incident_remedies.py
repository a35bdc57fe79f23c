"""Remedies of the corpus' incidents under old and new Flinks: keys exist, the process starts. Some rules on facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from flinkscope import diagnose
from flinkscope.absent import Absent
from flinkscope.diagnosis.engine import judge
from flinkscope.diagnosis.facts import ClassCount, Facts, ProcessFacts
from flinkscope.diagnosis.finding import Finding, Fired, RuledOut, Unclear
from flinkscope.diagnosis.rule import all_rules, evaluate
from flinkscope.diagnosis.split import flink_role
from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.options import is_known
from flinkscope.flink.sizing import applied
from report_support.incident import MIB, facts, gc_facts, process_facts, state_facts

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "incidents"
SMALL = sorted(p.parent.parent.name for p in CORPUS.glob("*/incident/config.yaml"))
RULES = {m.rule.id: m for m in all_rules()}


@cache
def processes(name: str) -> tuple[ProcessFacts, ...]:
    return diagnose(CORPUS / name / "incident").facts.processes


def fired(process: ProcessFacts) -> Iterator[Finding]:
    yield from judge(Facts("test", {}, (process,), ())).fired


@pytest.mark.parametrize("version", ["1.10.3", "1.13.6", "1.17.2", "2.3.0"])
@pytest.mark.parametrize("name", SMALL)
def test_keys_exist_and_the_process_starts(name: str, version: str) -> None:
    for process in processes(name):
        if process.role == "jobmanager" and version.startswith("1.10"):
            continue  # 1.10 has no model of the JobManager's memory
        old = replace(process, flink_version=version)
        for finding in fired(old):
            assert isinstance(finding.outcome, Fired)
            for remedy in finding.outcome.remedies:
                changes = {change.key: change.new for change in remedy.options}
                assert all(is_known(key, version) for key, new in changes.items() if new is not None), remedy.id
                _starts(old, changes, version)


def _starts(process: ProcessFacts, changes: dict[str, str | None], version: str) -> None:
    """What Flink takes before, it takes after."""
    if isinstance(process.config, Absent) or not any(".memory." in key for key in changes):
        return
    role = flink_role(process.role)
    try:
        memory_model(process.config.options, role, version)
    except MemoryConfigError:
        return
    memory_model(applied(process.config.options, changes), role, version)


def test_open_writers_fill_a_tight_heap_and_not_one_with_room() -> None:
    process = process_facts()
    assert not isinstance(process.heap, Absent)
    writer = ClassCount("org.apache.parquet.hadoop.InternalParquetRecordWriter", 180, 18_000, 190 * MIB)
    full = replace(process, heap=replace(process.heap, retained=(writer,)), state=replace(state_facts(), operators=()))
    found = judge(replace(facts(), processes=(full,))).root_cause
    assert found is not None
    assert found.rule == "R09"
    assert isinstance(found.outcome, Fired)
    assert found.outcome.summary.startswith("180 open writers keep 190 MiB")
    assert not isinstance(full.heap, Absent)
    calm = replace(
        full, heap=replace(full.heap, oom_thread=None), gc=replace(gc_facts(), max_heap_bytes=1024 * MIB), log=()
    )
    assert isinstance(evaluate(RULES["R09"], calm), RuledOut)


def test_state_that_timers_clear_or_that_is_flat_is_not_endless() -> None:
    process, state = process_facts(), state_facts()
    own = replace(state.states[0], windows=(), name="last-seen")
    endless = replace(state, states=(own,), timers=(), operators=())
    assert isinstance(evaluate(RULES["R04"], replace(process, state=endless)), Fired)
    with_timers = replace(endless, timers=state.timers)
    assert isinstance(evaluate(RULES["R04"], replace(process, state=with_timers)), RuledOut)
    expiring = replace(process.heap, retained=(ClassCount("org.apache.flink.runtime.state.ttl.TtlValue", 9, 1, 1),))
    assert isinstance(evaluate(RULES["R04"], replace(process, state=endless, heap=expiring)), RuledOut)


def test_a_trigger_of_that_kind_without_a_thread_dump_is_unclear() -> None:
    state = state_facts()
    operator = replace(state.operators[0], trigger=("ContinuousProcessingTimeTrigger",))
    held = replace(process_facts(), state=replace(state, operators=(operator,)), flink_version="1.17.2")
    assert isinstance(evaluate(RULES["R34"], held), Unclear)
    assert isinstance(evaluate(RULES["R34"], replace(held, flink_version="1.20.0")), RuledOut)
