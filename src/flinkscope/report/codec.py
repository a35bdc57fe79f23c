"""Report dataclasses to plain documents and back, and their JSON schema: one walk over the type hints for all three.

A document that does not fit is refused with the path of the first misfit (``findings[2].severity``), so a report
written by another program, or edited by hand, never becomes a half-filled page.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from flinkscope.errors import UnreadableInputError

T = TypeVar("T")

_LARGEST = 1 << 64  # addresses take 64 bits; nothing in a report is larger, and floats overflow far beyond
_NAMES = {int: "an integer of 64 bits", str: "a string", bool: "true or false", type(None): "null"}
_SCHEMA_TYPES = {int: "integer", str: "string", bool: "boolean", type(None): "null"}


def to_document(row: Any) -> Any:
    """``row`` (dataclasses, tuples, scalars) as dicts, lists and scalars; field order is the dataclass' order."""
    if is_dataclass(row):
        return {f.name: to_document(getattr(row, f.name)) for f in fields(row)}
    if isinstance(row, tuple):
        return [to_document(item) for item in row]
    return row


def from_document(kind: type[T], document: object, where: str = "") -> T:
    """The dataclass ``kind`` from a document. Raises UnreadableInputError naming the path of what does not fit.

    Unknown keys are ignored, so that a newer flinkscope may add fields.
    """
    if not isinstance(document, dict):
        raise _misfit(where, "an object", document)
    values: dict[str, Any] = {}
    for name, hint, required in _fields_of(cast(Any, kind)):
        path = f"{where}.{name}" if where else name
        if name in document:
            values[name] = _decode(hint, document[name], path)
        elif required:
            raise _misfit(path, _describe(hint), MISSING)
    return kind(**values)


def schema_of(kind: type) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of the dataclass: every nested dataclass becomes one definition."""
    definitions: dict[str, Any] = {}
    _define(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flinkscope report",
        "$ref": f"#/$defs/{kind.__name__}",
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


@lru_cache
def _fields_of(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    hints = get_type_hints(kind)
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is not a dataclass")
    return tuple((f.name, hints[f.name], f.default is MISSING and f.default_factory is MISSING) for f in fields(kind))


def _decode(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Literal:
        if isinstance(value, str) and value in get_args(hint):
            return value
    elif origin in (Union, types.UnionType):
        return _decode_optional(hint, value, where)
    elif origin is tuple:
        if isinstance(value, list):
            return tuple(_decode(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    elif is_dataclass(hint):
        return from_document(hint, value, where)  # type: ignore[arg-type]
    elif type(value) is hint and (not isinstance(value, int) or -_LARGEST < value < _LARGEST):
        return value  # exact type: True is not an integer
    raise _misfit(where, _describe(hint), value)


def _decode_optional(hint: Any, value: object, where: str) -> Any:
    if value is None:
        return None
    (inner,) = (option for option in get_args(hint) if option is not type(None))
    return _decode(inner, value, where)


def _describe(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(get_args(hint))
    if origin is tuple:
        return "a list"
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(option) for option in get_args(hint))
    return _NAMES.get(hint, "an object")


def _misfit(where: str, expected: str, found: object) -> UnreadableInputError:
    shown = "nothing" if found is MISSING else f"{type(found).__name__} {str(found)[:40]!r}"
    return UnreadableInputError(
        f"not a flinkscope report: at {where or 'the top'}: expected {expected}, found {shown}",
        hint="make it anew with `flinkscope diagnose CASE --json`",
    )


def _define(kind: type, definitions: dict[str, Any]) -> None:
    if kind.__name__ in definitions:
        return
    definitions[kind.__name__] = {}  # guards against recursion
    properties = {name: _schema(hint, definitions) for name, hint, _ in _fields_of(kind)}
    definitions[kind.__name__] = {
        "type": "object",
        "description": (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "),
        "properties": properties,
        "required": [name for name, _, _ in _fields_of(kind)],
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0], definitions)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(option, definitions) for option in get_args(hint)]}
    if is_dataclass(hint) and isinstance(hint, type):
        _define(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": _SCHEMA_TYPES[hint]}
