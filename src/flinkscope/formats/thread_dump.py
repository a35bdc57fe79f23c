"""Thread dumps: HotSpot's own text (8 to 25), Flink's REST answer, and the JSON of ``Thread.dump_to_file``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flinkscope.errors import UnreadableInputError
from flinkscope.place import Place

_HEAD = re.compile(
    r'"(?P<name>.*)"(?: #(?P<id>\d+))?(?: \[\d+\])?(?P<daemon> daemon)?(?: prio=(?P<prio>\d+))?(?: os_prio=\S+)?'
    r"(?: cpu=(?P<cpu>[\d.]+)ms)?(?: elapsed=(?P<elapsed>[\d.]+)s)?(?: allocated=\S+)?(?: defined_classes=\d+)?"
    r" tid=(?P<tid>0x[0-9a-f]+)(?: nid=(?P<nid>0x[0-9a-f]+|\d+))?(?P<rest>.*)$"
)
_REST_HEAD = re.compile(
    r'"(?P<name>.*)"(?P<daemon> daemon)?(?: prio=(?P<prio>\d+))? Id=(?P<id>\d+) (?P<state>[A-Z_]+)'
    r'(?: on (?P<lock>\S+))?(?: owned by "(?P<owner>.*)" Id=(?P<owner_id>\d+))?',
    re.DOTALL,
)
_STATE = re.compile(r"\s+java\.lang\.Thread\.State: ([A-Z_]+)")
_LOCKED = re.compile(r"\s+-\s+locked <(0x[0-9a-f]+)>")
_WAITS = re.compile(
    r"\s+-\s+(waiting to lock|waiting on|waiting to re-lock in wait\(\)|parking to wait for)"
    r"\s+<(0x[0-9a-f]+)>"
)
_SYNCHRONIZER = re.compile(r"\s+-\s+<(0x[0-9a-f]+)> \(a ")
_REST_LOCKED = re.compile(r"\s+-\s+locked (\S+)")
_REST_SYNCHRONIZER = re.compile(r"\s+- (\S+@[0-9a-f]+)$")
_CARRIES = re.compile(r"\s+Carrying virtual thread #(\d+)")
_IN_DEADLOCK = re.compile(r'"(.*)":')
_LONGEST = 4096
_KEEPS_OWNER = ("waiting to lock", "waiting to re-lock in wait()", "parking to wait for")


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """One thread. ``frames``: innermost first, without ``at``. ``cpu_ms``/``elapsed_ms``: since it began, or None.

    ``locks``: what it holds; ``waits_for``: the lock it waits for; both addresses (or Class@hash).
    ``state`` is empty for a thread of the JVM itself. ``virtual``: a virtual thread; ``carries``: the one it carries.
    ``owner_id``: the thread that holds ``waits_for``, where the dump tells it.
    """

    name: str
    line: int
    id: int | None
    native_id: int | None
    state: str
    daemon: bool
    priority: int | None
    cpu_ms: float | None
    elapsed_ms: float | None
    frames: tuple[str, ...]
    locks: tuple[str, ...] = ()
    waits_for: str | None = None
    waits_how: str = ""
    virtual: bool = False
    carries: int | None = None
    owner_id: int | None = None

    @property
    def java(self) -> bool:
        """Whether it is a Java thread (it has a state or frames), not one of the JVM's own."""
        return bool(self.state or self.frames)


@dataclass(frozen=True, slots=True)
class ThreadDump:
    """All threads of one moment. ``deadlocks``: names of the threads of each cycle. ``gap``: what is missing."""

    place: Place
    jvm: str | None
    time: str | None
    threads: tuple[ThreadRecord, ...]
    deadlocks: tuple[tuple[str, ...], ...]
    gap: str | None = None


@dataclass(slots=True)
class _Block:
    head: str
    line: int
    body: list[str] = field(default_factory=list)


def parse_thread_dump(text: str, source: str) -> ThreadDump:
    """Reads a thread dump in any form; of several in one text the last one.

    Raises UnreadableInputError when no thread is in it.
    """
    if text.lstrip().startswith("{"):
        return _from_json(text, source)
    lines = text.splitlines()
    begins = [n for n, line in enumerate(lines) if line.startswith("Full thread dump ")]
    first = begins[-1] if begins else 0
    threads = tuple(_hotspot_thread(block) for block in _blocks(lines, first) if _HEAD.match(block.head))
    if not threads:
        raise UnreadableInputError(
            f"{source}: no thread in it", hint="`flinkscope threads PID`, jstack or Flink's /thread-dump write one"
        )
    ended = any(line.startswith(("JNI global ref", "Heap", "   class space")) for line in lines[first:])
    return ThreadDump(
        Place(source, line=first + 1),
        lines[first].removeprefix("Full thread dump ").rstrip(":") if begins else None,
        lines[first - 1] if begins and first and re.match(r"\d{4}-\d\d-\d\d", lines[first - 1]) else None,
        threads,
        _all_deadlocks(threads, lines[first:]),
        None if ended or not begins else "the dump has no end: it was cut",
    )


def deadlocks_of(threads: tuple[ThreadRecord, ...]) -> tuple[tuple[str, ...], ...]:
    """The cycles of threads that wait for each other's locks, found in the locks themselves; names in waiting order."""
    owners = {lock: index for index, thread in enumerate(threads) for lock in thread.locks if lock != thread.waits_for}
    by_id = {thread.id: index for index, thread in enumerate(threads) if thread.id is not None}
    waits = {}
    for index, thread in enumerate(threads):
        owner = owners.get(thread.waits_for or "") if thread.owner_id is None else by_id.get(thread.owner_id)
        if owner is not None and thread.waits_how in _KEEPS_OWNER:
            waits[index] = owner
    cycles: list[tuple[str, ...]] = []
    seen: set[int] = set()
    for start in waits:
        path: dict[int, None] = {}
        at: int | None = start
        while at is not None and at not in path and at not in seen:
            path[at] = None
            at = waits.get(at)
        if at is not None and at in path:
            members = list(path)[list(path).index(at) :]
            cycles.append(tuple(threads[index].name for index in members))
        seen.update(path)
    return tuple(cycles)


def _all_deadlocks(threads: tuple[ThreadRecord, ...], lines: list[str]) -> tuple[tuple[str, ...], ...]:
    """Those found in the locks, and those that HotSpot tells: it also knows owners of locks that the dump does not list
    (those of java.util.concurrent without ``-l``)."""
    found = list(deadlocks_of(threads))
    known = {frozenset(cycle) for cycle in found}
    cycle: list[str] | None = None
    for line in [*lines, "Java stack information"]:
        if line.startswith("Found one Java-level deadlock"):
            cycle = []
        elif line.startswith("Java stack information"):
            if cycle and frozenset(cycle) not in known:
                found.append(tuple(cycle))
            cycle = None
        elif cycle is not None and (told := _IN_DEADLOCK.fullmatch(line)):
            cycle.append(told[1])
    return tuple(found)


def _blocks(lines: list[str], first: int) -> Iterator[_Block]:
    block: _Block | None = None
    for number in range(first, len(lines)):
        line = lines[number][:_LONGEST]
        if line.startswith("Found ") and "deadlock" in line:
            break  # the threads are listed again there
        if line.startswith('"'):
            if block is not None:
                yield block
            block = _Block(line, number + 1)
        elif block is not None and line:
            block.body.append(line)
    if block is not None:
        yield block


def _hotspot_thread(block: _Block) -> ThreadRecord:
    head = _HEAD.match(block.head)
    assert head is not None
    state, how = "", ""
    locks: list[str] = []
    lock = carries = None
    for line in block.body:
        if match := _STATE.match(line):
            state = match[1]
        elif match := _LOCKED.match(line):
            locks.append(match[1])
        elif match := _WAITS.match(line):
            how, lock = match[1], match[2]
        elif match := _SYNCHRONIZER.match(line):
            locks.append(match[1])
        elif match := _CARRIES.match(line):
            carries = int(match[1])
    return ThreadRecord(
        head["name"], block.line, _int(head["id"]), _int(head["nid"]), state, bool(head["daemon"]), _int(head["prio"]),
        _ms(head["cpu"], 1), _ms(head["elapsed"], 1000), _frames(block.body),
        tuple(dict.fromkeys(locks)), lock, how, carries=carries,
    )  # fmt: skip


def _frames(lines: list[str]) -> tuple[str, ...]:
    return tuple(line.strip()[3:] for line in lines if line.lstrip().startswith("at "))


def _from_json(text: str, source: str) -> ThreadDump:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableInputError(f"{source}: neither a thread dump nor JSON: {error}") from error
    if isinstance(document, dict) and isinstance(document.get("threadInfos"), list):
        threads = tuple(_rest_thread(entry, n) for n, entry in enumerate(document["threadInfos"], 1))
        jvm, time = None, None
    elif isinstance(document, dict) and isinstance(document.get("threadDump"), dict):
        inner = document["threadDump"]
        threads = tuple(_file_threads(inner))
        jvm, time = inner.get("runtimeVersion"), inner.get("time")
    else:
        raise UnreadableInputError(f"{source}: JSON without threadInfos or threadDump", hint="see docs: threads")
    if not threads:
        raise UnreadableInputError(f"{source}: no thread in it")
    return ThreadDump(Place(source), jvm, time, threads, deadlocks_of(threads))


def _rest_thread(entry: Any, number: int) -> ThreadRecord:
    """``ThreadInfo.toString`` of Java, inside Flink's answer (its own depth limit does not cut there)."""
    text = str(entry.get("stringifiedThreadInfo", "")) if isinstance(entry, dict) else ""
    first, *lines = text.split("\n")
    head = _REST_HEAD.match(first)
    name = str(entry.get("threadName", "")) if isinstance(entry, dict) else ""
    if head is None:
        return ThreadRecord(name, number, None, None, "", False, None, None, None, _frames(lines))
    locks = [m[1] for m in map(_REST_LOCKED.match, lines) if m] + [
        m[1] for m in map(_REST_SYNCHRONIZER.match, lines) if m
    ]
    how = {"BLOCKED": "waiting to lock"}.get(head["state"], "parking to wait for" if head["owner"] else "waiting on")
    return ThreadRecord(
        name or head["name"], number, int(head["id"]), None, head["state"], bool(head["daemon"]), _int(head["prio"]),
        None, None, _frames(lines), tuple(locks), head["lock"], how if head["lock"] else "",
        owner_id=_int(head["owner_id"]),
    )  # fmt: skip


def _file_threads(document: dict[str, Any]) -> Iterator[ThreadRecord]:
    containers = document.get("threadContainers")
    number = 0
    for container in containers if isinstance(containers, list) else []:
        threads = container.get("threads") if isinstance(container, dict) else None
        for thread in threads if isinstance(threads, list) else []:
            if not isinstance(thread, dict):
                continue
            number += 1
            stack = thread.get("stack")
            frames = tuple(str(frame) for frame in stack) if isinstance(stack, list) else ()
            virtual = thread.get("virtual") is True or (bool(frames) and "java.lang.VirtualThread." in frames[-1])
            tid = str(thread.get("tid", ""))
            yield ThreadRecord(
                str(thread.get("name", "")), number, int(tid) if tid.isdecimal() and len(tid) < 20 else None, None,
                str(thread.get("state", "")), virtual, None, None, None, frames, virtual=virtual,
            )  # fmt: skip


def _int(text: str | None) -> int | None:
    return None if text is None else int(text, 16 if text.startswith("0x") else 10)


def _ms(text: str | None, factor: int) -> float | None:
    """The time in ms; None if it is not told, or damaged (two points, hundreds of digits)."""
    try:
        value = float(text or "nan") * factor
    except ValueError:
        return None
    return value if math.isfinite(value) else None
