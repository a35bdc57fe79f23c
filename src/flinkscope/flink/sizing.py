"""Sizing: from a wanted heap to configuration keys, by bisection of the forward model.

The memory model has clamps and truncations, so it is never inverted in closed form: the lever key is bisected on a
64 MiB grid and each proposal is run through the model that Flink itself would run. What cannot start is not proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flinkscope.errors import MemoryConfigError, UsageError
from flinkscope.flink.memory_inside import backend_of, managed_consumer
from flinkscope.flink.memory_legacy import Launcher
from flinkscope.flink.memory_model import JobManagerMemory, Role, TaskManagerMemory, memory_model
from flinkscope.flink.sizing_live_set import COMPRESSED_OOPS_BYTES, HeapTarget, heap_for_live_set
from flinkscope.units import MIB, human_bytes

__all__ = ["HeapTarget", "Proposal", "applied", "heap_for_live_set", "size_for", "uses_native_state"]

GRID_BYTES = 64 * MIB
_LARGEST_BYTES = 2**50  # 1 PiB: no process is larger, and the model's arithmetic has no overflow below it

Memory = TaskManagerMemory | JobManagerMemory
Changes = dict[str, str | None]

_TASK_HEAP = "taskmanager.memory.task.heap.size"
_MANAGED = "taskmanager.memory.managed.size"
_OLD_HEAP_KEYS = ("taskmanager.heap.size", "taskmanager.heap.mb", "jobmanager.heap.size", "jobmanager.heap.mb")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to the wanted heap. ``changes``: key → new value, None where the key must be removed.

    ``model`` is the whole split after the changes, ``before`` the present one (None if the present one is illegal).
    ``processes``: how many processes take the place of one.
    """

    name: str
    title: str
    why: str
    cost: str
    risk: str
    changes: Changes
    model: Memory
    before: Memory | None
    wanted_heap_bytes: int
    processes: int = 1


def size_for(
    *,
    heap_bytes: int,
    config: Mapping[str, str] | None = None,
    role: Role = "taskmanager",
    flink: str = "2.3.0",
    launcher: Launcher = "none",
) -> tuple[Proposal, ...]:
    """Ways to give the process at least ``heap_bytes`` of JVM heap, the plainest first; each of them starts.

    The heap of a proposal is at most 64 MiB above the wanted one, unless Flink allows nothing smaller. About 60 runs
    of the model: milliseconds. Raises UsageError for a heap that is not positive, MemoryConfigError with Flink's own
    texts if no size makes ``config`` legal.
    """
    if heap_bytes <= 0 or heap_bytes > _LARGEST_BYTES // 4:
        raise UsageError(f"a heap of {heap_bytes:,} bytes cannot be sized", hint="give the wanted heap, e.g. 4g")
    wanted = _Wanted(heap_bytes, dict(config or {}), role, flink, launcher)
    found = [_raise_process(wanted)]
    if role == "taskmanager" and managed_consumer(wanted.config) is None:
        found += [p for p in (_drop_managed(wanted), _keep_container(wanted)) if p is not None]
    return tuple(found)


def uses_native_state(config: Mapping[str, str]) -> bool:
    """Whether the configured state backend keeps state outside the heap (RocksDB, ForSt)."""
    return backend_of(config) in ("rocksdb", "forst")


@dataclass(frozen=True, slots=True)
class _Wanted:
    heap_bytes: int
    config: dict[str, str]
    role: Role
    flink: str
    launcher: Launcher

    def model(self, changes: Mapping[str, str | None]) -> Memory:
        """The split after the changes. Raises MemoryConfigError."""
        return memory_model(applied(self.config, changes), self.role, self.flink, launcher=self.launcher)

    def present(self) -> Memory | None:
        """The split now, or None where Flink refuses it."""
        try:
            return self.model({})
        except MemoryConfigError:
            return None

    def key(self, name: str) -> str:
        """``process.size`` → ``taskmanager.memory.process.size``."""
        return f"{self.role}.memory.{name}"


def applied(config: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """``config`` after ``changes``; a None removes its key."""
    merged: dict[str, str | None] = {**config, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def _raise_process(wanted: _Wanted) -> Proposal:
    changes, model = _solve(wanted, {})
    lever = next(iter(changes))
    return Proposal(
        name="process-size",
        title=f"Set {lever}: {changes[lever]}",
        why="nothing else changes its share, so direct memory and managed memory change along with the heap",
        cost=_cost(model, wanted.present()),
        risk=_risk(model, "the container limit is this size and changes with it"),
        changes=changes,
        model=model,
        before=wanted.present(),
        wanted_heap_bytes=wanted.heap_bytes,
    )


def _drop_managed(wanted: _Wanted) -> Proposal | None:
    if _is_zero(wanted.config.get(_MANAGED)):
        return None
    try:
        changes, model = _solve(wanted, {_MANAGED: "0"})
    except MemoryConfigError:
        return None
    return Proposal(
        name="no-managed-memory",
        title="Give the heap the managed memory that nobody uses",
        why="with the hashmap state backend a streaming job leaves managed memory idle; by default that is 40 % of "
        "Flink's memory",
        cost=_cost(model, wanted.present()),
        risk=_risk(model, "RocksDB, ForSt, Python functions and batch operators need managed memory and fail without"),
        changes=changes,
        model=model,
        before=wanted.present(),
        wanted_heap_bytes=wanted.heap_bytes,
    )


def _keep_container(wanted: _Wanted) -> Proposal | None:
    """The same process size with less managed memory, if that is enough."""
    before = wanted.present()
    if not isinstance(before, TaskManagerMemory) or before.heap_bytes >= wanted.heap_bytes:
        return None
    frame: Changes = {_TASK_HEAP: None} if _TASK_HEAP in wanted.config else {}

    def enough(managed_mib: int) -> bool:
        return _heap(wanted, {**frame, _MANAGED: f"{managed_mib}m"}) >= wanted.heap_bytes

    most_mib = before.managed_bytes // MIB
    if not enough(0) or enough(most_mib):
        return None
    managed_mib = _last(enough, most_mib)
    changes = {**frame, _MANAGED: f"{managed_mib}m"}
    model = wanted.model(changes)
    return Proposal(
        name="fixed-container",
        title=f"Keep the container, shrink managed memory to {managed_mib}m",
        why="the heap is the rest of Flink's memory, so each byte less of managed memory is one more of heap",
        cost=_cost(model, before),
        risk=_risk(model, "RocksDB, ForSt, Python functions and batch operators have less managed memory"),
        changes=changes,
        model=model,
        before=before,
        wanted_heap_bytes=wanted.heap_bytes,
    )


def _solve(wanted: _Wanted, extra: Changes) -> tuple[Changes, Memory]:
    """The smallest value of the lever key that gives the heap, and what else must change so that Flink accepts it."""
    changes: Changes = {key: None for key in _OLD_HEAP_KEYS if key in wanted.config and key.startswith(wanted.role)}
    config = applied(wanted.config, extra)
    process, flink = wanted.key("process.size"), wanted.key("flink.size")
    heap_key = _TASK_HEAP if wanted.role == "taskmanager" else wanted.key("heap.size")
    if heap_key in config and (wanted.role == "jobmanager" or _has_managed(config)):
        lever, freed = heap_key, [flink, process]
    elif flink in config:
        lever, freed = flink, [process, heap_key]
    else:
        lever, freed = process, [heap_key]
    frame: Changes = {**changes, **extra, **dict.fromkeys((*freed, lever))}
    steps = _first(lambda n: _heap(wanted, {**frame, lever: _mebibytes(n)}) >= wanted.heap_bytes)
    if steps is None:
        wanted.model({**frame, lever: _mebibytes(_LARGEST_BYTES // GRID_BYTES)})  # raises Flink's own text
        raise UsageError(f"no {lever} gives a heap of {human_bytes(wanted.heap_bytes)} with this configuration")
    value = _mebibytes(steps)
    if _heap(wanted, {**frame, lever: value}) > wanted.heap_bytes + GRID_BYTES:
        value = _smallest_legal(wanted, frame, lever, steps)
    solved = wanted.model({**frame, lever: value})
    result: Changes = {lever: value, **extra, **changes}
    exact = {process: solved.process_bytes, flink: solved.flink_bytes}
    if isinstance(solved, TaskManagerMemory):
        exact[heap_key] = solved.task_heap_bytes
    result.update({key: f"{exact[key]}b" for key in freed if key in config})
    return result, wanted.model(result)


def _smallest_legal(wanted: _Wanted, frame: Changes, lever: str, steps: int) -> str:
    """Below it Flink refuses to start: to the MiB, because the heap is more than was asked for."""
    high = steps * GRID_BYTES // MIB
    low = high - GRID_BYTES // MIB
    while high - low > 1:
        middle = (low + high) // 2
        enough = _heap(wanted, {**frame, lever: f"{middle}m"}) >= wanted.heap_bytes
        low, high = (low, middle) if enough else (middle, high)
    return f"{high}m"


def _heap(wanted: _Wanted, changes: Changes) -> int:
    """The heap after the changes; −1 where Flink refuses them."""
    try:
        return wanted.model(changes).heap_bytes
    except MemoryConfigError:
        return -1


def _first(enough: Callable[[int], bool]) -> int | None:
    """The smallest grid step that is enough, by doubling and bisection; None if not even the largest is."""
    high = 1
    while not enough(high):
        high *= 2
        if high * GRID_BYTES > _LARGEST_BYTES:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _last(enough: Callable[[int], bool], high: int) -> int:
    """The largest number up to ``high`` that is still enough; 0 is known to be."""
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if enough(middle) else (low, middle - 1)
    return low


def _mebibytes(steps: int) -> str:
    return f"{steps * GRID_BYTES // MIB}m"


def _has_managed(config: Mapping[str, str]) -> bool:
    return _MANAGED in config or "taskmanager.memory.size" in config


def _is_zero(text: str | None) -> bool:
    return text is not None and text.strip().rstrip("bBkKmMgGtT ").strip("0") == "" and "0" in text


def _cost(after: Memory, before: Memory | None) -> str:
    if before is None:
        return f"{human_bytes(after.process_bytes)} a process"
    more = after.process_bytes - before.process_bytes
    if more == 0:
        return f"nothing: the process stays at {human_bytes(after.process_bytes)}"
    direction = "more" if more > 0 else "less"
    span = f"{human_bytes(before.process_bytes)} → {human_bytes(after.process_bytes)}"
    return f"{human_bytes(abs(more))} {direction} a process: {span}"


def _risk(after: Memory, text: str) -> str:
    if after.heap_bytes > COMPRESSED_OOPS_BYTES:
        return f"{text}; from 32 GiB of heap on a reference takes 8 bytes instead of 4: better more, smaller processes"
    return text
