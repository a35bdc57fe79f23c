"""The threads of a heap dump as a thread dump, and whose class loader each has as its context."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flinkscope.flink.lens.reader import Reader
from flinkscope.flink.loaders import user_loaders
from flinkscope.formats.thread_dump import ThreadDump, ThreadRecord
from flinkscope.place import Place

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap
    from flinkscope.heap.threads import ThreadRow

_NO_LOCKS = "a heap dump holds no locks, CPU times or deadlocks: `flinkscope threads PID` has them"


@dataclass(frozen=True, slots=True)
class ContextLoader:
    """A context class loader and the ``threads`` that have it, by name. ``state``: live, leaked or awaiting_gc for a
    user loader of Flink, closed for Flink's wrapper whose loader was taken out when the job ended, None for all
    others. ``job``: of a user loader, where the dump tells. ``address`` 0: none (the boot loader)."""

    address: int
    class_name: str
    state: str | None
    job: str | None
    job_name: str | None
    threads: tuple[str, ...]


def heap_thread_dump(heap: Heap) -> ThreadDump:
    """The threads that were alive when the heap dump was written, as from jstack; no locks and no CPU times."""
    reader = Reader(heap)
    threads = tuple(_record(reader, row, number) for number, row in enumerate(heap.threads(), 1))
    return ThreadDump(Place(heap.path), None, None, threads, (), _NO_LOCKS)


def context_loaders(heap: Heap) -> tuple[ContextLoader, ...]:
    """Context class loaders: leaked user loaders first, then closed wrappers, live ones, and all others."""
    reader = Reader(heap)
    users = {row.address: row for row in user_loaders(heap)}
    threads: dict[int, list[str]] = defaultdict(list)
    for row in heap.threads():
        threads[row.context_class_loader.address if row.context_class_loader else 0].append(row.name or "?")
    found = []
    for address, names in threads.items():
        index = heap.index_of(address) if address else -1
        inner = reader.follow(index, "inner")
        user = users.get(heap.address_of(inner) if inner >= 0 else address)
        name = heap.class_name_of(index) if address else "<boot>"
        wrapper = name.endswith("SafetyNetWrapperClassLoader")
        state = user.state if user else "closed" if wrapper else None
        job, job_name = (user.job, user.job_name) if user else (None, None)
        found.append(ContextLoader(address, name, state, job, job_name, tuple(sorted(names))))
    order = ("leaked", "closed", "live", "awaiting_gc", None)
    return tuple(sorted(found, key=lambda one: (order.index(one.state), -len(one.threads), one.address)))


def _record(reader: Reader, row: ThreadRow, number: int) -> ThreadRecord:
    identity = reader.number(row.index, "tid")
    frames = tuple(str(frame) for frame in row.stack)
    return ThreadRecord(
        row.name or "", number, identity, None, row.state or "", bool(row.daemon), row.priority, None, None, frames,
        virtual=row.virtual,
    )  # fmt: skip
