"""The memory split in a dump becomes the fewest keys that give exactly that split."""

from __future__ import annotations

import pytest

from flinkscope.diagnosis.gather.config_facts import config_of_dump
from flinkscope.diagnosis.split import memory_parts
from flinkscope.flink.memory_model import memory_model

P = "taskmanager.memory."


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({P + "process.size": "1728m"}, {P + "process.size": "1728m"}),
        (
            {P + "process.size": "900m", P + "managed.size": "132m", P + "framework.heap.size": "64m"},
            {P + "process.size": "900m", P + "managed.size": "132m", P + "framework.heap.size": "64m"},
        ),
        (
            {P + "flink.size": "1280m", P + "jvm-metaspace.size": "300m"},
            {P + "process.size": "1772m", P + "jvm-metaspace.size": "300m"},
        ),
        ({P + "process.size": "4g", P + "network.fraction": "0.2"}, None),
        ({P + "task.heap.size": "512m", P + "managed.size": "0"}, None),
        ({P + "process.size": "3g", P + "jvm-overhead.fraction": "0.3"}, None),
    ],
)
def test_the_split_comes_back(config: dict[str, str], expected: dict[str, str] | None) -> None:
    parts = memory_parts(memory_model(config, "taskmanager", "2.3.0"))
    found = config_of_dump(parts, "heap.hprof", "2.3.0")
    assert found is not None
    assert memory_parts(memory_model(dict(found.options), "taskmanager", "2.3.0")) == parts
    if expected is not None:
        assert found.options == expected


def test_a_dump_that_tells_nothing_gives_no_configuration() -> None:
    assert config_of_dump({}, "heap.hprof", None) is None
