"""Flink's configuration from all the places where it is written, with lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import FlinkscopeError, FormatError, SourceError, UnreadableInputError
from flinkscope.flink.memory_model import memory_model
from flinkscope.formats.flink_config import parse_arguments, parse_flink_config, read_flink_config

PROCESS = "taskmanager.memory.process.size"
TREE = """\
2026-01-01 00:00:00,000 INFO  [] - Final TaskExecutor Memory configuration:
2026-01-01 00:00:00,000 INFO  [] -   Total Process Memory:          1.688gb (1811939328 bytes)
2026-01-01 00:00:00,000 INFO  [] -     Total Flink Memory:          1.250gb (1342177280 bytes)
2026-01-01 00:00:00,000 INFO  [] -       Total JVM Heap Memory:     512.000mb (536870902 bytes)
2026-01-01 00:00:00,000 INFO  [] -         Framework:               128.000mb (134217728 bytes)
2026-01-01 00:00:00,000 INFO  [] -         Task:                    384.000mb (402653174 bytes)
2026-01-01 00:00:00,000 INFO  [] -       Total Off-heap Memory:     768.000mb (805306378 bytes)
2026-01-01 00:00:00,000 INFO  [] -         Managed:                 512.000mb (536870920 bytes)
2026-01-01 00:00:00,000 INFO  [] -         Total JVM Direct Memory: 256.000mb (268435458 bytes)
2026-01-01 00:00:00,000 INFO  [] -           Framework:             128.000mb (134217728 bytes)
2026-01-01 00:00:00,000 INFO  [] -           Task:                  0 bytes
2026-01-01 00:00:00,000 INFO  [] -           Network:               128.000mb (134217730 bytes)
2026-01-01 00:00:00,000 INFO  [] -     JVM Metaspace:               256.000mb (268435456 bytes)
2026-01-01 00:00:00,000 INFO  [] -     JVM Overhead:                192.000mb (201326592 bytes)
2026-01-01 00:00:00,000 INFO  [] - something else
2026-01-01 00:00:00,000 INFO  [] - Final Master Memory configuration:
2026-01-01 00:00:00,000 INFO  [] -   Total Process Memory: 1.563gb (1677721600 bytes)
2026-01-01 00:00:00,000 INFO  [] -     Total Flink Memory: 1.125gb (1207959552 bytes)
2026-01-01 00:00:00,000 INFO  [] -       JVM Heap:         1024.000mb (1073741824 bytes)
2026-01-01 00:00:00,000 INFO  [] -       Off-heap:         128.000mb (134217728 bytes)
2026-01-01 00:00:00,000 INFO  [] -     JVM Metaspace:      256.000mb (268435456 bytes)
2026-01-01 00:00:00,000 INFO  [] -     JVM Overhead:       192.000mb (201326592 bytes)
"""


def test_config_yaml_nested_and_flat() -> None:
    text = (
        "taskmanager:\n  memory:\n    process.size: 4g\n  numberOfTaskSlots: 010\nyes.no: yes\nempty:\nlist: [a, b]\n"
    )
    (config,) = parse_flink_config(text, "config.yaml")
    assert config.mapping() == {PROCESS: "4g", "taskmanager.numberOfTaskSlots": "010", "yes.no": "yes", "list": "a;b"}
    assert str(config.place_of(PROCESS)) == f"config.yaml:3 [{PROCESS}]"
    assert [problem.text for problem in config.problems] == ["empty has no value"]


def test_config_yaml_that_flink_refuses() -> None:
    with pytest.raises(FormatError, match="YAML in line 3"):
        parse_flink_config("a: 1\nb: [\n", "config.yaml")
    (config,) = parse_flink_config("a: 1\na: 2\n", "config.yaml")
    assert "set twice" in config.problems[0].text
    assert config.problems[0].place.line == 2


def test_flink_conf_yaml_as_flink_reads_it() -> None:
    text = f'# x\n{PROCESS}: "4g" # note\nno-blank:1\n: v\nkey: \n env.java.opts : -Da=b: c\n'
    (config,) = parse_flink_config(text, "conf/flink-conf.yaml")
    assert config.mapping() == {PROCESS: '"4g"', "env.java.opts": "-Da=b: c"}
    assert [problem.place.line for problem in config.problems] == [3, 4, 5]


def test_arguments() -> None:
    config = parse_arguments(["-D", "a.b=1", "-Dc.d=x=y", "e=", "nonsense"])
    assert config.mapping() == {"a.b": "1", "c.d": "x=y", "e": ""}
    assert len(config.problems) == 1


@pytest.mark.parametrize("separator", [" ", "\0", "\n"])
def test_command_line_reproduces_the_split(separator: str) -> None:
    memory = memory_model({PROCESS: "1728m"})
    words = ["/opt/java/bin/java", *memory.jvm_flags, "-Dlog.file=x", "-classpath", "a:b"]
    words += ["org.apache.flink.runtime.taskexecutor.TaskManagerRunner", "--configDir", "conf"]
    words += [word for key, value in memory.dynamic_options().items() for word in ("-D", f"{key}={value}")]
    (config,) = parse_flink_config(separator.join(words), "cmdline")
    assert config.role == "taskmanager"
    assert "log.file" not in config.mapping()
    assert memory_model(config.mapping()).tree() == memory.tree()
    assert set(memory.jvm_flags) <= set(config.jvm_arguments)


def test_log_trees_of_both_processes() -> None:
    task, job = parse_flink_config(TREE, "flink.log")
    assert memory_model(task.mapping()).tree() == memory_model({PROCESS: "1728m"}).tree()
    master = memory_model(job.mapping(), "jobmanager")
    assert master.tree() == memory_model({"jobmanager.memory.process.size": "1600m"}, "jobmanager").tree()
    assert task.place_of("taskmanager.memory.managed.size").line == 8


def test_a_tree_that_is_cut_off() -> None:
    cut = TREE.splitlines()[0] + "\n"
    with pytest.raises(UnreadableInputError, match="cut off"):
        parse_flink_config(cut, "flink.log")


def test_rest_task_manager() -> None:
    memory = memory_model({PROCESS: "1728m"})
    document = {
        "slotsNumber": 3,
        "memoryConfiguration": {
            "frameworkHeap": memory.framework_heap_bytes,
            "taskHeap": memory.task_heap_bytes,
            "frameworkOffHeap": memory.framework_off_heap_bytes,
            "taskOffHeap": memory.task_off_heap_bytes,
            "networkMemory": memory.network_bytes,
            "managedMemory": memory.managed_bytes,
            "jvmMetaspace": memory.metaspace_bytes,
            "jvmOverhead": memory.overhead_bytes,
        },
    }
    (config,) = parse_flink_config(json.dumps(document), "tm.json")
    assert memory_model(config.mapping()).tree() == memory.tree()
    assert config.mapping()["taskmanager.numberOfTaskSlots"] == "3"
    del document["memoryConfiguration"]["taskHeap"]
    with pytest.raises(UnreadableInputError, match="taskHeap"):
        parse_flink_config(json.dumps(document), "tm.json")


def test_rest_job_manager_config() -> None:
    (config,) = parse_flink_config('[{"key": "jobmanager.memory.process.size", "value": "1600m"}]', "config.json")
    assert config.mapping() == {"jobmanager.memory.process.size": "1600m"}


DEPLOYMENT = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: uv}
spec:
  flinkVersion: v1_17
  flinkConfiguration:
    taskmanager.memory.process.size: 1g
    taskmanager.numberOfTaskSlots: "2"
  jobManager: {resource: {memory: 2048m}}
  taskManager:
    replicas: 3
    resource:
      memory: 16Gi
"""


def test_flink_deployment_resources_win() -> None:
    (config,) = parse_flink_config(DEPLOYMENT, "deployment.yaml")
    assert (config.kind, config.flink_version, config.launcher, config.name) == (
        "FlinkDeployment",
        "1.17",
        "container",
        "uv",
    )
    assert config.mapping()[PROCESS] == "16g"
    assert config.mapping()["jobmanager.memory.process.size"] == "2048m"
    assert config.place_of(PROCESS).line == 13
    assert config.labels == {"taskManager.replicas": "3"}


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        ("1.5Gi", "1610612736b"),
        ("2048Mi", "2048m"),
        ("2G", "2G"),
        ("2.5G", "2500000000b"),
        ("4 gb", "4 gb"),
        ("x", "x"),
    ],
)
def test_the_operator_reads_flinks_sizes_first_and_then_quantities(memory: str, size: str) -> None:
    (config,) = parse_flink_config(DEPLOYMENT.replace("16Gi", memory), "deployment.yaml")
    assert config.mapping()[PROCESS] == size


def test_compose_and_pod_environments() -> None:
    compose = """\
services:
  jobmanager:
    image: flink:1.20.1-scala_2.12
    command: jobmanager
    environment:
      - |
        FLINK_PROPERTIES=
        jobmanager.memory.process.size: 2g
  worker:
    image: flink:1.20.1
    command: taskmanager
    environment:
      FLINK_PROPERTIES: |
        taskmanager.memory.process.size: 3g
"""
    job, task = parse_flink_config(compose, "compose.yaml")
    assert (job.role, job.flink_version, job.mapping()) == (
        "jobmanager",
        "1.20.1",
        {"jobmanager.memory.process.size": "2g"},
    )
    assert (task.role, task.mapping(), task.place_of(PROCESS).line) == ("taskmanager", {PROCESS: "3g"}, 14)
    pod = """\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: taskmanager
        args: [taskmanager]
        env:
        - name: FLINK_PROPERTIES
          value: |-
            taskmanager.memory.process.size: 3g
"""
    (config,) = parse_flink_config(pod, "pod.yaml")
    assert (config.role, config.mapping(), config.place_of(PROCESS).line) == ("taskmanager", {PROCESS: "3g"}, 12)


def test_config_map_with_lines_of_the_outer_file() -> None:
    text = f"kind: ConfigMap\napiVersion: v1\ndata:\n  flink-conf.yaml: |\n    # c\n    {PROCESS}: 2g\n"
    (config,) = parse_flink_config(text, "map.yaml")
    assert config.place_of(PROCESS).line == 6
    nested = "kind: ConfigMap\ndata:\n  config.yaml: |\n    taskmanager:\n      memory.process.size: 3g\n"
    (config,) = parse_flink_config(nested, "map.yaml")
    assert (config.mapping(), config.place_of(PROCESS).line) == ({PROCESS: "3g"}, 5)


@pytest.mark.parametrize(
    "text",
    [
        f"PATH=/bin\nFLINK_PROPERTIES={PROCESS}: 2g\ntaskmanager.numberOfTaskSlots: 3\nHOME=/root\n",
        f'export FLINK_PROPERTIES="{PROCESS}: 2g\\ntaskmanager.numberOfTaskSlots: 3"\n',
        f"FLINK_PROPERTIES='{PROCESS}: 2g'\nTASK_MANAGER_NUMBER_OF_TASK_SLOTS=3\n",
    ],
)
def test_environment_of_the_image(text: str) -> None:
    (config,) = parse_flink_config(text, "env")
    assert config.mapping() == {PROCESS: "2g", "taskmanager.numberOfTaskSlots": "3"}


def test_folder_by_version(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(f"{PROCESS}: 3g\n")
    (tmp_path / "conf" / "flink-conf.yaml").write_text(f"{PROCESS}: 2g\n")
    assert read_flink_config(tmp_path, "1.20")[0].mapping()[PROCESS] == "2g"  # 1.19 and 1.20 prefer the old file
    assert read_flink_config(tmp_path, "2.3")[0].mapping()[PROCESS] == "3g"
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"neither config\.yaml"):
        read_flink_config(tmp_path / "empty")


def test_gzip_and_its_damage(tmp_path: Path) -> None:
    packed = gzip.compress(TREE.encode())
    (tmp_path / "log.gz").write_bytes(packed)
    assert len(read_flink_config(tmp_path / "log.gz")) == 2
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UnreadableInputError, match="damaged gzip"):
        read_flink_config(tmp_path / "cut.gz")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "{",
        "[1]",
        "{}",
        '"just text"',
        "- a\n- b\n",
        "kind: ConfigMap\n",
        "services: {a: {}}\n",
        "just words",
        "a: *b\n",
    ],
)
def test_not_a_configuration(text: str) -> None:
    with pytest.raises(UnreadableInputError):
        parse_flink_config(text, "x.yaml")


def test_binary_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\xff\xfe\x81" * 10)
    with pytest.raises(FormatError, match="UTF-8"):
        read_flink_config(tmp_path / "b")
    with pytest.raises(SourceError):
        read_flink_config(tmp_path / "missing")


def test_a_huge_log_and_a_huge_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flinkscope.formats.flink_config.LARGEST_BYTES", 10_000)
    (tmp_path / "flink.log").write_bytes(TREE.encode() + b"\xff INFO  [] - line\n" * 1000)
    assert len(read_flink_config(tmp_path / "flink.log")) == 2
    (tmp_path / "config.yaml").write_text("a: 1\n" * 5000)
    with pytest.raises(UnreadableInputError, match="larger than"):
        read_flink_config(tmp_path / "config.yaml")


def test_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 {x: 1}"]
    for n in range(1, 12):
        lines.append(f"a{n}: &a{n} {{" + ", ".join(f"k{i}: *a{n - 1}" for i in range(9)) + "}")
    with pytest.raises(UnreadableInputError, match="more than a configuration can hold"):
        parse_flink_config("\n".join(lines), "bomb.yaml")
    with pytest.raises(UnreadableInputError):
        parse_flink_config("a: &a {b: *a}", "loop.yaml")
    with pytest.raises(UnreadableInputError):
        parse_flink_config("{a: " * 5000, "deep.yaml")
    for deep in ("a: " + "[" * 300_000, "\n".join(" " * n + "a:" for n in range(500)), "a: " + "- " * 100_000):
        with pytest.raises(UnreadableInputError):
            parse_flink_config(deep, "deep.yaml")


def _outcome(text: str, name: str) -> str | bool:
    """The error's text, or whether all entries have a place in that source."""
    try:
        configs = parse_flink_config(text, name)
    except FlinkscopeError as error:
        return error.message
    return all(entry.place.source == name for config in configs for entry in config.entries)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="ab:.-#[]{}&*|>\n \"'=", max_size=80))
def test_any_text_is_a_configuration_or_a_clear_error(text: str) -> None:
    for name in ("x.yaml", "flink-conf.yaml"):
        outcome = _outcome(text, name)
        assert name in outcome if isinstance(outcome, str) else outcome


@pytest.mark.parametrize("cut", range(0, len(DEPLOYMENT), 7))
def test_truncated_deployment(cut: int) -> None:
    outcome = _outcome(DEPLOYMENT[:cut], "deployment.yaml")
    assert "deployment.yaml" in outcome if isinstance(outcome, str) else outcome
