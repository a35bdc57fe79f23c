"""How short of heap a process is: what several rules ask first. Only live sets count, never heap used."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from flinkscope.absent import present
from flinkscope.diagnosis.facts import GcFacts, HeapFacts, ProcessFacts
from flinkscope.diagnosis.finding import Evidence
from flinkscope.diagnosis.split import flink_role, split_of
from flinkscope.flink.loaders import METASPACE_BYTES_PER_CLASS
from flinkscope.place import Place
from flinkscope.units import human_bp, human_bytes, share_bp

TIGHT_BP = 7_000  # Java Performance (Hunt & John, ch. 7) and IBM's 40–70 % band: above 70 % of -Xmx is risky
RISING_BP = 2_500  # the live set grew by more than a quarter
BRIM_BP = 9_000  # Parallel and Serial cannot use one survivor space: dead at 91 to 92 % of -Xmx (measured, JDK 17, 25)
CROWDED_BP = 9_000  # above it a rise is cut short by -Xmx …
WOBBLE_BP = 500  # … so that no more than this counts as flat there
SPANS = 10
_OTHER_DEATHS = ("oom_metaspace", "oom_class_space", "oom_direct", "oom_threads", "oom_array")


@dataclass(frozen=True, slots=True)
class HeapPressure:
    """``live_set_bytes`` and ``max_heap_bytes`` are None when nothing tells them; ``evidence`` backs each claim."""

    died_of_heap: bool
    live_set_bytes: int | None
    max_heap_bytes: int | None
    rising: bool | None  # None: too few points to tell
    evidence: tuple[Evidence, ...]

    @property
    def live_share_bp(self) -> int | None:
        """Live set as a share of -Xmx."""
        if self.live_set_bytes is None or not self.max_heap_bytes:
            return None
        return share_bp(self.live_set_bytes, self.max_heap_bytes)

    @property
    def is_tight(self) -> bool:
        """It died of heap, or the live set fills more than 70 % of -Xmx."""
        share = self.live_share_bp
        return self.died_of_heap or (share is not None and share >= TIGHT_BP)


def heap_pressure(facts: ProcessFacts) -> HeapPressure:
    """What dump, GC log, Flink log and configuration say about the heap of this process."""
    gc, heap = present(facts.gc), present(facts.heap)
    deaths = _deaths(facts)
    live = present(gc.live_set_max_bytes) if gc else None
    live_evidence = [_live_evidence(gc, live)] if gc and live is not None else []
    if live is None and heap is not None:
        live = heap.used_bytes
        text = f"{human_bytes(live)} of the heap dump are reachable"
        live_evidence = [Evidence(text, heap.place, {"live_set_bytes": live})]
    spent = share_evidence(gc) if gc else ()
    return HeapPressure(
        died_of_heap=bool(deaths),
        live_set_bytes=live,
        max_heap_bytes=_max_heap(facts),
        rising=_is_rising(gc) if gc else None,
        evidence=(*deaths, *live_evidence, *spent, *_settings(facts)),
    )


def _deaths(facts: ProcessFacts) -> list[Evidence]:
    events = [e for e in facts.log_events if e.kind in ("oom_heap", "oom_gc_overhead")]
    found = [Evidence(f"the process said: {e.text}", e.place) for e in events[:1]]
    heap, gc = present(facts.heap), present(facts.gc)
    if heap is not None and heap.oom_thread is not None and _was_full(facts, heap):
        found.append(
            Evidence(f"the dump was written by the OutOfMemoryError in thread “{heap.oom_thread}”", heap.place)
        )
    if gc is not None and gc.oom_line is not None and not found:
        found.append(Evidence("the JVM logged an OutOfMemoryError", Place(gc.place.source, line=gc.oom_line)))
    other = any(e.kind in _OTHER_DEATHS for e in facts.log_events)
    return [] if other and not events else found


def _was_full(facts: ProcessFacts, heap: HeapFacts) -> bool:
    """Whether the dump of an OutOfMemoryError is one of a full heap: metaspace and others write the same dump."""
    maximum = _max_heap(facts)
    if maximum is not None:
        return heap.used_bytes * 2 >= maximum
    return heap.used_bytes > heap.class_count * METASPACE_BYTES_PER_CLASS


def _live_evidence(gc: GcFacts, live_bytes: int) -> Evidence:
    biggest = max(gc.full_gcs, key=lambda g: g.heap_after_bytes, default=None)
    maximum = present(gc.max_heap_bytes)
    of = f" of {human_bytes(maximum)} (-Xmx): {human_bp(share_bp(live_bytes, maximum))}" if maximum else ""
    bound = " at most (no full GC; after mixed collections)" if gc.live_set_is_upper_bound else ""
    text = f"{human_bytes(live_bytes)}{of} stay alive after a full GC{bound}"
    figures = {"live_set_bytes": live_bytes, "max_heap_bytes": maximum or 0, "full_gcs": len(gc.full_gcs)}
    return Evidence(text, Place(gc.place.source, line=biggest.line if biggest else None), figures)


def share_evidence(gc: GcFacts) -> tuple[Evidence, ...]:
    """The share of time in GC pauses; nothing where the log has no time stamps."""
    whole, worst = present(gc.gc_share_bp), present(gc.gc_share_worst_minute_bp)
    if whole is None or worst is None:
        return ()
    text = f"GC pauses took {human_bp(whole)} of the time, {human_bp(worst)} of the worst minute"
    return (Evidence(text, gc.place, {"gc_share_bp": whole, "gc_share_worst_minute_bp": worst}),)


def _settings(facts: ProcessFacts) -> list[Evidence]:
    """Where the heap's size comes from, and what lies idle beside it."""
    config = present(facts.config)
    memory = present(config.memory) if config else None
    if config is None or memory is None:
        return []
    role = flink_role(facts.role)
    key = next((k for k in (f"{role}.memory.{n}.size" for n in ("process", "flink")) if k in config.options), None)
    said = f"{key}: {config.options[key]}" if key else "the configuration"
    managed = memory.parts.get("managed_bytes", 0)
    idle = f", beside {human_bytes(managed)} of managed memory" if managed else ""
    text = f"{said} makes a heap of {human_bytes(memory.heap_bytes)}{idle} ({memory.source})"
    place = config.places.get(key, config.place) if key else config.place
    return [Evidence(text, place, {"heap_bytes": memory.heap_bytes, "managed_bytes": managed})]


def _max_heap(facts: ProcessFacts) -> int | None:
    gc = present(facts.gc)
    if gc and (maximum := present(gc.max_heap_bytes)):
        return maximum
    memory = split_of(facts)
    return memory.heap_bytes if memory else None


def _is_rising(gc: GcFacts) -> bool | None:
    """Whether the lowest heap after any collection grew by more than a quarter from early to late in the log.

    The log is cut into ten equal spans; the minimum in each bounds the live set from above, whatever the collector.
    The first span is left out (a process fills up when it starts). None with too few collections to tell, and where
    -Xmx cuts the rise off: nobody knows what a heap that is full to the brim would have grown to.
    """
    floors, maximum = _floors(gc), present(gc.max_heap_bytes) or 0
    if len(floors) < SPANS:
        return None
    early, late = median(floors[1:4]), median(floors[7:])
    if late * 10_000 > early * (10_000 + RISING_BP):
        return True
    if early * 10_000 >= maximum * BRIM_BP > 0:
        return None
    crowded = late * 10_000 >= maximum * CROWDED_BP > 0
    return None if crowded and late * 10_000 > early * (10_000 + WOBBLE_BP) else False


def _floors(gc: GcFacts) -> list[int]:
    """The minimum heap after a collection in each tenth of the log; empty when a tenth has none."""
    times, after = gc.series.time_ns, gc.series.heap_after_bytes
    if len(times) < SPANS or times[-1] <= times[0]:
        return []
    floors: list[int | None] = [None] * SPANS
    for time_ns, size_bytes in zip(times, after, strict=True):
        span = min(SPANS - 1, (time_ns - times[0]) * SPANS // (times[-1] - times[0]))
        known = floors[span]
        floors[span] = size_bytes if known is None else min(known, size_bytes)
    filled: list[int] = []
    for floor in floors:
        if floor is None and not filled:
            return []
        filled.append(filled[-1] if floor is None else floor)  # a quiet span: nothing was collected, nothing fell
    return filled
