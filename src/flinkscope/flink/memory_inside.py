"""What happens inside the parts: slots, network buffers, who uses managed memory, RocksDB's share.

Sources: ``RocksDBMemoryControllerUtils`` (cache and write buffer formulas), ``ManagedMemoryUtils`` (consumer weights),
``NettyShuffleUtils`` (buffers a gate and a partition need).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from flinkscope.absent import Absent, AbsentKind
from flinkscope.flink.memory_model import TaskManagerMemory
from flinkscope.flink.memory_size import Refusal, parse_double, parse_float, parse_int, parse_size
from flinkscope.units import MIB

_EXCLUSIVE_BUFFERS = 2  # a channel; configurable up to 1.20, constant since 2.0
_FLOATING_BUFFERS = 8  # a gate
_PAGE_BYTES = 4096
_WEIGHTS = "OPERATOR:70,STATE_BACKEND:70,PYTHON:30"
_ROCKSDB = "state.backend.rocksdb.memory."


@dataclass(frozen=True, slots=True)
class RocksDbShare:
    """RocksDB's memory in one slot: block cache and write buffers share ``slot_bytes``; all in bytes.

    ``flushes_constantly``: one arena block is larger than 7/8 of the write buffer budget, so RocksDB flushes all the
    time and Flink warns. ``source``: which option gave the budget.
    """

    slot_bytes: int
    block_cache_bytes: int
    write_buffer_bytes: int
    arena_block_bytes: int
    flushes_constantly: bool
    source: str


@dataclass(frozen=True, slots=True)
class NetworkBuffers:
    """Buffers of one TaskManager. ``needed``: for ``exchanges`` keyed exchanges at ``parallelism``, all slots busy."""

    segment_bytes: int
    available: int
    parallelism: int | None
    exchanges: int
    needed: int | None
    needed_with_floating: int | None
    enough: bool | None


@dataclass(frozen=True, slots=True)
class Inside:
    """The inside of a TaskManager: per-slot shares and buffers. ``idle_managed_bytes`` is managed memory unused."""

    slots: int
    managed_slot_bytes: int
    task_heap_slot_bytes: int
    backend: str
    idle_managed_bytes: int | Absent
    idle_why: str
    rocksdb: RocksDbShare | Absent
    network: NetworkBuffers


def inside(
    memory: TaskManagerMemory, parallelism: int | None = None, exchanges: int = 1, *, whole_config: bool = True
) -> Inside:
    """The inside of that TaskManager; microseconds. Values that Flink could not read count as their defaults.

    ``whole_config`` False: only memory sizes are known (a command line, a log's tree), so an unset state backend says
    nothing.
    """
    slots = max(1, _integer(memory.config, "taskmanager.numberOfTaskSlots", 1))
    backend = backend_of(memory.config)
    named = any(memory.config.get(key) for key in ("state.backend.type", "state.backend"))
    idle_bytes: int | Absent
    idle_bytes, why = _idle(memory, backend)
    if idle_bytes and not named and not whole_config:
        why = "the state backend is not known"
        idle_bytes = Absent("idle managed memory", AbsentKind.UNKNOWN, why, "give the configuration file as well")
    return Inside(
        slots=slots,
        managed_slot_bytes=memory.managed_bytes // slots,
        task_heap_slot_bytes=memory.task_heap_bytes // slots,
        backend=backend,
        idle_managed_bytes=idle_bytes,
        idle_why=why,
        rocksdb=_rocksdb(memory, slots, backend),
        network=_network(memory, slots, parallelism, exchanges),
    )


def backend_of(config: Mapping[str, str]) -> str:
    """The configured state backend: ``hashmap`` (also default and old names), ``rocksdb``, ``forst`` or as written."""
    raw = next((config[key] for key in ("state.backend.type", "state.backend") if config.get(key)), "hashmap")
    lowered = raw.lower()
    for name in ("rocksdb", "forst"):
        if name in lowered:
            return name
    old_names = ("hashmap", "filesystem", "jobmanager", "hashmapstatebackend", "fsstatebackend", "memorystatebackend")
    return "hashmap" if lowered.rpartition(".")[2] in old_names or lowered in old_names else raw


def managed_consumer(config: Mapping[str, str]) -> str | None:
    """Who uses managed memory as far as the configuration tells, in words; None if nobody."""
    backend = backend_of(config)
    if backend == "forst" or (backend == "rocksdb" and not _rocksdb_elsewhere(config)):
        return f"the {backend} state backend uses it"
    if backend not in ("hashmap", "rocksdb"):
        return f"the state backend {backend} is not known; it may use it"
    if any(key.startswith("python.") for key in config):
        return "Python workers use it"
    if config.get("execution.runtime-mode", "").strip().upper() == "BATCH":
        return "batch operators use it"
    return None


def _rocksdb_elsewhere(config: Mapping[str, str]) -> bool:
    """Whether RocksDB takes its memory from elsewhere than managed memory."""
    fixed = config.get(_ROCKSDB + "fixed-per-slot")
    return bool(fixed) or config.get(_ROCKSDB + "managed", "true").strip().lower() == "false"


def _idle(memory: TaskManagerMemory, backend: str) -> tuple[int, str]:
    config = memory.config
    if memory.managed_bytes == 0:
        return 0, "there is no managed memory"
    consumer = managed_consumer(config)
    if consumer is not None:
        return 0, consumer
    if backend == "rocksdb":
        elsewhere = "fixed-per-slot" if config.get(_ROCKSDB + "fixed-per-slot") else "managed: false"
        return memory.managed_bytes, f"RocksDB allocates beside it, because of {_ROCKSDB}{elsewhere}"
    return memory.managed_bytes, (
        "the hashmap state backend keeps state on the heap; only Python functions, batch operators or another backend "
        "set in the job's code would use it"
    )


def _rocksdb(memory: TaskManagerMemory, slots: int, backend: str) -> RocksDbShare | Absent:
    config = memory.config
    if backend != "rocksdb":
        return Absent("RocksDB's share", AbsentKind.NOT_APPLICABLE, f"the state backend is {backend}")
    budget = _rocksdb_budget(memory, slots)
    if isinstance(budget, Absent):
        return budget
    slot_bytes, source = budget
    ratio = _fraction(config, _ROCKSDB + "write-buffer-ratio", 0.5)
    buffer_bytes = _size(config, "state.backend.rocksdb.writebuffer.size", 64 * MIB)
    manager_bytes = int(2 * slot_bytes * ratio / 3)
    arena_bytes = -(-(buffer_bytes // 8) // _PAGE_BYTES) * _PAGE_BYTES
    return RocksDbShare(
        slot_bytes=slot_bytes,
        block_cache_bytes=int((3 - ratio) * slot_bytes / 3),
        write_buffer_bytes=manager_bytes,
        arena_block_bytes=arena_bytes,
        flushes_constantly=arena_bytes > manager_bytes * 7 // 8,
        source=source,
    )


def _rocksdb_budget(memory: TaskManagerMemory, slots: int) -> tuple[int, str] | Absent:
    config = memory.config
    fixed = _size(config, _ROCKSDB + "fixed-per-slot", 0)
    if fixed:
        return fixed, _ROCKSDB + "fixed-per-slot"
    if config.get(_ROCKSDB + "managed", "true").strip().lower() == "true":
        share = _state_backend_share(config)
        return int(memory.managed_bytes // slots * share), "managed memory of the slot"
    whole = _size(config, _ROCKSDB + "fixed-per-tm", 0) if memory.version >= (1, 17, 0) else 0
    if whole:
        return whole // slots, _ROCKSDB + "fixed-per-tm"
    return Absent(
        "RocksDB's share", AbsentKind.UNKNOWN, f"{_ROCKSDB}managed is false: each column family has its own buffers"
    )


def _state_backend_share(config: Mapping[str, str]) -> float:
    """The state backend's part of a slot: all of it, or its weight beside Python's."""
    if not any(key.startswith("python.") for key in config):
        return 1.0
    text = config.get("taskmanager.memory.managed.consumer-weights", _WEIGHTS)
    weights = dict(part.strip().split(":", 1) for part in text.split(",") if ":" in part)
    backend = float(_number(weights.get("STATE_BACKEND", weights.get("DATAPROC", "70"))))
    python = float(_number(weights.get("PYTHON", "30")))
    return backend / (backend + python) if backend + python > 0 else 1.0


def _network(memory: TaskManagerMemory, slots: int, parallelism: int | None, exchanges: int) -> NetworkBuffers:
    config = memory.config
    segment_bytes = _size(config, "taskmanager.memory.segment-size", 32 * 1024) or 32 * 1024
    available = memory.network_bytes // segment_bytes
    if parallelism is None:
        return NetworkBuffers(segment_bytes, available, None, exchanges, None, None, None)
    exclusive, floating = _EXCLUSIVE_BUFFERS, _FLOATING_BUFFERS
    if memory.version < (2, 0, 0):
        exclusive = _integer(config, "taskmanager.network.memory.buffers-per-channel", exclusive)
        floating = _integer(config, "taskmanager.network.memory.floating-buffers-per-gate", floating)
    tasks = min(slots, parallelism)
    gate, partition = parallelism * exclusive + 1, parallelism + 1
    needed = exchanges * tasks * (gate + partition)
    most = exchanges * tasks * (gate - 1 + floating + parallelism * exclusive + floating)
    return NetworkBuffers(segment_bytes, available, parallelism, exchanges, needed, most, needed <= available)


def _integer(config: Mapping[str, str], key: str, default: int) -> int:
    try:
        return parse_int(config[key].strip()) if key in config else default
    except Refusal:
        return default


def _size(config: Mapping[str, str], key: str, default: int) -> int:
    try:
        return parse_size(config[key]) if key in config else default
    except Refusal:
        return default


def _fraction(config: Mapping[str, str], key: str, default: float) -> float:
    try:
        value = parse_float(config[key]) if key in config else default
    except Refusal:
        return default
    return value if 0 <= value <= 1 else default


def _number(text: str) -> float:
    try:
        value = parse_double(text)
    except Refusal:
        return 0.0
    return value if math.isfinite(value) else 0.0
