"""The way that works everywhere and changes nothing: thread dumps, again and again. It is coarse and knows no bytes.

A dump is a safepoint, so a thread is seen where the JVM can stop it, not where it is; and each dump stops the process
for some milliseconds, so between two of them at least nine times as long as one took is waited.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flinkscope.formats.stacks import NATIVE, Frame, Stack, StackProfile, added_up, java_frame
from flinkscope.formats.thread_dump import ThreadDump, ThreadRecord
from flinkscope.jvm.flame_folder import WayUnavailable
from flinkscope.place import Place
from flinkscope.progress import Progress

PAUSE_S = 0.1
_SHARE_AT_WORK = 10  # at most 1/10 of the time is spent in dumps
_LAMBDA = re.compile(r"\$\$Lambda[^.]*(?:\.0x[0-9a-f]+)?")
# runnable for the JVM, yet waiting in the kernel
_IDLE = (
    "EPoll.wait", "EPollArrayWrapper.epollWait", "Native.epollWait", ".Net.accept", ".Net.poll", ".socketAccept",
    ".socketRead0", "DispatcherImpl.read0", "SocketDispatcher.read0", "FileInputStream.readBytes", ".accept0",
    "UnixDomainSockets.accept0", "KQueue.poll", "ProcessHandleImpl.waitForProcessExit0", "ProcessImpl.waitForProcess",
    "Reference.waitForReferencePendingList", "Thread.sleep", "Thread.sleep0", "Unsafe.park", "Object.wait",
    "Object.wait0", "FileInputStream.read0", "Thread.yield0",
)  # fmt: skip


@dataclass(slots=True)
class _Seen:
    """What was seen of one thread: its stacks with how often, and its CPU time at the first and last dump."""

    name: str
    stacks: dict[tuple[Frame, ...], int] = field(default_factory=dict)
    first_ms: float | None = None
    last_ms: float | None = None


def profile_with_dumps(
    take: Callable[[], ThreadDump],
    event: str,
    seconds: int,
    *,
    source: str,
    progress: Progress,
    pause_s: float = PAUSE_S,
) -> StackProfile:
    """Samples with ``take`` for so many seconds. wall and lock in samples (all threads; those that wait for a lock).

    cpu: in nanoseconds where the dumps tell each thread's CPU time (attach, Java 11 and later), spread over the stacks
    in which that thread was seen running; else in samples of running threads. Raises WayUnavailable for alloc.
    """
    if event == "alloc":
        raise WayUnavailable("thread dumps know nothing of allocation")
    seen: dict[object, _Seen] = {}
    dumps = 0
    progress.phase(f"sampling {event} with thread dumps", seconds * 1000, "ms")
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds or dumps < 2:
        progress.advance(min(seconds * 1000, int(passed * 1000)))
        started = time.monotonic()
        for thread in take().threads:
            _note(seen, thread, event)
        dumps += 1
        took = time.monotonic() - started
        time.sleep(max(pause_s, took * (_SHARE_AT_WORK - 1)) if passed + took < seconds else 0.0)
    progress.done()
    return _profile(seen, event, source, dumps)


def _note(seen: dict[object, _Seen], thread: ThreadRecord, event: str) -> None:
    if not thread.java:
        return
    entry = seen.setdefault(thread.id if thread.id is not None else thread.native_id or thread.name, _Seen(thread.name))
    if thread.cpu_ms is not None:
        entry.first_ms = thread.cpu_ms if entry.first_ms is None else entry.first_ms
        entry.last_ms = thread.cpu_ms
    counts = {"wall": True, "cpu": _running(thread), "lock": _contends(thread)}[event]
    if counts and thread.frames:
        frames = _frames(thread)
        entry.stacks[frames] = entry.stacks.get(frames, 0) + 1


def _profile(seen: dict[object, _Seen], event: str, source: str, dumps: int) -> StackProfile:
    timed = event == "cpu" and any(entry.last_ms for entry in seen.values())
    stacks = [stack for entry in seen.values() for stack in (_timed(entry) if timed else _counted(entry))]
    if not stacks:
        raise WayUnavailable(f"in {dumps} thread dumps no thread was seen in {event}")
    notes = [f"{dumps} thread dumps: threads are seen at safepoints only; take it as a hint, not as a measurement"]
    if timed:
        notes.append("CPU times are the JVM's own, thread by thread; how they spread over the stacks is sampled")
    return StackProfile(Place(source), event, "ns" if timed else "samples", added_up(stacks), tuple(notes))


def _counted(entry: _Seen) -> list[Stack]:
    return [Stack(entry.name, frames, count) for frames, count in entry.stacks.items()]


def _timed(entry: _Seen) -> list[Stack]:
    used_ns = round(((entry.last_ms or 0.0) - (entry.first_ms or 0.0)) * 1_000_000)
    if used_ns <= 0:
        return []
    whole = sum(entry.stacks.values())
    if not whole:
        return [Stack(entry.name, (Frame("[never seen running]", NATIVE),), used_ns)]
    return [Stack(entry.name, frames, used_ns * count // whole) for frames, count in entry.stacks.items()]


def _running(thread: ThreadRecord) -> bool:
    if thread.state != "RUNNABLE" or not thread.frames:
        return False
    return not any(_method(thread.frames[0]).endswith(idle) for idle in _IDLE)


def _contends(thread: ThreadRecord) -> bool:
    """Whether it waits for a lock that another holds: a monitor, or a lock of java.util.concurrent."""
    if thread.state == "BLOCKED":
        return True
    return thread.waits_how == "parking to wait for" and any(
        "locks.Reentrant" in frame or "concurrent.Semaphore" in frame for frame in thread.frames[:8]
    )


def _frames(thread: ThreadRecord) -> tuple[Frame, ...]:
    return tuple(java_frame(_method(frame)) for frame in reversed(thread.frames))


def _method(frame: str) -> str:
    """``java.lang.Thread.sleep`` of ``java.lang.Thread.sleep(java.base@17.0.9/Native Method)``, without a module."""
    return _LAMBDA.sub("$$Lambda", frame.partition("(")[0]).rpartition("/")[2]
