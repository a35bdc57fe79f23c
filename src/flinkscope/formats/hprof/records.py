"""A dump's records as arrays: names, classes, roots, stack traces, and where the objects are. No graph, no meaning."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import FormatError
from flinkscope.formats.hprof import bodies, scan, tags
from flinkscope.formats.hprof.container import DumpBytes
from flinkscope.progress import SILENT, Progress

Array = npt.NDArray[Any]

WORKERS = 2
GAP_LIMIT = 4096
# Pages of 1 MiB of addresses (16 KiB of bits) are few and dense in real dumps; a dump whose addresses are strewn about
# (damage, or an attack on memory) gets pages of one word.
DENSE_PAGE_SHIFT = 20


@dataclass(frozen=True, slots=True)
class Pages:
    """Which addresses hold objects: page numbers, and per page a bitmap of granules of ``1 << shift`` bytes."""

    numbers: Array
    bits: Array
    shift: int
    page_shift: int


@dataclass(slots=True)
class Names:
    """The UTF-8 records: id → text, decoded when asked."""

    data: Array
    ids: Array
    begins: Array
    ends: Array
    _known: dict[int, str] = field(default_factory=dict)

    def text(self, name_id: int) -> str | None:
        """The text of a name id; None if the dump has no such record."""
        known = self._known.get(name_id)
        if known is not None:
            return known
        at = int(np.searchsorted(self.ids, name_id))
        if at >= len(self.ids) or self.ids[at] != name_id:
            return None
        text = bytes(self.data[self.begins[at] : self.ends[at]]).decode("utf-8", "replace")
        self._known[name_id] = text
        return text


@dataclass(frozen=True, slots=True)
class DumpRecords:
    """All records of a dump.

    ``load_classes``: rows (serial, class id, stack serial, name id). ``frames``: rows (id, method, signature, source
    name ids, class serial, line). ``traces``: serial → (thread serial, frame ids). ``segments``: rows (first byte,
    end); ``segment_ends``: where its readable part ends. ``roots``: rows (kind tag, object id, thread serial, frame),
    -1: none. ``class_heads``, ``class_fields``, ``class_statics``: see ``bodies.read_classes``. ``gaps``: unreadable
    (first, end).
    """

    data: Array
    path: str
    version: str
    id_size: int
    time_ms: int
    names: Names
    load_classes: Array
    frames: Array
    traces: dict[int, tuple[int, Array]]
    segments: Array
    segment_ends: Array
    roots: Array
    class_heads: Array
    class_fields: Array
    class_statics: Array
    class_positions: Array
    gaps: tuple[tuple[int, int], ...]
    damage: str
    ended: bool
    instances: int
    object_arrays: int
    primitive_arrays: int
    null_ids: int
    pages: tuple[Pages, ...]


def read_records(dump: DumpBytes, *, progress: Progress = SILENT) -> DumpRecords:
    """Walks the dump once. Raises FormatError if the header or the id size is wrong, or no record can be read.

    Cost: one pass over the file on two threads (about 0.25 s CPU a GB), memory 1/64 of the address range.
    """
    data = dump.data
    version, at, id_size, time_ms = _header(dump)
    progress.phase("scanning records", len(data))
    records, gaps = _top(data, at, id_size)
    is_heap = (records[:, 0] == tags.HEAP_DUMP) | (records[:, 0] == tags.HEAP_DUMP_SEGMENT)
    segments = np.ascontiguousarray(records[is_heap][:, 1:3])
    found = _scan(data, segments, id_size, progress)
    class_positions, roots = _notes(data, found.notes, id_size)
    heads, fields, statics = _classes(data, class_positions, id_size)
    return DumpRecords(
        data=data,
        path=dump.path,
        version=version,
        id_size=id_size,
        time_ms=time_ms,
        names=_names(data, records, id_size),
        load_classes=_load_classes(data, records, id_size),
        frames=_frames(data, records, id_size),
        traces=_traces(data, records, id_size),
        segments=segments,
        segment_ends=_readable_ends(segments, found.gaps),
        roots=roots,
        class_heads=heads,
        class_fields=fields,
        class_statics=statics,
        class_positions=class_positions,
        gaps=tuple(sorted(gaps + found.gaps)),
        damage=dump.damage,
        # a dump in segments ends with an end record; one single HEAP_DUMP (up to JDK 6, and jmap's) with the file
        ended=bool((records[:, 0] == tags.HEAP_DUMP_END).any() or not (records[:, 0] == tags.HEAP_DUMP_SEGMENT).any()),
        pages=found.pages,
        **found.totals,
    )


def _header(dump: DumpBytes) -> tuple[str, int, int, int]:
    """(version, first byte after the header, identifier size, time of the dump in ms)."""
    data = dump.data
    version_end = int(np.flatnonzero(data[:32] == 0)[0]) if (data[:32] == 0).any() else 0
    at = version_end + 1
    id_size = int.from_bytes(bytes(data[at : at + 4]), "big")
    if id_size not in (4, 8):
        raise FormatError(dump.path, at, "identifier size 4 or 8", str(id_size), hint="the file header is damaged")
    version = bytes(data[:version_end]).decode("ascii", "replace")
    return version, at + 12, id_size, int.from_bytes(bytes(data[at + 4 : at + 12]), "big")


def _notes(data: Array, notes: Array, id_size: int) -> tuple[Array, Array]:
    """(positions of the class dumps, rows of the roots)."""
    kinds = data[notes] if len(notes) else np.empty(0, np.uint8)
    roots_at = np.ascontiguousarray(notes[kinds != tags.CLASS_DUMP])
    roots = np.empty((len(roots_at), 4), np.int64)
    bodies.read_roots(data, roots_at, id_size, roots)
    return np.ascontiguousarray(notes[kinds == tags.CLASS_DUMP]), roots


def _readable_ends(segments: Array, gaps: list[tuple[int, int]]) -> Array:
    ends: Array = segments[:, 1].copy()
    for begin, end in gaps:
        ends[segments[:, 1] == end] = begin
    return ends


def _top(data: Array, position: int, id_size: int) -> tuple[Array, list[tuple[int, int]]]:
    parts: list[Array] = []
    gaps: list[tuple[int, int]] = []
    status = scan.FULL
    while status == scan.FULL:
        records = np.empty((65536, 3), np.int64)
        damage = np.empty((GAP_LIMIT, 2), np.int64)
        status, position, count, gap_count = scan.walk_top(data, position, len(data), id_size, records, damage)
        parts.append(records[:count])
        gaps += [(int(a), int(b)) for a, b in damage[:gap_count]]
    return np.concatenate(parts), gaps


@dataclass(frozen=True, slots=True)
class _Found:
    notes: Array
    gaps: list[tuple[int, int]]
    counts: Array
    pages: tuple[Pages, ...]

    @property
    def totals(self) -> dict[str, int]:
        """The counts that ``DumpRecords`` keeps."""
        return {
            "instances": int(self.counts[scan.INSTANCES]),
            "object_arrays": int(self.counts[scan.OBJECT_ARRAYS]),
            "primitive_arrays": int(self.counts[scan.PRIMITIVE_ARRAYS]),
            "null_ids": int(self.counts[scan.NULL_IDS]),
        }


def _scan(data: Array, segments: Array, id_size: int, progress: Progress) -> _Found:
    """Scans all segments on two threads; again with finer granules or pages where the ids ask for it."""
    shift, page_shift = 3, DENSE_PAGE_SHIFT
    sizes = np.cumsum(segments[:, 1] - segments[:, 0]) if len(segments) else np.zeros(1, np.int64)
    while True:
        cuts = [int(np.searchsorted(sizes, sizes[-1] * part // WORKERS)) for part in range(WORKERS)] + [len(segments)]
        cuts[0] = 0
        with ThreadPoolExecutor(WORKERS) as pool:
            jobs = [
                pool.submit(_scan_part, data, segments, cuts[k], cuts[k + 1], id_size, shift, page_shift)
                for k in range(WORKERS)
            ]
            parts = [job.result() for job in jobs]
        if any(part is None for part in parts):
            page_shift = shift + 6
            continue
        found = [part for part in parts if part is not None]
        counts = np.sum([part.counts for part in found], axis=0)
        low_bits = int(np.bitwise_or.reduce([int(part.counts[scan.LOW_BITS]) for part in found]))
        if low_bits and shift == 3:
            page_shift -= 3
            shift = 0
            continue
        progress.advance(len(data))
        gaps = [gap for part in found for gap in part.gaps]
        pages = tuple(page for part in found for page in part.pages)
        return _Found(np.concatenate([part.notes for part in found]), gaps, counts, pages)


def _scan_part(
    data: Array, segments: Array, first: int, last: int, id_size: int, shift: int, page_shift: int
) -> _Found | None:
    """One thread's share; None if dense pages would take too much memory."""
    words = 1 << (page_shift - shift - 6)
    volume = int((segments[first:last, 1] - segments[first:last, 0]).sum())
    dense = words > 1
    capacity = max(64, volume >> 20) if dense else max(1024, volume >> 6)
    pool = np.zeros(capacity * words, np.uint64)
    keys = np.zeros(1 << max(10, (2 * capacity).bit_length() + 1), np.int64)
    slots = np.full(len(keys), -1, np.int32)
    notes = np.empty(65536, np.int64)
    gaps = np.empty((GAP_LIMIT, 2), np.int64)
    state = np.zeros(scan.STATE_SLOTS, np.int64)
    state[scan.SEGMENT] = first
    shapes = scan.object_shapes(id_size)
    while True:
        status = scan.scan_objects(
            data, segments, last, id_size, shift, page_shift, *shapes, keys, slots, pool, state, notes, gaps
        )
        if status == scan.DONE:
            break
        if status == scan.PAGES_FULL:
            if dense and len(pool) * 8 > max(1 << 26, volume // 8):
                return None
            pool, keys, slots = _larger_pool(pool, keys, slots)
        else:
            notes = _doubled(notes)
            gaps = _doubled(gaps)
    used = int(state[scan.PAGES])
    numbers = np.empty(used, np.int64)
    numbers[slots[slots >= 0]] = keys[slots >= 0]
    pages = Pages(numbers, pool[: used * words], shift, page_shift)
    found = [(int(a), int(b)) for a, b in gaps[: state[scan.GAPS]]]
    return _Found(notes[: state[scan.NOTES]].copy(), found, state, (pages,))


def _doubled(array: Array) -> Array:
    larger = np.empty((2 * len(array), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _larger_pool(pool: Array, keys: Array, slots: Array) -> tuple[Array, Array, Array]:
    larger = np.zeros(2 * len(pool), np.uint64)
    larger[: len(pool)] = pool
    new_keys = np.zeros(2 * len(keys), np.int64)
    new_slots = np.full(2 * len(keys), -1, np.int32)
    scan.rehash(keys, slots, new_keys, new_slots)
    return larger, new_keys, new_slots


def _classes(data: Array, positions: Array, id_size: int) -> tuple[Array, Array, Array]:
    heads = np.empty((len(positions), 10), np.int64)
    fields = np.empty((0, 2), np.int64)
    statics = np.empty((0, 3), np.int64)
    bodies.read_classes(data, positions, id_size, heads, fields, statics)
    if len(positions):
        fields = np.empty((int(heads[-1, 7]), 2), np.int64)
        statics = np.empty((int(heads[-1, 9]), 3), np.int64)
        bodies.read_classes(data, positions, id_size, heads, fields, statics)
    return heads, fields, statics


def _bodies(data: Array, records: Array, tag: int, need: int) -> Array:
    """(start, end) of the records of one tag that are at least ``need`` bytes long and whole."""
    chosen = records[records[:, 0] == tag][:, 1:3]
    return np.ascontiguousarray(chosen[(chosen[:, 1] - chosen[:, 0] >= need) & (chosen[:, 1] <= len(data))])


def _ids_at(data: Array, positions: Array, id_size: int) -> Array:
    ids = np.empty(len(positions), np.int64)
    bodies.read_ids(data, np.ascontiguousarray(positions), id_size, ids)
    return ids


def _names(data: Array, records: Array, id_size: int) -> Names:
    bodies = _bodies(data, records, tags.UTF8, id_size)
    ids = _ids_at(data, bodies[:, 0], id_size)
    order = np.argsort(ids, kind="stable")
    return Names(data, ids[order], bodies[order, 0] + id_size, bodies[order, 1])


def _load_classes(data: Array, records: Array, id_size: int) -> Array:
    at = _bodies(data, records, tags.LOAD_CLASS, 8 + 2 * id_size)[:, 0]
    columns = [(0, 4), (4, id_size), (4 + id_size, 4), (8 + id_size, id_size)]
    return np.stack([_ids_at(data, at + start, size) for start, size in columns], axis=1)


def _frames(data: Array, records: Array, id_size: int) -> Array:
    at = _bodies(data, records, tags.FRAME, 8 + 4 * id_size)[:, 0]
    columns = [_ids_at(data, at + k * id_size, id_size) for k in range(4)]
    columns += [_ids_at(data, at + 4 * id_size, 4), _ids_at(data, at + 4 * id_size + 4, 4)]
    frames = np.stack(columns, axis=1)
    frames[:, 5] = frames[:, 5].astype(np.int32)
    return frames


def _traces(data: Array, records: Array, id_size: int) -> dict[int, tuple[int, Array]]:
    bodies = _bodies(data, records, tags.TRACE, 12)
    serial, thread, count = (_ids_at(data, bodies[:, 0] + k, 4) for k in (0, 4, 8))
    traces = {}
    for i in range(len(bodies)):
        fitting = min(int(count[i]), (int(bodies[i, 1]) - int(bodies[i, 0]) - 12) // id_size)
        positions = bodies[i, 0] + 12 + id_size * np.arange(fitting, dtype=np.int64)
        traces[int(serial[i])] = (int(thread[i]), _ids_at(data, positions, id_size))
    return traces
