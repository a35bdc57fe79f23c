"""The column of shallow sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.heap.fields import field_column
from flinkscope.heap.kernels import index as kernels
from flinkscope.heap.objects import ObjectStore
from flinkscope.heap.shares import in_shares
from flinkscope.heap.sizes import Sizes
from flinkscope.heap.space import Space
from flinkscope.progress import Progress

Array = npt.NDArray[Any]

STACK_CHUNK = "jdk.internal.vm.StackChunk"
STACK_WORDS = "size"
WORD_BYTES = 8


def shallow_column(store: ObjectStore, sizes: Sizes, progress: Progress, space: Space) -> Array:
    """Bytes of each object: int32, or int64 when an object passes 2 GiB."""
    progress.phase("measuring sizes", store.object_count, "objects")
    column = space.empty(store.object_count, np.int32)
    if _fill(store, sizes, column) > np.iinfo(np.int32).max:
        column = space.empty(store.object_count, np.int64)
        _fill(store, sizes, column)
    if sizes.stack_chunk_bytes:
        _size_stack_chunks(store, sizes, column)
    return column


def _fill(store: ObjectStore, sizes: Sizes, column: Array) -> int:
    """Fills the column on two threads; the largest size, whether the column can hold it or not."""
    known = np.flatnonzero(store.mirror_index >= 0)
    mirrors = np.stack([store.mirror_index[known].astype(np.int64), sizes.mirrors[known]], axis=1)
    mirrors = mirrors[np.argsort(mirrors[:, 0], kind="stable")]
    records = store.records
    columns = (records.data, store.offsets, store.class_of)
    rule = (sizes.headers, sizes.reference_bytes, sizes.align)
    instances = sizes.instances.copy()

    def part(first: int, last: int) -> int:
        largest = kernels.shallow_sizes(*columns, first, last, records.id_size, instances, mirrors, *rule, column)
        return int(largest)

    return max(in_shares(store.object_count, part))


def _size_stack_chunks(store: ObjectStore, sizes: Sizes, column: Array) -> None:
    """Parked virtual threads' stacks lie inside their StackChunk, behind its fields, with a bit a reference slot.

    ``InstanceStackChunkKlass::instance_size`` of JDK 21 to 25; equal to the JVM's histogram with and without compressed
    references (measured). The field ``size`` counts words of stack.
    """
    for row in store.classes.rows_by_name.get(STACK_CHUNK, []):
        field = store.classes.field_named(row, STACK_WORDS)
        if field is None or tags.PRIMITIVES.get(field.type) != "int":
            continue
        chunks = np.flatnonzero(store.class_of == row).astype(np.int32)
        words = field_column(store, chunks, STACK_WORDS).astype(np.int64).clip(0, len(store.records.data) // 16)
        bitmap_words = -(-words * (WORD_BYTES // sizes.reference_bytes) // 64)
        total = sizes.stack_chunk_bytes + WORD_BYTES * (words + bitmap_words)
        column[chunks] = -(-total // sizes.align) * sizes.align
