"""G1's collections by the dozen: what stands between two is known by its shape, their numbers are read together.

A log of ``gc*`` has sixteen lines a collection, and one collection looks like the other. ``Eden regions`` is searched
for as a literal, one match takes all lines from there to the safepoint; the lines before it (start, tasks, phases) are
compared without their digits with those seen before. Matches are kept until another event comes and then read column
by column. Measured: three times as fast as line by line; anything unusual goes line by line.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog.numbers import CENTIS, COUNTS, SIZES, ms_ns, whole_ns
from flinkscope.formats.gclog.records import MISSING, Kind
from flinkscope.formats.gclog.unified_lines import block_pattern, lines_of_block, nothing_pattern
from flinkscope.formats.gclog.unified_run import BACKWARDS_NS, RunWriter
from flinkscope.formats.gclog.unified_sizes import CPU, EMPTY, HEAP, HUMONGOUS, METASPACE, OLD, YOUNG

Ints = NDArray[np.int64]
Texts = tuple[Any, ...]  # of one block: its groups, then where its collection and its safepoint stand

_FEWEST = 8  # a batch costs as much as six collections one by one
_MOST = 512
_SHAPES_KEPT = 4_096
_LONGEST_GAP = 8_192
_DIGITS = b"0123456789"
_FIRST_LINE = b"Eden regions: "
# groups of the block's pattern
_GC, _OLD_REGIONS, _ARCHIVE, _HUMONGOUS, _METASPACE, _STAMP, _TITLE, _CPU, _STOP_STAMP, _REASON = (
    *(0, 7, 9, 11, 13, 16, 17, 21, 24, 25),
)
_AT, _STOP_AT = 28, 29


class BlockReader:
    """Finds and reads the collections of G1 whose lines stand together."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._pattern: re.Pattern[bytes] | None = None
        self._nothing = re.compile(rb"(?!)")
        self._shapes: dict[bytes, bool] = {}
        self._held: list[Texts] = []

    def begin(self, decorations: int, clock_at: int) -> None:
        """The decorations are known; without any, lines are read one by one."""
        if decorations:
            self._pattern = block_pattern(decorations, clock_at)
            self._nothing = nothing_pattern(decorations)

    def between(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Holds the blocks of the text and yields begin and end of what is not theirs and may hold something."""
        begin = 0
        if self._pattern is not None:
            search = 0
            while (found := text.find(_FIRST_LINE, search)) >= 0:
                search = found + 1
                line = text.rfind(b"] GC(", begin, found)
                match = self._pattern.match(text, line) if line >= 0 else None
                if match is None:
                    continue
                texts = match.groups()
                if text.count(b"\n", line, match.end()) != lines_of_block(texts):
                    continue
                if not self._holds_nothing(text[begin:line]):
                    self.settle()
                    yield begin, line
                self._held.append((*texts, match.start(_STAMP + 1), match.end() - 1))
                if len(self._held) >= _MOST:
                    self.settle()
                begin = search = match.end()
        self.settle()
        yield begin, len(text)

    def _holds_nothing(self, gap: bytes) -> bool:
        """Whether these are only lines that carry no event; digits do not matter to that."""
        shape = gap.translate(None, _DIGITS)
        known = self._shapes.get(shape)
        if known is None:
            known = len(gap) < _LONGEST_GAP and self._nothing.fullmatch(gap) is not None
            if len(self._shapes) < _SHAPES_KEPT and len(gap) < _LONGEST_GAP:
                self._shapes[shape] = known
        return known

    def settle(self) -> None:
        """Writes what is held."""
        held, self._held = self._held, []
        if len(held) >= _FEWEST and self._plain(held):
            try:
                self._write(held)
                return
            except ValueError:  # a number that cannot be one, in one of them
                pass
        for texts in held:
            self._one(texts)

    def _plain(self, held: list[Texts]) -> bool:
        """Whether nothing that came before reaches into these collections."""
        writer = self._writer
        return not (
            writer.troubles
            or writer.cycles.active
            or not writer.builder.jvm.region_bytes
            or (writer.open_sizes is not None and writer.open_gc == int(held[0][_GC]) + 1)
        )

    def _one(self, texts: Texts) -> None:
        """One collection by itself."""
        writer = self._writer
        try:
            gc_id = int(texts[_GC])
            sizes = writer.sizes.of_block(texts)
            if texts[_CPU]:
                sizes[CPU:] = [CENTIS[text] for text in texts[_CPU : _CPU + 3]]
            writer.collected(gc_id, texts[_AT], writer.stamps.read(texts[_STAMP]), texts[_TITLE : _TITLE + 4], sizes)
            if texts[_REASON]:
                reaching_ns, total_ns = whole_ns(texts[_REASON + 1]), whole_ns(texts[_REASON + 2])
                end = writer.stamps.read(texts[_STOP_STAMP])
                writer.stopped(texts[_REASON], reaching_ns, total_ns, end, texts[_STOP_AT])
        except ValueError:
            writer.lost(texts[_AT])

    def _write(self, held: list[Texts]) -> None:
        """All collections at once; ValueError, and nothing written, where one of them is not like the others."""
        writer = self._writer
        columns = list(zip(*held, strict=True))
        gc_id = _array(map(int, columns[_GC]))
        end = _array(map(writer.stamps.read, columns[_STAMP]))
        titles = [title.rpartition(b" ") for title in columns[_TITLE]]
        duration = _array(map(ms_ns, columns[_TITLE + 3]))
        code = _array(writer.code(title) for title, _, _ in titles)
        if not self._in_order(gc_id, end) or ((code & 0xFF) > Kind.FULL).any():
            raise ValueError("not one after another")
        sizes = self._sizes(columns, [before[:-1] for _, _, before in titles])
        rows = np.empty((len(held), 4), dtype=np.int64)
        rows[:, 0] = np.where(end == MISSING, MISSING, np.maximum(end - duration, 0))
        rows[:, 1], rows[:, 2] = duration, code
        rows[:, 3] = gc_id << 32 | _array(columns[_AT])
        sizes[:, 0] = len(writer.builder) + np.arange(len(held))
        stops = np.array([reason is not None for reason in columns[_REASON]])
        if stops.any():
            rows = self._with_stops(rows, sizes, columns, stops)
        writer.last_ns, writer.last_collection = int(end[-1]), int(gc_id[-1])
        writer.write_together(_flat(rows), _flat(sizes[:-1]), sizes[-1].tolist(), int(gc_id[-1]))

    def _in_order(self, gc_id: Ints, end: Ints) -> bool:
        writer = self._writer
        before = np.concatenate(([writer.last_collection], gc_id[:-1]))
        ended = np.concatenate(([writer.last_ns], end[:-1]))
        return bool((gc_id > before).all() and (end + BACKWARDS_NS >= ended).all())

    def _sizes(self, columns: list[Texts], before: list[bytes]) -> Ints:
        region = self._writer.builder.jvm.region_bytes or 1
        table = np.tile(np.array(EMPTY, dtype=np.int64), (len(before), 1))
        count, size = COUNTS.__getitem__, SIZES.__getitem__
        regions = [_array(map(count, columns[1 + i])) * region for i in range(_ARCHIVE - 1)]
        table[:, YOUNG], table[:, YOUNG + 1] = regions[0] + regions[3], regions[1] + regions[4]
        table[:, YOUNG + 2] = regions[2] + regions[5]
        for i in (0, 1):
            table[:, OLD + i] = regions[6 + i] + _optional(columns[_ARCHIVE + i], COUNTS, 0) * region
            table[:, HUMONGOUS + i] = _array(map(count, columns[_HUMONGOUS + i])) * region
            table[:, HEAP + 1 + i] = _array(map(size, columns[_TITLE + 1 + i]))
        table[:, HEAP] = _array(map(size, before))
        for i in (0, 1, 2):
            table[:, METASPACE + i] = _array(map(size, columns[_METASPACE + i]))
            table[:, CPU + i] = _optional(columns[_CPU + i], CENTIS, MISSING)
        return table

    def _with_stops(self, rows: Ints, sizes: Ints, columns: list[Texts], stops: NDArray[np.bool_]) -> Ints:
        """The rows with those of the safepoints between them; moves the row numbers of the sizes."""
        writer = self._writer
        stopped = np.flatnonzero(stops).tolist()
        stamps, reasons, reaching, total = ([columns[_STOP_STAMP + i][at] for at in stopped] for i in range(4))
        first = len(writer.builder)
        end, total_ns, reaching_ns = (
            _array(map(writer.stamps.read, stamps)),
            _array(map(whole_ns, total)),
            _array(map(whole_ns, reaching)),
        )
        places = np.arange(len(rows)) + np.concatenate(([0], np.cumsum(stops)[:-1]))
        every = np.empty((len(rows) + len(stopped), 4), dtype=np.int64)
        every[places] = rows
        at = places[stops] + 1
        every[at, 0] = np.where(end == MISSING, MISSING, np.maximum(end - total_ns, 0))
        every[at, 1], every[at, 2] = total_ns, _array(map(writer.safepoint_code, reasons))
        every[at, 3] = MISSING << 32 | _array(columns[_STOP_AT])[stops]
        sizes[:, 0] = first + places
        writer.stopped_together(reaching_ns, first + at)
        return every


def _optional(texts: Texts, read: dict[bytes, int], missing: int) -> Ints:
    if None not in texts:
        return _array(map(read.__getitem__, texts))
    return _array(read[text] if text else missing for text in texts)


def _array(numbers: Any) -> Ints:
    return np.fromiter(numbers, dtype=np.int64)


def _flat(table: Ints) -> array[int]:
    """A table as the flat array that the builder takes in one step."""
    flat = array("q")
    flat.frombytes(np.ascontiguousarray(table).tobytes())
    return flat
