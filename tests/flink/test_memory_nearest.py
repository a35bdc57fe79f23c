"""Illegal configurations: plain words, and neighbours that really start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.memory_nearest import in_plain_words, nearest_configs, repaired_size
from flinkscope.flink.sizing import applied

CORPUS = Path(__file__).parents[1] / "corpus" / "flink"
TM, JM = "taskmanager.memory.", "jobmanager.memory."


@pytest.mark.parametrize(
    ("role", "config", "changes"),
    [
        ("taskmanager", {TM + "process.size": "600m"}, {TM + "process.size": "982m"}),
        ("taskmanager", {TM + "process.size": "1.5g"}, {TM + "process.size": "1536m"}),
        ("taskmanager", {}, {TM + "process.size": "1728m"}),
        ("jobmanager", {JM + "process.size": "500m"}, {JM + "process.size": "704m"}),
        ("taskmanager", {TM + "process.size": "4g", TM + "task.heap.size": "2g"}, {TM + "task.heap.size": "1738m"}),
    ],
)
def test_nearest(role: str, config: dict[str, str], changes: dict[str, str]) -> None:
    found = nearest_configs(config, role, "2.3.0")
    assert changes in [near.changes for near in found]


def test_one_mebibyte_less_would_not_start() -> None:
    (near, *_) = nearest_configs({TM + "process.size": "4g", TM + "task.heap.size": "2g"}, "taskmanager", "2.3.0")
    (key, value) = next(iter(near.changes.items()))
    assert value is not None
    smaller = f"{int(value.removesuffix('m')) - 1}m"
    with pytest.raises(MemoryConfigError):
        memory_model({TM + "process.size": "4g", TM + "task.heap.size": "2g", key: smaller})


def _refused() -> list[dict]:
    lines = (CORPUS / "memory_truth.jsonl").read_text().splitlines()
    return [vector for vector in map(json.loads, lines) if not vector["ok"]]


def test_every_refusal_has_plain_words_and_legal_neighbours() -> None:
    roles = {"TM": "taskmanager", "JM": "jobmanager"}
    for vector in _refused():
        role = roles[vector["role"]]
        texts = tuple(text.partition(": ")[2] for text in vector["error"])
        assert in_plain_words(texts) != "Flink refuses this configuration.", texts
        found = nearest_configs(vector["conf"], role, vector["flink"])
        assert found, vector["conf"]
        for near in found:
            assert memory_model(applied(vector["conf"], near.changes), role, vector["flink"]) == near.model


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("1.5g", "1536m"),
        ("4GiB", "4g"),
        ("4Gi", "4g"),
        ("2,048 MB", "2g"),
        ('"4g"', "4g"),
        ("0.5 kb", "512b"),
        ("4g", "4g"),
    ],
)
def test_repairs(text: str, repaired: str) -> None:
    assert repaired_size(text) == repaired


@pytest.mark.parametrize("text", ["", "much", "-1g", "4x", "1.2.3g"])
def test_no_repair_of_nonsense(text: str) -> None:
    assert repaired_size(text) is None
