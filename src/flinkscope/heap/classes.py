"""The classes of a dump: names, loaders, super classes, where each field lies in an instance's body, statics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.formats.hprof.records import DumpRecords

Array = npt.NDArray[Any]

_ARRAY_OF = {letter: tags.PRIMITIVES[code] for code, letter in tags.PRIMITIVE_LETTERS.items()}


def java_name(internal: str) -> str:
    """``[Ljava/lang/String;`` → ``java.lang.String[]``, ``[[I`` → ``int[][]``, ``a/B`` → ``a.B``."""
    element = internal.lstrip("[")
    depth = len(internal) - len(element)
    if depth:
        element = (
            element[1:-1] if element.startswith("L") and element.endswith(";") else _ARRAY_OF.get(element, element)
        )
    return element.replace("/", ".") + "[]" * depth


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its HPROF type code and the byte position in an INSTANCE_DUMP's body."""

    name: str
    type: int
    position: int
    declared_in: int


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class. ``index``: its row; ``object_index``: of its class object, -1 if not in the dump; ``super_index``: -1
    if none; ``instance_count``: instances or arrays of exactly this class."""

    index: int
    name: str
    address: int
    object_index: int
    loader_address: int
    super_index: int
    instance_count: int


class ClassTable:
    """All classes of the dump by row, in the order of their CLASS_DUMPs; then those that the dump does not describe."""

    def __init__(self, records: DumpRecords) -> None:
        _, first = np.unique(records.class_heads[:, 0], return_index=True)
        self._rows = np.sort(first)
        self._records = records
        heads = records.class_heads[self._rows]
        self.ids: Array = np.ascontiguousarray(heads[:, 0])
        self.positions: Array = records.class_positions[self._rows]
        self.heads: Array = heads
        self._row_by_id = {int(class_id): row for row, class_id in enumerate(self.ids)}
        self.super_rows = np.array([self._row_by_id.get(int(s), -1) for s in heads[:, 1]], np.int32)
        self.names = self._read_names()
        self._fields: dict[int, list[Field]] = {}

    def __len__(self) -> int:
        return len(self.names)

    def _read_names(self) -> list[str]:
        by_class = {int(row[1]): int(row[3]) for row in self._records.load_classes}
        names = []
        for class_id in self.ids:
            text = self._records.names.text(by_class.get(int(class_id), 0))
            names.append(java_name(text) if text else f"unknown-class@{int(class_id):#x}")
        return names

    def add_unknown(self, class_id: int) -> int:
        """A row for a class that instances name and the dump does not describe."""
        self.ids = np.append(self.ids, np.int64(class_id))
        self.heads = np.vstack([self.heads, np.array([[class_id, 0, 0, 0, 0, 0, 0, 0, 0, 0]], np.int64)])
        self.super_rows = np.append(self.super_rows, np.int32(-1))
        self.names.append(f"unknown-class-{sum(n.startswith('unknown-class-') for n in self.names)}")
        self._row_by_id[class_id] = len(self.names) - 1
        self.__dict__.pop("rows_by_name", None)
        self.__dict__.pop("reference_positions", None)
        return len(self.names) - 1

    @cached_property
    def rows_by_name(self) -> dict[str, list[int]]:
        """Rows of each name: several where several loaders define it."""
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.names):
            rows.setdefault(name, []).append(row)
        return rows

    def row_of_id(self, class_id: int) -> int:
        """The row of a class id, -1 if there is none."""
        return self._row_by_id.get(class_id, -1)

    def lineage(self, row: int) -> list[int]:
        """The class and its super classes, itself first; a damaged cycle is cut."""
        seen: list[int] = []
        while row >= 0 and row not in seen:
            seen.append(row)
            row = int(self.super_rows[row])
        return seen

    def subclass_rows(self, row: int) -> list[int]:
        """The class and all its descendants."""
        inside = np.zeros(len(self), bool)
        inside[row] = True
        while True:
            parents = np.where(self.super_rows >= 0, self.super_rows, row)
            grown = inside | (inside[parents] & (self.super_rows >= 0))
            if (grown == inside).all():
                return [int(r) for r in np.flatnonzero(inside)]
            inside = grown

    def own_fields(self, row: int) -> list[tuple[int, int]]:
        """(name id, type) of the fields that the class itself declares, in the dump's order."""
        first, end = int(self.heads[row, 6]), int(self.heads[row, 7])
        return [(int(n), int(t)) for n, t in self._records.class_fields[first:end]]

    def own_sizes(self, reference_bytes: int) -> Array:
        """int64 by row: bytes of the class's own instance fields, a reference counted as so many."""
        return self._sums(self._records.class_fields, self.heads[:, 6], self.heads[:, 7], reference_bytes)

    def static_sizes(self, reference_bytes: int) -> Array:
        """int64 by row: bytes of the class's own statics."""
        return self._sums(self._records.class_statics, self.heads[:, 8], self.heads[:, 9], reference_bytes)

    def _sums(self, members: Array, first: Array, end: Array, reference_bytes: int) -> Array:
        widths = np.zeros(256, np.int64)
        for code, size in tags.TYPE_SIZES.items():
            widths[code] = reference_bytes if code == tags.TYPE_OBJECT else size
        running = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths[members[:, 1]])])
        sums: Array = running[end] - running[first]
        return sums

    def type_bytes(self, code: int) -> int:
        """Bytes of a field in the dump (a reference is an identifier)."""
        return self._records.id_size if code == tags.TYPE_OBJECT else tags.TYPE_SIZES.get(code, 0)

    def fields(self, row: int) -> list[Field]:
        """All fields of an instance: own ones first, then those of the super classes, as they lie in the body."""
        if row in self._fields:
            return self._fields[row]
        found: list[Field] = []
        position = 0
        for owner in self.lineage(row):
            for name_id, code in self.own_fields(owner):
                name = self._records.names.text(name_id) or f"field@{name_id:#x}"
                found.append(Field(name, code, position, owner))
                position += self.type_bytes(code)
        self._fields[row] = found
        return found

    def field_named(self, row: int, name: str) -> Field | None:
        """The field of that name (the most derived one); None if the class has none."""
        return next((field for field in self.fields(row) if field.name == name), None)

    @cached_property
    def reference_positions(self) -> tuple[Array, Array]:
        """(first, positions): per row the body positions of its reference fields, super classes included."""
        per_row: dict[int, list[int]] = {}
        sizes: dict[int, int] = {}
        for row in range(len(self)):
            for owner in reversed(self.lineage(row)):
                if owner in per_row:
                    continue
                position, refs = 0, []
                for _, code in self.own_fields(owner):
                    if code == tags.TYPE_OBJECT:
                        refs.append(position)
                    position += self.type_bytes(code)
                parent = int(self.super_rows[owner])
                refs += [position + at for at in per_row.get(parent, ())]
                per_row[owner] = refs
                sizes[owner] = position + sizes.get(parent, 0)
        first = np.zeros(len(self) + 1, np.int64)
        np.cumsum([len(per_row[row]) for row in range(len(self))], out=first[1:])
        flat = np.array([at for row in range(len(self)) for at in per_row[row]], np.int64)
        return first, flat

    def statics(self, row: int) -> list[tuple[str, int, int]]:
        """(name, type, position of the value in the dump) of the class's own statics."""
        first, end = int(self.heads[row, 8]), int(self.heads[row, 9])
        rows = self._records.class_statics[first:end]
        return [(self._records.names.text(int(n)) or f"static@{int(n):#x}", int(t), int(p)) for n, t, p in rows]

    def primitive_array_rows(self) -> Array:
        """Row of the array class of each element type code; -1 where the dump lacks it."""
        rows = np.full(16, -1, np.int32)
        for code, name in tags.PRIMITIVES.items():
            rows[code] = next(iter(self.rows_by_name.get(f"{name}[]", [])), -1)
        return rows
