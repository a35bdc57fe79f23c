"""Class histograms as ``jcmd GC.class_histogram``, ``jmap -histo`` and the attach verb print them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.errors import UnreadableInputError
from flinkscope.place import Place

_ROW = re.compile(r"\s*\d+:\s+(?P<count>\d+)\s+(?P<bytes>\d+)\s+(?P<name>\S+)(?:\s+\((?P<module>[^)]*)\))?\s*$")
_TOTAL = re.compile(r"Total\s+(?P<count>\d+)\s+(?P<bytes>\d+)\s*$")
_PRIMITIVES = {"B": "byte", "C": "char", "D": "double", "F": "float", "I": "int", "J": "long", "S": "short",
               "Z": "boolean"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """One class: its name as in source (``byte[]``, ``java.lang.String``); sizes are shallow bytes."""

    class_name: str
    objects: int
    shallow_bytes: int
    module: str | None
    line: int


@dataclass(frozen=True, slots=True)
class ClassHistogram:
    """All rows, biggest first as printed. Two classes of one name from two loaders are two rows.

    ``gap`` says what is missing: no total at the end (cut), or a total that is not the sum of the rows.
    """

    place: Place
    rows: tuple[HistogramRow, ...]
    total_objects: int
    total_bytes: int
    gap: str | None


def parse_class_histogram(text: str, source: str) -> ClassHistogram:
    """Reads a histogram. Raises UnreadableInputError when not one row is in it."""
    rows = []
    total: re.Match[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        row = _ROW.match(line[:4096])
        if row is not None:
            name = source_name(row["name"])
            rows.append(HistogramRow(name, int(row["count"]), int(row["bytes"]), row["module"], number))
        elif line.startswith("Total"):
            total = _TOTAL.match(line)
    if not rows:
        raise UnreadableInputError(
            f"{source}: not a class histogram: no row “num: #instances #bytes class name”",
            hint="jcmd PID GC.class_histogram > histogram.txt",
        )
    objects, size_bytes = sum(row.objects for row in rows), sum(row.shallow_bytes for row in rows)
    gap = None
    if total is None:
        gap = "no total line: the histogram was cut"
    elif (int(total["count"]), int(total["bytes"])) != (objects, size_bytes):
        gap = f"the rows add up to {size_bytes:,} bytes, the total line says {int(total['bytes']):,}"
    return ClassHistogram(Place(source), tuple(rows), objects, size_bytes, gap)


def source_name(jvm_name: str) -> str:
    """``[[I`` → ``int[][]``, ``[Ljava.lang.Object;`` → ``java.lang.Object[]``; other names as they are."""
    depth = len(jvm_name) - len(jvm_name.lstrip("["))
    if depth == 0:
        return jvm_name
    inner = jvm_name[depth:]
    name = inner[1:-1] if inner.startswith("L") and inner.endswith(";") else _PRIMITIVES.get(inner)
    return jvm_name if name is None else name + "[]" * depth
