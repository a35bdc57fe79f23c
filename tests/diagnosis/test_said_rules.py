"""Rules that rest on what a process said: each on a recorded text, and silent on a healthy log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flinkscope.absent import Absent
from flinkscope.diagnosis.engine import judge
from flinkscope.diagnosis.facts import ConfigFacts, Facts, LogEvent, ProcessFacts
from flinkscope.diagnosis.finding import Fired, Unclear
from flinkscope.diagnosis.gather.log_facts import log_facts
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.options import is_known
from flinkscope.place import Place
from report_support.incident import gc_facts, process_facts

TASKMANAGER = {"taskmanager.memory.process.size": "1728m"}
JOBMANAGER = {"jobmanager.memory.process.size": "1600m"}

# rule → (role, text as Flink or the JVM writes it; sources in formats/flink_symptoms.py)
OOM = "java.lang.OutOfMemoryError: "
SAID = {
    "R11": (
        "taskmanager",
        OOM + "Requested array size exceeds VM limit\n\tat java.util.ArrayList.grow(ArrayList.java:237)",
    ),
    "R20": ("taskmanager", "Container [pid=7,containerID=c_1] is running beyond physical memory limits. Usage: 1.7 GB"),
    "R21": (
        "taskmanager",
        OOM + "Cannot reserve 1048576 bytes of direct buffer memory (allocated: 268000000, limit: 268435458)",
    ),
    "R22": ("jobmanager", OOM + "Direct buffer memory"),
    "R23": (
        "taskmanager",
        "java.io.IOException: Insufficient number of network buffers: required 513, but only 3 available. "
        "The total number of network buffers is currently set to 4096 of 32768 bytes each. You can increase this",
    ),
    "R26": (
        "taskmanager",
        "RocksDBStateBackend performance will be poor because of the current Flink memory configuration! RocksDB will "
        "flush memtable constantly, causing high IO and CPU.",
    ),
    "R28": ("taskmanager", "# There is insufficient memory for the Java Runtime Environment to continue."),
    "R27": ("taskmanager", OOM + "unable to create native thread: possibly out of memory or process/resource limits"),
    "R33": (
        "taskmanager",
        "java.io.IOException: Size of the state is larger than the maximum permitted memory-backed state. "
        "Size=6291456, maxSize=5242880. Consider using a different checkpoint storage",
    ),
}


def process(tmp_path: Path, role: str, text: str) -> ProcessFacts:
    """A process with a log of that text, read by the real reader, and the shipped memory configuration."""
    log = tmp_path / "flink.log"
    head = "2026-11-01 10:00:00,000 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner [] - Starting\n"
    task = "2026-11-01 10:00:01,000 ERROR org.apache.flink.runtime.taskmanager.Task [] - failed\n"
    log.write_text(head + task + text + "\n")
    options = JOBMANAGER if role == "jobmanager" else TASKMANAGER
    config = ConfigFacts(Place("config.yaml"), options, {}, Absent("memory split"))
    nothing = Absent("not collected")
    said = log_facts({"flink.log": log}).events
    return ProcessFacts("p-1", role, "2.3.0", "17", None, nothing, nothing, nothing, config, said, nothing)


def fired(facts: ProcessFacts) -> dict[str, Fired]:
    found = judge(Facts("test", {}, (facts,), ())).fired
    return {f.rule: f.outcome for f in found if isinstance(f.outcome, Fired)}


@pytest.mark.parametrize("rule", sorted(SAID))
def test_the_text_fires_its_rule_and_no_other(tmp_path: Path, rule: str) -> None:
    role, text = SAID[rule]
    outcomes = fired(process(tmp_path, role, text))
    assert list(outcomes) == [rule]
    assert outcomes[rule].evidence[0].place == Place("flink.log", line=outcomes[rule].evidence[0].place.line)
    assert outcomes[rule].evidence[0].place.line in (2, 3)
    assert outcomes[rule].remedies


@pytest.mark.parametrize("rule", sorted(SAID))
@pytest.mark.parametrize("version", ["1.13.6", "1.17.2", "2.3.0"])
def test_remedies_know_the_version_and_start(tmp_path: Path, rule: str, version: str) -> None:
    role, text = SAID[rule]
    facts = replace(process(tmp_path, role, text), flink_version=version)
    for remedy in fired(facts)[rule].remedies:
        assert all(is_known(change.key, version) for change in remedy.options)
        if any(".memory." in change.key for change in remedy.options):
            assert not isinstance(facts.config, Absent)
            changed = {**facts.config.options, **{c.key: c.new for c in remedy.options if c.new is not None}}
            model = memory_model(changed, "jobmanager" if role == "jobmanager" else "taskmanager", version)
            assert sum(remedy.memory_after.values()) == model.process_bytes


@pytest.mark.parametrize("role", ["taskmanager", "jobmanager"])
def test_a_healthy_log_fires_nothing(tmp_path: Path, role: str) -> None:
    coordinator = "org.apache.flink.runtime.checkpoint.CheckpointCoordinator"
    calm = f"2026-11-01 10:00:02,000 INFO  {coordinator} [] - Completed checkpoint 7"
    assert fired(process(tmp_path, role, calm)) == {}


def test_a_heap_death_before_the_kill_is_no_container_kill(tmp_path: Path) -> None:
    facts = process(tmp_path, "taskmanager", "java.lang.OutOfMemoryError: Java heap space")
    assert "R20" not in fired(replace(facts, exit_code=137))


def test_exit_code_137_alone_is_enough_but_less_sure(tmp_path: Path) -> None:
    facts = replace(process(tmp_path, "taskmanager", "nothing"), exit_code=137)
    alone = fired(facts)["R20"].certainty_bp
    assert alone < fired(process(tmp_path, "taskmanager", SAID["R20"][1]))["R20"].certainty_bp
    assert "R20" not in fired(replace(facts, exit_code=143))


def test_a_rejected_configuration_gets_legal_ones_next_to_it(tmp_path: Path) -> None:
    text = (
        "org.apache.flink.configuration.IllegalConfigurationException: TaskManager memory configuration failed: Sum of"
    )
    facts = process(tmp_path, "taskmanager", text)
    config = ConfigFacts(Place("config.yaml"), {"taskmanager.memory.process.size": "700m"}, {}, Absent("memory split"))
    outcome = fired(replace(facts, config=config))["R29"]
    assert "exceed configured Total Flink Memory" in outcome.evidence[-1].text
    assert outcome.remedies
    for remedy in outcome.remedies:
        changed = {**config.options, **{c.key: c.new for c in remedy.options if c.new is not None}}
        for change in remedy.options:
            if change.new is None:
                changed.pop(change.key)
        assert memory_model(changed, "taskmanager", "2.3.0").process_bytes == sum(remedy.memory_after.values())


def test_a_process_that_runs_was_not_refused(tmp_path: Path) -> None:
    config = ConfigFacts(Place("config.yaml"), {"taskmanager.memory.process.size": "700m"}, {}, Absent("memory split"))
    running = replace(process(tmp_path, "taskmanager", "nothing to tell"), config=config)
    assert fired(running) == {}
    never_ran = replace(running, log=Absent("log"))
    assert list(fired(never_ran)) == ["R29"]
    other_role = replace(never_ran, role="jobmanager")
    assert fired(other_role) == {}


def test_errors_that_a_process_survives_are_a_symptom_of_their_own(tmp_path: Path) -> None:
    oom = "java.lang.OutOfMemoryError: Java heap space"
    again = "2026-11-01 10:07:01,000 ERROR org.apache.flink.runtime.taskmanager.Task [] - failed again\n"
    facts = process(tmp_path, "taskmanager", f"{oom}\n{again}{oom}")
    found = judge(Facts("test", {}, (facts,), ()))
    assert [f.rule for f in found.fired] == ["R32"]
    assert found.root_cause is None
    assert fired(facts)["R32"].remedies[0].options[0].key == "taskmanager.jvm-exit-on-oom"
    assert fired(replace(facts, exit_code=3)) == {}
    assert fired(process(tmp_path, "taskmanager", oom)) == {}


def test_time_outs_need_the_gc_log_to_be_judged(tmp_path: Path) -> None:
    facts = process(tmp_path, "taskmanager", "Heartbeat of TaskManager with id tm-1 timed out.")
    outcomes = {f.rule: f.outcome for f in judge(Facts("test", {}, (facts,), ())).findings}
    assert isinstance(outcomes["R31"], Unclear)
    assert "R31" in fired(replace(facts, gc=gc_facts()))
    calm = replace(gc_facts(), gc_share_worst_minute_bp=100, fruitless_full_gcs=0, full_gcs=())
    assert fired(replace(facts, gc=calm)) == {}


def test_the_network_remedy_is_the_sum_that_flink_asked_for(tmp_path: Path) -> None:
    remedy = fired(process(tmp_path, *SAID["R23"]))["R23"].remedies[0]
    buffers = (4096 + 513 - 3) * 11_000 // 10_000
    assert remedy.options[0].new == f"{-(-buffers * 32768 // 2**20)}m"


def test_a_python_worker_that_the_kernel_killed() -> None:
    killed = LogEvent("python_killed", "the kernel killed python (pid 7)", Place("dmesg.txt", line=3))
    calm = replace(
        process_facts(), gc=Absent("GC log"), heap=Absent("heap dump"), state=Absent("state"), exit_code=None
    )
    config = ConfigFacts(Place("config.yaml"), {"python.executable": "python3"}, {}, Absent("memory"))
    with_python = judge(Facts("case", {}, (replace(calm, log=(killed,), config=config),), ()))
    assert with_python.root_cause is not None
    assert with_python.root_cause.rule == "R25"
    without = judge(Facts("case", {}, (replace(calm, log=(killed,), config=Absent("configuration")),), ()))
    assert without.root_cause is None
    assert [type(f.outcome) for f in without.findings if f.rule == "R25"] == [Unclear]
