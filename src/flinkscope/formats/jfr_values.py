"""How values stand in a flight recording: LEB128 numbers, strings, structs; and the types that describe them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_DEEPEST = 16  # of metadata elements (real: 4) and of structs in structs (real: 3)
_FLOAT, _DOUBLE = struct.Struct(">f"), struct.Struct(">d")
_STRING_POOL_KEY = "java.lang.String"


class DecodingError(Exception):
    """The bytes of one event are not what its type says."""


class Cursor:
    """A place in the recording; every read is guarded by ``end``."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes | memoryview, at: int) -> None:
        self.data, self.at, self.end = data, at, len(data)

    def varint(self) -> int:
        """An unsigned LEB128 number of up to 9 bytes; the ninth holds 8 bits."""
        data, at, end = self.data, self.at, self.end
        if at >= end:
            raise DecodingError(f"it ends at byte {end:,}")
        byte = data[at]
        value, shift = byte & 0x7F, 7
        at += 1
        while byte > 0x7F:
            if at >= end:
                raise DecodingError(f"it ends at byte {end:,}")
            byte = data[at]
            at += 1
            if shift == 56:
                value |= byte << 56
                break
            value |= (byte & 0x7F) << shift
            shift += 7
        self.at = at
        return value

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def count(self) -> int:
        """A number of things that follow: not more than there are bytes left."""
        number = self.varint()
        if number > self.end - self.at:
            raise DecodingError(f"{number:,} values in {self.end - self.at:,} bytes")
        return number

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size > self.end - self.at:
            raise DecodingError(f"{size:,} bytes asked for, {self.end - self.at:,} left")
        self.at += size
        return bytes(self.data[self.at - size : self.at])

    def text(self) -> str | int | None:
        """A string: its text, the number of a constant, or None for null."""
        kind = self.byte()
        if kind == 0:
            return None
        if kind == 1:
            return ""
        if kind == 2:
            return self.varint()
        if kind == 3:
            return self.take(self.varint()).decode("utf-8", "replace")
        if kind == 4:
            units = [self.varint() & 0xFFFF for _ in range(self.count())]
            return struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "replace")
        if kind == 5:
            return self.take(self.varint()).decode("latin-1")
        raise DecodingError(f"a string of the unknown kind {kind}")


Decoder = Callable[[Cursor], Any]


@dataclass(frozen=True, slots=True)
class JfrField:
    """A field: ``constant`` values stand in a pool of ``type_id``; ``many``: an array."""

    name: str
    type_id: int
    constant: bool
    many: bool


@dataclass(frozen=True, slots=True)
class JfrType:
    """A type of events or values, as the recording itself describes it."""

    id: int
    name: str
    fields: tuple[JfrField, ...]

    def index(self, name: str) -> int | None:
        """Where that field stands in the tuple of a value; None where the type lacks it."""
        return next((n for n, field in enumerate(self.fields) if field.name == name), None)


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    attributes: dict[str, str]
    children: tuple[_Element, ...]


def read_metadata(cursor: Cursor) -> dict[int, JfrType]:
    """All types by id, from the event of type 0; the cursor stands after its type."""
    for _ in range(3):  # start time, duration, id
        cursor.varint()
    strings = []
    for _ in range(cursor.count()):
        text = cursor.text()
        strings.append(text if isinstance(text, str) else "")
    root = _element(cursor, strings, 0)
    types: dict[int, JfrType] = {}
    for group in root.children:
        for element in group.children if group.name == "metadata" else ():
            type_id = element.attributes.get("id", "")
            if element.name == "class" and type_id.isdigit():
                fields = tuple(_field(child) for child in element.children if child.name == "field")
                types[int(type_id)] = JfrType(int(type_id), element.attributes.get("name", ""), fields)
    return types


def _element(cursor: Cursor, strings: list[str], depth: int) -> _Element:
    if depth > _DEEPEST:
        raise DecodingError("elements inside one another without end")
    name = _string(cursor, strings)
    attributes = {_string(cursor, strings): _string(cursor, strings) for _ in range(cursor.count())}
    children = tuple(_element(cursor, strings, depth + 1) for _ in range(cursor.count()))
    return _Element(name, attributes, children)


def _string(cursor: Cursor, strings: list[str]) -> str:
    index = cursor.varint()
    if index >= len(strings):
        raise DecodingError(f"string {index:,} of {len(strings):,}")
    return strings[index]


def _field(element: _Element) -> JfrField:
    type_id = element.attributes.get("class", "")
    if not type_id.isdigit():
        raise DecodingError(f"a field of the type {type_id!r}")
    attributes = element.attributes
    return JfrField(
        attributes.get("name", ""), int(type_id), attributes.get("constantPool") == "true", "dimension" in attributes
    )


def decoders(types: dict[int, JfrType]) -> dict[int, Decoder]:
    """A function for each type that reads one value of it: numbers, texts, or a tuple of the fields.

    Real types hold one another only by constants; one that holds itself, or nothing, or others too deeply, cannot be
    read: so that the time for a value is bounded by its bytes whatever the file says.
    """
    made: dict[int, Decoder] = {}
    for type_id in types:
        _decoder(type_id, types, made, 0)
    return made


def _decoder(type_id: int, types: dict[int, JfrType], made: dict[int, Decoder], depth: int) -> Decoder:
    if type_id in made:
        return made[type_id]
    type_ = types.get(type_id)
    if type_ is None or depth > _DEEPEST:
        return _undecodable
    made[type_id] = _undecodable  # what a type finds that holds itself
    plain = _PLAIN.get(type_.name)
    if plain is not None:
        made[type_id] = plain
    elif type_.fields:
        made[type_id] = _struct([_field_decoder(field, types, made, depth + 1) for field in type_.fields])
    return made[type_id]


def _field_decoder(field: JfrField, types: dict[int, JfrType], made: dict[int, Decoder], depth: int) -> Decoder:
    one = Cursor.varint if field.constant else _decoder(field.type_id, types, made, depth)
    return _array(one) if field.many else one


def _struct(parts: list[Decoder]) -> Decoder:
    def read(cursor: Cursor) -> tuple[Any, ...]:
        return tuple([part(cursor) for part in parts])

    return read


def _array(one: Decoder) -> Decoder:
    def read(cursor: Cursor) -> list[Any]:
        return [one(cursor) for _ in range(cursor.count())]

    return read


def _undecodable(cursor: Cursor) -> Any:
    raise DecodingError(f"at byte {cursor.at:,} a value of an unknown type")


def _boolean(cursor: Cursor) -> bool:
    return cursor.byte() != 0


def _float(cursor: Cursor) -> float:
    return float(_FLOAT.unpack(cursor.take(4))[0])


def _double(cursor: Cursor) -> float:
    return float(_DOUBLE.unpack(cursor.take(8))[0])


_PLAIN: dict[str, Decoder] = {
    "boolean": _boolean,
    "byte": Cursor.byte,
    "char": Cursor.varint,
    "short": Cursor.varint,
    "int": Cursor.varint,
    "long": Cursor.varint,
    "float": _float,
    "double": _double,
    _STRING_POOL_KEY: Cursor.text,
}
