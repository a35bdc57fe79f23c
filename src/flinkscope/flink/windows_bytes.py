"""Bytes of Flink's heap state structures, from their fields: one model for compressed, wide and compact layouts.

Fields as ``javap -p`` shows them for Flink 1.12 to 2.3 and JDK 11 to 25. Every size below was met exactly in the lab's
dumps and in the operators' own harness (see docs/explain/window-state.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_LOAD = 0.75  # CopyOnWriteStateMap.DEFAULT_LOAD_FACTOR and java.util.HashMap's
_SMALLEST_STATE_TABLE = 128  # CopyOnWriteStateMap.DEFAULT_CAPACITY
_FIRST_QUEUE_SLOTS = 129  # HeapPriorityQueue: minimum capacity 128 and the unused slot 0
_FIRST_LIST_SLOTS = 10  # ArrayList.DEFAULT_CAPACITY, on the first add
_FIRST_MAP_SLOTS = 16  # HashMap.DEFAULT_INITIAL_CAPACITY


@dataclass(frozen=True, slots=True)
class Layout:
    """How the JVM lays objects out: bytes of an object's header, an array's header, a reference; alignment is 8."""

    name: str
    header: int
    array_header: int
    reference: int

    def instance(self, references: int = 0, other_bytes: int = 0) -> int:
        """Bytes of an object with so many references and so many bytes of other fields."""
        return _aligned(self.header + references * self.reference + other_bytes)

    def longs(self, count: int) -> int:
        """Bytes of an object that has only ``long`` fields: they start at a multiple of 8."""
        return _aligned(_aligned(self.header) + 8 * count)

    def references(self, slots: int) -> int:
        """Bytes of an object array."""
        return _aligned(self.array_header + slots * self.reference)

    @property
    def entry(self) -> int:
        """CopyOnWriteStateMap.StateMapEntry: key, namespace, state, next; two versions and the hash."""
        return self.instance(4, 12)

    @property
    def timer(self) -> int:
        """TimerHeapInternalTimer: key, namespace; timestamp and its index in the queue."""
        return self.instance(2, 12)

    @property
    def node(self) -> int:
        """HashMap.Node: hash; key, value, next."""
        return self.instance(3, 4)

    @property
    def window(self) -> int:
        """TimeWindow: start and end."""
        return self.longs(2)

    @property
    def boxed_long(self) -> int:
        """A java.lang.Long outside the cache of -128 to 127."""
        return self.longs(1)

    @property
    def tuple2(self) -> int:
        """Tuple2 alone, without what it refers to."""
        return self.instance(2)

    @property
    def stream_record(self) -> int:
        """StreamRecord around an element, which the evicting operator keeps: value, timestamp, hasTimestamp."""
        return self.instance(1, 9)

    def string(self, latin_chars: int) -> int:
        """A String of Latin-1 characters with its byte array."""
        return self.instance(1, 6) + _aligned(self.array_header + latin_chars)

    def array_list(self, elements: int) -> int:
        """An ArrayList filled one by one: it grows by half, from ten slots."""
        slots = _FIRST_LIST_SLOTS
        while slots < elements:
            slots += slots >> 1
        return self.instance(1, 8) + self.references(slots)

    @property
    def state_map(self) -> int:
        """A CopyOnWriteStateMap without its table, and the header of that; its snapshot versions: an empty TreeSet."""
        empty_tree_set = self.instance(1) + self.instance(7, 8)
        return self.instance(5, 28) + empty_tree_set + self.array_header

    @property
    def timer_map(self) -> int:
        """A key group's de-duplication map, a HashMap without its table, and the header of that."""
        return self.instance(4, 16) + self.array_header

    def hash_map(self, pairs: int) -> int:
        """A HashMap with its table and nodes, without keys and values."""
        slots = _FIRST_MAP_SLOTS
        while slots * _LOAD < pairs:
            slots *= 2
        return self.instance(4, 16) + self.references(slots) + pairs * self.node


COMPRESSED = Layout("compressed references", 12, 16, 4)
WIDE = Layout("heap of 32 GiB or more", 12, 16, 8)  # class pointers stay compressed (JDK 15 and newer)
COMPACT = Layout("JDK 25 compact headers", 8, 12, 4)
LAYOUTS = {"compressed": COMPRESSED, "wide": WIDE, "compact": COMPACT}


def table_slots(entries: float, groups: int, smallest: int) -> float:
    """Slots of ``groups`` hash tables that share so many entries; a table doubles above three quarters.

    Keys fall into key groups by hash, so a group's count is about Poisson: near a threshold some tables have doubled
    and some not. Exact for one group.
    """
    if groups <= 1:
        return float(_doubled(entries, smallest))
    mean = entries / groups
    slots, expected = float(smallest), float(smallest)
    while slots * _LOAD < mean + 6 * math.sqrt(mean):
        expected += slots * _above(slots * _LOAD, mean)
        slots *= 2
    return expected * groups


def state_table_bytes(entries: float, groups: int, layout: Layout) -> float:
    """Maps and tables of one state at the largest number of entries that it ever had: they never shrink."""
    return table_slots(entries, groups, _SMALLEST_STATE_TABLE) * layout.reference + groups * layout.state_map


def timer_table_bytes(timers: float, groups: int, subtasks: int, layout: Layout) -> float:
    """Queue arrays (one a subtask, grown by half) and de-duplication tables (one a key group); they never shrink."""
    slots = _FIRST_QUEUE_SLOTS
    while slots < timers / subtasks + 1:
        slots += slots >> 1
    smallest = _doubled(_SMALLEST_STATE_TABLE * subtasks / groups, 1)
    return (slots * subtasks + table_slots(timers, groups, smallest)) * layout.reference + groups * layout.timer_map


def _doubled(entries: float, smallest: int) -> int:
    slots = smallest
    while slots * _LOAD < entries:
        slots *= 2
    return slots


def _above(threshold: float, mean: float) -> float:
    """Share of groups with more entries than the threshold (normal approximation)."""
    if mean <= 0:
        return 0.0
    return 0.5 * math.erfc((threshold - mean) / math.sqrt(2 * mean))


def _aligned(size_bytes: int) -> int:
    return (size_bytes + 7) // 8 * 8
