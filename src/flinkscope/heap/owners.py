"""By which field each of many objects is held: the column "owner" of collections, waste and strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.heap.kernels import contents as kernels
from flinkscope.heap.labels import class_row_of, statics_of

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

NOBODY = "(GC root)"
CLIMBS = 2


@dataclass(frozen=True, slots=True)
class OwnerShare:
    """A field that holds some of the objects: ``field`` is ``Class.field``, ``Class.static X``, ``Class.field[]``."""

    field: str
    objects: int
    bytes: int


def owner_indices(heap: Heap, indices: Array, weak: Array) -> Array:
    """int32 per object: its immediate dominator if that refers to it, else the referring object of lowest index; -1
    none.

    ``weak``: referent by object that is no owner (``strength.weak_referents``), or empty. Cost: one pass over the
    edges; memory 4 bytes an object of the dump meanwhile.
    """
    slot = np.full(heap.object_count, -1, np.int32)
    slot[indices] = np.arange(len(indices), dtype=np.int32)
    owners = np.full(len(indices), -1, np.int32)
    kernels.first_owners(heap.graph.starts, heap.graph.targets, heap.idom, slot, weak, owners)
    same = slot[indices]  # an object that was given twice has one slot only
    found: Array = owners[same]
    return found


NO_REFERENTS: Array = np.empty(0, np.int32)


def owner_fields(
    heap: Heap, indices: Array, climbs: int = CLIMBS, weak: Array = NO_REFERENTS
) -> tuple[Array, list[str]]:
    """(code per object, names): the field that holds each object. Elements of an array are named after its holder."""
    names: list[str] = []
    known: dict[str, int] = {}
    codes = _named(heap, np.ascontiguousarray(indices, dtype=np.int32), climbs, weak, names, known)
    return codes, names


def owner_shares(heap: Heap, parts: list[tuple[Array, Array]], limit: int) -> list[tuple[OwnerShare, ...]]:
    """Per part (object indices, bytes of each) the fields that hold most of its bytes, largest first.

    All parts at once, because the cost is that of the passes over the edges.
    """
    every = np.concatenate([indices for indices, _ in parts]) if parts else np.empty(0, np.int32)
    if not len(every) or not limit:
        return [()] * len(parts)
    codes, names = owner_fields(heap, every)
    shares = []
    begin = 0
    for indices, bytes_ in parts:
        own = codes[begin : begin + len(indices)]
        begin += len(indices)
        objects = np.bincount(own, minlength=len(names))
        sums = np.zeros(len(names), np.int64)
        np.add.at(sums, own, bytes_)
        largest = np.lexsort((np.arange(len(names)), -objects, -sums))[:limit]
        shares.append(
            tuple(OwnerShare(names[k], int(objects[k]), int(sums[k])) for k in largest.tolist() if objects[k])
        )
    return shares


def _code(name: str, names: list[str], known: dict[str, int]) -> int:
    if name not in known:
        known[name] = len(names)
        names.append(name)
    return known[name]


def _named(heap: Heap, indices: Array, climbs: int, weak: Array, names: list[str], known: dict[str, int]) -> Array:
    owners = owner_indices(heap, indices, weak)
    codes = np.full(len(indices), _code(NOBODY, names, known), np.int32)
    rows = np.where(owners >= 0, heap.class_of[np.maximum(owners, 0)], -1)
    codes[owners == 0] = _code("(boot class loader)", names, known)
    mirrors = np.isin(owners, heap.store.mirror_index) & (owners > 0)
    for mirror in np.unique(owners[mirrors]).tolist():
        _name_statics(heap, mirror, owners, indices, codes, names, known)
    for row in np.unique(rows[(owners > 0) & ~mirrors & (rows >= 0)]).tolist():
        chosen = np.flatnonzero((rows == row) & (owners > 0) & ~mirrors)
        if heap.store.classes.names[row].endswith("[]"):
            codes[chosen] = _array_codes(heap, owners[chosen], row, climbs, weak, names, known)
        else:
            _name_fields(heap, row, chosen, owners, indices, codes, names, known)
    return codes


def _array_codes(
    heap: Heap, owners: Array, row: int, climbs: int, weak: Array, names: list[str], known: dict[str, int]
) -> Array:
    if climbs <= 0:
        return np.full(len(owners), _code(heap.store.classes.names[row], names, known), np.int32)
    arrays, back = np.unique(owners, return_inverse=True)
    above = _named(heap, arrays, climbs - 1, weak, names, known)
    suffixed = {int(c): _code(names[int(c)] + "[]", names, known) for c in np.unique(above)}
    return np.array([suffixed[int(c)] for c in above], np.int32)[back]


def _name_statics(
    heap: Heap, mirror: int, owners: Array, indices: Array, codes: Array, names: list[str], known: dict[str, int]
) -> None:
    row = class_row_of(heap, mirror)
    chosen = np.flatnonzero(owners == mirror)
    codes[chosen] = _code(f"class {heap.store.classes.names[row]}", names, known)
    for name, target in statics_of(heap, row):
        held = chosen[indices[chosen] == target]
        if len(held):
            codes[held] = _code(f"{heap.store.classes.names[row]}.static {name}", names, known)


def _name_fields(
    heap: Heap,
    row: int,
    chosen: Array,
    owners: Array,
    indices: Array,
    codes: Array,
    names: list[str],
    known: dict[str, int],
) -> None:
    table = heap.store.classes
    codes[chosen] = _code(f"{table.names[row]} <local>", names, known)  # no field: a local of that thread
    for field in reversed(table.fields(row)):
        if field.type == tags.TYPE_OBJECT:
            held = chosen[heap.field(owners[chosen], field.name) == indices[chosen]]
            if len(held):
                codes[held] = _code(f"{table.names[field.declared_in]}.{field.name}", names, known)
