"""The option catalogue: equal to the dump of the real jars, and honest about what it cannot judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope.flink.memory_options import parse_version
from flinkscope.flink.options import catalogue_versions, is_known, is_outside, lifetime, nearest, option, resolve

DUMP = Path(__file__).parents[3] / "shared" / "flink" / "options_by_version.json"


def test_equal_to_the_dump_of_the_jars() -> None:
    if not DUMP.is_file():
        pytest.skip(f"the reflection dump is not here: {DUMP}")
    document = json.loads(DUMP.read_text())
    assert list(catalogue_versions()) == document["versions"]
    assert len(document["options"]) == 972
    for key, versions in document["options"].items():
        for version in document["versions"]:
            found = option(key, version)
            shown = None if found is None else [found.default, list(found.fallback_keys), found.deprecated]
            assert shown == versions.get(version), (key, version)


def test_versions_of_the_same_minor_and_newer_ones() -> None:
    assert option("state.backend.type", "1.17.0") is not None
    assert option("state.backend.type", "1.16.9") is None
    assert option("taskmanager.memory.process.size", "2.9") == option("taskmanager.memory.process.size", "2.3.0")


def test_old_names_resolve_to_the_option_that_reads_them() -> None:
    found = resolve("taskmanager.memory.size", "2.3.0")
    assert found is not None
    assert found.key == "taskmanager.memory.managed.size"
    assert resolve("state.backend", "1.20").key == "state.backend.type"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("key", "flink", "known"),
    [
        ("taskmanager.heap.size", "1.20.5", True),
        ("taskmanager.heap.size", "2.0.2", False),
        ("state.backend.type", "1.16", False),
        ("taskmanager.memory.heap.size", "2.3.0", False),
        ("metrics.reporter.prom.class", "2.3.0", True),
        ("s3.access-key", "2.3.0", True),
        ("python.fn-execution.bundle.size", "1.20", True),
        ("table.exec.state.ttl", "1.12.7", True),
        ("table.exec.state.tl", "2.3.0", False),
        ("state.backend.rocksdb.memory.managed", "1.10.3", True),
    ],
)
def test_known_keys(key: str, flink: str, known: bool) -> None:
    assert is_known(key, flink) is known


def test_lifetimes() -> None:
    assert lifetime("taskmanager.heap.size") == ("1.10.3", "1.20.5")
    assert lifetime("taskmanager.memory.proces.size") is None
    assert is_outside("metrics.reporter.x.y", "2.3.0")
    assert not is_outside("taskmanager.x", "2.3.0")


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("taskmanager.memory.proces.size", "taskmanager.memory.process.size"),
        ("taskmanager.numberOfTaskslots", "taskmanager.numberOfTaskSlots"),
        ("jobmanager.memory.proccess.size", "jobmanager.memory.process.size"),
        ("taskmanager.memory.managedsize", "taskmanager.memory.managed.size"),
        ("state.checkpoint.dir", "execution.checkpointing.dir"),
        ("execution.checkpointing.intervall", "execution.checkpointing.interval"),
        ("taskmanager.memory.jvm_metaspace.size", "taskmanager.memory.jvm-metaspace.size"),
    ],
)
def test_nearest(typo: str, meant: str) -> None:
    assert nearest(typo, "2.3.0")[0] == meant


def test_nothing_is_near_nonsense() -> None:
    assert nearest("qqq", "2.3.0") == ()
    assert parse_version(catalogue_versions()[-1]) == (2, 3, 0)
