"""The class histogram: objects, shallow bytes, and MAT's minimum retained size of every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.dominators import Dominance
from flinkscope.heap.kernels import dominators as kernels
from flinkscope.heap.objects import ObjectStore
from flinkscope.heap.space import Space

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """One class of one loader. ``retained_bytes``: MAT's minimum retained size, None where it was not asked for."""

    class_name: str
    objects: int
    shallow_bytes: int
    retained_bytes: int | None
    loader_address: int
    class_address: int
    class_index: int


def count_classes(store: ObjectStore, shallow: Array, chosen: Array | None = None) -> tuple[Array, Array]:
    """(objects, shallow bytes) by class row, of all objects or of those ``chosen``: a bool mask or indices."""
    rows, mask = store.class_of, np.empty(0, bool)
    if chosen is not None and chosen.dtype == bool:
        mask = chosen
    elif chosen is not None:
        rows, shallow = rows[chosen], shallow[chosen]
    counts = np.zeros(len(store.classes) + 1, np.int64)
    sums = np.zeros(len(store.classes) + 1, np.int64)
    kernels.add_up(rows, shallow, mask, counts, sums)
    return counts[:-1], sums[:-1]


def class_retained(store: ObjectStore, dominance: Dominance, space: Space) -> Array:
    """MAT's minimum retained size by class row: one walk of the dominator tree. Memory: 8 bytes an object meanwhile."""
    total = store.object_count
    first_child = space.full(total, -1, np.int32)
    sibling = space.full(total, -1, np.int32)
    top = kernels.chain_children(dominance.idom, first_child, sibling)
    known = np.flatnonzero(store.mirror_index >= 0)
    mirrors = np.stack([store.mirror_index[known].astype(np.int64), known], axis=1)
    mirrors = mirrors[np.argsort(mirrors[:, 0], kind="stable")]
    sums = np.zeros(len(store.classes), np.int64)
    kernels.class_retained(top, first_child, sibling, store.class_of, mirrors, dominance.retained, sums)
    return sums


def histogram_rows(store: ObjectStore, counts: Array, sums: Array, retained: Array | None) -> list[HistogramRow]:
    """Rows of all classes that have objects (or retain something), largest first."""
    heads = store.classes.heads
    weight = sums if retained is None else retained
    rows = []
    for row in np.lexsort((np.arange(len(counts)), -sums, -weight)).tolist():
        if counts[row] or (retained is not None and retained[row]):
            rows.append(
                HistogramRow(
                    store.classes.names[row],
                    int(counts[row]),
                    int(sums[row]),
                    None if retained is None else int(retained[row]),
                    int(heads[row, 2]),
                    int(heads[row, 0]),
                    row,
                )
            )
    return rows
