"""The model's surface: versions, flags, tree, steps, old heap keys, and how errors read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flinkscope
from flinkscope.errors import MemoryConfigError, UsageError
from flinkscope.flink.memory_model import MemoryNode, memory_model
from flinkscope.flink.memory_options import parse_version
from flinkscope.flink.memory_size import Refusal, human, java_double, multiply, parse_double, parse_float, parse_size

TM = "taskmanager.memory."
GIB = 1024**3


def test_default_taskmanager() -> None:
    memory = flinkscope.memory_model({TM + "process.size": "1728m"})
    assert (memory.heap_bytes, memory.direct_bytes, memory.managed_bytes) == (536_870_902, 268_435_458, 536_870_920)
    assert memory.jvm_flags == (
        "-Xmx536870902 -Xms536870902 -XX:MaxDirectMemorySize=268435458 -XX:MaxMetaspaceSize=268435456"
    )
    assert list(memory.jvm_flags) == memory.jvm_flags.split()


def test_smallest_default_taskmanager_is_982m() -> None:
    assert memory_model({TM + "process.size": "982m"}).task_heap_bytes == 419_428  # 0.4 MiB
    with pytest.raises(MemoryConfigError):
        memory_model({TM + "process.size": "981m"})


def _sums(node: MemoryNode) -> None:
    if node.children:
        assert sum(child.size_bytes for child in node.children) == node.size_bytes, node.label
    for child in node.children:
        _sums(child)


@pytest.mark.parametrize("role", ["taskmanager", "jobmanager"])
@pytest.mark.parametrize("flink", ["1.11.6", "1.17.2", "2.3.0"])
def test_tree_adds_up(role: str, flink: str) -> None:
    memory = memory_model({f"{role}.memory.process.size": "5g"}, role, flink)
    _sums(memory.tree())
    assert memory.tree().size_bytes == 5 * GIB


@pytest.mark.parametrize("role", ["taskmanager", "jobmanager"])
def test_effective_options_reproduce_the_split(role: str) -> None:
    memory = memory_model({f"{role}.memory.process.size": "5555m"}, role)
    again = memory_model(memory.dynamic_options(), role)
    assert (again.tree(), again.jvm_flags) == (memory.tree(), memory.jvm_flags)


def test_every_part_has_a_step_that_says_its_bytes() -> None:
    memory = memory_model({TM + "process.size": "1728m"})
    steps = {step.part: step for step in memory.steps}
    assert steps["network"].size_bytes == memory.network_bytes
    assert steps["network"].how == "0.1 × 1.25 GiB (total Flink memory) = 128 MiB, within 64.0 MiB … unlimited"
    assert "raised to the minimum 192 MiB" in steps["jvm overhead"].how
    assert steps["task heap"].size_bytes == memory.task_heap_bytes
    assert TM + "network.fraction" in steps["network"].keys


def test_upgrade_across_1_17_takes_heap_away() -> None:
    config = {TM + "process.size": "16g"}
    assert memory_model(config, flink="1.16.3").heap_bytes == 8_294_655_496
    assert memory_model(config, flink="1.17.2").heap_bytes == 7_784_628_106


def test_metaspace_default_of_1_10_0_only() -> None:
    config = {TM + "process.size": "1728m"}
    assert memory_model(config, flink="1.10.0").metaspace_bytes == 96 * 1024**2
    assert memory_model(config, flink="1.10.1").metaspace_bytes == 256 * 1024**2
    assert memory_model(config, flink="1.10").metaspace_bytes == 256 * 1024**2


@pytest.mark.parametrize(
    ("launcher", "heap_bytes"),
    [("script", 1024**3), ("container", 469_762_048), ("none", 469_762_048)],
)
def test_old_jobmanager_heap_means_what_the_launcher_says(launcher: str, heap_bytes: int) -> None:
    memory = memory_model({"jobmanager.heap.size": "1024m"}, "jobmanager", "1.20.5", launcher=launcher)
    assert memory.heap_bytes == heap_bytes


def test_old_taskmanager_heap() -> None:
    config = {"taskmanager.heap.mb": "2048"}
    script = memory_model(config, flink="1.15.4", launcher="script")
    assert script.flink_bytes == 2 * GIB
    assert script.notes[0].startswith("INFO 'taskmanager.memory.flink.size' is not specified, use the configured")
    assert memory_model(config, flink="1.15.4", launcher="container").process_bytes == 2 * GIB
    assert memory_model({"FLINK_TM_HEAP": "1g"}, flink="1.15.4", launcher="script").flink_bytes == GIB
    for flink, launcher in (("2.0.0", "script"), ("1.15.4", "none")):
        with pytest.raises(MemoryConfigError, match="need to be configured explicitly"):
            memory_model(config, flink=flink, launcher=launcher)


def test_illegal_old_heap_has_flinks_prefixes() -> None:
    with pytest.raises(MemoryConfigError) as caught:
        memory_model({"taskmanager.heap.mb": "-5"}, flink="1.15.4", launcher="script")
    assert caught.value.messages == (
        "TaskManager failed to map legacy JVM heap option to the new one: "
        "Configured total process memory size (-5MB) must not be less than 0.",
        "Configured total process memory size (-5MB) must not be less than 0.",
    )
    with pytest.raises(MemoryConfigError) as caught:
        memory_model({"FLINK_JM_HEAP": "1x"}, "jobmanager", "1.15.4", launcher="script")
    assert caught.value.messages[0].startswith("JobManager memory configuration failed: Cannot read total process")


@pytest.mark.parametrize("text", ["1.20", "1.20.5", "v2.0.0", "1.18.1-scala_2.12-java11", "2.1-SNAPSHOT", " 2.3.0 "])
def test_versions(text: str) -> None:
    assert memory_model({TM + "process.size": "4g"}, flink=text).process_bytes == 4 * GIB
    assert parse_version(text) >= (1, 18, 0)


@pytest.mark.parametrize("text", ["1.9.3", "0.10", "two", "", "1", "../1.20"])
def test_unknown_versions(text: str) -> None:
    with pytest.raises(UsageError):
        memory_model({}, flink=text)


def test_unknown_role_and_the_jobmanager_of_1_10() -> None:
    with pytest.raises(UsageError, match="unknown role"):
        memory_model({}, "historyserver")  # type: ignore[call-overload]
    for launcher, heap_mib in (("script", 1024), ("container", 424)):  # cut-off: the larger of 25 % and 600m
        with pytest.raises(UsageError, match=f"-Xmx{heap_mib << 20}$"):
            memory_model({"jobmanager.heap.size": "1g"}, "jobmanager", "1.10.3", launcher=launcher)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("4g", 4 * GIB), (" 1728 MB ", 1728 * 1024**2), ("1024", 1024), ("0", 0), ("2 tebibytes", 2 << 40)],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", " ", "1.5g", "4gib", "-1", "g", "٣m", "99999999999g", "9223372036854775808", "1 0m"]
)
def test_unreadable_sizes(text: str) -> None:
    with pytest.raises(Refusal):
        parse_size(text)


def test_human_text_steps_at_strictly_more_than_a_unit() -> None:
    assert human(1024) == "1024 bytes"
    assert human(GIB) == "1024.000mb (1073741824 bytes)"
    assert human(3_597_035_104) == "3.350gb (3597035104 bytes)"
    assert human(2**63 - 1) == "8388608.000tb (9223372036854775807 bytes)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1.0, "1.0"), (1e-4, "1.0E-4"), (1e7, "1.0E7"), (0.001, "0.001"), (float("nan"), "NaN")],
)
def test_java_numbers(value: float, text: str) -> None:
    assert java_double(value) == text


@pytest.mark.parametrize(
    ("text", "value"), [("0x1p-2", 0.25), ("0.4f", 0.4000000059604645), (".5", 0.5), ("1e-3D", 0.0010000000474974513)]
)
def test_java_floats(text: str, value: float) -> None:
    assert parse_float(text) == value


@pytest.mark.parametrize("text", ["", "0,4", "1_0", "nan", "inf", "0.1ff", "40%", "0x10", "--1"])
def test_unreadable_floats(text: str) -> None:
    with pytest.raises(Refusal):
        parse_double(text)


def test_product_is_exact_and_truncated() -> None:
    assert multiply(4 * GIB, parse_float("0.1")) == 429_496_736
    with pytest.raises(Refusal, match="long overflow"):
        multiply(2**62, 4.0)


KEYS = [
    TM + name
    for name in ("process.size", "flink.size", "task.heap.size", "managed.size", "network.max", "managed.fraction")
]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), st.text(max_size=12) | st.from_regex(r"[0-9]{1,5}[kmg]?", fullmatch=True))
)
def test_any_text_is_a_split_or_flinks_refusal(config: dict[str, str]) -> None:
    try:
        memory = memory_model(config)
    except MemoryConfigError as refusal:
        told = refusal.messages
    else:
        told = ()
        _sums(memory.tree())
    assert all(isinstance(message, str) and message for message in told)


def test_slots_are_read_beside_the_cores_only_since_1_13() -> None:
    """What the real jars of 1.10.0 to 1.16.3 do; 8,000 random configurations each found no other difference."""
    config = {
        "taskmanager.memory.process.size": "1728m",
        "taskmanager.cpu.cores": "1",
        "taskmanager.numberOfTaskSlots": "1.5",
    }
    assert memory_model(config, "taskmanager", "1.12.7").process_bytes == 1728 << 20
    with pytest.raises(MemoryConfigError, match=r"Could not parse value .1\.5. for key .*TaskSlots"):
        memory_model(config, "taskmanager", "1.13.6")
