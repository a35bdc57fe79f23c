"""One object laid open: fields, statics, elements, decoded value, who refers to it, what it refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.heap.collections import values_of
from flinkscope.heap.labels import (
    ObjectRef,
    class_row_of,
    edge_names,
    field_value,
    object_ref,
    root_kinds,
    text_of,
)

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field or static. ``value``: number or bool of a primitive; ``reference``: what it refers to, None for null."""

    name: str
    type: str
    declared_in: str
    value: int | float | bool | None
    reference: ObjectRef | None


@dataclass(frozen=True, slots=True)
class Holding:
    """One reference between two objects: the other object and the names of the fields that hold it."""

    fields: tuple[str, ...]
    object: ObjectRef


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a collection; ``key`` is None where it has no keys."""

    key: ObjectRef | None
    value: ObjectRef | None


@dataclass(frozen=True, slots=True)
class ObjectView:
    """Everything about one object. Lists are cut at the limit of the call; the counts beside them are not.

    ``length``: of an array, else None. ``elements``: of an array; numbers of a primitive array only with contents shown
    (None otherwise). ``entries``: decoded values of a known collection. ``is_class``: a class object; its
    ``statics`` are its own. ``contents_shown``: whether strings and array contents may appear.
    """

    address: int
    index: int
    class_name: str
    class_address: int
    loader_address: int
    text: str | None
    is_class: bool
    shallow_bytes: int
    retained_bytes: int
    reachable: bool
    root_kinds: tuple[str, ...]
    immediate_dominator: ObjectRef | None
    fields: tuple[FieldValue, ...]
    statics: tuple[FieldValue, ...]
    length: int | None
    elements: tuple[int | float | bool | ObjectRef | None, ...] | None
    entries: tuple[Entry, ...]
    outbound_count: int
    outbound: tuple[Holding, ...]
    inbound_count: int
    inbound: tuple[Holding, ...]
    contents_shown: bool


def inspect_object(heap: Heap, address: int, *, limit: int = 50, show_strings: bool = False) -> ObjectView:
    """The object at an address. Cost: one pass over the edges for the inbound references.

    ``limit``: at most so many elements, entries and references each. Raises UsageError if no object is there.
    """
    index = heap.index_of(address)
    row = int(heap.class_of[index])
    head = heap.store.classes.heads[row] if row >= 0 else np.zeros(10, np.int64)
    mirror_row = class_row_of(heap, index)
    outbound = _unique(heap.out_references(index))
    inbound = heap.in_references(index)
    dominator = int(heap.idom[index])
    return ObjectView(
        address=heap.address_of(index),
        index=index,
        class_name=heap.class_name_of(index),
        class_address=int(head[0]),
        loader_address=int(head[2]),
        text=text_of(heap, index, show_strings),
        is_class=mirror_row >= 0,
        shallow_bytes=int(heap.shallow_bytes[index]),
        retained_bytes=int(heap.retained_bytes[index]),
        reachable=bool(heap.reachable[index]),
        root_kinds=tuple(root_kinds(heap, index)),
        immediate_dominator=object_ref(heap, dominator, show_strings) if dominator >= 0 else None,
        fields=_fields(heap, index, row, show_strings),
        statics=_statics(heap, mirror_row, show_strings) if mirror_row >= 0 else (),
        length=_length(heap, index),
        elements=_elements(heap, index, limit, show_strings),
        entries=_entries(heap, index, limit, show_strings),
        outbound_count=len(outbound),
        outbound=tuple(_holding(heap, index, int(t), int(t), show_strings) for t in outbound[:limit]),
        inbound_count=len(inbound),
        inbound=tuple(_holding(heap, int(s), index, int(s), show_strings) for s in inbound[:limit]),
        contents_shown=show_strings,
    )


def _unique(indices: Array) -> Array:
    """Without repetitions, in the order of first appearance."""
    _, first = np.unique(indices, return_index=True)
    kept: Array = indices[np.sort(first)]
    return kept


def _holding(heap: Heap, source: int, target: int, other: int, show_strings: bool) -> Holding:
    return Holding(tuple(edge_names(heap, source, target)), object_ref(heap, other, show_strings))


def _length(heap: Heap, index: int) -> int | None:
    length = heap.array_length(index) if index > 0 else -1
    return length if length >= 0 else None


def _type_name(code: int) -> str:
    return "reference" if code == tags.TYPE_OBJECT else tags.PRIMITIVES.get(code, f"type {code}")


def _fields(heap: Heap, index: int, row: int, show_strings: bool) -> tuple[FieldValue, ...]:
    if index <= 0 or row < 0 or heap.records.data[int(heap.store.offsets[index])] != tags.INSTANCE_DUMP:
        return ()
    table = heap.store.classes
    seen: set[str] = set()
    values = []
    for field in table.fields(row):
        if field.name in seen:  # hidden by a field of the same name further down
            continue
        seen.add(field.name)
        raw = field_value(heap, index, field.name)
        is_reference = field.type == tags.TYPE_OBJECT
        values.append(
            FieldValue(
                field.name,
                _type_name(field.type),
                table.names[field.declared_in],
                None if is_reference else raw,
                object_ref(heap, raw, show_strings) if is_reference and raw is not None and raw > 0 else None,
            )
        )
    return tuple(values)


def _statics(heap: Heap, row: int, show_strings: bool) -> tuple[FieldValue, ...]:
    table = heap.store.classes
    values = []
    for name, code, _ in table.statics(row):
        raw = heap.static(row, name)
        is_reference = code == tags.TYPE_OBJECT
        found = int(raw) if is_reference and raw is not None else -1
        values.append(
            FieldValue(
                name,
                _type_name(code),
                table.names[row],
                None if is_reference else raw,
                object_ref(heap, found, show_strings) if found > 0 else None,
            )
        )
    return tuple(values)


def _elements(
    heap: Heap, index: int, limit: int, show_strings: bool
) -> tuple[int | float | bool | ObjectRef | None, ...] | None:
    kind = int(heap.records.data[int(heap.store.offsets[index])]) if index > 0 else 0
    if kind == tags.OBJECT_ARRAY_DUMP:
        _, found = heap.elements(np.array([index]), keep_nulls=True)
        return tuple(object_ref(heap, i, show_strings) if i > 0 else None for i in found[:limit].tolist())
    if kind == tags.PRIMITIVE_ARRAY_DUMP and show_strings:
        return tuple(heap.primitive_array(index, limit).tolist())
    return None


def _entries(heap: Heap, index: int, limit: int, show_strings: bool) -> tuple[Entry, ...]:
    def ref(i: int) -> ObjectRef | None:
        return object_ref(heap, i, show_strings) if i > 0 else None

    return tuple(Entry(ref(key), ref(value)) for key, value in values_of(heap, index, limit))
