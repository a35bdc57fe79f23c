"""What people call things in a dump: the field by which one object holds another, and a short text for an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.formats.hprof.bodies import read_ids
from flinkscope.heap.fields import class_rows, reference_field, thread_name

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

BOXES = tuple(f"java.lang.{n}" for n in ("Integer", "Long", "Short", "Byte", "Character", "Boolean", "Float", "Double"))
CLASS_EDGES = ("<super class>", "<class loader>")
TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A reference to an object as reports show it. ``text``: class name of a class object, number of a box, name of a
    thread; of a String only where contents were asked for; None if there is nothing to say."""

    address: int
    class_name: str
    text: str | None
    index: int


def object_ref(heap: Heap, index: int, show_strings: bool = False) -> ObjectRef:
    """The reference to one object. Cost: a few reads of the file."""
    return ObjectRef(heap.address_of(index), heap.class_name_of(index), text_of(heap, index, show_strings), index)


def class_row_of(heap: Heap, index: int) -> int:
    """The class row that a class object stands for; -1 for any other object."""
    found = np.flatnonzero(heap.store.mirror_index == index)
    return int(found[0]) if len(found) and index > 0 else -1


def text_of(heap: Heap, index: int, show_strings: bool) -> str | None:
    """A short text for the object; see ``ObjectRef.text``."""
    if index == 0:
        return "boot class loader"
    row = class_row_of(heap, index)
    if row >= 0:
        return f"class {heap.store.classes.names[row]}"
    name = heap.class_name_of(index)
    if name == "java.lang.String":
        return short_text(heap.string(index)) if show_strings else None
    if name in BOXES:
        return _box_text(name, number_column(heap, np.array([index]), "value"))
    if is_kind(heap, index, "java.lang.Thread"):
        return name_of_thread(heap, index)
    if is_kind(heap, index, "java.lang.ClassLoader"):
        return short_text(follow_text(heap, index, "name"))
    return None


def _box_text(name: str, values: Array | None) -> str | None:
    if values is None:
        return None
    value = values[0].item()
    return repr(chr(value)) if name.endswith("Character") and isinstance(value, int) and value >= 0 else str(value)


def short_text(text: str | None) -> str | None:
    """As much of a text as a label shows."""
    return text if text is None or len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + "…"


def is_kind(heap: Heap, index: int, class_name: str) -> bool:
    """Whether the object is an instance of the class or of a subclass."""
    row = int(heap.class_of[index])
    table = heap.store.classes
    return row >= 0 and any(table.names[r] == class_name for r in table.lineage(row))


def field_value(heap: Heap, index: int, name: str) -> Any:
    """A field of one object: object index (-1: null) or number; None if its class has no such field."""
    if index <= 0:
        return None
    row = int(heap.class_of[index])
    if row < 0 or heap.store.classes.field_named(row, name) is None:
        return None
    return heap.field(np.array([index]), name)[0].item()


def follow(heap: Heap, index: int, *names: str) -> int:
    """The object at the end of a chain of reference fields; -1 as soon as one is null, missing, or no reference."""
    for name in names:
        if index <= 0:
            return -1
        index = int(reference_column(heap, np.array([index]), name)[0])
    return index


def follow_text(heap: Heap, index: int, *names: str) -> str | None:
    """The String at the end of a chain of fields."""
    found = follow(heap, index, *names)
    return heap.string(found) if found > 0 else None


def name_of_thread(heap: Heap, index: int) -> str | None:
    """A thread's name; None for an object whose class, damaged or missing, has no such field."""
    return thread_name(heap.store, index) if follow(heap, index, "name") > 0 else None


def reference_column(heap: Heap, indices: Array, name: str) -> Array:
    """A reference field of many objects as int32 indices; -1 for null, and where it is missing or no reference."""
    found: Array = reference_field(heap.store, indices, name).astype(np.int32)
    return found


def number_column(heap: Heap, indices: Array, name: str) -> Array | None:
    """A primitive field of many objects; None if no class among them has it, or where it is a reference."""
    fields = [heap.store.classes.field_named(int(row), name) for row in class_rows(heap.store, indices)]
    types = {field.type for field in fields if field is not None}
    return heap.field(indices, name) if len(types) == 1 and tags.TYPE_OBJECT not in types else None


def static_reference(heap: Heap, row: int, name: str) -> int:
    """A static reference of a class row as object index; -1 for null, and where it is missing or no reference."""
    return next((index for static, index in statics_of(heap, row) if static == name), -1)


def statics_of(heap: Heap, row: int) -> list[tuple[str, int]]:
    """(name, object index or -1 for null) of a class's static references."""
    found = []
    data, id_size = heap.records.data, heap.records.id_size
    for name, code, position in heap.store.classes.statics(row):
        if code == tags.TYPE_OBJECT:
            ids = np.empty(1, np.int64)
            read_ids(data, np.array([position], np.int64), id_size, ids)
            found.append((name, int(heap.store.lookup(ids)[0])))
    return found


def edge_names(heap: Heap, source: int, target: int) -> list[str]:
    """All ways in which ``source`` holds ``target``: field names, ``[7]``, ``static X``, ``<Java local>``,
    ``<class>``."""
    names = []
    row = class_row_of(heap, source)
    if row >= 0:
        names += _class_edge_names(heap, row, target)
    elif source > 0:
        names += _field_names(heap, source, target)
    mirror = int(heap.store.mirror_index[heap.class_of[source]]) if heap.class_of[source] >= 0 else -1
    if mirror == target and not names:
        names.append("<class>")
    return names + _local_names(heap, source, target)


def _class_edge_names(heap: Heap, row: int, target: int) -> list[str]:
    head = heap.store.classes.heads[row]
    loose = heap.store.lookup(head[1:3])
    names = [CLASS_EDGES[k] for k in range(2) if loose[k] == target or (k == 1 and target == 0 and loose[k] < 0)]
    return [f"static {name}" for name, index in statics_of(heap, row) if index == target] + names


def _field_names(heap: Heap, source: int, target: int) -> list[str]:
    table = heap.store.classes
    row = int(heap.class_of[source])
    one = np.array([source])
    if heap.records.data[int(heap.store.offsets[source])] == tags.OBJECT_ARRAY_DUMP:
        _, found = heap.elements(one, keep_nulls=True)
        return [f"[{k}]" for k in np.flatnonzero(found == target)[:3].tolist()]
    names = []
    for field in table.fields(row) if row >= 0 else []:
        if field.type == tags.TYPE_OBJECT and heap.field(one, field.name)[0] == target:
            names.append(field.name)
    return names


def _local_names(heap: Heap, source: int, target: int) -> list[str]:
    pairs = heap.roots.locals
    if not ((pairs[:, 0] == source) & (pairs[:, 1] == target)).any():
        return []
    rows = heap.roots.records
    kinds = {
        int(kind)
        for kind, _, serial, _ in rows[rows[:, 1] == target]
        if kind != tags.ROOT_THREAD_OBJECT and heap.roots.thread_of_serial.get(int(serial)) == source
    }
    return [f"<{tags.ROOT_KINDS.get(kind, 'local')}>" for kind in sorted(kinds)] or ["<local>"]


def root_kinds(heap: Heap, index: int) -> list[str]:
    """As what an object is a GC root; empty if it is none. A local of a known thread is that thread's, no root."""
    rows = heap.roots.records
    own = rows[rows[:, 1] == index]
    kinds = {tags.ROOT_KINDS.get(int(kind), f"kind {int(kind):#x}") for kind in own[:, 0]}
    if heap.roots.implied and not kinds and index in heap.roots.indices:
        kinds.add("system class (implied)")
    return sorted(kinds)
