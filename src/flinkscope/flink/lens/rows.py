"""SQL's rows: BinaryRowData, whose bytes are in a memory segment. Compared by their bytes, decoded by the key's types.

Layout (BinaryRowData of Flink 1.9 to 2.3): 8 header bits and a null bit a field, in whole words; a word a field; then
the longer parts. A string of up to 7 bytes stands in its word. Words are little endian, as on every usual machine.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.errors import UsageError
from flinkscope.flink.lens.kernels import range_hashes

if TYPE_CHECKING:
    from flinkscope.flink.lens.reader import Reader
    from flinkscope.heap.store import Heap

BINARY_ROW = "org.apache.flink.table.data.binary.BinaryRowData"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INLINE = 0x80
_MOST_FIELDS, _MOST_CHARS = 8, 60
# Logical types whose value is one number in the field's word: struct format
_NUMBERS = {
    "BigIntType": "<q", "IntType": "<i", "SmallIntType": "<h", "TinyIntType": "<b", "BooleanType": "<?",
    "DoubleType": "<d", "FloatType": "<f",
}  # fmt: skip
_TEXTS = ("VarCharType", "CharType")
_MOMENTS = ("TimestampType", "LocalZonedTimestampType")


def key_types(reader: Reader, backend: int) -> tuple[str, ...]:
    """Simple names of the logical types of a backend's RowData keys; empty for keys of any other kind."""
    types = reader.follow(backend, "keySerializer", "types")
    _, found = reader.elements(np.array([types], np.int32))
    return tuple((reader.class_name(int(t)) or "?").rsplit(".", 1)[-1] for t in found)


def row_hashes(heap: Heap, rows: NDArray[np.int32]) -> NDArray[np.uint64] | None:
    """A hash of each row's bytes; None where the rows cannot be read (other fields, several segments, off-heap)."""
    try:
        starts, lengths = heap.field(rows, "offset"), heap.field(rows, "sizeInBytes")
        segments = heap.field(rows, "segments")
        counts, first = heap.elements(segments)
        if (segments < 0).any() or (np.diff(counts) != 1).any() or (first < 0).any():
            return None
        arrays = heap.field(first.astype(np.int32), "heapMemory")
    except UsageError:
        return None
    hashes = np.zeros(len(rows), np.uint64)
    places = (arrays, starts.astype(np.int64), lengths.astype(np.int64))
    good = range_hashes(heap.records.data, heap.store.offsets, *places, heap.records.id_size, hashes)
    return hashes if good else None


def describe_row(heap: Heap, index: int, types: Sequence[str], *, show: bool) -> str:
    """A binary row in words: ``("item-5", 3)``; without ``show``, or where it cannot be decoded, its shape."""
    shape = f"row({', '.join(t.removesuffix('Type') for t in types[:_MOST_FIELDS])})"
    content = _content(heap, index) if show else None
    arity = int(heap.field(np.array([index], np.int32), "arity")[0])
    if content is None or len(types) != arity:
        return shape if types else f"row of {arity} fields"
    parts = [_field(content, arity, i, name) for i, name in enumerate(types[:_MOST_FIELDS])]
    return f"({', '.join(parts)})"


def _content(heap: Heap, index: int) -> bytes | None:
    at = np.array([index], np.int32)
    try:
        start, length = int(heap.field(at, "offset")[0]), int(heap.field(at, "sizeInBytes")[0])
        _, segment = heap.elements(heap.field(at, "segments"))
        memory = int(heap.field(segment[:1].astype(np.int32), "heapMemory")[0]) if len(segment) == 1 else -1
        found = heap.primitive_array(memory).tobytes() if memory >= 0 else b""
    except UsageError:
        return None
    return found[start : start + length] if 0 <= start <= start + length <= len(found) else None


def _field(row: bytes, arity: int, number: int, kind: str) -> str:
    """One field's value; its type in brackets where it cannot be told."""
    unread = f"<{kind.removesuffix('Type')}>"
    bit = number + 8
    nulls = (arity + 8 + 63) // 64 * 8
    place = nulls + number * 8
    if place + 8 > len(row):
        return unread
    if row[bit // 8] >> bit % 8 & 1:
        return "null"
    if kind in _NUMBERS:
        return str(struct.unpack_from(_NUMBERS[kind], row, place)[0])
    if kind in _TEXTS:
        return _text(row, place) or unread
    try:
        return _moment(row, place, kind) or unread
    except OverflowError:
        return unread


def _moment(row: bytes, place: int, kind: str) -> str | None:
    if kind == "DateType":
        return (date(1970, 1, 1) + timedelta(days=struct.unpack_from("<i", row, place)[0])).isoformat()
    if kind in _MOMENTS:  # compact ones (precision up to 3) are milliseconds; longer ones begin with them elsewhere
        millis: int = struct.unpack_from("<q", row, place)[0]
        beyond = millis >> 32
        if 0 < beyond <= len(row) - 8 and millis & 0xFFFFFFFF < 1_000_000:  # offset and nanoseconds
            millis = struct.unpack_from("<q", row, beyond)[0]
        return (_EPOCH + timedelta(milliseconds=millis)).isoformat()
    return None


def _text(row: bytes, place: int) -> str | None:
    word = row[place : place + 8]
    if word[7] & _INLINE:
        text: Any = word[: min(7, word[7] & 0x7F)]
    else:
        (packed,) = struct.unpack("<q", word)
        start, length = packed >> 32, packed & 0xFFFFFFFF
        if start < 0 or start + length > len(row):
            return None
        text = row[start : start + length]
    return f'"{text.decode("utf-8", errors="replace")[:_MOST_CHARS]}"'
