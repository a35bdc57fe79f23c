"""Keyed state on the heap: every CopyOnWriteStateMap entry, whose state it is, and what it weighs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.kernels import owned_by
from flinkscope.flink.lens.keys import distinct_by_value
from flinkscope.flink.lens.labels import Labels
from flinkscope.flink.lens.operators import Operator
from flinkscope.flink.lens.reader import NULL, Indices, Reader
from flinkscope.flink.lens.slices import Slices, slices_of
from flinkscope.flink.state_facts import Home, KeyedState, WindowSpan
from flinkscope.place import Place

ENTRY = "org.apache.flink.runtime.state.heap.CopyOnWriteStateMap$StateMapEntry"
_HEAP_BACKEND = "org.apache.flink.runtime.state.heap.HeapKeyedStateBackend"
_STATE_TABLE = "org.apache.flink.runtime.state.heap.StateTable"
_TIME_WINDOWS = (
    "org.apache.flink.streaming.api.windowing.windows.TimeWindow",
    "org.apache.flink.table.runtime.operators.window.TimeWindow",  # of SQL's GROUP BY SESSION, TUMBLE, HOP
)


@dataclass(frozen=True, slots=True)
class StateEntries:
    """Columns of all state entries of one (task, state name): object indices.

    ``in_group``: entries of each key group; ``subtask_of_group``: which of the state's tables that group is in.
    """

    entries: Indices
    keys: Indices
    namespaces: Indices
    values: Indices
    in_group: NDArray[np.int64]
    subtask_of_group: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Table:
    """One StateTable of one backend: its name, kind and operator."""

    index: int
    name: str
    kind: str
    operator: Operator


def read_keyed_states(
    reader: Reader, labels: Labels, operators: list[Operator], source: str
) -> tuple[list[KeyedState], list[StateEntries]]:
    """Every keyed state with its entries, biggest first. Two lists of the same length and order. Tables and entries
    are labelled."""
    groups: dict[tuple[Home, str], list[_Table]] = {}
    for table in _tables(reader, operators):
        groups.setdefault((table.operator.home, table.name), []).append(table)
    rows = [_read_group(reader, labels, group, source) for group in groups.values()]
    rows.sort(key=lambda row: (-row[0].total_bytes, row[0].task, row[0].name, row[0].job_id))
    return [state for state, _ in rows], [entries for _, entries in rows]


def _tables(reader: Reader, operators: list[Operator]) -> list[_Table]:
    owners = {o.backend: o for o in operators if o.backend != NULL}
    names = _registered_in(reader, [b for b in owners if reader.class_name(b) == _HEAP_BACKEND])
    tables = []
    for index in reader.instances(_STATE_TABLE, subclasses=True):
        meta = reader.follow(int(index), "metaInfo")
        name, kind = reader.text(meta, "name"), reader.text(meta, "stateType", "name")
        backend = names.get(int(index))
        if name is not None and backend is not None:
            tables.append(_Table(int(index), name, (kind or "unknown").lower(), owners[backend]))
    return tables


def _registered_in(reader: Reader, backends: list[int]) -> dict[int, int]:
    """StateTable → its backend, through ``registeredKVStates`` (a HashMap)."""
    found: dict[int, int] = {}
    for backend in backends:
        registered = reader.map_entries(reader.follow(backend, "registeredKVStates"))
        found.update({table: backend for _, table in registered})
    return found


def _read_group(reader: Reader, labels: Labels, tables: list[_Table], source: str) -> tuple[KeyedState, StateEntries]:
    maps_of = reader.references(np.array([t.index for t in tables], np.int32), "keyGroupedStateMaps")
    if not (maps_of >= 0).any():
        maps_of = reader.references(np.array([t.index for t in tables], np.int32), "state")  # 1.7 and older
    subtasks, maps = reader.elements(maps_of)
    primary = reader.references(maps, "primaryTable")
    rehash = reader.references(maps, "incrementalRehashTable")
    tables_of = reader.distinct(np.concatenate([primary, rehash]))  # the empty table is one shared constant
    owners, heads = reader.elements(tables_of)
    met_in, entries, (keys, namespaces_of, values) = reader.chain(owners, heads, "key", "namespace", "state")
    in_group = _entries_of_maps(tables_of, met_in, primary, rehash)
    columns = StateEntries(entries, keys, namespaces_of, values, in_group, subtasks)
    own = (np.array([t.index for t in tables], np.int32), maps_of, maps, tables_of, entries)
    operator, name = tables[0].operator, tables[0].name
    windows = window_spans(reader, columns.namespaces, slices_of(reader, operator.index))
    namespaces = len(windows) or _distinct_namespaces(reader, columns.namespaces)
    state = KeyedState(
        task=operator.task,
        name=name,
        kind=tables[0].kind,
        entries=len(entries),
        keys=_distinct_keys(reader, columns, namespaces),
        namespaces=namespaces,
        own_bytes=labels.put(operator.whose, f"state “{name}”", *own),
        content_bytes=_content_bytes(reader, columns),
        windows=windows,
        table_slots=int(reader.heap.array_lengths(tables_of).sum()),
        place=Place(source, address=reader.heap.address_of(tables[0].index)),
        job=operator.job,
        job_id=operator.job_id,
        operator=operator.name,
    )
    return state, columns


def bootstrap_entries(reader: Reader) -> list[int]:
    """Entries that hold nothing: the constant with which CopyOnWriteStateMap's iterators begin, one a class loader."""
    owners = reader.heap.classes_named(ENTRY.removesuffix("$StateMapEntry"))
    found = (reader.heap.static(owner.index, "ITERATOR_BOOTSTRAP_ENTRY") for owner in owners)
    return [entry for entry in found if isinstance(entry, int) and entry >= 0]


def _entries_of_maps(
    tables: Indices, met_in: NDArray[np.int32], primary: Indices, rehash: Indices
) -> NDArray[np.int64]:
    """How many entries each map has in its table and in the one that it is being rehashed into."""
    counts = np.bincount(met_in, minlength=len(tables) + 1)
    if not len(tables):
        return np.zeros(len(primary), np.int64)

    def of(column: Indices) -> NDArray[np.int64]:
        position = np.minimum(np.searchsorted(tables, column), len(tables) - 1)
        return np.where(tables[position] == column, counts[position], 0)

    return np.where(primary == rehash, of(primary), of(primary) + of(rehash))


def _distinct_namespaces(reader: Reader, namespaces: Indices) -> int:
    """Windows or namespaces of any other class; mostly one object (VoidNamespace, GlobalWindow) that all share."""
    objects = reader.distinct(namespaces)
    return len(objects) if len(objects) <= 1 else distinct_by_value(reader.heap, objects)


def _distinct_keys(reader: Reader, columns: StateEntries, namespaces: int) -> int:
    """(key, window) is unique, so in one window each entry is a key; over several, keys are compared by value."""
    if namespaces <= 1:
        return len(columns.entries)
    return distinct_by_value(reader.heap, columns.keys)


def _content_bytes(reader: Reader, columns: StateEntries) -> int:
    """What the values retain: each value that only its own entry holds (a shared constant belongs to nobody)."""
    heap = reader.heap
    return int(owned_by(columns.values, heap.idom, columns.entries, heap.retained_bytes))


def window_spans(reader: Reader, namespaces: Indices, slices: Slices | None = None) -> tuple[WindowSpan, ...]:
    """The distinct windows among these namespaces with their number of entries, in order of their end."""
    starts, ends = window_bounds(reader, namespaces, slices)
    if (
        len(ends) and ends[0] != NULL and (ends == ends[0]).all() and (starts == starts[0]).all()
    ):  # one day's window, mostly
        return (_span(int(starts[0]), int(ends[0]), len(starts), slices),)
    known = ends != NULL
    if not known.any():
        return ()
    starts, ends = starts[known], ends[known]
    order = np.lexsort((starts, ends))
    starts, ends = starts[order], ends[order]
    firsts = np.flatnonzero(np.concatenate([[True], (np.diff(ends) != 0) | (np.diff(starts) != 0)]))
    counts = np.diff(np.append(firsts, len(ends)))
    return tuple(_span(int(starts[f]), int(ends[f]), int(n), slices) for f, n in zip(firsts, counts, strict=True))


def _span(start: int, end: int, entries: int, slices: Slices | None) -> WindowSpan:
    return WindowSpan(start, end, entries, None if slices is None else slices.over_ms(end))


def window_bounds(
    reader: Reader, namespaces: Indices, slices: Slices | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(start, end) in ms for each namespace that is a TimeWindow or, with ``slices``, a slice; -1 for every other."""
    starts = np.full(len(namespaces), NULL, np.int64)
    ends = np.full(len(namespaces), NULL, np.int64)
    for window_class in (c for name in _TIME_WINDOWS for c in reader.heap.classes_named(name)):
        reader.long_pairs(namespaces, window_class.index, ("start", "end"), (starts, ends))
    for long_class in reader.heap.classes_named("java.lang.Long") if slices is not None else ():
        chosen = (namespaces >= 0) & (reader.heap.class_of[np.maximum(namespaces, 0)] == long_class.index)
        ends[chosen] = reader.heap.field(namespaces[chosen], "value")
        starts[chosen] = ends[chosen] - slices.slice_ms  # type: ignore[union-attr]
    return starts, ends
