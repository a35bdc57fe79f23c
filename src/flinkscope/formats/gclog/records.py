"""The event table that every dialect of GC log fills: a few flat arrays, no object per event.

A dialect calls :meth:`EventBuilder.add` once an event and :meth:`EventBuilder.add_sizes` where the log tells sizes.
An event costs 32 bytes, its sizes (if any) about 40 more (:mod:`.packed_sizes`). Numbers that the log does not tell are
``MISSING``, never 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog import packed_sizes
from flinkscope.formats.gclog.packed_sizes import PackedSizes

MISSING = packed_sizes.MISSING
SAMPLES_KEPT = 20
_IMPOSSIBLE_NS = 1 << 56  # two years in one event

Triple = tuple[int, int, int]
NO_TRIPLE: Triple = (MISSING, MISSING, MISSING)

_ROW = 4  # start_ns, duration_ns, kind | name | cause | flags, gc_id | line
_GROUPS = ("heap", "young", "old", "humongous", "metaspace")
_SIZE_COLUMNS = tuple(f"{group}_{when}_bytes" for group in _GROUPS for when in ("before", "after", "capacity"))
_CPU_COLUMNS = ("user_ms", "sys_ms", "real_ms")
_SIZE_ROW = 1 + len(_SIZE_COLUMNS) + len(_CPU_COLUMNS)
_NO_SIZES: dict[str, Triple] = dict.fromkeys((*_GROUPS, "cpu_ms"), NO_TRIPLE)


class Kind(IntEnum):
    """What an event is, whatever its collector calls it. The log's own words are in the ``name`` column."""

    YOUNG = 0  # stop-the-world collection of the young generation
    YOUNG_INITIAL_MARK = 1  # the same, and it starts a concurrent cycle (G1 "Concurrent Start", JDK 8 "initial-mark")
    MIXED = 2  # G1: young and some old regions
    FULL = 3  # stop-the-world collection of the whole heap
    INITIAL_MARK = 4  # CMS: a pause that collects nothing
    REMARK = 5
    CLEANUP = 6
    PHASE_PAUSE = 7  # one of the short pauses of ZGC and Shenandoah
    DEGENERATED = 8  # Shenandoah finishes a concurrent cycle inside a pause
    CYCLE = 20  # one whole concurrent cycle (G1 concurrent mark, ZGC and Shenandoah collections)
    MINOR_CYCLE = 21  # generational ZGC and Shenandoah: young only
    MAJOR_CYCLE = 22
    CONCURRENT_PHASE = 23  # one phase of a concurrent cycle
    ALLOCATION_STALL = 40  # one thread waited for memory
    RELOCATION_STALL = 41
    SAFEPOINT = 60  # all threads stopped, for a collection or for anything else
    OTHER_PAUSE = 9  # a pause in the log that is none of the above


FIRST_CONCURRENT = Kind.CYCLE
FIRST_STALL = Kind.ALLOCATION_STALL
FIRST_SAFEPOINT = Kind.SAFEPOINT


class Flag(IntFlag):
    """What went wrong in an event."""

    PROMOTION_FAILED = 1
    EVACUATION_FAILURE = 2  # G1 "To-space exhausted", "Evacuation Failure"
    CONCURRENT_MODE_FAILURE = 4
    CONCURRENT_MODE_INTERRUPTED = 8
    TORN = 16  # only a part of it is in the log (its start or its end was cut off)
    ABORTED = 32  # a concurrent cycle or phase that did not finish
    UPGRADED = 64  # Shenandoah: a degenerated collection that became a full one


@dataclass
class JvmFacts:
    """What one JVM says about itself between the events. ``None`` and empty: the log does not say it."""

    collector: str | None = None  # Serial Parallel CMS G1 ZGC "Generational ZGC" Shenandoah … Epsilon
    jdk: str | None = None
    command_line: str | None = None
    flags: tuple[str, ...] = ()
    max_heap_bytes: int | None = None
    initial_heap_bytes: int | None = None
    region_bytes: int | None = None
    cpus: int | None = None
    memory_bytes: int | None = None
    parallel_workers: int | None = None
    out_of_memory: list[tuple[int, str]] = field(default_factory=list)  # (line number, text)
    heap_at_exit: bool = False


@dataclass
class Segment:
    """The run of one JVM inside the log(s). ``first_event``: its first row in the event table.

    ``clock``: what ``start_ns`` counts in this segment: ``uptime`` (since the JVM's start), ``wall`` (since 1970),
    ``nanos`` (uptime or System.nanoTime, the log does not say which) or ``none`` (no stamps: all starts are MISSING).
    ``zero_wall_ns``: wall clock of uptime 0, if known. ``first_ns``, ``last_ns``: first and last stamp on any line.
    """

    jvm: JvmFacts
    first_event: int
    first_line: int
    clock: str = "none"
    zero_wall_ns: int | None = None
    first_ns: int = MISSING
    last_ns: int = MISSING
    reaching_total_ns: int = 0  # time until all threads had stopped, summed over safepoints
    reaching_max_ns: int = MISSING
    reaching_max_row: int = MISSING

    def note_reaching(self, reaching_ns: int, row: int) -> None:
        """Counts how long one safepoint took to be reached."""
        if reaching_ns > self.reaching_max_ns:
            self.reaching_max_ns, self.reaching_max_row = reaching_ns, row
        self.reaching_total_ns += max(0, reaching_ns)


@dataclass
class Coverage:
    """How much of the log was understood. ``samples``: (line number, text) of GC lines that were not."""

    lines: int = 0
    gc_lines: int = 0
    understood_gc_lines: int = 0
    torn_events: int = 0
    clock_jumps: int = 0
    headless_restarts: int = 0  # another JVM by its stamps and numbers, without its first lines
    repeated_numbers: int = 0  # two collections in a row with one number
    other_jvms: list[str] = field(default_factory=list)  # wrote at the same time, and were left out
    notes: list[str] = field(default_factory=list)
    samples: list[tuple[int, str]] = field(default_factory=list)

    @property
    def signs_of_mixture(self) -> int:
        """How often it looked as if another JVM had written a line, though none had begun."""
        return self.clock_jumps + self.headless_restarts + self.repeated_numbers


class EventBuilder:
    """What a dialect writes into. Offsets are byte offsets in the chunk at hand; :meth:`end_chunk` makes them lines."""

    def __init__(self) -> None:
        self.coverage = Coverage()
        self.segments: list[Segment] = [Segment(JvmFacts(), 0, 1)]
        self._rows = array("q")
        self._sizes = PackedSizes(_SIZE_ROW)
        self._names: dict[str, int] = {"": 0}
        self._chunk_row = 0
        self._told_lines: list[tuple[int, int]] = []
        self._unread: list[tuple[int, bytes]] = []
        self._oom: list[tuple[int, str]] = []

    @property
    def segment(self) -> Segment:
        """The segment that is being written."""
        return self.segments[-1]

    @property
    def jvm(self) -> JvmFacts:
        """The facts of the JVM that is being read."""
        return self.segments[-1].jvm

    def __len__(self) -> int:
        return len(self._rows) // _ROW

    def name_code(self, text: str) -> int:
        """The number of a name or cause (interned; at most 65,535 different ones, then all further share one)."""
        code = self._names.get(text)
        if code is None:
            code = len(self._names)
            if code >= 65_535:
                return self._names.setdefault("(more names than the table holds)", 65_535)
            self._names[text] = code
        return code

    def add(
        self,
        kind: int,
        name: str,
        *,
        start_ns: int = MISSING,
        duration_ns: int = MISSING,
        cause: str = "",
        gc_id: int = MISSING,
        offset: int = 0,
        line: int = MISSING,
        flags: int = 0,
    ) -> int:
        """Appends one event and returns its row. ``line``: where it is told, if that is in an earlier chunk."""
        if line != MISSING:
            self._told_lines.append((len(self), line))
        code = kind | self.name_code(name) << 8 | self.name_code(cause) << 24 | flags << 40
        rows = self._rows
        rows.extend((start_ns, duration_ns, code, gc_id << 32 | offset))
        return len(rows) // _ROW - 1

    def add_coded(self, start_ns: int, duration_ns: int, code: int, gc_id: int, offset: int) -> int:
        """The fast twin of :meth:`add`; ``code`` is ``kind | name << 8 | cause << 24 | flags << 40``."""
        rows = self._rows
        rows.extend((start_ns, duration_ns, code, gc_id << 32 | offset))
        return len(rows) // _ROW - 1

    def add_rows(self, flat: array[int]) -> None:
        """Appends many events: four numbers each, as :meth:`add_coded` writes them."""
        self._rows.extend(flat)

    def add_sizes(self, row: int, **groups: Triple) -> None:
        """Sizes of the event: ``heap young old humongous metaspace`` = (before, after, capacity) in bytes,
        ``cpu_ms`` = (user, sys, real). At most one call an event."""
        known = {**_NO_SIZES, **groups}
        flat = [row]
        for group in (*_GROUPS, "cpu_ms"):
            flat.extend(known[group])
        self._sizes.extend(flat)

    def add_size_row(self, flat: Sequence[int]) -> None:
        """The fast twin of :meth:`add_sizes`: the row and 18 numbers in the order of ``add_sizes``' words."""
        self._sizes.extend(flat)

    def set_flags(self, row: int, flags: int) -> None:
        """Adds flags to an event that is already there."""
        self._rows[row * _ROW + 2] |= flags << 40

    def set_kind(self, row: int, kind: int) -> None:
        """Replaces the kind of an event that is already there (a collection that turned out to be another)."""
        self._rows[row * _ROW + 2] = self._rows[row * _ROW + 2] & ~0xFF | kind

    def set_times(self, row: int, start_ns: int, duration_ns: int) -> None:
        """Replaces start and duration of an event that is already there."""
        self._rows[row * _ROW] = start_ns
        self._rows[row * _ROW + 1] = duration_ns

    def not_understood(self, offset: int, line: bytes) -> None:
        """Notes a GC line that no pattern took; the first few are kept as samples."""
        if len(self.coverage.samples) + len(self._unread) < SAMPLES_KEPT:
            self._unread.append((offset, line[:300]))

    def out_of_memory(self, offset: int, text: str) -> None:
        """Notes an OutOfMemoryError line (the first 1,000 of a segment)."""
        if len(self.jvm.out_of_memory) + len(self._oom) < 1_000:
            self._oom.append((offset, text[:300]))

    def restart(self, offset: int = 0) -> Segment:
        """A new JVM begins here: opens a segment with empty facts."""
        self._settle_oom(self.coverage.lines + 1)
        self.segments.append(Segment(JvmFacts(), len(self), self.coverage.lines + 1))
        return self.segments[-1]

    def _settle_oom(self, line: int) -> None:
        self.jvm.out_of_memory.extend((line, text) for _, text in self._oom)
        self._oom.clear()

    def end_chunk(self, chunk: bytes) -> None:
        """The chunk (whole lines, except perhaps the last) is done: turns offsets into line numbers, counts lines.

        ``b""`` at the end of the log: events that were only settled then get its last line.
        """
        base = self.coverage.lines + 1 if chunk else max(1, self.coverage.lines)
        breaks = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == 10)
        self._number_lines(breaks, base)
        for row, line in self._told_lines:
            self._rows[row * _ROW + 3] = self._rows[row * _ROW + 3] & ~0xFFFFFFFF | line
        self._told_lines.clear()
        for offset, raw in self._unread:
            text = raw.decode("utf-8", "replace")
            self.coverage.samples.append((int(np.searchsorted(breaks, offset)) + base, text))
        for offset, text in self._oom:
            self.jvm.out_of_memory.append((int(np.searchsorted(breaks, offset)) + base, text))
        self._unread.clear()
        self._oom.clear()
        self._chunk_row = len(self)
        self.coverage.lines += len(breaks) + (bool(chunk) and not chunk.endswith(b"\n"))

    def _number_lines(self, breaks: NDArray[np.int64], base: int) -> None:
        """Replaces the offsets of the chunk's events by line numbers."""
        if self._chunk_row < len(self):
            packed = np.frombuffer(self._rows, dtype=np.int64)[self._chunk_row * _ROW + 3 :: _ROW]
            line = np.minimum(np.searchsorted(breaks, packed & 0xFFFFFFFF) + base, 0xFFFFFFFF)
            packed[:] = packed & ~0xFFFFFFFF | line

    @property
    def names(self) -> tuple[str, ...]:
        """All names and causes seen so far, by code."""
        return tuple(self._names)

    def table(self, *, snapshot: bool = False) -> EventTable:
        """The events as numpy columns, without a copy: the builder cannot take more afterwards.

        A ``snapshot`` is a copy, and the builder can go on.
        """
        rows = np.frombuffer(self._rows, dtype=np.int64).reshape(-1, _ROW)
        rows = rows.copy() if snapshot else rows
        duration = rows[:, 1]
        duration[duration >= _IMPOSSIBLE_NS] = MISSING  # of damaged lines
        return EventTable(rows, self._sizes.snapshot(), self.names)


class EventTable:
    """All events of a log as columns of equal length, in the order of the log's lines.

    ``start_ns`` (on the segment's clock), ``duration_ns``, ``flags``, ``gc_id``, ``line`` are int64 arrays, ``kind``
    (see :class:`Kind`) is uint8. The sizes are int64 too, ``table["heap_before_bytes"]`` and the like (15 columns and
    ``user_ms sys_ms real_ms``); they are spread out to all rows when asked for. ``MISSING`` (-1) marks what the log
    does not tell.
    """

    def __init__(self, rows: NDArray[np.int64], sizes: PackedSizes, names: tuple[str, ...]) -> None:
        self._rows = rows
        self._sizes = sizes
        self.names = names

    columns = (
        "start_ns",
        "duration_ns",
        "kind",
        "name",
        "cause",
        "flags",
        "gc_id",
        "line",
        *_SIZE_COLUMNS,
        *_CPU_COLUMNS,
    )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, column: str) -> NDArray[np.int64]:
        """One column by name; ``name`` and ``cause`` as codes into ``names``. KeyError for an unknown one."""
        if column in _SIZE_INDEX:
            return self._sizes.column(_SIZE_INDEX[column], len(self._rows))
        if column not in self.columns:
            raise KeyError(column)
        found: NDArray[np.int64] = getattr(self, {"name": "name_code", "cause": "cause_code"}.get(column, column))
        return found

    @property
    def start_ns(self) -> NDArray[np.int64]:
        """When each event began."""
        return self._rows[:, 0]

    @property
    def duration_ns(self) -> NDArray[np.int64]:
        """How long each took."""
        return self._rows[:, 1]

    @cached_property
    def kind(self) -> NDArray[np.uint8]:
        """The :class:`Kind` of each."""
        kinds: NDArray[np.uint8] = self._rows[:, 2].astype(np.uint8)  # the lowest byte
        return kinds

    @property
    def name_code(self) -> NDArray[np.int64]:
        """Index into ``names``: the log's own words."""
        return self._rows[:, 2] >> 8 & 0xFFFF

    @property
    def cause_code(self) -> NDArray[np.int64]:
        """Index into ``names``: the cause, "" where none is told."""
        return self._rows[:, 2] >> 24 & 0xFFFF

    @property
    def flags(self) -> NDArray[np.int64]:
        """:class:`Flag` bits of each."""
        return self._rows[:, 2] >> 40

    @property
    def gc_id(self) -> NDArray[np.int64]:
        """The number in ``GC(n)``."""
        return self._rows[:, 3] >> 32

    @property
    def line(self) -> NDArray[np.int64]:
        """Line number (from 1) over all files in reading order."""
        return self._rows[:, 3] & 0xFFFFFFFF

    def name_of(self, row: int) -> str:
        """The log's words for one event."""
        return self.names[int(self.name_code[row])]

    def cause_of(self, row: int) -> str:
        """The cause of one event."""
        return self.names[int(self.cause_code[row])]


_SIZE_INDEX = {column: 1 + i for i, column in enumerate((*_SIZE_COLUMNS, *_CPU_COLUMNS))}
