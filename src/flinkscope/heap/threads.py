"""Threads of a dump: name, state, stack with the locals of each frame, what they retain, their context class loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.heap.labels import (
    ObjectRef,
    field_value,
    follow,
    is_kind,
    name_of_thread,
    object_ref,
)

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

VIRTUAL = "java.lang.VirtualThread"
# bits of JVMTI's thread state, in the order of jdk.internal.misc.VM.toThreadState (JDK 8 to 25)
_STATES = ((0x4, "RUNNABLE"), (0x400, "BLOCKED"), (0x10, "WAITING"), (0x20, "TIMED_WAITING"), (0x2, "TERMINATED"))
_ALIVE = 0x1


@dataclass(frozen=True, slots=True)
class Local:
    """An object that a frame keeps alive. ``kind``: "Java local", "JNI local" or "native stack"."""

    kind: str
    object: ObjectRef
    shallow_bytes: int
    retained_bytes: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. ``line``: None where unknown; ``source``: file name, None where unknown; ``native``: no Java code."""

    method: str
    source: str | None
    line: int | None
    native: bool
    locals: tuple[Local, ...]

    def __str__(self) -> str:
        if self.native:
            place = "Native Method"
        else:
            place = f"{self.source or 'Unknown Source'}{f':{self.line}' if self.line is not None else ''}"
        return f"{self.method}({place})"


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """One thread that was alive. ``state``: as Thread.getState, None where the dump does not say. ``stack``:
    topmost first; ``locals``: those without a frame. ``threw_oom``: it was throwing OutOfMemoryError when the dump
    was written."""

    address: int
    index: int
    class_name: str
    name: str | None
    state: str | None
    daemon: bool | None
    priority: int | None
    virtual: bool
    shallow_bytes: int
    retained_bytes: int
    context_class_loader: ObjectRef | None
    threw_oom: bool
    stack: tuple[Frame, ...]
    locals: tuple[Local, ...]


def thread_rows(heap: Heap, *, show_strings: bool = False) -> list[ThreadRow]:
    """All threads that are GC roots, most retained first. Locals of the fake frame of an OutOfMemoryError count as its.

    Thread names are always shown (they are how a thread is known); contents of Strings among the locals only if asked.
    """
    rows = heap.roots.records
    found = rows[(rows[:, 0] == tags.ROOT_THREAD_OBJECT) & (rows[:, 1] > 0)]
    frames = _FrameNames(heap)
    seen: set[int] = set()
    threads = []
    for _, index, serial, trace in found.tolist():
        if index not in seen:
            seen.add(index)
            threads.append(_thread(heap, index, serial, trace, frames, show_strings))
    return sorted(threads, key=lambda row: (-row.retained_bytes, row.address))


def _thread(heap: Heap, index: int, serial: int, trace: int, frames: _FrameNames, show_strings: bool) -> ThreadRow:
    per_frame = _locals(heap, serial, show_strings)
    stack = frames.stack(trace, serial, per_frame)
    virtual = is_kind(heap, index, "java.lang.BaseVirtualThread") or heap.class_name_of(index) == VIRTUAL
    loader = follow(heap, index, "contextClassLoader")
    daemon = _thread_field(heap, index, "daemon")
    priority = _thread_field(heap, index, "priority")
    return ThreadRow(
        address=heap.address_of(index),
        index=index,
        class_name=heap.class_name_of(index),
        name=name_of_thread(heap, index),
        state=_virtual_state(heap, index) if virtual else _state(heap, index),
        daemon=None if daemon is None else bool(daemon),
        priority=int(priority) if isinstance(priority, int) else None,
        virtual=virtual,
        shallow_bytes=int(heap.shallow_bytes[index]),
        retained_bytes=int(heap.retained_bytes[index]),
        context_class_loader=object_ref(heap, loader) if loader > 0 else None,
        threw_oom=index == heap.oom_thread_index,
        stack=stack,
        locals=tuple(
            local for frame, some in sorted(per_frame.items()) for local in some if frame >= len(stack) or frame < 0
        ),
    )


def _thread_field(heap: Heap, index: int, name: str) -> Any:
    """A field of the thread, or of its ``holder`` (JDK 19 on)."""
    value = field_value(heap, index, name)
    return field_value(heap, follow(heap, index, "holder"), name) if value is None else value


def _state(heap: Heap, index: int) -> str | None:
    bits = _thread_field(heap, index, "threadStatus")
    if not isinstance(bits, int):
        return None
    named = next((name for bit, name in _STATES if bits & bit), None)
    return named or ("RUNNABLE" if bits & _ALIVE else "NEW")


def _virtual_state(heap: Heap, index: int) -> str | None:
    """The state of a virtual thread, named by the constants of its own class, whose numbers differ by JDK."""
    value = field_value(heap, index, "state")
    row = int(heap.class_of[index])
    for owner in heap.store.classes.lineage(row):
        names = {n: heap.static(owner, n) for n, code, _ in heap.store.classes.statics(owner) if code == 10}
        for name, number in names.items():
            if number == value and name.isupper() and name != "SUSPENDED":
                return name
    return None


def _locals(heap: Heap, serial: int, show_strings: bool) -> dict[int, list[Local]]:
    rows = heap.roots.records
    own = rows[(rows[:, 2] == serial) & (rows[:, 1] > 0) & (rows[:, 0] != tags.ROOT_THREAD_OBJECT)]
    found: dict[int, list[Local]] = {}
    for kind, index, _, frame in np.unique(own, axis=0).tolist():
        local = Local(
            tags.ROOT_KINDS.get(kind, f"kind {kind:#x}"),
            object_ref(heap, index, show_strings),
            int(heap.shallow_bytes[index]),
            int(heap.retained_bytes[index]),
        )
        found.setdefault(frame, []).append(local)
    return found


class _FrameNames:
    """Stack frames by id, their texts looked up once."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._by_id = {int(row[0]): row for row in heap.records.frames}
        self._class_names = {int(row[0]): int(row[1]) for row in heap.records.load_classes}

    def stack(self, trace: int, thread_serial: int, per_frame: dict[int, list[Local]]) -> tuple[Frame, ...]:
        """The frames of a trace, topmost first, with their locals."""
        traces = self._heap.records.traces
        _, ids = traces.get(trace, (0, np.empty(0, np.int64)))
        if trace not in traces:
            ids = next((f for t, f in traces.values() if t == thread_serial), ids)
        return tuple(self._frame(int(i), tuple(per_frame.get(depth, ()))) for depth, i in enumerate(ids))

    def _frame(self, frame_id: int, held: tuple[Local, ...]) -> Frame:
        row = self._by_id.get(frame_id)
        if row is None:
            return Frame(f"frame {frame_id:#x} is not in the dump", None, None, False, held)
        names = self._heap.records.names
        line = int(row[5])
        class_row = self._heap.store.classes.row_of_id(self._class_names.get(int(row[4]), 0))
        owner = self._heap.store.classes.names[class_row] if class_row >= 0 else "unknown class"
        method = names.text(int(row[1])) or "unknown method"
        return Frame(f"{owner}.{method}", names.text(int(row[3])), line if line > 0 else None, line == -3, held)
