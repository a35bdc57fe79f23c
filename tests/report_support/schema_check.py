"""A checker for the part of JSON schema that our report uses; says where a document does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TYPES = {"string": str, "boolean": bool, "null": type(None), "array": list, "object": dict}


def misfits(document: Any, schema: dict[str, Any], root: dict[str, Any], where: str = "$") -> Iterator[str]:
    """One line for each place where the document breaks the schema."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "enum" in schema and document not in schema["enum"]:
        yield f"{where}: {document!r} is none of {schema['enum']}"
    if "anyOf" in schema and all(any(True for _ in misfits(document, s, root, where)) for s in schema["anyOf"]):
        yield f"{where}: fits none of the alternatives"
    kind = schema.get("type")
    if kind == "integer":
        if type(document) is not int:
            yield f"{where}: {document!r} is not an integer"
    elif kind and not isinstance(document, _TYPES[kind]):
        yield f"{where}: {document!r} is not of type {kind}"
    elif kind == "array":
        for number, item in enumerate(document):
            yield from misfits(item, schema["items"], root, f"{where}[{number}]")
    elif kind == "object":
        yield from (f"{where}: {name} is missing" for name in schema["required"] if name not in document)
        for name, value in document.items():
            if name not in schema["properties"]:
                yield f"{where}: {name} is not in the schema"
            else:
                yield from misfits(value, schema["properties"][name], root, f"{where}.{name}")
