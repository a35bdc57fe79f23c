"""Stacks out of a flight recording: CPU samples, allocation samples and waits for locks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.jfr import JfrChunk, JfrRecording
from flinkscope.formats.jfr_values import JfrType
from flinkscope.formats.stacks import NATIVE, Frame, Stack, StackProfile, added_up, class_frame, java_frame
from flinkscope.place import Place
from flinkscope.units import human_bytes

_CPU = "jdk.ExecutionSample"
_ALLOCATION = "jdk.ObjectAllocationSample"
# Java 8 to 15: one event a thread's new buffer, one an object outside of it; what each stands for
_BUFFERS = (("jdk.ObjectAllocationInNewTLAB", "tlabSize"), ("jdk.ObjectAllocationOutsideTLAB", "allocationSize"))
_MONITOR, _PARK = "jdk.JavaMonitorEnter", "jdk.ThreadPark"
_LOCKS = ("java.util.concurrent.locks.Reentrant", "java.util.concurrent.Semaphore")
EVENTS_OF = {"cpu": (_CPU,), "alloc": (_ALLOCATION, *(name for name, _ in _BUFFERS)), "lock": (_MONITOR, _PARK)}
_NO_STACK = (Frame("[no stack recorded]", NATIVE),)


def recorded_events(recording: JfrRecording) -> dict[str, int]:
    """What a flame graph can be made of (cpu, alloc, lock) with the number of events; without those that have none."""
    counts = {event: sum(map(recording.count, names)) for event, names in EVENTS_OF.items()}
    return {event: count for event, count in counts.items() if count}


def stacks_of(recording: JfrRecording, event: str) -> StackProfile:
    """The stacks of ``event``: cpu in samples, alloc in bytes, lock in nanoseconds of waiting.

    Raises UnreadableInputError when the recording has no such events, saying which it has.
    """
    have = recorded_events(recording)
    if event not in have:
        others = ", ".join(f"{name} ({count:,} events)" for name, count in have.items())
        raise UnreadableInputError(
            f"{recording.source}: the recording has no events for {event}" + (f"; it has {others}" if others else ""),
            hint="JFR knows cpu, alloc and lock; record with settings=profile",
        )
    if event == "alloc":
        return _allocations(recording)
    views = [_View(chunk) for chunk in recording.chunks]
    notes: tuple[str, ...] = ()
    if event == "cpu":
        stacks = [stack for view in views for stack in view.samples()]
        notes = ("JFR samples only threads in Java code, not those inside native methods",)
    else:
        stacks = [stack for view in views for stack in view.waits()]
        notes = ("waits shorter than the recording's threshold (10 ms in settings=profile) are not in it",)
    return _profile(recording, event, "samples" if event == "cpu" else "ns", stacks, notes)


def _allocations(recording: JfrRecording) -> StackProfile:
    views = [_View(chunk) for chunk in recording.chunks]
    if recording.count(_ALLOCATION):
        kept, dropped_bytes, dropped = _without_first([sample for view in views for sample in view.allocations()])
        note = (
            f"the first sample of each of {dropped} threads is left out: its weight ({human_bytes(dropped_bytes)} in "
            "all) is what the thread allocated since it began, not during the recording"
        )
        return _profile(recording, "alloc", "bytes", kept, (note,))
    stacks = [stack for view in views for name, size in _BUFFERS for stack in view.buffers(name, size)]
    return _profile(recording, "alloc", "bytes", stacks, ("weighed by new thread-local buffers (Java before 16)",))


@dataclass(frozen=True, slots=True)
class _Sample:
    thread: tuple[Any, ...]
    ticks: int
    stack: Stack


def _without_first(samples: list[_Sample]) -> tuple[list[Stack], int, int]:
    """All but each thread's first sample; the bytes of those, and how many they are.

    Measured on 17: the first one's weight holds everything since the thread began; 876 of 931 GB in a recording of
    8.8 s, and the rest agreed with the collections.
    """
    first: dict[tuple[Any, ...], _Sample] = {}
    for sample in samples:
        earliest = first.get(sample.thread)
        if earliest is None or sample.ticks < earliest.ticks:
            first[sample.thread] = sample
    left_out = {id(sample) for sample in first.values()}
    kept = [sample.stack for sample in samples if id(sample) not in left_out]
    return kept, sum(sample.stack.value for sample in first.values()), len(first)


def _profile(
    recording: JfrRecording, event: str, unit: str, stacks: list[Stack], notes: tuple[str, ...]
) -> StackProfile:
    damaged = next((chunk.gap for chunk in recording.chunks if chunk.gap), None)
    return StackProfile(Place(recording.source), event, unit, added_up(stacks), notes, recording.gap or damaged)


class _View:
    """One chunk's events as stacks; frames and threads are looked up once."""

    def __init__(self, chunk: JfrChunk) -> None:
        self._chunk = chunk
        self._frames: dict[int, tuple[Frame, ...]] = {}
        self._methods: dict[int, Frame] = {}
        self._by_name = {type_.name: type_ for type_ in chunk.types.values()}

    def samples(self) -> Iterator[Stack]:
        """CPU samples, 1 each."""
        for thread, frames, _ in self._read(_CPU, "sampledThread", ()):
            yield Stack(self._thread_name(thread), frames, 1)

    def allocations(self) -> Iterator[_Sample]:
        """Allocation samples with their thread and time."""
        for thread, frames, (ticks, class_id, weight) in self._read(
            _ALLOCATION, "eventThread", ("startTime", "objectClass", "weight")
        ):
            stack = Stack(self._thread_name(thread), (*frames, self._class(class_id)), weight)
            yield _Sample(self._thread_key(thread), ticks, stack)

    def buffers(self, name: str, size: str) -> Iterator[Stack]:
        """Allocations as Java before 16 records them."""
        for thread, frames, (class_id, size_bytes) in self._read(name, "eventThread", ("objectClass", size)):
            yield Stack(self._thread_name(thread), (*frames, self._class(class_id)), size_bytes)

    def waits(self) -> Iterator[Stack]:
        """Waits for monitors and for java.util.concurrent's locks; not for conditions or work, which is idleness."""
        for name, of_class in ((_MONITOR, "monitorClass"), (_PARK, "parkedClass")):
            for thread, frames, (ticks, class_id) in self._read(name, "eventThread", ("duration", of_class)):
                what = self._class(class_id)
                if name == _MONITOR or what.name.startswith(_LOCKS):
                    yield Stack(self._thread_name(thread), (*frames, what), self._chunk.nanoseconds(ticks))

    def _read(
        self, name: str, thread_field: str, more: tuple[str, ...]
    ) -> Iterator[tuple[int, tuple[Frame, ...], tuple[int, ...]]]:
        type_ = self._by_name.get(name)
        if type_ is None:
            return
        places = [type_.index(field) for field in (thread_field, "stackTrace", *more)]
        if any(place is None for place in places):
            self._chunk.gap = self._chunk.gap or f"{name} lacks a field of {', '.join((thread_field, *more))}"
            return
        for event in self._chunk.events(name):
            values = [event[place] for place in places if place is not None]
            if all(isinstance(value, int) for value in values):
                yield values[0], self._stack(values[1]), tuple(values[2:])

    def _stack(self, stack_id: int) -> tuple[Frame, ...]:
        found = self._frames.get(stack_id)
        if found is None:
            found = self._frames[stack_id] = self._resolved(stack_id) or _NO_STACK
        return found

    def _resolved(self, stack_id: int) -> tuple[Frame, ...]:
        """Outermost first; the recording has it innermost first."""
        trace, frame = self._by_name.get("jdk.types.StackTrace"), self._by_name.get("jdk.types.StackFrame")
        value = None if trace is None else self._chunk.constant(trace.id, stack_id)
        at, method_at = _index(trace, "frames"), _index(frame, "method")
        if value is None or at is None or method_at is None or not isinstance(value[at], list):
            return ()
        methods = [entry[method_at] for entry in value[at] if isinstance(entry, tuple)]
        return tuple(self._method(method) for method in reversed(methods) if isinstance(method, int))

    def _method(self, method: int) -> Frame:
        found = self._methods.get(method)
        if found is None:
            found = self._methods[method] = self._method_frame(method)
        return found

    def _method_frame(self, method: int) -> Frame:
        type_ = self._by_name.get("jdk.types.Method")
        value = None if type_ is None else self._chunk.constant(type_.id, method)
        if type_ is None or value is None:
            return Frame("[unknown method]", NATIVE)
        owner = self._class_name(self._field(type_, value, "type"))
        return java_frame(f"{owner or '?'}.{self._symbol(self._field(type_, value, 'name')) or '?'}")

    def _class(self, class_id: int) -> Frame:
        return class_frame(self._class_name(class_id) or "?")

    def _class_name(self, class_id: Any) -> str:
        type_ = self._by_name.get("java.lang.Class")
        value = None if type_ is None or not isinstance(class_id, int) else self._chunk.constant(type_.id, class_id)
        return "" if type_ is None or value is None else self._symbol(self._field(type_, value, "name"))

    def _symbol(self, key: Any) -> str:
        if not isinstance(key, int):  # Java before 9 keeps the text itself
            return key if isinstance(key, str) else ""
        type_ = self._by_name.get("jdk.types.Symbol")
        return "" if type_ is None else self._chunk.text(type_.id, key)

    def _thread(self, thread: int, name: str) -> Any:
        type_ = self._by_name.get("java.lang.Thread")
        value = None if type_ is None else self._chunk.constant(type_.id, thread)
        return None if type_ is None or value is None else self._field(type_, value, name)

    def _thread_name(self, thread: int) -> str | None:
        return self._thread(thread, "javaName") or self._thread(thread, "osName") or None

    def _thread_key(self, thread: int) -> tuple[Any, ...]:
        return (self._thread(thread, "javaThreadId"), self._thread(thread, "osThreadId")) if thread else (None, None)

    @staticmethod
    def _field(type_: JfrType, value: Any, name: str) -> Any:
        at = type_.index(name)
        return None if at is None or not isinstance(value, tuple) or at >= len(value) else value[at]


def _index(type_: JfrType | None, field: str) -> int | None:
    return None if type_ is None else type_.index(field)
