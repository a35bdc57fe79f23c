"""Slots, buffers, idle managed memory, RocksDB's share: by hand-computed figures."""

from __future__ import annotations

import pytest

from flinkscope.absent import Absent
from flinkscope.flink.memory_inside import RocksDbShare, backend_of, inside
from flinkscope.flink.memory_model import memory_model

MIB = 1024**2
BASE = {"taskmanager.memory.process.size": "1728m", "taskmanager.numberOfTaskSlots": "2"}


def test_buffers_of_a_keyed_exchange() -> None:
    """s·(2p+1) + s·(p+1) segments for an exchange p→p on a TaskManager of s slots."""
    within = inside(memory_model(BASE), parallelism=8, exchanges=3)
    assert within.network.available == 4096
    assert within.network.needed == 3 * (2 * 17 + 2 * 9)
    assert within.network.enough is True
    crowded = inside(memory_model(BASE), parallelism=600, exchanges=2)
    assert crowded.network.enough is False


def test_no_parallelism_no_claim() -> None:
    network = inside(memory_model(BASE)).network
    assert (network.needed, network.enough) == (None, None)


def test_configured_exclusive_buffers_count_only_before_2_0() -> None:
    config = {**BASE, "taskmanager.network.memory.buffers-per-channel": "4"}
    assert inside(memory_model(config, flink="1.20.5"), 8).network.needed == 2 * (8 * 4 + 1) + 2 * 9
    assert inside(memory_model(config, flink="2.0.2"), 8).network.needed == 2 * 17 + 2 * 9


def test_managed_memory_is_idle_with_the_hashmap_backend() -> None:
    within = inside(memory_model(BASE))
    assert within.idle_managed_bytes == 536_870_920
    assert within.managed_slot_bytes == 268_435_460


@pytest.mark.parametrize(
    "extra",
    [
        {"state.backend.type": "rocksdb"},
        {"python.executable": "python3"},
        {"execution.runtime-mode": "BATCH"},
        {"taskmanager.memory.managed.size": "0"},
        {"state.backend": "com.example.MyBackend"},
    ],
)
def test_managed_memory_with_a_consumer_is_not_called_idle(extra: dict[str, str]) -> None:
    assert inside(memory_model({**BASE, **extra})).idle_managed_bytes == 0


def test_a_command_line_does_not_tell_the_backend() -> None:
    idle = inside(memory_model(BASE), whole_config=False).idle_managed_bytes
    assert isinstance(idle, Absent)


def test_rocksdb_formulas() -> None:
    """Slot share T = 256 MiB, ratio 0.5: cache (3 − 0.5)/3·T, write buffers 2·0.5/3·T, arena 64 MiB / 8."""
    share = inside(memory_model({**BASE, "state.backend.type": "rocksdb"})).rocksdb
    assert isinstance(share, RocksDbShare)
    assert share.slot_bytes == 268_435_460
    assert share.block_cache_bytes == int(2.5 * 268_435_460 / 3)
    assert share.write_buffer_bytes == int(268_435_460 / 3)
    assert share.arena_block_bytes == 8 * MIB
    assert not share.flushes_constantly


def test_rocksdb_too_small_flushes_constantly() -> None:
    config = {**BASE, "state.backend.type": "rocksdb", "taskmanager.memory.managed.size": "40m"}
    share = inside(memory_model(config)).rocksdb
    assert isinstance(share, RocksDbShare)
    assert share.flushes_constantly


def test_python_takes_its_weight() -> None:
    config = {**BASE, "state.backend.type": "rocksdb", "python.fn-execution.memory.managed": "true"}
    share = inside(memory_model(config)).rocksdb
    assert isinstance(share, RocksDbShare)
    assert share.slot_bytes == 268_435_460 * 70 // 100


def test_fixed_rocksdb_memory() -> None:
    config = {**BASE, "state.backend.type": "rocksdb", "state.backend.rocksdb.memory.fixed-per-slot": "100m"}
    within = inside(memory_model(config))
    assert isinstance(within.rocksdb, RocksDbShare)
    assert within.rocksdb.slot_bytes == 100 * MIB
    assert within.idle_managed_bytes == 536_870_920
    config = {**BASE, "state.backend.type": "rocksdb", "state.backend.rocksdb.memory.managed": "false"}
    per_process = {**config, "state.backend.rocksdb.memory.fixed-per-tm": "100m"}
    assert inside(memory_model(per_process)).rocksdb.slot_bytes == 50 * MIB
    assert isinstance(inside(memory_model(per_process, flink="1.16.3")).rocksdb, Absent)
    assert isinstance(inside(memory_model(config)).rocksdb, Absent)


@pytest.mark.parametrize(
    ("value", "backend"),
    [
        ("filesystem", "hashmap"),
        ("hashmap", "hashmap"),
        ("RocksDB", "rocksdb"),
        ("org.apache.flink.contrib.streaming.state.RocksDBStateBackendFactory", "rocksdb"),
        ("forst", "forst"),
        ("org.apache.flink.runtime.state.hashmap.HashMapStateBackend", "hashmap"),
    ],
)
def test_backend_names(value: str, backend: str) -> None:
    assert backend_of({"state.backend": value}) == backend
    assert backend_of({}) == "hashmap"
