"""The tables of a dump for SQL: built as numpy columns when a query names them.

References are addresses; null is NULL. Every class is a table of its instances: ``this`` (address), ``this_index``,
``this_shallow_bytes``, ``this_retained_bytes``, then one column a field (``this`` can be no Java field).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.heap.strings import string_groups

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, all of one length. ``nullable``: columns in which 0 stands for NULL; ``named``: columns of
    class rows that are shown as the class's name under the given name as well."""

    columns: dict[str, Array]
    nullable: frozenset[str] = frozenset()
    named: tuple[tuple[str, str], ...] = ()


def _texts(values: list[str | None]) -> Array:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _objects(heap: Heap) -> Table:
    idom = heap.idom
    columns = {
        "object_index": np.arange(heap.object_count, dtype=np.int32),
        "address": heap.addresses(np.arange(heap.object_count)),
        "class_index": heap.class_of,
        "shallow_bytes": heap.shallow_bytes,
        "retained_bytes": heap.retained_bytes,
        "reachable": heap.reachable,
        "dominator_address": heap.addresses(np.maximum(idom, -1)),
    }
    return Table(columns, frozenset({"dominator_address"}), (("class_index", "class_name"),))


def _classes(heap: Heap) -> Table:
    classes = heap.classes
    return Table(
        {
            "class_index": np.array([c.index for c in classes], np.int32),
            "class_name": _texts([c.name for c in classes]),
            "address": np.array([c.address for c in classes], np.int64),
            "loader_address": np.array([c.loader_address for c in classes], np.int64),
            "super_index": np.array([c.super_index for c in classes], np.int32),
            "super_name": _texts([classes[c.super_index].name if c.super_index >= 0 else None for c in classes]),
            "instances": np.array([c.instance_count for c in classes], np.int64),
            "retained_bytes": heap.class_retained,
        }
    )


def _fields(heap: Heap) -> Table:
    table = heap.store.classes
    rows = [(row, field) for row in range(len(table)) for field in table.fields(row)]
    return Table(
        {
            "class_index": np.array([row for row, _ in rows], np.int32),
            "class_name": _texts([table.names[row] for row, _ in rows]),
            "field": _texts([field.name for _, field in rows]),
            "type": _texts([tags.PRIMITIVES.get(field.type, "reference") for _, field in rows]),
            "declared_in": _texts([table.names[field.declared_in] for _, field in rows]),
            "position": np.array([field.position for _, field in rows], np.int32),
        }
    )


def _refs(heap: Heap) -> Table:
    graph = heap.graph
    starts = graph.starts.astype(np.int64)
    sources = np.repeat(np.arange(heap.object_count, dtype=np.int32), starts[1:] - starts[:-1])
    every = heap.addresses(np.arange(heap.object_count))
    return Table({"source": every[sources], "target": every[graph.targets]})


def _roots(heap: Heap) -> Table:
    rows = heap.roots.records[heap.roots.records[:, 1] >= 0]
    return Table(
        {
            "address": heap.addresses(rows[:, 1]),
            "kind": _texts([tags.ROOT_KINDS.get(int(kind), f"{int(kind):#x}") for kind in rows[:, 0]]),
            "thread_serial": rows[:, 2],
            "frame": rows[:, 3],
            "class_index": heap.class_of[rows[:, 1]],
        },
        frozenset(),
        (("class_index", "class_name"),),
    )


def _threads(heap: Heap) -> Table:
    rows = heap.threads()
    return Table(
        {
            "address": np.array([row.address for row in rows], np.int64),
            "name": _texts([row.name for row in rows]),
            "class_name": _texts([row.class_name for row in rows]),
            "state": _texts([row.state for row in rows]),
            "daemon": np.array([bool(row.daemon) for row in rows], bool),
            "shallow_bytes": np.array([row.shallow_bytes for row in rows], np.int64),
            "retained_bytes": np.array([row.retained_bytes for row in rows], np.int64),
            "context_class_loader": np.array(
                [row.context_class_loader.address if row.context_class_loader else 0 for row in rows], np.int64
            ),
            "frames": np.array([len(row.stack) for row in rows], np.int32),
            "top_frame": _texts([str(row.stack[0]) if row.stack else None for row in rows]),
            "threw_oom": np.array([row.threw_oom for row in rows], bool),
        },
        frozenset({"context_class_loader"}),
    )


def _loaders(heap: Heap) -> Table:
    rows = heap.loaders()
    counts = ("address", "depth", "defined_classes", "instances")
    sizes = ("instance_bytes", "retained_bytes", "set_retained_bytes")
    columns: dict[str, Array] = {
        name: np.array([getattr(row, name) for row in rows], np.int64) for name in (*counts, *sizes)
    }
    columns["parent_address"] = np.array([row.parent_address or 0 for row in rows], np.int64)
    columns["class_name"] = _texts([row.class_name for row in rows])
    columns["name"] = _texts([row.name for row in rows])
    return Table(columns)


def strings_table(heap: Heap, show_strings: bool) -> Table:
    """All reachable Strings; ``content_group`` is equal for equal texts, ``text`` NULL unless contents are shown."""
    groups = string_groups(heap)
    texts: list[str | None] = [None] * len(groups.indices)
    if show_strings:
        _, first = np.unique(groups.group, return_index=True)
        distinct = np.empty(groups.count, dtype=object)
        distinct[groups.group[first]] = heap.strings(groups.indices[first])
        texts = distinct[groups.group].tolist()
    return Table(
        {
            "address": heap.addresses(groups.indices),
            "length": groups.chars,
            "content_group": groups.group.astype(np.int64),
            "shallow_bytes": groups.string_bytes,
            "array_bytes": groups.array_bytes,
            "retained_bytes": heap.retained_bytes[groups.indices],
            "text": _texts(texts),
        }
    )


BUILDERS: dict[str, Callable[[Heap], Table]] = {
    "objects": _objects,
    "classes": _classes,
    "fields": _fields,
    "refs": _refs,
    "roots": _roots,
    "threads": _threads,
    "loaders": _loaders,
}


def class_table(heap: Heap, class_name: str) -> Table:
    """The instances of all classes of that name, a column a field; hidden fields are left out, and of names that differ
    in case only (SQL cannot tell them apart) the later ones get a number."""
    table = heap.table(class_name)
    indices = table.indices
    columns = {
        "this": heap.addresses(indices),
        "this_index": indices,
        "this_shallow_bytes": heap.shallow_bytes[indices],
        "this_retained_bytes": heap.retained_bytes[indices],
    }
    nullable = set()
    seen: set[str] = set()
    rows = heap.store.classes.rows_by_name[class_name]
    for field in [field for row in rows for field in heap.store.classes.fields(row)]:
        if field.name in seen:
            continue
        seen.add(field.name)
        values = heap.field(indices, field.name) if len(indices) else np.empty(0, np.int32)
        name = _unlike(field.name, columns)
        columns[name] = heap.addresses(values) if field.type == tags.TYPE_OBJECT else values
        if field.type == tags.TYPE_OBJECT:
            nullable.add(name)
    return Table(columns, frozenset(nullable))


def _unlike(name: str, taken: dict[str, Array]) -> str:
    lower = {key.lower() for key in taken}
    number = 2
    found = name
    while found.lower() in lower:
        found = f"{name}_{number}"
        number += 1
    return found
