"""hsperfdata, the counters that every HotSpot JVM publishes in a memory-mapped file: bytes → named values.

Format version 2.0 as HotSpot 7 to 25 writes it (``perfMemory.hpp``): a prologue of 32 bytes, then entries, each with
a name and a value, either one 64-bit number or a byte string. The prologue's byte 4 tells the byte order. Reading
costs the target nothing. Counters of metaspace are refreshed only at a garbage collection; ``java.cls.*`` at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from flinkscope.errors import FormatError

MAGIC = b"\xca\xfe\xc0\xc0"
PROLOGUE_BYTES = 32
ENTRY_BYTES = 20


class Unit(IntEnum):
    """What a counter counts (``PerfData::Units``)."""

    NONE = 1
    BYTES = 2
    TICKS = 3
    EVENTS = 4
    STRING = 5
    HERTZ = 6


@dataclass(frozen=True, slots=True)
class CounterSlot:
    """Where a counter's value lies: ``text_bytes`` is 0 for a number, else the capacity of the byte string."""

    offset: int
    text_bytes: int
    unit: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The entries of one file: they only ever grow, so a sampler reuses the layout while ``stamp`` stays the same."""

    byte_order: str
    stamp: tuple[int, int, int]
    slots: Mapping[str, CounterSlot]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PerfData:
    """One reading of all counters. ``number`` and ``text`` answer None for a counter that this JVM does not keep."""

    layout: Layout
    data: bytes = field(repr=False)

    def number(self, name: str) -> int | None:
        """The 64-bit value, signed, in the counter's own unit; None if there is no such number."""
        slot = self.layout.slots.get(name)
        if slot is None or slot.text_bytes:
            return None
        value: int = struct.unpack_from(self.layout.byte_order + "q", self.data, slot.offset)[0]
        return value

    def text(self, name: str) -> str | None:
        """The string up to its NUL; None if there is no such string."""
        slot = self.layout.slots.get(name)
        if slot is None or not slot.text_bytes:
            return None
        raw = self.data[slot.offset : slot.offset + slot.text_bytes]
        return raw.split(b"\0", 1)[0].decode("utf-8", "replace")

    def names(self) -> Iterator[str]:
        """All counters in the order of the file."""
        return iter(self.layout.slots)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What could not be read, in words; empty for a whole file."""
        return self.layout.gaps

    @property
    def java_major(self) -> int | None:
        """8, 11, 17 …: the feature release, from ``java.property.java.vm.specification.version``."""
        version = self.text("java.property.java.vm.specification.version") or ""
        version = version.removeprefix("1.").split(".")[0]
        return int(version) if version.isdigit() else None


def parse_hsperf(data: bytes, name: str, *, known: Layout | None = None) -> PerfData:
    """The counters in ``data``; ``name`` is for error messages; ``known`` saves parsing the entries again.

    Costs about 1 ms for the usual 300 entries, some microseconds with ``known``. Raises FormatError when nothing can
    be read: not hsperfdata, another version, not yet initialised. A file cut short gives what is whole, and ``gaps``.
    """
    order, stamp = _prologue(data, name)
    if known is not None and not known.gaps and (known.byte_order, known.stamp) == (order, stamp):
        return PerfData(known, data) if len(data) >= stamp[0] else PerfData(_layout(data, order, stamp), data)
    return PerfData(_layout(data, order, stamp), data)


def _prologue(data: bytes, name: str) -> tuple[str, tuple[int, int, int]]:
    if data[:4] != MAGIC:
        raise FormatError(
            name, 0, "hsperfdata magic cafec0c0", data[:4].hex() or "end of file", hint="is it a HotSpot JVM's file?"
        )
    if len(data) < PROLOGUE_BYTES:
        raise FormatError(name, len(data), f"a prologue of {PROLOGUE_BYTES} bytes", "end of file")
    if data[4] > 1:
        raise FormatError(name, 4, "byte order 0 or 1", str(data[4]))
    order = "<" if data[4] else ">"
    if data[5] != 2:
        raise FormatError(name, 5, "hsperfdata version 2", f"version {data[5]}.{data[6]}", hint="JDK 1.4 wrote this")
    if data[7] == 0:
        raise FormatError(name, 7, "counters marked accessible", "0", hint="the JVM is still starting; try again")
    used_bytes, _overflow, _modified, entry_offset, entry_count = struct.unpack_from(order + "iiqii", data, 8)
    if entry_offset < PROLOGUE_BYTES or entry_count < 0:
        raise FormatError(name, 24, "an entry table behind the prologue", f"{entry_count} entries at {entry_offset}")
    return order, (used_bytes, entry_offset, entry_count)


def _layout(data: bytes, order: str, stamp: tuple[int, int, int]) -> Layout:
    _used_bytes, position, entry_count = stamp
    slots: dict[str, CounterSlot] = {}
    gaps: list[str] = []
    for index in range(entry_count):
        if position + ENTRY_BYTES > len(data):
            gaps.append(f"{entry_count - index} of {entry_count} counters lie behind the end at byte {len(data):,}")
            break
        entry_bytes: int = struct.unpack_from(order + "i", data, position)[0]
        if entry_bytes < ENTRY_BYTES:
            gaps.append(f"entry {index} at byte {position:,} says that it is {entry_bytes} bytes long; stopped there")
            break
        counter = _entry(data, order, position, entry_bytes)
        if counter is None:
            gaps.append(f"entry {index} at byte {position:,} is damaged")
        else:
            slots[counter[0]] = counter[1]
        position += entry_bytes
    return Layout(order, stamp, slots, tuple(gaps))


def _entry(data: bytes, order: str, position: int, entry_bytes: int) -> tuple[str, CounterSlot] | None:
    name_offset, vector_length = struct.unpack_from(order + "ii", data, position + 4)
    kind, _flags, unit, _variability = data[position + 12 : position + 16]
    data_offset: int = struct.unpack_from(order + "i", data, position + 16)[0]
    end = min(position + entry_bytes, len(data))
    value_bytes = vector_length if vector_length else 8
    value_at = position + data_offset
    if not ENTRY_BYTES <= name_offset < entry_bytes or data_offset < ENTRY_BYTES or vector_length < 0:
        return None
    if value_at + value_bytes > end or (vector_length == 0) != (kind == ord("J")):
        return None
    name_end = data.find(b"\0", position + name_offset, end)
    if name_end < 0:
        return None
    name = data[position + name_offset : name_end].decode("utf-8", "replace")
    return name, CounterSlot(value_at, vector_length, unit)
