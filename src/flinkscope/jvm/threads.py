"""What a thread dump tells at a glance: states, pools, who works, and names that come again and again (a leak's sign).

Exact duplicates: a clean JobManager has none among its 73 Java threads (measured), a leaked submission adds its thread
once more each time. Pools that were made anew (``pool-7-thread-1``) are found by the number *inside* the name.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from flinkscope.absent import Absent, AbsentKind
from flinkscope.formats.thread_dump import ThreadDump, ThreadRecord

_NUMBER = re.compile(r"\d+")
_TASK = re.compile(r"\(\d+/\d+\)#\d+$")  # Flink's own task threads: operator (1/2)#0
_PER_TASK = ("AsyncOperations-thread-", "OutputFlusher for ", "System Time Trigger for ", "Time Trigger for ")
_ALWAYS_NUMBERED = ("Cleaner-N", "Timer-N", "Thread-N")  # one number, yet each is a pool of its own
_OWN_TIMERS = 2  # a clean TaskManager of Flink 2.3 has two Timer-N threads itself
_INNER_NUMBER = re.compile(r"(?<=-)\d+(?=\D*[A-Za-z])")


@dataclass(frozen=True, slots=True)
class ThreadGroup:
    """Threads of one name with its numbers set to N. ``example``: one of the real names."""

    pattern: str
    count: int
    states: Mapping[str, int]
    cpu_ms: float | None
    example: str


@dataclass(frozen=True, slots=True)
class RepeatedName:
    """A name that should be there once. ``kind``: exact (the same name again), or pool (another pool of that kind)."""

    name: str
    count: int
    kind: str


@dataclass(frozen=True, slots=True)
class BusyThread:
    """A thread and its use of the CPU: in all, and since the dump before where there were two."""

    name: str
    state: str
    cpu_ms: float
    share_of_core_bp: int | None
    top_frame: str


@dataclass(frozen=True, slots=True)
class ThreadView:
    """The figures of one dump. ``busiest`` is Absent where the dump has no CPU times (REST, before 11)."""

    threads: int
    daemons: int
    virtual: int
    states: Mapping[str, int]
    groups: tuple[ThreadGroup, ...]
    repeated: tuple[RepeatedName, ...]
    busiest: tuple[BusyThread, ...] | Absent
    deadlocks: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ThreadDifference:
    """Two dumps of one process: threads that came, went, and groups that changed, ``(pattern, before, after)``."""

    started: tuple[str, ...]
    ended: tuple[str, ...]
    groups: tuple[tuple[str, int, int], ...]


def thread_view(dump: ThreadDump, before: ThreadDump | None = None) -> ThreadView:
    """The figures of ``dump``; ``before``, an earlier one of the same process, gives the share of CPU in between."""
    java = [thread for thread in dump.threads if thread.java]
    return ThreadView(
        threads=len(java),
        daemons=sum(thread.daemon for thread in java),
        virtual=sum(thread.virtual for thread in java),
        states=dict(Counter(thread.state or "?" for thread in java).most_common()),
        groups=thread_groups(java),
        repeated=repeated_names(java),
        busiest=_busiest(dump, before),
        deadlocks=dump.deadlocks,
    )


def normalized(name: str) -> str:
    """The name with each number set to N: ``pool-3-thread-12`` → ``pool-N-thread-N``."""
    return _NUMBER.sub("N", name)


def thread_groups(threads: list[ThreadRecord]) -> tuple[ThreadGroup, ...]:
    """Threads by normalised name, largest group first."""
    by_pattern: dict[str, list[ThreadRecord]] = defaultdict(list)
    for thread in threads:
        by_pattern[normalized(thread.name)].append(thread)
    groups = []
    for pattern, members in by_pattern.items():
        times = [thread.cpu_ms for thread in members if thread.cpu_ms is not None]
        groups.append(
            ThreadGroup(
                pattern,
                len(members),
                dict(Counter(thread.state or "?" for thread in members).most_common()),
                sum(times) if len(times) == len(members) else None,
                members[0].name,
            )
        )
    return tuple(sorted(groups, key=lambda group: (-group.count, group.pattern)))


def repeated_names(threads: list[ThreadRecord]) -> tuple[RepeatedName, ...]:
    """Names that appear again: exact ones, and several pools of one kind (Flink's task threads are not counted).

    Blind for leaks without a thread: hooks, MBeans, drivers, system properties.
    """
    platform = [t.name for t in threads if t.name and not t.virtual and not _flinks_own(t.name)]
    exact = [RepeatedName(name, count, "exact") for name, count in Counter(platform).items() if count > 1]
    pools: dict[str, set[str]] = defaultdict(set)
    for name in platform:
        pattern = normalized(name)
        inner = _INNER_NUMBER.search(name)
        if inner is not None:
            pools[pattern].add(inner[0])
        elif pattern in _ALWAYS_NUMBERED:
            pools[pattern].add(name)
    several = [
        RepeatedName(pattern, len(numbers), "pool")
        for pattern, numbers in pools.items()
        if len(numbers) > (_OWN_TIMERS if pattern in _ALWAYS_NUMBERED else 1)
    ]
    return tuple(sorted([*exact, *several], key=lambda again: (-again.count, again.name)))


def _flinks_own(name: str) -> bool:
    """One thread a task, so that the name comes once a subtask by design."""
    return name.startswith(_PER_TASK) or _TASK.search(name) is not None


def thread_difference(before: ThreadDump, after: ThreadDump) -> ThreadDifference:
    """What changed from one dump to the next, by name and thread number."""
    first = Counter((t.name, t.id) for t in before.threads if t.java)
    second = Counter((t.name, t.id) for t in after.threads if t.java)
    groups_before = Counter(normalized(name) for name, _ in first.elements())
    groups_after = Counter(normalized(name) for name, _ in second.elements())
    changed = [
        (pattern, groups_before[pattern], groups_after[pattern])
        for pattern in groups_before | groups_after
        if groups_before[pattern] != groups_after[pattern]
    ]
    return ThreadDifference(
        tuple(sorted(name for name, _ in (second - first).elements())),
        tuple(sorted(name for name, _ in (first - second).elements())),
        tuple(sorted(changed, key=lambda change: (change[1] - change[2], change[0]))),
    )


def _busiest(dump: ThreadDump, before: ThreadDump | None) -> tuple[BusyThread, ...] | Absent:
    timed = [thread for thread in dump.threads if thread.cpu_ms is not None]
    if not timed:
        return Absent(
            "CPU time by thread", AbsentKind.NOT_APPLICABLE, "this dump has none",
            "a dump of the JVM itself (`flinkscope threads PID`) on Java 11 and later",
        )  # fmt: skip
    earlier = {(t.name, t.native_id): t for t in before.threads} if before is not None else {}
    busy = []
    for thread in timed:
        past = earlier.get((thread.name, thread.native_id))
        cpu_ms, share = thread.cpu_ms or 0.0, None
        if (
            past is not None
            and past.cpu_ms is not None
            and past.elapsed_ms is not None
            and thread.elapsed_ms is not None
        ):
            span_ms = thread.elapsed_ms - past.elapsed_ms
            cpu_ms = cpu_ms - past.cpu_ms
            share = round(cpu_ms * 10_000 / span_ms) if span_ms > 0 else None
        busy.append(BusyThread(thread.name, thread.state, cpu_ms, share, thread.frames[0] if thread.frames else ""))
    return tuple(sorted(busy, key=lambda thread: (-thread.cpu_ms, thread.name)))
