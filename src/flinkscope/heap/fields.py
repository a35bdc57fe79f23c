"""Contents of objects as columns: fields, array elements, strings. Each call reads the mapped dump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UsageError
from flinkscope.formats.hprof import tags
from flinkscope.formats.hprof.bodies import read_ids
from flinkscope.heap.graph import Graph, Roots
from flinkscope.heap.kernels import fields as kernels
from flinkscope.heap.kernels.index import Layout, count_edges, object_edges
from flinkscope.heap.objects import ObjectStore

Array = npt.NDArray[Any]

STRING = "java.lang.String"
LATIN1, UTF16 = 0, 1


@dataclass(frozen=True, slots=True)
class InstanceTable:
    """All instances of a class (of every loader that defines the name) as a table of its fields."""

    store: ObjectStore
    class_name: str
    indices: Array

    def __getitem__(self, field: str) -> Array:
        """The column: int32 object indices (-1: null or not in the dump) for references, else the field's own dtype."""
        return field_column(self.store, self.indices, field)

    def __len__(self) -> int:
        return len(self.indices)


def field_column(store: ObjectStore, indices: Array, name: str) -> Array:
    """The field ``name`` of each of the objects, super classes included; objects may be of several classes.

    References become int32 object indices, -1 for null, unresolved, or an object whose class has no such field;
    primitives keep their dtype (0 where the class has no such field). Cost: one read of the file an object.
    Raises UsageError if no class of the objects has the field.
    """
    indices = np.ascontiguousarray(indices, dtype=np.int32)
    rows = class_rows(store, indices)
    position = np.full(len(store.classes) + 1, -1, np.int64)
    types = set()
    for row in rows:
        field = store.classes.field_named(int(row), name)
        if field is not None:
            position[row] = field.position
            types.add(field.type)
    if not types:
        if not len(indices):
            return np.empty(0, np.int32)
        row = int(rows[-1]) if len(rows) else -1
        some = store.classes.names[row] if row >= 0 else "unknown class"
        raise UsageError(f"{some} has no field {name!r}", hint=_field_hint(store, row))
    if len(types) > 1:
        raise UsageError(f"field {name!r} has several types in these classes", hint="ask class by class")
    code = types.pop()
    records = store.records
    if code == tags.TYPE_OBJECT:
        found = np.empty(len(indices), np.int32)
        kernels.reference_column(
            records.data, store.offsets, store.class_of, indices, records.id_size, store.map, position, found
        )
        return found
    raw = np.zeros((len(indices), tags.TYPE_SIZES[code]), np.uint8)
    kernels.raw_column(records.data, store.offsets, store.class_of, indices, records.id_size, position, raw)
    column = raw.reshape(-1).view(tags.TYPE_DTYPES[code])
    return column.astype(column.dtype.newbyteorder("="))


def reference_field(store: ObjectStore, indices: Array, name: str) -> Array:
    """As ``field_column`` for a field that must be a reference: -1 for all where a damaged dump says otherwise."""
    try:
        column = field_column(store, indices, name)
    except UsageError:
        column = np.empty(0, np.int64)
    return column if column.dtype == np.int32 and _is_reference(store, indices, name) else np.full(len(indices), -1)


def _is_reference(store: ObjectStore, indices: Array, name: str) -> bool:
    found = [store.classes.field_named(int(row), name) for row in class_rows(store, indices)]
    return all(field is None or field.type == tags.TYPE_OBJECT for field in found)


def class_rows(store: ObjectStore, indices: Array) -> Array:
    """The class rows that occur among the objects, ascending, -1 left out. Counting is 20 times np.unique here."""
    return np.flatnonzero(np.bincount(store.class_of[indices] + 1, minlength=1)[1:])


def _field_hint(store: ObjectStore, row: int) -> str:
    names = [field.name for field in store.classes.fields(row)] if row >= 0 else []
    return f"it has {', '.join(names[:20])}" if names else "it has no fields"


def elements(store: ObjectStore, indices: Array, keep_nulls: bool = False) -> tuple[Array, Array]:
    """(offsets int64, targets int32): ``targets[offsets[k]:offsets[k + 1]]`` are the elements of the k-th object array.

    Nulls and unresolved elements are dropped, or -1 with ``keep_nulls``. Objects that are no object arrays have none.
    """
    indices = np.ascontiguousarray(indices, dtype=np.int32)
    records = store.records
    offsets = np.zeros(len(indices) + 1, np.int64)
    kernels.element_bounds(records.data, store.offsets, indices, records.id_size, offsets)
    targets = np.empty(int(offsets[-1]), np.int32)
    used = kernels.element_targets(
        records.data, store.offsets, indices, records.id_size, store.map, keep_nulls, offsets, targets
    )
    return offsets, targets[:used]


def array_lengths(store: ObjectStore, indices: Array) -> Array:
    """Lengths (int64) of arrays of any kind; -1 for what is no array."""
    indices = np.ascontiguousarray(indices, dtype=np.int32)
    lengths = np.empty(len(indices), np.int64)
    kernels.array_lengths(store.records.data, store.offsets, indices, store.records.id_size, lengths)
    return lengths


def primitive_array(store: ObjectStore, index: int, limit: int | None = None) -> Array:
    """The (first ``limit``) elements of a primitive array, native byte order. UsageError for any other object."""
    records = store.records
    at = int(store.offsets[index])
    if index <= 0 or records.data[at] != tags.PRIMITIVE_ARRAY_DUMP:
        raise UsageError(f"object {index} is no primitive array")
    code = int(records.data[at + 9 + records.id_size])
    length = int.from_bytes(bytes(records.data[at + 5 + records.id_size : at + 9 + records.id_size]), "big")
    length = length if limit is None else min(length, limit)
    body = at + 10 + records.id_size
    column = records.data[body : body + length * tags.TYPE_SIZES[code]].view(tags.TYPE_DTYPES[code])
    return column.astype(column.dtype.newbyteorder("="))


def strings(store: ObjectStore, indices: Array, limit_chars: int = 1 << 20) -> list[str | None]:
    """The texts of java.lang.String objects; None for null (-1), other classes, or a value that is not in the dump.

    Reads both layouts: ``byte[] value`` with ``coder`` (JDK 9+), ``char[] value`` (JDK 8; with offset and count in 6).
    """
    indices = np.ascontiguousarray(indices, dtype=np.int32)
    rows = set(store.classes.rows_by_name.get(STRING, []))
    texts: list[str | None] = [None] * len(indices)
    good = np.flatnonzero((indices > 0) & np.isin(store.class_of[np.maximum(indices, 0)], list(rows)))
    if not len(good):
        return texts
    chosen = indices[good]
    values = reference_field(store, chosen, "value")
    names = {field.name for row in rows for field in store.classes.fields(row)}
    coders = np.full(len(chosen), UTF16)
    if "coder" in names:
        coders = field_column(store, chosen, "coder").astype(np.int64)
    records = store.records
    for k, value, coder in zip(good.tolist(), values.tolist(), coders.tolist(), strict=True):
        if value > 0 and records.data[int(store.offsets[value])] == tags.PRIMITIVE_ARRAY_DUMP:
            texts[k] = _decoded(store, value, coder, limit_chars)
    return texts


def thread_name(store: ObjectStore, index: int) -> str:
    """The name of a thread object (String, or char[] up to JDK 7); its address if the name is not in the dump."""
    name = int(reference_field(store, np.array([index]), "name")[0])
    text = strings(store, np.array([name]))[0]
    if text is None and name > 0 and store.records.data[int(store.offsets[name])] == tags.PRIMITIVE_ARRAY_DUMP:
        text = _decoded(store, name, LATIN1, 1 << 16)
    return text if text is not None else f"thread at {int(addresses(store, np.array([index]))[0]):#x}"


def _decoded(store: ObjectStore, value: int, coder: int, limit_chars: int) -> str:
    data, id_size = store.records.data, store.records.id_size
    at = int(store.offsets[value]) + 5 + id_size
    length = int.from_bytes(bytes(data[at : at + 4]), "big")
    code = int(data[at + 4])
    size = length * tags.TYPE_SIZES[code]
    raw = bytes(data[at + 5 : at + 5 + min(size, 2 * limit_chars)])
    if code == 5:  # the dump's chars are big-endian
        return raw.decode("utf-16-be", "replace")
    if coder == LATIN1:
        return raw.decode("latin-1")
    # JDK 9+ keeps UTF-16 in the byte[] in the order of the machine: little-endian on x86-64 and aarch64
    return raw.decode("utf-16-le", "replace")


def addresses(store: ObjectStore, indices: Array) -> Array:
    """Addresses (int64) of objects; 0 for the boot loader and for -1."""
    indices = np.ascontiguousarray(indices, dtype=np.int64)
    found = np.zeros(len(indices), np.int64)
    real = np.flatnonzero(indices > 0)
    ids = np.empty(len(real), np.int64)
    at = store.offsets[indices[real]].astype(np.int64) + 1
    read_ids(store.records.data, np.ascontiguousarray(at), store.records.id_size, ids)
    found[real] = ids
    return found


def static_value(store: ObjectStore, row: int, name: str) -> int | float | bool | None:
    """A static of a class row: object index (-1: null or unresolved) or number; None if there is no such static."""
    for static, code, position in store.classes.statics(row):
        if static != name:
            continue
        size = store.classes.type_bytes(code)
        raw = bytes(store.records.data[position : position + size])
        if code == tags.TYPE_OBJECT:
            return int(store.lookup(np.array([int.from_bytes(raw, "big", signed=size == 8)]))[0])
        value: int | float | bool = np.frombuffer(raw, tags.TYPE_DTYPES[code])[0].item()
        return value
    return None


def out_references(store: ObjectStore, roots: Roots, index: int) -> Array:
    """int32 indices of all that an object refers to, its class first; a thread's locals last."""
    row = int(store.class_of[index])
    own = [int(store.mirror_index[row])] if row >= 0 and store.mirror_index[row] >= 0 else []
    records = store.records
    first, positions = store.classes.reference_positions
    layout = Layout(first, positions, store.mirror_index)
    found = np.empty(0, np.int32)
    if index > 0:
        room = count_edges(records.data, store.offsets, store.class_of, index, index + 1, records.id_size, layout)
        found = np.empty(room, np.int32)
        used, _ = object_edges(
            records.data, int(store.offsets[index]), row, records.id_size, store.map, layout, found, 0
        )
        found = found[:used]
    held = roots.locals[roots.locals[:, 0] == index, 1]
    return np.concatenate([np.array(own, np.int32), found, held.astype(np.int32)])


def in_references(store: ObjectStore, graph: Graph, index: int) -> Array:
    """int32 indices, ascending, of all objects that refer to ``index``; for a class also its instances."""
    slots = np.flatnonzero(graph.targets == index)
    sources = np.searchsorted(graph.starts, slots, side="right") - 1
    own = np.flatnonzero(store.mirror_index == index)
    if len(own):
        sources = np.concatenate([sources, np.flatnonzero(np.isin(store.class_of, own))])
    return np.unique(sources).astype(np.int32)
