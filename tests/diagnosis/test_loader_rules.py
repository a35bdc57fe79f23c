"""R14 to R17: leaked class loaders, too little metaspace, closed loaders used; each with its healthy twin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flinkscope.absent import Absent
from flinkscope.diagnosis.engine import Diagnosis, judge
from flinkscope.diagnosis.facts import ConfigFacts, LogEvent, MemorySplit, ProcessFacts
from flinkscope.diagnosis.finding import Fired, Verdict
from flinkscope.flink.loaders import State, UserLoader
from flinkscope.flink.pin_description import LoaderPin
from flinkscope.place import Place
from report_support.incident import facts, heap_facts, process_facts

CHAIN = ("a", "b", "c")
PIN = LoaderPin("shutdown_hook", "hook", CHAIN, "my.job", "remove it", 9_500, "my.job.Hook", "job.jar", None, (), 1, 7)
OOM = LogEvent("oom_metaspace", "java.lang.OutOfMemoryError: Metaspace", Place("jm.log", line=9), "10:00:00")
CLOSED = LogEvent("closed_class_loader", "Trying to access closed classloader.", Place("jm.log", line=4), "09:00:00")


def loader(address: int, state: State) -> UserLoader:
    pins = (PIN,) if state == "leaked" else ()
    return UserLoader(address, "ChildFirstClassLoader", state, None, None, ("job.jar",), pins, 500, 9, 2_000_000, ())


def process(role: str, states: list[State] | None, *events: LogEvent) -> ProcessFacts:
    """A calm process of that role with loaders in these states (None: no heap dump)."""
    nothing = Absent("not collected")
    rows = nothing if states is None else tuple(loader(i + 1, s) for i, s in enumerate(states))
    config = ConfigFacts(
        Place("config.yaml"),
        {f"{role}.memory.process.size": "1600m"},
        {},
        MemorySplit("computed", {}, 1 << 29, 1600 << 20, 256 << 20),
    )
    heap = nothing if states is None else replace(heap_facts(), oom_thread=None)
    calm = replace(process_facts(), role=role, exit_code=None, gc=nothing, state=nothing)
    return replace(calm, heap=heap, loaders=rows, log=events, config=config)


def judged(facts_of: ProcessFacts) -> Diagnosis:
    return judge(replace(facts(), processes=(facts_of,)))


@pytest.mark.parametrize(("role", "rule"), [("jobmanager", "R14"), ("taskmanager", "R16")])
def test_leaked_loaders_are_the_root_cause(role: str, rule: str) -> None:
    found = judged(process(role, ["leaked", "leaked", "leaked", "live"], OOM, CLOSED))
    assert found.root_cause is not None
    assert found.root_cause.rule == rule
    assert isinstance(found.root_cause.outcome, Fired)
    assert found.root_cause.outcome.evidence[0].figures["leaked_loaders"] == 3
    assert "3 submissions" in found.root_cause.outcome.summary
    assert "R15" not in {f.rule for f in found.fired}
    assert {f.rule: f.explained_by for f in found.fired}["R17"] == rule


@pytest.mark.parametrize("role", ["jobmanager", "taskmanager"])
def test_live_loaders_and_those_that_await_a_collection_are_no_leak(role: str) -> None:
    found = judged(process(role, ["live", "live", "awaiting_gc", "awaiting_gc"]))
    assert found.fired == ()


@pytest.mark.parametrize("role", ["jobmanager", "taskmanager"])
def test_metaspace_without_a_leak_is_simply_too_small(role: str) -> None:
    found = judged(process(role, ["live"], OOM))
    assert found.root_cause is not None
    assert found.root_cause.rule == "R15"
    assert isinstance(found.root_cause.outcome, Fired)
    changes = {c.key for r in found.root_cause.outcome.remedies for c in r.options}
    assert f"{role}.memory.jvm-metaspace.size" in changes


@pytest.mark.parametrize(("role", "rules"), [("jobmanager", ("R14", "R15")), ("taskmanager", ("R15", "R16"))])
def test_without_a_dump_nobody_is_blamed(role: str, rules: tuple[str, ...]) -> None:
    found = judged(process(role, None, OOM))
    assert found.root_cause is None
    verdicts = {f.rule: f.verdict for f in found.findings}
    assert {verdicts[rule] for rule in rules} == {Verdict.UNCLEAR}


def test_a_closed_loader_that_is_used_is_told_even_without_a_dump() -> None:
    found = judged(process("jobmanager", None, CLOSED))
    assert [f.rule for f in found.fired] == ["R17"]
    assert judged(process("jobmanager", None)).fired == ()
