"""Lint: each rule fires where it should, stays silent where it should, and its remedy is taken by Flink."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.flink.lint import lint
from flinkscope.flink.lint_subject import LintFinding
from flinkscope.flink.lint_upgrade import upgrade
from flinkscope.flink.options import catalogue_versions, is_known
from flinkscope.formats.flink_config import FlinkConfig, parse_arguments, parse_flink_config

TM, JM = "taskmanager.memory.", "jobmanager.memory."
BASE = {TM + "process.size": "4g", JM + "process.size": "2g"}


def _source(config: dict[str, str], name: str = "flink-conf.yaml") -> FlinkConfig:
    (source,) = parse_flink_config("".join(f"{key}: {value}\n" for key, value in config.items()), name)
    return source


def _lint(config: dict[str, str], flink: str = "1.20.5", name: str = "flink-conf.yaml") -> dict[str, LintFinding]:
    return {finding.rule: finding for finding in lint(_source(config, name), flink)}


# rule, configuration that fires it, Flink version, a word of its message, a close configuration that does not
CASES = [
    ("unknown-key", {TM + "proces.size": "4g"}, "1.20.5", "process.size", {TM + "process.size": "4g"}),
    ("unknown-key", {TM + "heap.size": "4g"}, "1.20.5", "task.heap.size", {TM + "task.heap.size": "1g"}),
    ("too-new", {"state.backend.type": "hashmap"}, "1.16.3", "state.backend", {"state.backend": "hashmap"}),
    ("gone", {"taskmanager.network.numberOfBuffers": "2048"}, "2.3.0", "gone after", {"web.timeout": "1"}),
    ("legacy-ignored", {"taskmanager.heap.size": "2g"}, "2.0.2", "silently ignored", {TM + "managed.size": "1g"}),
    ("legacy-key", {"taskmanager.heap.mb": "2048"}, "1.15.4", "Kubernetes", {TM + "managed.size": "1g"}),
    ("old-name", {TM + "size": "1g"}, "1.20.5", "managed.size", {TM + "managed.size": "1g"}),
    ("deprecated", {"taskmanager.network.numberOfBuffers": "2048"}, "1.16.3", "deprecated", {"web.timeout": "1"}),
    ("quoted-value", {TM + "managed.size": '"1g"'}, "1.16.3", "quotes", {TM + "managed.size": "1g"}),
    (
        "generated-flag",
        {"env.java.opts.taskmanager": "-Xmx3g"},
        "1.20.5",
        "overrides",
        {"env.java.opts.taskmanager": "-Xss1m"},
    ),
    (
        "generated-flag",
        {"env.java.opts": "-XX:MaxMetaspaceSize=1g"},
        "1.16.3",
        "metaspace",
        {"env.java.opts": "-Dx=-Xmx3g"},
    ),
    ("flag-without-effect", {"env.java.opts.all": "-XX:MaxRAMPercentage=80"}, "1.20.5", "no effect", {}),
    ("refused", {TM + "task.heap.size": "3g"}, "1.20.5", "no heap is left", {TM + "task.heap.size": "1500m"}),
    ("task-heap-beside-total", {TM + "task.heap.size": "1500m"}, "1.20.5", "network", {TM + "managed.size": "1g"}),
    ("two-totals", {TM + "flink.size": "3g"}, "1.20.5", "overhead", {}),
    ("fraction-without-effect", {TM + "managed.size": "1g", TM + "managed.fraction": "0.2"}, "1.20.5", "no effect", {}),
    ("idle-managed", {}, "1.20.5", "grows from", {TM + "managed.size": "0"}),
    (
        "idle-managed",
        {TM + "task.heap.size": "1g"},
        "2.3.0",
        "task.heap.size, which fixes the heap, the heap grows",
        {},
    ),
    ("idle-managed", {"state.backend.type": "hashmap"}, "1.20.5", "idle", {"state.backend.type": "rocksdb"}),
    (
        "rocksdb-unlimited",
        {"state.backend": "rocksdb", "state.backend.rocksdb.memory.managed": "false"},
        "1.16.3",
        "killed",
        {},
    ),
    ("rocksdb-without-memory", {"state.backend": "rocksdb", TM + "managed.size": "0"}, "1.16.3", "none", {}),
    ("rocksdb-too-small", {"state.backend": "rocksdb", TM + "managed.size": "16m"}, "1.16.3", "flushes", {}),
    ("compressed-oops", {TM + "process.size": "64g"}, "1.16.3", "31 GiB", {TM + "process.size": "32g"}),
    ("small-heap", {JM + "process.size": "600m"}, "1.20.5", "recommended minimum", {}),
    ("network-unbounded", {TM + "process.size": "16g"}, "1.17.2", "less than with 1.16", {TM + "network.max": "1g"}),
    ("limit-factor", {"kubernetes.taskmanager.memory.limit-factor": "1.5"}, "1.20.5", "6.00 GiB", {}),
    ("limit-factor", {"kubernetes.taskmanager.memory.limit-factor": "0.5"}, "1.20.5", "at least 1", {}),
    ("off-heap-without-limit", {JM + "off-heap.size": "256m"}, "1.20.5", "direct memory", {}),
    (
        "no-heap-dump",
        {},
        "1.20.5",
        "HeapDumpPath",
        {"env.java.opts.all": "-XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/d"},
    ),
    ("no-dump-path", {"env.java.opts.all": "-XX:+HeapDumpOnOutOfMemoryError"}, "1.20.5", "working directory", {}),
    ("no-gc-log", {}, "1.20.5", "-Xlog:gc", {"env.java.opts.all": "-Xlog:gc*:file=gc.log"}),
    (
        "serial-by-accident",
        {"kubernetes.taskmanager.cpu.amount": "1"},
        "2.3.0",
        "Serial",
        {"env.java.opts.all": "-XX:+UseG1GC"},
    ),
    ("survives-oom", {}, "1.20.5", "restarts", {"taskmanager.jvm-exit-on-oom": "true"}),
]


@pytest.mark.parametrize(
    ("rule", "extra", "flink", "word", "quiet"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_rule(rule: str, extra: dict[str, str], flink: str, word: str, quiet: dict[str, str]) -> None:
    fired = [f for f in lint(_source({**BASE, **extra}), flink) if f.rule == rule]
    assert fired, "did not fire"
    assert any(word in finding.message for finding in fired), [finding.message for finding in fired]
    assert rule not in _lint({**BASE, **quiet}, flink) or not quiet


def test_places_are_lines() -> None:
    finding = _lint({**BASE, TM + "proces.size": "1g"})["unknown-key"]
    assert str(finding.place) == f"flink-conf.yaml:3 [{TM}proces.size]"
    assert finding.changes == {TM + "proces.size": None, TM + "process.size": "1g"}


def test_files_that_the_version_does_not_read() -> None:
    assert "unread-file" in _lint(BASE, "2.0.2", "flink-conf.yaml")
    assert "unread-file" in _lint(BASE, "1.18.1", "config.yaml")
    assert "unread-file" not in _lint(BASE, "1.19.3", "config.yaml")
    assert "unread-file" not in _lint(BASE, "1.19.3", "flink-conf.yaml")


def test_one_option_under_two_names() -> None:
    found = _lint({**BASE, TM + "size": "1g", TM + "managed.size": "512m"})
    assert "same option" in found["same-option"].message
    twice = parse_flink_config(f"{TM}process.size: 4g\n{TM}process.size: 5g\n", "flink-conf.yaml")[0]
    assert "set-twice" in {finding.rule for finding in lint(twice, "1.20")}


def test_small_container_gets_serial() -> None:
    text = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nspec:\n  flinkVersion: v1_20\n  taskManager:\n"
    (source,) = parse_flink_config(text + "    resource: {memory: 1728m}\n", "deployment.yaml")
    assert "serial-by-accident" in {finding.rule for finding in lint(source, "1.20")}
    (source,) = parse_flink_config(text + "    resource: {memory: 4g}\n", "deployment.yaml")
    assert "serial-by-accident" not in {finding.rule for finding in lint(source, "1.20")}


def test_effective_sizes_are_not_judged_like_a_file() -> None:
    words = "java org.apache.flink.runtime.taskexecutor.TaskManagerRunner -D taskmanager.memory.managed.size=1g"
    (source,) = parse_flink_config(words + " -D taskmanager.memory.task.heap.size=1g", "cmdline")
    rules = {finding.rule for finding in lint(source, "1.20.5")}
    assert not rules & {"idle-managed", "no-gc-log", "task-heap-beside-total", "no-heap-dump"}


def test_a_good_configuration_is_clean() -> None:
    good = {
        **BASE,
        TM + "managed.size": "0",
        "env.java.opts.all": "-XX:+UseG1GC -XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/dumps "
        "-Xlog:gc*:file=/log/gc.log",
        "taskmanager.jvm-exit-on-oom": "true",
        "taskmanager.numberOfTaskSlots": "2",
    }
    assert _lint(good, "2.3.0", "config.yaml") == {}


VALUES = st.sampled_from(["0", "1g", "16g", "500m", "0.4", "1.5", "rocksdb", "true", "-Xmx1g", "abc", "hashmap"])
KEYS = st.sampled_from(
    [
        TM + "process.size", TM + "flink.size", TM + "task.heap.size", TM + "managed.size", TM + "managed.fraction",
        TM + "network.max", JM + "process.size", JM + "heap.size", JM + "off-heap.size", "state.backend.type",
        "state.backend", "taskmanager.heap.size", "jobmanager.heap.mb", "env.java.opts", "env.java.opts.all",
        "kubernetes.taskmanager.memory.limit-factor", "kubernetes.taskmanager.cpu", "taskmanager.memory.proces.size",
        "state.backend.rocksdb.memory.managed", "taskmanager.network.numberOfBuffers", "classloader.resolv-order",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES), st.sampled_from(catalogue_versions()))
def test_no_remedy_names_a_key_that_the_version_does_not_know(config: dict[str, str], flink: str) -> None:
    source = parse_arguments([f"{key}={value}" for key, value in config.items()])
    for finding in lint(source, flink):
        assert all(is_known(key, flink) for key, value in finding.changes.items() if value is not None), finding


def test_upgrade_shows_the_heap_that_the_network_took() -> None:
    change = upgrade(_source({TM + "process.size": "16g"}), "1.16.3", "1.17.2")
    (effect,) = change.effects
    parts = {c.part: (c.before_bytes, c.after_bytes) for c in effect.changes}
    assert parts["JVM heap (-Xmx)"] == (8_294_655_496, 7_784_628_106)
    assert change.changes_anything
    assert "network.max" in change.notes[0]


def test_upgrade_names_lost_keys_and_their_successors() -> None:
    config = {**BASE, "taskmanager.heap.size": "1g", "state.backend.incremental": "true"}
    change = upgrade(_source(config), "1.16.3", "2.3.0", "none")
    lost = dict(change.lost_keys)
    assert lost["taskmanager.heap.size"] == TM + "process.size"
    assert any("flink-conf.yaml" in note for note in change.notes)


def test_upgrade_names_keys_that_take_effect_only_then() -> None:
    change = upgrade(_source({TM + "process.size": "4g", "state.backend.type": "rocksdb"}), "1.16.3", "1.20.5")
    assert change.gained_keys == ("state.backend.type",)
    assert change.changes_anything


def test_upgrade_that_flink_refuses() -> None:
    change = upgrade(_source({"taskmanager.heap.size": "2g"}), "1.20.5", "2.0.2")
    (effect,) = change.effects
    assert effect.refused_before == ()
    assert "need to be configured explicitly" in effect.refused_after[-1]


def test_upgrade_within_a_minor_changes_nothing() -> None:
    assert not upgrade(_source(BASE), "2.0.2", "2.3.0").changes_anything
