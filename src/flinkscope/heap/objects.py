"""The columns of a dump's objects: where each lies in the file, its class, its size; and the map from addresses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.hprof.records import WORKERS, DumpRecords
from flinkscope.heap.addresses import address_step, map_addresses
from flinkscope.heap.classes import ClassTable
from flinkscope.heap.kernels import index as kernels
from flinkscope.heap.kernels.address_map import AddressMap, gaps_after, lookup_all
from flinkscope.heap.sizes import NO_GAP, Gaps, Sizes, mat_formula, measure
from flinkscope.heap.space import Space
from flinkscope.progress import Progress

Array = npt.NDArray[Any]
SizeRule = Literal["measured", "mat"]

MIRROR = "java.lang.Class"
LOADER = "java.lang.ClassLoader"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """The columns. Object 0 is the boot loader (address 0), as in Eclipse MAT; the rest are in address order.

    ``offsets``: file position of each object's record (uint32 below 4 GiB, else int64); ``class_of``: int32 class row,
    -1 if unknown; ``mirror_index``: object index of each class row's class object, -1 if the dump lacks it.
    """

    records: DumpRecords
    map: AddressMap
    classes: ClassTable
    offsets: Array
    class_of: Array
    mirror_index: Array
    gaps: Gaps
    step: int

    @property
    def object_count(self) -> int:
        """Objects of the dump including class objects and the boot loader."""
        return len(self.offsets)

    def sizes(self, rule: SizeRule) -> Sizes:
        """Shallow sizes by that rule."""
        make = mat_formula if rule == "mat" else measure
        return make(self.classes, self.gaps, self.records.id_size, self.step)

    def lookup(self, addresses: Array) -> Array:
        """Dense indices (int32) of addresses, -1 where no object is."""
        indices = np.empty(len(addresses), np.int32)
        lookup_all(np.ascontiguousarray(addresses, dtype=np.int64), self.map, indices)
        return indices


def index_objects(records: DumpRecords, progress: Progress, space: Space) -> ObjectStore:
    """Builds the columns: a second pass over the file on two threads. Memory: 8 to 12 bytes an object.

    Raises UnreadableInputError if the dump holds no object at all.
    """
    if not records.instances + len(records.class_heads) + records.object_arrays + records.primitive_arrays:
        raise UnreadableInputError(
            f"{records.path}: no object in this dump ({len(records.data):,} bytes)",
            hint="the file is cut before the heap begins, or damaged; copy it again or make a new one",
        )
    progress.phase("indexing objects", len(records.data))
    address_map, total = map_addresses(records.pages)
    classes = ClassTable(records)
    offsets = space.full(total, 0, np.uint32 if len(records.data) < 1 << 32 else np.int64)
    class_of = space.full(total, -1, np.int32)
    smallest, array_gaps, unknown = _fill(records, address_map, classes, offsets, class_of)
    if unknown:
        smallest = _name_unknown(records, classes, offsets, class_of, smallest)
    class_of[0] = next(iter(classes.rows_by_name.get(LOADER, [])), -1)
    mirror_index = np.empty(len(classes), np.int32)
    lookup_all(classes.ids, address_map, mirror_index)
    mirrors = np.full(len(classes), -1, np.int64)
    if address_map.shift == 3:
        gaps_after(classes.ids, address_map, 16, mirrors)
    else:
        smallest[:, :] = (NO_GAP, 0, 0)
        array_gaps[:, :] = (NO_GAP, 0, 0)
    step = address_step(address_map.words, address_map.shift)
    progress.advance(len(records.data))
    records = replace(records, pages=())  # they are in the map
    return ObjectStore(
        records, address_map, classes, offsets, class_of, mirror_index, Gaps(smallest, array_gaps, mirrors), step
    )


def class_hash(ids: Array) -> tuple[Array, Array]:
    """An open hash table (keys, rows) from class id to class row for the kernels."""
    keys = np.zeros(1 << max(4, (2 * len(ids)).bit_length()), np.int64)
    rows = np.full(len(keys), -1, np.int32)
    kernels.hash_classes(ids, keys, rows)
    return keys, rows


def _fill(
    records: DumpRecords, address_map: AddressMap, classes: ClassTable, offsets: Array, class_of: Array
) -> tuple[Array, Array, int]:
    keys, rows = class_hash(classes.ids)
    primitive = classes.primitive_array_rows()
    mirror = next(iter(classes.rows_by_name.get(MIRROR, [])), -1)
    cuts = _cut_evenly(records.segments, WORKERS)

    def part(first: int, last: int) -> tuple[Array, Array, int]:
        smallest = np.zeros((len(classes), 3), np.int64)
        smallest[:, 0] = NO_GAP
        array_gaps = np.zeros((16, 3), np.int64)
        array_gaps[:, 0] = NO_GAP
        unknown = kernels.fill_columns(
            records.data,
            records.segments[first:last],
            records.segment_ends[first:last],
            records.id_size,
            address_map,
            keys,
            rows,
            primitive,
            mirror,
            offsets,
            class_of,
            smallest,
            array_gaps,
        )
        return smallest, array_gaps, int(unknown)

    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [job.result() for job in [pool.submit(part, a, b) for a, b in cuts]]
    return _least([p[0] for p in parts]), _least([p[1] for p in parts]), sum(p[2] for p in parts)


def _cut_evenly(segments: Array, count: int) -> list[tuple[int, int]]:
    """Runs of segments of about the same number of bytes."""
    sizes = np.cumsum(segments[:, 1] - segments[:, 0])
    total = int(sizes[-1]) if len(sizes) else 0
    cuts = [0] + [int(np.searchsorted(sizes, total * k // count)) for k in range(1, count)] + [len(segments)]
    return [(cuts[k], cuts[k + 1]) for k in range(count)]


def _least(parts: list[Array]) -> Array:
    """Merges (smallest, times met, seen) of the threads."""
    smallest = np.min([p[:, 0] for p in parts], axis=0)
    met = np.sum([np.where(p[:, 0] == smallest, p[:, 1], 0) for p in parts], axis=0)
    seen = np.sum([p[:, 2] for p in parts], axis=0)
    return np.stack([smallest, met, seen], axis=1)


def _name_unknown(records: DumpRecords, classes: ClassTable, offsets: Array, class_of: Array, smallest: Array) -> Array:
    """Gives instances and arrays whose class the dump does not describe a class of their own (as MAT does)."""
    lost = np.flatnonzero(class_of[1:] < 0) + 1
    kinds = records.data[offsets[lost]]
    at = offsets[lost].astype(np.int64) + 5 + records.id_size + np.where(kinds == 0x22, 4, 0)
    named = (kinds == 0x21) | (kinds == 0x22)
    ids = np.empty(int(named.sum()), np.int64)
    from flinkscope.formats.hprof.bodies import read_ids

    read_ids(records.data, np.ascontiguousarray(at[named]), records.id_size, ids)
    for class_id in np.unique(ids):
        row = classes.add_unknown(int(class_id))
        class_of[lost[named][ids == class_id]] = row
        smallest = np.vstack([smallest, np.array([[NO_GAP, 0, 0]], np.int64)])
    return smallest
