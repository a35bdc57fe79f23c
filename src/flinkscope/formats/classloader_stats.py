"""``VM.classloader_stats``: each class loader with its classes and its metaspace.

    ClassLoader         Parent              CLD*               Classes   ChunkSz   BlockSz  Type
    0x000000010079e410  0x0000000100051880  0x00007f1a94316d70     508    264960    263632  org.apache.flink…ClassLoader
                                                               24      9216      8320   + hidden classes
    Total = 157                                                  13434   9128064   9042544

JDK 16 to 22 print the sizes in words (a slip of HotSpot's own); others in bytes. Which, the reader cannot tell from the
text: ``in_bytes`` takes the JVM's metaspace in use to decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.errors import UnreadableInputError

_ROW = re.compile(r"^0x[0-9a-f]+\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)")
_MORE = re.compile(r"^\s+(\d+)\s+(\d+)\s+(\d+)\s+\+\s*(?:unsafe anonymous|hidden) classes")
_TOTAL = re.compile(r"^Total = (\d+)\s+(\d+)\s+(\d+)\s+(\d+)")
_WORD_BYTES = 8


@dataclass(frozen=True, slots=True)
class LoaderStat:
    """One class loader; sizes in the unit that the JVM printed."""

    class_name: str
    classes: int
    chunks: int
    blocks: int


@dataclass(frozen=True, slots=True)
class ClassLoaderStats:
    """All class loaders of a JVM, and its own totals."""

    loaders: tuple[LoaderStat, ...]
    total_loaders: int
    total_classes: int
    total_blocks: int

    def unit_bytes(self, metaspace_used_bytes: int) -> int:
        """Bytes of the unit of the sizes: 8 where the total in bytes would be far below what is in use, else 1."""
        return _WORD_BYTES if self.total_blocks * 4 < metaspace_used_bytes else 1


def parse_classloader_stats(text: str) -> ClassLoaderStats:
    """The verb's answer. Hidden classes count with their loader. Raises UnreadableInputError for any other text."""
    rows: list[LoaderStat] = []
    for line in text.splitlines():
        if row := _ROW.match(line):
            rows.append(LoaderStat(row[4], int(row[1]), int(row[2]), int(row[3])))
        elif (more := _MORE.match(line)) and rows:
            last = rows[-1]
            numbers = (last.classes + int(more[1]), last.chunks + int(more[2]), last.blocks + int(more[3]))
            rows[-1] = LoaderStat(last.class_name, *numbers)
        elif total := _TOTAL.match(line):
            return ClassLoaderStats(tuple(rows), int(total[1]), int(total[2]), int(total[4]))
    raise UnreadableInputError("not the answer of VM.classloader_stats: no total", hint="jcmd PID VM.classloader_stats")
