"""Other ways than a larger heap in the same process: state to RocksDB, fewer slots a process, more processes.

Each is a proposal with its own target heap, because the need itself changes. Run through the same model; a way that
cannot start is left out, one that cannot be computed says which figure it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flinkscope.absent import Absent, AbsentKind
from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_inside import backend_of
from flinkscope.flink.memory_legacy import Launcher
from flinkscope.flink.memory_model import TaskManagerMemory, memory_model
from flinkscope.flink.memory_size import Refusal, parse_int
from flinkscope.flink.options import option
from flinkscope.flink.sizing import Proposal, applied, size_for
from flinkscope.units import MIB, human_bytes

_SLOTS = "taskmanager.numberOfTaskSlots"
_MANAGED = "taskmanager.memory.managed.size"
_MANAGED_FRACTION = "taskmanager.memory.managed.fraction"
_SMALLEST_HEAP_BYTES = 256 * MIB  # framework heap (128m) and as much for the tasks


def other_ways(
    *,
    heap_bytes: int,
    config: Mapping[str, str],
    flink: str = "2.3.0",
    launcher: Launcher = "none",
    state_bytes: int | None = None,
) -> tuple[Proposal | Absent, ...]:
    """TaskManager only: RocksDB (needs ``state_bytes``, the keyed state's part of ``heap_bytes``), slots, processes."""
    ways: list[Proposal | Absent | None] = []
    if backend_of(config) == "hashmap":
        ways.append(_rocksdb(heap_bytes, config, flink, launcher, state_bytes))
    ways += [_fewer_slots(heap_bytes, config, flink, launcher), _smaller_processes(heap_bytes, config, flink, launcher)]
    return tuple(way for way in ways if way is not None)


def backend_key(flink: str) -> str:
    """``state.backend.type`` where that version has it (1.17), else ``state.backend``."""
    return "state.backend.type" if option("state.backend.type", flink) else "state.backend"


def _rocksdb(
    heap_bytes: int, config: Mapping[str, str], flink: str, launcher: Launcher, state_bytes: int | None
) -> Proposal | Absent:
    if state_bytes is None:
        return Absent(
            "RocksDB",
            AbsentKind.UNKNOWN,
            "how much of the live set is keyed state is not known",
            "--state SIZE, from `flinkscope heap DUMP`",
        )
    backend: dict[str, str | None] = {backend_key(flink): "rocksdb"}
    backend.update({key: None for key in (_MANAGED, _MANAGED_FRACTION) if key in config})
    left_bytes = max(heap_bytes - state_bytes, _SMALLEST_HEAP_BYTES)
    try:
        sized = _sized(left_bytes, applied(config, backend), flink, launcher)
    except MemoryConfigError as refusal:
        return Absent("RocksDB", AbsentKind.NOT_APPLICABLE, refusal.messages[0])
    return replace(
        sized,
        name="rocksdb",
        title=f"Keep keyed state in RocksDB: {backend_key(flink)}: rocksdb",
        why=f"{human_bytes(state_bytes)} of the need is keyed state; in RocksDB it lies on disk and in managed memory",
        risk="each state access is serialised, so the job needs more CPU, and fast local disks; existing state moves "
        "only by a canonical savepoint",
        changes={**backend, **sized.changes},
        before=_present(config, flink, launcher),
    )


def _fewer_slots(
    heap_bytes: int, config: Mapping[str, str], flink: str, launcher: Launcher
) -> Proposal | Absent | None:
    before = _present(config, flink, launcher)
    slots = slots_of(config)
    if before is None or slots < 2 or before.heap_bytes >= heap_bytes:
        return None
    fitting = slots * before.heap_bytes // heap_bytes
    if fitting < 1:
        return None
    changes: dict[str, str | None] = {_SLOTS: str(fitting)}
    processes = -(-slots // fitting)
    return Proposal(
        name="fewer-slots",
        title=f"Fewer slots in each TaskManager: {fitting} instead of {slots}",
        why="state and buffers belong to slots: with fewer of them the same process has enough heap for each",
        cost=f"{processes} processes for each one now, {human_bytes(before.process_bytes)} each",
        risk="the cluster needs as many slots as before, so start the additional TaskManagers as well",
        changes=changes,
        model=_model(applied(config, changes), flink, launcher),
        before=before,
        wanted_heap_bytes=-(-heap_bytes * fitting // slots),
        processes=processes,
    )


def _smaller_processes(
    heap_bytes: int, config: Mapping[str, str], flink: str, launcher: Launcher
) -> Proposal | Absent | None:
    slots = slots_of(config)
    if slots < 2 or heap_bytes // 2 < _SMALLEST_HEAP_BYTES:
        return None
    half = -(-slots // 2)
    share_bytes = -(-heap_bytes * half // slots)
    changes: dict[str, str | None] = {_SLOTS: str(half)}
    try:
        sized = _sized(share_bytes, applied(config, changes), flink, launcher)
    except MemoryConfigError:
        return None
    return replace(
        sized,
        name="smaller-processes",
        title=f"Two TaskManagers of {half} slots for each one of {slots}: "
        f"{human_bytes(sized.model.process_bytes)} each",
        why="a smaller heap has shorter pauses and loses less when it fails; below 32 GiB references stay small",
        cost=f"2 processes, together {human_bytes(2 * sized.model.process_bytes)}",
        risk="metaspace, overhead and framework memory are paid twice; more network connections",
        changes={**changes, **sized.changes},
        before=_present(config, flink, launcher),
        processes=2,
    )


def slots_of(config: Mapping[str, str]) -> int:
    """The number of slots, 1 if unset or unreadable."""
    try:
        return max(1, parse_int(config.get(_SLOTS, "1").strip()))
    except Refusal:
        return 1


def _sized(heap_bytes: int, config: Mapping[str, str], flink: str, launcher: Launcher) -> Proposal:
    return size_for(heap_bytes=heap_bytes, config=config, role="taskmanager", flink=flink, launcher=launcher)[0]


def _model(config: Mapping[str, str], flink: str, launcher: Launcher) -> TaskManagerMemory:
    return memory_model(config, "taskmanager", flink, launcher=launcher)


def _present(config: Mapping[str, str], flink: str, launcher: Launcher) -> TaskManagerMemory | None:
    try:
        return _model(config, flink, launcher)
    except MemoryConfigError:
        return None
