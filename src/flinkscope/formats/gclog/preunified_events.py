"""What the frames of a pre-unified GC log mean: each collection, pause and concurrent phase becomes a row of the table.

A pause that holds another (the old generation collected inside of a young collection that failed, a young collection
inside of CMS' remark) becomes two rows, as the JVM itself counts them (``TraceCollectorStats`` runs once a generation);
their durations share the pause, so that sums never count time twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from flinkscope.formats.gclog.preunified_clock import Clock
from flinkscope.formats.gclog.preunified_terms import (
    CLASSES,
    COLLECTOR,
    CONCURRENT,
    OLD,
    PHASE_SECONDS,
    SIZE_AT,
    UNKNOWN_SIZES,
    YOUNG,
    Pause,
    beside,
    cause_of,
    g1_pause,
    generation,
    known_or,
    mode_flags,
    region_sizes,
    words_of,
)
from flinkscope.formats.gclog.preunified_text import (
    NO_STAMP,
    Frame,
    Stamp,
    change,
    cpu_ms,
    last_seconds_ns,
    level,
    seconds_ns,
)
from flinkscope.formats.gclog.records import MISSING, NO_TRIPLE, EventBuilder, Flag, Kind, Triple

_PHASES_KEPT = 64
_NOTHING_TOLD: Triple = (0, 0, 0)


class EventWriter:
    """Writes rows; keeps the last collection's sizes open, because G1's and its CPU times come on later lines."""

    def __init__(self, builder: EventBuilder, clock: Clock) -> None:
        self._builder = builder
        self._clock = clock
        self.open_sizes: list[int] = []
        self._cpu_told: Triple = _NOTHING_TOLD
        self._phase_starts: dict[str, tuple[int, int]] = {}  # (which JVM, when)
        self._remark_next = False

    def write(self, pause: Pause, offset: int) -> None:
        """Appends the row and leaves its sizes open for the lines that follow."""
        self.settle()
        row = self._builder.add(
            pause.kind,
            pause.name,
            start_ns=pause.start_ns,
            duration_ns=pause.duration_ns,
            cause=pause.cause,
            gc_id=pause.gc_id,
            offset=offset,
            flags=pause.flags,
        )
        sizes = [row, *UNKNOWN_SIZES]
        for group, triple in pause.sizes.items():
            sizes[SIZE_AT[group] : SIZE_AT[group] + 3] = triple
        self.hold(sizes)
        self._cpu_told = pause.cpu_told or _NOTHING_TOLD

    def hold(self, sizes: list[int]) -> None:
        """A row was written whose size row is ``sizes`` so far: G1 tells sizes and CPU times on later lines."""
        self.open_sizes = sizes
        self._cpu_told = _NOTHING_TOLD

    def settle(self) -> None:
        """The open row gets no more sizes."""
        if self.open_sizes:
            self._builder.add_size_row(self.open_sizes)
            self.open_sizes = []

    def late_cpu(self, text: bytes) -> bool:
        """A ``[Times: …]`` line of the open row; False where it cannot be read."""
        spent = cpu_ms(text)
        if spent is None:
            return False
        self.late_cpu_ms(spent)
        return True

    def late_cpu_ms(self, spent: Iterable[int]) -> None:
        """CPU times of the open row; without one, or where it has them already, they belong to nobody known."""
        at = SIZE_AT["cpu_ms"]
        if not self.open_sizes or self.open_sizes[at] != MISSING:
            return
        if self._cpu_told is _NOTHING_TOLD:
            self.open_sizes[at:] = spent
        else:
            self.open_sizes[at:] = [max(all_ms - told, 0) for all_ms, told in zip(spent, self._cpu_told, strict=True)]

    def late_regions(self, line: bytes) -> bool:
        """G1's ``[Eden: … Survivors: … Heap: …]`` line of the open row; False where it cannot be read."""
        sizes = region_sizes(line)
        if self.open_sizes:
            for group, triple in sizes.items():
                self.open_sizes[SIZE_AT[group] : SIZE_AT[group] + 3] = triple
        return bool(sizes)

    def late_sizes(self, sizes: list[int]) -> None:
        """The same, as a size row: heap and young always, metaspace where told."""
        if self.open_sizes:
            self.open_sizes[1:7] = sizes[1:7]
            self.open_sizes[13:16] = sizes[13:16]

    def phase_begins(self, name: str, moment: int) -> None:
        """A concurrent phase starts: its abort, which tells no duration, will need to know when."""
        if len(self._phase_starts) > _PHASES_KEPT:
            self._phase_starts.clear()
        self._phase_starts[name] = len(self._builder.segments), moment

    def phase_ends(self, name: str) -> int:
        """When the phase started, MISSING where the log does not say."""
        segment, moment = self._phase_starts.pop(name, (0, MISSING))
        return moment if segment == len(self._builder.segments) else MISSING

    def cms_mark(self, initial: bool) -> None:
        """CMS' initial mark or remark was told by name: the next pause without a name is the other one."""
        self._remark_next = initial

    def cycle_ends(self) -> None:
        """A collection of the whole heap ends CMS' cycle: the next pause without a name is an initial mark."""
        self._remark_next = False

    def collector(self, name: str) -> None:
        """The log shows which collector this JVM uses."""
        known = self._builder.jvm.collector
        self._builder.jvm.collector = COLLECTOR.get((known, name), known or name)

    def record(self, root: Frame, stamp: Stamp, offset: int) -> bool:
        """All events of one balanced piece of log; ``stamp`` where its first frame has none. False: nothing known."""
        understood = False
        for frame in root.children:
            if frame.own.startswith(b"Times:"):
                understood |= self.late_cpu(frame.own)
                continue
            understood |= self._frame(frame, frame.stamp if frame.stamp or not stamp else stamp, offset)
            stamp = NO_STAMP
        return understood

    def _frame(self, frame: Frame, stamp: Stamp, offset: int) -> bool:
        own = frame.own
        if CONCURRENT.match(own):
            return self._concurrent(frame, stamp, offset)
        if own.startswith(b"GC remark"):
            return self._simple_pause(frame, stamp, offset, Kind.REMARK, "GC remark")
        if own.startswith(b"GC cleanup"):
            return self._simple_pause(frame, stamp, offset, Kind.CLEANUP, "GC cleanup")
        if own.startswith((b"GC", b"Full GC")):
            return self._collection(frame, stamp, offset)
        return own.startswith(b"Class Histogram")

    def _simple_pause(self, frame: Frame, stamp: Stamp, offset: int, kind: Kind, name: str) -> bool:
        duration = last_seconds_ns(frame.own)
        if duration == MISSING:
            return False
        self.collector("G1")
        self._phases_inside(frame, offset)
        heap = change(frame.own)
        sizes = {"heap": heap} if heap is not None else {}
        start = self._clock.read(stamp)
        self.write(Pause(kind, name, "", start, duration, 0, stamp.gc_id, sizes), offset)
        return True

    def _collection(self, frame: Frame, stamp: Stamp, offset: int) -> bool:
        duration = last_seconds_ns(frame.own)
        if duration == MISSING:
            return False
        start = self._clock.read(stamp)
        words = words_of(frame.own)
        pause = Pause(Kind.YOUNG, "GC", cause_of(words), start, duration, gc_id=stamp.gc_id)
        nested = self._phases_inside(frame, offset)
        if frame.own.startswith(b"Full GC"):
            pause.kind, pause.name = Kind.FULL, "Full GC"
        if b"--" in frame.own:
            pause.flags |= Flag.PROMOTION_FAILED
        parts = {name: child for child in frame.children if (name := generation(child)) is not None}
        cms_mark = next((child for child in frame.children if child.own.startswith(b"1 CMS-")), None)
        if cms_mark is not None:
            self._cms_pause(pause, frame, cms_mark, nested, offset)
        elif frame.own.startswith(b"GC pause"):
            self._g1_pause(pause, frame, words, offset)
        elif parts:
            self._generations(pause, frame, parts, offset)
        else:
            self._bare(pause, frame, offset)
        return True

    def _phases_inside(self, frame: Frame, offset: int) -> tuple[int, Triple]:
        """Writes events of other threads inside of a frame; returns duration and CPU of collections among them."""
        spent_ns, cpu = 0, (0, 0, 0)
        for i, child in enumerate(frame.children):
            behind = frame.children[i + 1] if i + 1 < len(frame.children) else None
            if CONCURRENT.match(child.own):
                self._concurrent(child, child.stamp, offset)
            elif child.own.startswith((b"GC (", b"GC", b"Full GC")) and not child.own.startswith(b"GC ref-proc"):
                if self._collection(child, child.stamp, offset):
                    spent_ns += last_seconds_ns(child.own)
                    cpu = (behind and cpu_ms(behind.own)) or cpu
            else:
                inner_ns, inner_cpu = self._phases_inside(child, offset)
                spent_ns, cpu = spent_ns + inner_ns, (inner_cpu if inner_ns else cpu)
                continue
            if behind is not None:
                self.late_cpu(behind.own)
        self.settle()
        return spent_ns, cpu

    def _cms_pause(self, pause: Pause, frame: Frame, mark: Frame, nested: tuple[int, Triple], offset: int) -> None:
        self.collector("CMS")
        initial = mark.own.startswith(b"1 CMS-initial-mark")
        pause.kind = Kind.INITIAL_MARK if initial else Kind.REMARK
        pause.name = "CMS-initial-mark" if initial else "CMS-remark"
        pause.cause = ""
        self.cms_mark(initial)
        heap, old = level(frame.own), level(mark.own)
        if heap is not None:
            pause.sizes["heap"] = heap
        if old is not None:
            pause.sizes["old"] = old
        if nested[0] and nested[0] <= pause.duration_ns:
            pause.duration_ns -= nested[0]
            pause.start_ns += nested[0] if pause.start_ns != MISSING else 0
            pause.cpu_told = nested[1]
        self.write(pause, offset)

    def _g1_pause(self, pause: Pause, frame: Frame, words: list[str], offset: int) -> None:
        self.collector("G1")
        kind, name, flags = g1_pause(words)
        if b"--" in frame.own:
            flags |= Flag.EVACUATION_FAILURE
        pause.kind, pause.name, pause.flags = kind, name, flags
        heap = change(frame.own)
        if heap is not None:
            pause.sizes["heap"] = heap
        for child in frame.children:
            pause.sizes.update(region_sizes(child.own))
        self.write(pause, offset)

    def _bare(self, pause: Pause, frame: Frame, offset: int) -> None:
        """Without PrintGCDetails: ``[GC 17K->13K(83K), 0.1 secs]``, and ``[GC 46K(83K), 0.1 secs]`` for CMS' pauses."""
        heap = change(frame.own)
        if heap is not None:
            pause.sizes["heap"] = heap
            if pause.kind == Kind.FULL:
                self.cycle_ends()
        elif pause.kind == Kind.YOUNG and (heap := level(frame.own)) is not None:
            self.collector("CMS")
            told = {"CMS Initial Mark": False, "CMS Final Remark": True}.get(pause.cause)
            remark = self._remark_next if told is None else told
            pause.kind = Kind.REMARK if remark else Kind.INITIAL_MARK
            pause.name = "CMS-remark" if remark else "CMS-initial-mark"
            pause.cause = ""
            pause.sizes["heap"] = heap
            self._remark_next = not remark
        self.write(pause, offset)

    def _generations(self, pause: Pause, frame: Frame, parts: dict[bytes, Frame], offset: int) -> None:
        young = next(((name, parts[name]) for name in YOUNG if name in parts), None)
        old = next(((name, parts[name]) for name in OLD if name in parts), None)
        classes = next((change(parts[name].own) for name in CLASSES if name in parts), None)
        heap = change(frame.own) or NO_TRIPLE
        young_sizes = (change(young[1].own) if young is not None else None) or NO_TRIPLE
        if old is not None:
            self.collector(OLD[old[0]])
            if young is not None and pause.kind == Kind.YOUNG:
                self._young_part(pause, young, change(old[1].own) or NO_TRIPLE, heap, offset)
                young_sizes = (young_sizes[1], MISSING, young_sizes[2])  # as the old generation found it
            pause.kind, pause.flags = Kind.FULL, pause.flags | mode_flags(old[1].own)
            pause.name = "Full GC" if frame.own.startswith(b"Full GC") else old[0].decode()
            pause.sizes["old"] = change(old[1].own) or NO_TRIPLE
            rest = beside(heap, pause.sizes["old"])
            pause.sizes["young"] = known_or(young_sizes, rest)
            self.cycle_ends()
        elif young is not None:
            self.collector(YOUNG[young[0]])
            if pause.kind == Kind.YOUNG:
                pause.name = young[0].decode()
            if b"promotion failed" in young[1].own:
                pause.flags |= Flag.PROMOTION_FAILED
            pause.sizes["young"] = young_sizes
            pause.sizes["old"] = beside(heap, young_sizes)
        pause.sizes["heap"] = heap
        if classes is not None:
            pause.sizes["metaspace"] = classes
        self.write(pause, offset)

    def _young_part(self, whole: Pause, young: tuple[bytes, Frame], old: Triple, heap: Triple, offset: int) -> None:
        """The young collection before the old one in the same pause: its own row; ``whole`` keeps the rest.

        The heap between the two is what the young generation kept and what the old one then began with.
        """
        name, frame = young
        duration = last_seconds_ns(frame.own)
        failed = Flag.PROMOTION_FAILED if b"promotion failed" in frame.own else 0
        part = Pause(Kind.YOUNG, name.decode(), whole.cause, whole.start_ns, duration, failed, whole.gc_id)
        sizes = change(frame.own) or NO_TRIPLE
        between = sizes[1] + old[0] if MISSING not in (sizes[1], old[0]) else MISSING
        part.sizes = {"heap": (heap[0], between, MISSING), "young": sizes}
        part.sizes["old"] = beside(part.sizes["heap"], sizes)
        self.write(part, offset)
        self.settle()
        if 0 <= duration <= whole.duration_ns:
            whole.duration_ns -= duration
            whole.start_ns += duration if whole.start_ns != MISSING else 0

    def _concurrent(self, frame: Frame, stamp: Stamp, offset: int) -> bool:
        """``…-start`` is remembered, ``…-end`` and ``…: 0.1/0.2 secs`` are rows, ``…-abort`` is a row that says so."""
        matched = CONCURRENT.match(frame.own)
        if matched is None:
            return False
        name = matched[0].decode().rstrip("-")
        self.collector("CMS" if name.startswith("CMS") else "G1")
        moment = self._clock.read(stamp)
        if name.endswith("-start"):
            self.phase_begins(name[:-6], moment)
            return True
        if name.endswith(("-reset-for-overflow", "-string-deduplication")):
            return True  # a note, and work that is no part of collecting garbage
        aborted = name.endswith("-abort")
        name = name.removesuffix("-end").removesuffix("-abort")
        begun = self.phase_ends(name)
        told = PHASE_SECONDS.search(frame.own)
        duration = seconds_ns(told[1]) if told else last_seconds_ns(frame.own)
        if aborted and moment >= begun != MISSING:
            duration = moment - begun
        elif aborted:
            begun = MISSING
        if moment != MISSING and duration != MISSING:
            begun = max(moment - duration, 0)
        flags = Flag.ABORTED if aborted else 0
        if duration == MISSING and not aborted:
            return False
        self.write(Pause(Kind.CONCURRENT_PHASE, name, "", begun, duration, flags), offset)
        return True
