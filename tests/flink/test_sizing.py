"""Round trips: what sizing proposes, run through the forward model, starts and gives the wanted heap."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import flinkscope
from flinkscope.errors import MemoryConfigError, UsageError
from flinkscope.flink.sizing import applied, heap_for_live_set, size_for
from flinkscope.flink.sizing_live_set import SizingRefused
from flinkscope.units import GIB, MIB

VERSIONS = ("1.10.0", "1.10.3", "1.11.6", "1.15.4", "1.16.3", "1.17.2", "1.20.5", "2.0.2", "2.3.0")
TM = "taskmanager.memory."
JM = "jobmanager.memory."


@pytest.mark.parametrize(
    ("heap_gib", "default_mib", "unmanaged_mib", "unmanaged_1_16_mib"),
    [
        (1, 2880, 1792, 1792),
        (2, 5184, 3008, 3008),
        (4, 9728, 5504, 5504),
        (8, 17984, 10560, 10560),
        (16, 34368, 19648, 18816),
        (32, 67136, 37888, 35200),
    ],
)
def test_known_sizes(heap_gib: int, default_mib: int, unmanaged_mib: int, unmanaged_1_16_mib: int) -> None:
    """The table of the developer reference."""
    proposals = {p.name: p for p in size_for(heap_bytes=heap_gib * GIB, flink="2.3.0")}
    assert proposals["process-size"].changes == {TM + "process.size": f"{default_mib}m"}
    assert proposals["no-managed-memory"].changes == {
        TM + "process.size": f"{unmanaged_mib}m",
        TM + "managed.size": "0",
    }
    older = {p.name: p for p in size_for(heap_bytes=heap_gib * GIB, flink="1.16.3")}
    assert older["no-managed-memory"].changes[TM + "process.size"] == f"{unmanaged_1_16_mib}m"


@pytest.mark.parametrize(("heap_gib", "process_mib"), [(1, 1600), (2, 2752), (4, 4992), (8, 9536)])
def test_known_jobmanager_sizes(heap_gib: int, process_mib: int) -> None:
    (proposal,) = size_for(heap_bytes=heap_gib * GIB, role="jobmanager")
    assert proposal.changes == {JM + "process.size": f"{process_mib}m"}


SIZES = st.sampled_from(["0", "64m", "100m", "256m", "512m", "700m", "1g", "1536m", "3g", "8g"])
FRACTIONS = st.sampled_from(["0", "0.05", "0.1", "0.25", "0.4", "0.7"])
TASKMANAGER = st.fixed_dictionaries(
    {},
    optional={
        TM + "process.size": st.sampled_from(["1g", "1728m", "4g", "16g"]),
        TM + "flink.size": st.sampled_from(["1g", "1280m", "4g"]),
        TM + "task.heap.size": SIZES,
        TM + "managed.size": SIZES,
        TM + "managed.fraction": FRACTIONS,
        TM + "network.fraction": FRACTIONS,
        TM + "network.min": st.sampled_from(["0", "64m", "128m"]),
        TM + "network.max": st.sampled_from(["128m", "1g", "4g"]),
        TM + "task.off-heap.size": SIZES,
        TM + "framework.heap.size": st.sampled_from(["0", "64m", "128m"]),
        TM + "jvm-metaspace.size": SIZES,
        TM + "jvm-overhead.fraction": FRACTIONS,
        "taskmanager.network.numberOfBuffers": st.sampled_from(["2048", "8192"]),
        "taskmanager.heap.size": st.just("2g"),
        "state.backend.type": st.sampled_from(["hashmap", "rocksdb"]),
    },
)
JOBMANAGER = st.fixed_dictionaries(
    {},
    optional={
        JM + "process.size": st.sampled_from(["1g", "1600m", "4g"]),
        JM + "flink.size": st.sampled_from(["1g", "1280m"]),
        JM + "heap.size": SIZES,
        JM + "off-heap.size": SIZES,
        JM + "jvm-metaspace.size": SIZES,
        JM + "jvm-overhead.fraction": FRACTIONS,
        "jobmanager.heap.size": st.just("2g"),
    },
)
HEAPS = st.integers(128 * MIB, 64 * GIB)


def _check(heap_bytes: int, config: dict[str, str], role: str, flink: str, launcher: str) -> None:
    try:
        proposals = size_for(heap_bytes=heap_bytes, config=config, role=role, flink=flink, launcher=launcher)
    except MemoryConfigError as error:
        refusal = error
        proposals = ()
    if not proposals:
        # only when no size at all is legal: the shares leave nothing, or the ranges contradict each other
        assert "exceed configured" in refusal.messages[0] or "Inconsistently" in refusal.messages[0], config
        return
    for proposal in proposals:
        changed = applied(config, proposal.changes)
        model = flinkscope.memory_model(changed, role, flink, launcher=launcher)
        assert model == proposal.model
        assert heap_bytes <= model.heap_bytes <= heap_bytes + 64 * MIB, (proposal.name, config, proposal.changes)


@settings(max_examples=300, deadline=None)
@given(HEAPS, TASKMANAGER, st.sampled_from(VERSIONS), st.sampled_from(["none", "script", "container"]))
def test_taskmanager_round_trip(heap_bytes: int, config: dict[str, str], flink: str, launcher: str) -> None:
    _check(heap_bytes, config, "taskmanager", flink, launcher)


@settings(max_examples=150, deadline=None)
@given(HEAPS, JOBMANAGER, st.sampled_from(VERSIONS[2:]), st.sampled_from(["none", "script", "container"]))
def test_jobmanager_round_trip(heap_bytes: int, config: dict[str, str], flink: str, launcher: str) -> None:
    _check(heap_bytes, config, "jobmanager", flink, launcher)


def test_fixed_container_takes_only_what_is_needed() -> None:
    config = {TM + "process.size": "4g"}
    proposals = {p.name: p for p in size_for(heap_bytes=2 * GIB, config=config)}
    kept = proposals["fixed-container"]
    assert set(kept.changes) == {TM + "managed.size"}
    assert kept.model.process_bytes == 4 * GIB
    assert 2 * GIB <= kept.model.heap_bytes < 2 * GIB + MIB
    assert kept.before is not None
    assert kept.before.heap_bytes == 1_664_299_798


@pytest.mark.parametrize(
    "consumer",
    [
        {"state.backend.type": "rocksdb"},
        {"python.executable": "p"},
        {"execution.runtime-mode": "batch"},
        {"state.backend": "my.Own"},
    ],
)
def test_a_consumer_keeps_its_managed_memory(consumer: dict[str, str]) -> None:
    config = {TM + "process.size": "4g", **consumer}
    assert [p.name for p in size_for(heap_bytes=2 * GIB, config=config)] == ["process-size"]


@pytest.mark.parametrize("role", ["taskmanager", "jobmanager"])
def test_below_the_smallest_process_that_starts(role: str) -> None:
    """A smaller heap than Flink allows: the smallest process, to the MiB."""
    proposal = size_for(heap_bytes=10 * MIB, role=role)[0]
    (value,) = proposal.changes.values()
    assert value == ("982m" if role == "taskmanager" else "640m")
    merged = {"a": "b", **proposal.changes}
    assert flinkscope.memory_model(merged, role).heap_bytes >= 10 * MIB


def test_changes_merge_as_they_are() -> None:
    config = {TM + "process.size": "4g", TM + "task.heap.size": "1g", "taskmanager.heap.size": "2g"}
    for proposal in size_for(heap_bytes=2 * GIB, config=config, flink="1.15.4", launcher="script"):
        merged = {**config, **proposal.changes}
        assert flinkscope.memory_model(merged, flink="1.15.4", launcher="script") == proposal.model


def test_impossible_shares_are_flinks_own_text() -> None:
    with pytest.raises(MemoryConfigError) as caught:
        size_for(heap_bytes=GIB, config={TM + "managed.fraction": "0.7", TM + "network.fraction": "0.4"})
    assert "exceed configured Total Flink Memory" in caught.value.messages[-1]


@pytest.mark.parametrize("heap_bytes", [0, -1, 2**62])
def test_nonsense_heaps(heap_bytes: int) -> None:
    with pytest.raises(UsageError):
        size_for(heap_bytes=heap_bytes)


@pytest.mark.parametrize(
    ("collector", "factor"),
    [("G1", 2.5), ("Parallel", 3), ("Serial", 2), ("ZGC", 3), ("-XX:+UseG1GC", 2.5), ("g1", 2.5)],
)
def test_factor_by_collector(collector: str, factor: float) -> None:
    target = heap_for_live_set(GIB, collector)
    assert target.factor == factor
    assert target.heap_bytes == GIB * factor
    assert (target.rule_low_bytes, target.rule_high_bytes) == (3 * GIB, 5 * GIB)
    assert target.reasons


def test_evidence_raises_the_factor() -> None:
    assert heap_for_live_set(GIB, "G1", rising=True).factor == 3.5
    assert heap_for_live_set(GIB, "G1", humongous_bp=600).factor == 3.0
    assert "upper bound" in heap_for_live_set(GIB, "G1", upper_bound=True).reasons[-1]


def test_never_above_compressed_references() -> None:
    target = heap_for_live_set(20 * GIB, "G1")
    assert target.capped
    assert target.heap_bytes == 31 * GIB


def test_a_leak_is_not_sized() -> None:
    with pytest.raises(SizingRefused, match="not sized: 5 class loaders stay"):
        heap_for_live_set(GIB, "G1", leak="5 class loaders stay after their job")


@given(st.integers(-GIB, 0))
def test_live_set_must_be_positive(live_set_bytes: int) -> None:
    assume(live_set_bytes <= 0)
    with pytest.raises(UsageError):
        heap_for_live_set(live_set_bytes, "G1")
