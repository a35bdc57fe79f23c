"""Two dumps compared: objects and bytes that appeared, per class, loader, package, and dominator path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.dominators import TOP_LEVEL
from flinkscope.heap.grouping import GroupRow, grouped_histogram

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """What changed between two dumps in one group; ``…_before`` of the first, ``…_after`` of the second."""

    name: str
    objects_before: int
    objects_after: int
    shallow_bytes_before: int
    shallow_bytes_after: int
    retained_bytes_before: int
    retained_bytes_after: int

    @property
    def objects(self) -> int:
        """Objects that appeared (negative: went)."""
        return self.objects_after - self.objects_before

    @property
    def shallow_bytes(self) -> int:
        """Shallow bytes that appeared."""
        return self.shallow_bytes_after - self.shallow_bytes_before

    @property
    def retained_bytes(self) -> int:
        """Retained bytes that appeared."""
        return self.retained_bytes_after - self.retained_bytes_before


def compare_heaps(before: Heap, after: Heap, by: str = "class") -> list[DifferenceRow]:
    """What appeared and what went from one dump to another, by group; largest growth first, equal groups left out.

    Loaders are compared by class, since their addresses differ between processes.
    """
    first = {_stable(r.name): r for r in _merged(grouped_histogram(before, by))}
    second = {_stable(r.name): r for r in _merged(grouped_histogram(after, by))}
    return _differences(first, second)


def compare_dominators(before: Heap, after: Heap, depth: int = 3, width: int = 20) -> list[DifferenceRow]:
    """What appeared per dominator path: the classes from the top of the tree down to ``depth``, widest first."""
    return _differences(_paths(before, depth, width), _paths(after, depth, width))


def _stable(name: str) -> str:
    return name.partition(" @ ")[0]


def _merged(rows: list[GroupRow]) -> list[GroupRow]:
    sums: dict[str, GroupRow] = {}
    for row in rows:
        name = _stable(row.name)
        old = sums.get(name, GroupRow(name, 0, 0, 0, 0))
        sums[name] = GroupRow(
            name, old.classes + row.classes, old.objects + row.objects, old.shallow_bytes + row.shallow_bytes,
            (old.retained_bytes or 0) + (row.retained_bytes or 0),
        )  # fmt: skip
    return list(sums.values())


def _differences(first: dict[str, GroupRow], second: dict[str, GroupRow]) -> list[DifferenceRow]:
    none = GroupRow("", 0, 0, 0, 0)
    rows = []
    for name in first.keys() | second.keys():
        a, b = first.get(name, none), second.get(name, none)
        row = DifferenceRow(
            name, a.objects, b.objects, a.shallow_bytes, b.shallow_bytes, a.retained_bytes or 0, b.retained_bytes or 0
        )
        if row.objects or row.shallow_bytes or row.retained_bytes:
            rows.append(row)
    return sorted(rows, key=lambda r: (-abs(r.retained_bytes), -abs(r.shallow_bytes), r.name))


def _paths(heap: Heap, depth: int, width: int) -> dict[str, GroupRow]:
    """The dominator tree by the classes from the top down to ``depth``; at each place the ``width`` largest classes.

    One pass over the objects a level; memory 4 bytes an object.
    """
    found: dict[str, GroupRow] = {}
    names = [*heap.store.classes.names, "unknown class"]
    members = np.flatnonzero(heap.idom == TOP_LEVEL)
    place = np.zeros(len(members), np.int64)
    paths = [""]
    for _ in range(depth):
        rows = heap.class_of[members]
        keys, group = np.unique(place * len(names) + rows % len(names), return_inverse=True)
        counts = np.bincount(group, minlength=len(keys))
        shallow = np.bincount(group, heap.shallow_bytes[members], len(keys)).astype(np.int64)
        retained = np.bincount(group, heap.retained_bytes[members], len(keys)).astype(np.int64)
        place_of_key = np.full(len(keys), -1, np.int64)
        next_paths: list[str] = []
        used = [0] * len(paths)
        for k in np.argsort(-retained, kind="stable").tolist():
            above, row = divmod(int(keys[k]), len(names))
            used[above] += 1
            if used[above] > width:
                continue
            path = f"{paths[above]} → {names[row]}" if paths[above] else names[row]
            found[path] = GroupRow(path, 1, int(counts[k]), int(shallow[k]), int(retained[k]))
            place_of_key[k] = len(next_paths)
            next_paths.append(path)
        place_of_object = np.full(heap.object_count, -1, np.int32)
        place_of_object[members] = place_of_key[group]
        above_of = np.where(heap.idom >= 0, place_of_object[np.maximum(heap.idom, 0)], -1)
        members = np.flatnonzero(above_of >= 0)
        place = above_of[members].astype(np.int64)
        paths = next_paths
    return found
