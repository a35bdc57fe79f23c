"""The model against what the real Flink jars answered: every byte, every flag, every error text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope.errors import MemoryConfigError, UsageError
from flinkscope.flink.memory_model import FlinkRefusal, memory_model

CORPUS = Path(__file__).parents[1] / "corpus" / "flink"
GOLDEN = sorted((CORPUS / "memory_golden").glob("*.jsonl"), key=lambda p: [int(x) for x in p.stem.split(".")])
TRUTH = [json.loads(line) for line in (CORPUS / "memory_truth.jsonl").read_text().splitlines()]
RANDOM = [json.loads(line) for line in (CORPUS / "memory_random.jsonl").read_text().splitlines()]
LEGACY = [json.loads(line) for line in (CORPUS / "memory_legacy.jsonl").read_text().splitlines()]
ROLES = {"tm": "taskmanager", "jm": "jobmanager"}

# golden field → attribute; a JobManager's `direct` is its off-heap memory
GOLDEN_FIELDS = {
    "process": "process_bytes",
    "flink": "flink_bytes",
    "heap": "heap_bytes",
    "direct": "direct_bytes",
    "fw_heap": "framework_heap_bytes",
    "fw_off": "framework_off_heap_bytes",
    "task_heap": "task_heap_bytes",
    "task_off": "task_off_heap_bytes",
    "network": "network_bytes",
    "managed": "managed_bytes",
    "metaspace": "metaspace_bytes",
    "overhead": "overhead_bytes",
}
TRUTH_FIELDS = {
    "taskOffHeap": "task_off_heap_bytes",
    "metaspace": "metaspace_bytes",
    "frameworkOffHeap": "framework_off_heap_bytes",
    "network": "network_bytes",
    "frameworkHeap": "framework_heap_bytes",
    "managed": "managed_bytes",
    "taskHeap": "task_heap_bytes",
    "overhead": "overhead_bytes",
    "offHeap": "off_heap_bytes",
    "heap": "heap_bytes",
}


def test_corpus_is_whole() -> None:
    assert len(GOLDEN) == 17
    assert sum(len(path.read_text().splitlines()) for path in GOLDEN) == 1411  # 1,342 answers + 69 "no JM model"
    assert len(TRUTH) == 560
    assert len(RANDOM) == 880
    assert len(LEGACY) == 240


def _answer(config: dict[str, str], role: str, flink: str, launcher: str = "none") -> dict[str, object]:
    try:
        memory = memory_model(config, role, flink, launcher=launcher)
    except FlinkRefusal as refusal:
        chain = [f"{cause.java_class.rpartition('.')[2]}: {cause.message}" for cause in refusal.causes]
        return {"error": " <- ".join(chain)}
    answer: dict[str, object] = {"jvm": memory.jvm_flags}
    answer.update({name: getattr(memory, attribute, None) for name, attribute in GOLDEN_FIELDS.items()})
    return answer


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_golden(path: Path) -> None:
    for line in path.read_text().splitlines():
        vector = json.loads(line)
        role, *pairs = vector.pop("in").split("|")
        config = dict(pair.split("=", 1) for pair in pairs)
        if "skip" in vector:
            with pytest.raises(UsageError):
                memory_model(config, ROLES[role], path.stem)
            continue
        answer = _answer(config, ROLES[role], path.stem)
        assert {name: answer.get(name) for name in vector} == vector, config


@pytest.mark.parametrize("vector", TRUTH, ids=lambda v: f"{v['flink']}-{v['role']}-{'-'.join(v['conf'].values())}")
def test_command_line(vector: dict) -> None:
    role = ROLES[vector["role"].lower()]
    # which configuration parser ran is no part of the memory computation
    notes = [note for note in vector["notes"] if "legacy YAML parser" not in note]
    if not vector["ok"]:
        with pytest.raises(MemoryConfigError) as caught:
            memory_model(vector["conf"], role, vector["flink"], launcher="script")
        refusal = caught.value
        assert isinstance(refusal, FlinkRefusal)
        assert [f"{cause.java_class}: {cause.message}" for cause in refusal.causes] == vector["error"]
        assert list(refusal.messages) == [cause.message for cause in refusal.causes]
        return
    memory = memory_model(vector["conf"], role, vector["flink"], launcher="script")
    assert {name: getattr(memory, TRUTH_FIELDS[name]) for name in vector["bytes"]} == vector["bytes"]
    assert memory.process_bytes == vector["total"]["process"]
    assert memory.flink_bytes == vector["total"]["flink"]
    assert memory.jvm_flags == vector["jvm_params"]
    assert list(memory.notes) == notes
    given = dict(part.strip().split("=", 1) for part in vector["dynamic"].split("-D ") if part.strip())
    assert memory.dynamic_options().items() <= given.items()


def _compare(vectors: list[dict]) -> None:
    assert vectors
    for vector in vectors:
        config, role, launcher = vector["conf"], ROLES[vector["role"]], vector.get("launcher", "none")
        if "error" in vector:
            with pytest.raises(FlinkRefusal) as caught:
                memory_model(config, role, vector["flink"], launcher=launcher)
            assert [f"{c.java_class}: {c.message}" for c in caught.value.causes] == vector["error"], config
            continue
        answer = _answer(config, role, vector["flink"], launcher)
        wanted = {name: value for name, value in vector.items() if name in answer and name != "flink"}
        assert {name: answer[name] for name in wanted} == wanted, config
        assert "process" in wanted


@pytest.mark.parametrize("flink", ["1.10.3", "1.15.4", "1.20.5", "2.3.0"])
def test_random_configurations(flink: str) -> None:
    _compare([vector for vector in RANDOM if vector["flink"] == flink])


@pytest.mark.parametrize("launcher", ["script", "container"])
def test_old_heap_keys_as_the_launcher_maps_them(launcher: str) -> None:
    _compare([vector for vector in LEGACY if vector["launcher"] == launcher])
