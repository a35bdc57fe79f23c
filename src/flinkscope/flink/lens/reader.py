"""Reading single objects and long chains out of a columnar heap, by field name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.errors import UsageError

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Indices = NDArray[np.int32]
NULL = -1


class Reader:
    """Field access by name on a heap; an object or field that is not there reads as NULL or None, never raises."""

    def __init__(self, heap: Heap) -> None:
        self.heap = heap

    def instances(self, class_name: str, *, subclasses: bool = False) -> Indices:
        """Object indices of all instances of the class in every loader, ascending."""
        found = [self.heap.instances(c.index, subclasses=subclasses) for c in self.heap.classes_named(class_name)]
        return self.distinct(np.concatenate(found)) if found else np.empty(0, np.int32)

    def column(self, objects: Indices, field: str) -> NDArray[Any] | None:
        """A primitive field of each object; None when none of their classes has such a field."""
        try:
            return self.heap.field(objects, field)
        except UsageError:
            return None

    def references(self, objects: Indices, field: str) -> Indices:
        """A reference field of each object; NULL for NULL, and where there is no such field."""
        found = np.full(len(objects), NULL, np.int32)
        known = objects >= 0
        values = self.column(objects[known], field)
        if values is not None and values.dtype == np.int32:
            found[known] = values
        return found

    def follow(self, index: int, *fields: str) -> int:
        """The object at the end of a path of reference fields, or NULL."""
        for field in fields:
            if index < 0:
                return NULL
            index = int(self.references(np.array([index], np.int32), field)[0])
        return index

    def number(self, index: int, field: str) -> int | None:
        """A primitive integer field of one object, or None."""
        if index < 0:
            return None
        values = self.column(np.array([index], np.int32), field)
        return None if values is None else int(values[0])

    def boxed(self, index: int, field: str) -> int | None:
        """A ``java.lang.Long`` or ``Integer`` field's value, or None."""
        return self.number(self.follow(index, field), "value")

    def text(self, index: int, *fields: str) -> str | None:
        """The String at the end of a path, or None."""
        end = self.follow(index, *fields)
        return None if end < 0 else self.heap.string(end)

    def class_name(self, index: int) -> str | None:
        """The object's class name, or None for NULL."""
        return None if index < 0 else self.heap.classes[int(self.heap.class_of[index])].name

    def elements(self, arrays: Indices) -> tuple[NDArray[np.int32], Indices]:
        """(owner position, element) for every non-null element of these object arrays; NULL arrays have none."""
        positions = np.flatnonzero(arrays >= 0).astype(np.int32)
        offsets, targets = self.heap.elements(arrays[positions])
        owners = np.repeat(positions, np.diff(offsets))
        present = targets >= 0
        return owners[present], targets[present].astype(np.int32)

    def chain(self, owners: NDArray[np.int32], heads: Indices, field: str = "next") -> tuple[Any, Any]:
        """Follows linked entries from each head, all at once: (owner, entry) of every entry met.

        Cost: one array step for each link of the longest chain. An entry is met once: a damaged, circular chain ends.
        """
        seen = self._marked((heads,))
        all_owners, all_entries = [owners], [heads]
        while len(heads):
            following = self.references(heads, field)
            more = (following >= 0) & ~seen[following]
            owners, heads = owners[more], following[more]
            seen[heads] = True
            all_owners.append(owners)
            all_entries.append(heads)
        return np.concatenate(all_owners), np.concatenate(all_entries)

    def map_entries(self, hash_map: int) -> list[tuple[int, int]]:
        """(key, value) of one small ``HashMap``, ``ConcurrentHashMap`` or ``Hashtable``; empty for anything else."""
        table = np.array([self.follow(hash_map, "table")], np.int32)
        owners, heads = self.elements(table)
        _, nodes = self.chain(owners, heads)
        keys = self.references(nodes, "key")
        values = np.maximum(self.references(nodes, "value"), self.references(nodes, "val"))
        return [(int(k), int(v)) for k, v in zip(keys, values, strict=True) if v >= 0]

    def shallow(self, *columns: Indices) -> int:
        """Sum of shallow bytes of the distinct objects in these columns (NULL ignored)."""
        return int(self.heap.shallow_bytes[self._marked(columns)].sum(dtype=np.int64))

    def retained(self, *columns: Indices) -> int:
        """Sum of retained bytes of distinct objects none of which dominates another (NULL ignored)."""
        return int(self.heap.retained_bytes[self._marked(columns)].sum(dtype=np.int64))

    def distinct(self, objects: Indices) -> Indices:
        """The distinct objects, ascending, without NULL."""
        return np.flatnonzero(self._marked((objects,))).astype(np.int32)

    def _marked(self, columns: Sequence[Indices]) -> NDArray[np.bool_]:
        """A mask over all objects: 30 times faster than numpy's hashing unique on 300,000 of 7 million objects."""
        mask = np.zeros(self.heap.object_count + 1, np.bool_)  # the last slot takes the NULLs (index -1)
        for column in columns:
            mask[column] = True
        return mask[:-1]


def simple_name(class_name: str | None) -> str | None:
    """``a.b.Outer$Inner`` without its package; None stays None."""
    return None if class_name is None else class_name.rsplit(".", 1)[-1]


def task_of(name_with_subtask: str) -> str:
    """``Window(…) -> Sink: Print (2/4)#0`` without the subtask part."""
    return re.sub(r" \(\d+/\d+\)(#\d+)?$", "", name_with_subtask)
