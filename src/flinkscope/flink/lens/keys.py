"""Keys by value: how many distinct ones there are, and one of them in words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.kernels import fold_segments
from flinkscope.flink.lens.rows import BINARY_ROW, describe_row, row_hashes
from flinkscope.formats.hprof import tags
from flinkscope.heap.kernels import contents
from flinkscope.jit import kernel

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Hashes = NDArray[np.uint64]
_DEEPEST = 4  # a tuple of POJOs of strings; deeper objects are told apart by their address
_NULL = np.uint64(1)
_UNEQUAL = frozenset({"hash", "hashIsZero", "modCount", "cachedHashCode"})  # caches: no part of the value
_BOXES = frozenset(f"java.lang.{n}" for n in ("Long", "Integer", "Short", "Byte", "Character", "Boolean", "Double",
                                              "Float"))  # fmt: skip
_MOST_FIELDS, _MOST_CHARS = 8, 60


def distinct_by_value(heap: Heap, keys: NDArray[np.int32]) -> int:
    """How many different values these objects have: Strings, boxes, arrays, tuples, dates and POJOs by their contents.

    Two different values are taken for one with probability n² / 2⁶⁴: 5 in a million among ten million keys. Cost: one
    read of each key's fields and contents.
    """
    hashes = value_hashes(heap, keys)
    hashes.sort()
    return int(np.count_nonzero(np.diff(hashes))) + bool(len(hashes))


def value_hashes(heap: Heap, objects: NDArray[np.int32], depth: int = _DEEPEST) -> Hashes:
    """A 64-bit hash of each object's value; equal values have equal ones. NULL (-1) has one of its own."""
    found = np.full(len(objects), _NULL, np.uint64)
    rows = heap.class_of[np.maximum(objects, 0)]
    for row in np.unique(rows[objects >= 0]):
        chosen = np.flatnonzero((rows == row) & (objects >= 0))
        found[chosen] = _of_class(heap, int(row), objects[chosen], depth)
    return found


def _of_class(heap: Heap, row: int, objects: NDArray[np.int32], depth: int) -> Hashes:
    name = heap.classes[row].name if row >= 0 else ""
    hashes = np.full(len(objects), zlib.crc32(name.encode()), np.uint64)
    rows = row_hashes(heap, objects) if name == BINARY_ROW else None
    if rows is not None:
        fold(hashes, rows)
    elif name.endswith("[]") and depth and name.removesuffix("[]") not in tags.PRIMITIVES.values():
        offsets, elements = heap.elements(objects, keep_nulls=True)
        owners = np.repeat(np.arange(len(objects)), np.diff(offsets))
        fold_segments(owners, value_hashes(heap, elements.astype(np.int32), depth - 1), hashes)
    elif name.endswith("[]"):
        content = np.empty(len(objects), np.int64)
        contents.content_hashes(heap.records.data, heap.store.offsets, objects, heap.records.id_size, content)
        fold(hashes, np.where(content < 0, objects, content).astype(np.uint64))
    elif row < 0 or depth == 0:
        fold(hashes, objects.astype(np.uint64))
    else:
        for field in heap.store.classes.fields(row):
            if field.name in _UNEQUAL:
                continue
            column = heap.field(objects, field.name)
            inner = value_hashes(heap, column, depth - 1) if field.type == tags.TYPE_OBJECT else _bits(column)
            fold(hashes, inner)
    return hashes


@kernel
def fold(hashes: NDArray[Any], more: NDArray[Any]) -> None:
    """Mixes ``more`` into ``hashes``, element by element (splitmix64's finisher)."""
    for i in range(len(hashes)):
        h = (hashes[i] ^ more[i]) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        hashes[i] = h ^ (h >> np.uint64(27))


def _bits(column: NDArray[Any]) -> Hashes:
    if column.dtype.kind == "f":
        return column.astype(np.float64).view(np.uint64)
    return column.astype(np.int64).view(np.uint64)


def describe_key(heap: Heap, index: int, *, show: bool, types: Sequence[str] = (), depth: int = 2) -> str:
    """A key in words: ``("item-5", 3)``; without ``show`` only its shape: ``Tuple2(String of 6, Long)``.

    ``types``: of a binary row's fields (``rows.key_types``).
    """
    if index < 0:
        return "null"
    name = heap.class_name_of(index)
    simple = name.rsplit(".", 1)[-1]
    if name == "java.lang.String":
        text = heap.string(index) or ""
        return f'"{text[:_MOST_CHARS]}"' if show else f"String of {len(text)}"
    if name in _BOXES:
        return str(heap.field(np.array([index], np.int32), "value")[0]) if show else simple
    if name == BINARY_ROW:
        return describe_row(heap, index, types, show=show)
    moment = _moment(heap, index, name) if show else None
    if moment is not None:
        return moment
    if name.endswith("[]") or depth == 0:
        return f"{simple[:-2]}[{heap.array_length(index)}]" if name.endswith("[]") else simple
    fields = [f for f in heap.store.classes.fields(int(heap.class_of[index])) if f.name not in _UNEQUAL]
    is_tuple = name.startswith("org.apache.flink.api.java.tuple.")
    if is_tuple:
        fields.sort(key=lambda f: (len(f.name), f.name))  # f0, f1, …, f10: a dump's order is the JVM's
    parts = [_field_text(heap, index, f, show, depth, named=not is_tuple) for f in fields[:_MOST_FIELDS]]
    inside = ", ".join(part for part in parts if part)
    return f"({inside})" if is_tuple and show else f"{simple}({inside})"


def _field_text(heap: Heap, index: int, field: Any, show: bool, depth: int, *, named: bool) -> str:
    value = heap.field(np.array([index], np.int32), field.name)[0]
    if field.type == tags.TYPE_OBJECT:
        text = describe_key(heap, int(value), show=show, depth=depth - 1)
    elif show:
        text = str(value)
    else:
        return str(field.name) if named else ""
    return f"{field.name}={text}" if named else text


def _moment(heap: Heap, index: int, name: str) -> str | None:
    """A date or time in ISO form; None for any other class or an impossible date."""
    at = np.array([index], np.int32)
    try:
        if name == "java.time.LocalDate":
            return date(*(int(heap.field(at, part)[0]) for part in ("year", "month", "day"))).isoformat()
        if name == "java.time.Instant":
            seconds = int(heap.field(at, "seconds")[0])
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()
        if name in ("java.util.Date", "java.sql.Date", "java.sql.Timestamp"):
            passed = int(heap.field(at, "fastTime")[0])
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=passed)).isoformat()
    except (ValueError, OverflowError):
        return None
    return None
