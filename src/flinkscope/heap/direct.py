"""Memory outside the heap that objects of the heap stand for: DirectByteBuffers, mapped files, Netty's and Flink's own.

A DirectByteBuffer owns native memory only if it has a cleaner, or if a known allocator made it without one; slices and
duplicates (``att`` is set) own nothing, and the JDK's own map of ``lib/modules`` (no cleaner, no attachment) is no
direct memory: it made other tools report 123 MB that were not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.absent import Absent, AbsentKind
from flinkscope.formats.hprof import tags
from flinkscope.heap.labels import follow, number_column, reference_column, static_reference
from flinkscope.heap.owners import owner_fields
from flinkscope.heap.strength import weak_referents

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

BUFFER = "java.nio.DirectByteBuffer"
DIRECT, MAPPED, NETTY, FLINK, VIEW, JIMAGE, OTHER = (
    "direct",
    "mapped file",
    "netty without cleaner",
    "flink unsafe",
    "view",
    "JDK image map",
    "no cleaner",
)
OWNING = (DIRECT, NETTY, FLINK)
COUNTED = "direct memory that -XX:MaxDirectMemorySize limits, as the JVM itself counted it"


@dataclass(frozen=True, slots=True)
class DirectBuffer:
    """One DirectByteBuffer. ``kind``: see the module; only "direct", "netty without cleaner" and "flink unsafe" own
    direct memory. ``native_address``: where it lies; ``owner``: the field that holds it."""

    address: int
    class_name: str
    kind: str
    capacity_bytes: int
    native_address: int
    owner: str


@dataclass(frozen=True, slots=True)
class KindTotal:
    """The buffers of one kind; each piece of native memory counts once."""

    kind: str
    buffers: int
    capacity_bytes: int


@dataclass(frozen=True, slots=True)
class DirectMemory:
    """All reachable DirectByteBuffers. ``owned_bytes``: of the kinds that own direct memory.

    ``jvm_reserved_bytes``, ``jvm_max_bytes``, ``jvm_buffers``: the JVM's own count (java.nio.Bits) at the time of the
    dump; ``netty_counter_bytes``: Netty's own counter of memory without cleaner, one a loaded Netty.
    """

    buffers: tuple[DirectBuffer, ...]
    totals: tuple[KindTotal, ...]
    owned_bytes: int
    jvm_reserved_bytes: int | Absent
    jvm_max_bytes: int | Absent
    jvm_buffers: int | Absent
    netty_counter_bytes: tuple[tuple[str, int], ...]


def direct_memory(heap: Heap, *, limit: int = 100) -> DirectMemory:
    """What native memory the reachable buffers stand for; the ``limit`` largest are listed, the totals count all."""
    parts = [heap.instances(row, subclasses=True) for row in heap.store.classes.rows_by_name.get(BUFFER, [])]
    indices = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int32)
    indices = indices[heap.reachable[indices]]
    kinds, owners = _kinds(heap, indices)
    capacity = _numbers(heap, indices, "capacity")
    native = _numbers(heap, indices, "address")
    order = np.lexsort((indices, -capacity))
    buffers = tuple(
        DirectBuffer(
            heap.address_of(int(indices[k])),
            heap.class_name_of(int(indices[k])),
            kinds[k],
            int(capacity[k]),
            int(native[k]),
            owners[k],
        )
        for k in order[:limit].tolist()
    )
    totals = _totals(kinds, capacity, native)
    return DirectMemory(
        buffers,
        totals,
        sum(total.capacity_bytes for total in totals if total.kind in OWNING),
        _counter(heap, ("RESERVED_MEMORY", "reservedMemory")),
        _counter(heap, ("MAX_MEMORY", "maxMemory")),
        _counter(heap, ("COUNT", "count")),
        _netty_counters(heap),
    )


def _numbers(heap: Heap, indices: Array, name: str) -> Array:
    found = number_column(heap, indices, name)
    return np.zeros(len(indices), np.int64) if found is None else found.astype(np.int64)


def _kinds(heap: Heap, indices: Array) -> tuple[list[str], list[str]]:
    cleaner, attached = reference_column(heap, indices, "cleaner"), reference_column(heap, indices, "att")
    descriptor = reference_column(heap, indices, "fd")
    owners = _owners(heap, indices, attached)
    kinds = []
    for k in range(len(indices)):
        if cleaner[k] > 0:
            kinds.append(MAPPED if descriptor[k] > 0 or _unmaps(heap, int(cleaner[k])) else DIRECT)
        elif attached[k] > 0:
            kinds.append(VIEW)
        else:
            kinds.append(_kind_without_cleaner(owners[k]))
    return kinds, owners


def _owners(heap: Heap, indices: Array, attached: Array) -> list[str]:
    """The field that holds each buffer; of one that only its views hold, the field that holds a view."""
    if not len(indices):
        return []
    codes, names = owner_fields(heap, indices, weak=weak_referents(heap))
    owners = [names[code] for code in codes]
    view_of = {int(base): k for k, base in enumerate(attached) if base > 0}
    for k, owner in enumerate(owners):
        view = view_of.get(int(indices[k]))
        if owner.endswith("Buffer.att") and view is not None:
            owners[k] = owners[view]
    return owners


def _unmaps(heap: Heap, cleaner: int) -> bool:
    """Whether the cleaner unmaps a file (sun.nio.ch.FileChannelImpl$Unmapper) instead of freeing memory."""
    thunk = follow(heap, cleaner, "thunk")
    return thunk > 0 and "Unmapper" in heap.class_name_of(thunk)


def _kind_without_cleaner(owner: str) -> str:
    if ".jimage." in owner or "ImageReader" in owner:
        return JIMAGE
    if "netty" in owner:
        return NETTY
    if owner.startswith("org.apache.flink."):
        return FLINK
    return OTHER


def _totals(kinds: list[str], capacity: Array, native: Array) -> tuple[KindTotal, ...]:
    totals = []
    for kind in (DIRECT, NETTY, FLINK, MAPPED, OTHER, JIMAGE, VIEW):
        chosen = np.flatnonzero(np.array([k == kind for k in kinds], bool))
        if len(chosen):
            _, first = np.unique(native[chosen], return_index=True)
            totals.append(KindTotal(kind, len(chosen), int(capacity[chosen][first].sum())))
    return tuple(totals)


def _counter(heap: Heap, names: tuple[str, ...]) -> int | Absent:
    """A static of java.nio.Bits: a long, or an AtomicLong that holds it (the name changed in JDK 11)."""
    for info in heap.classes_named("java.nio.Bits"):
        declared = {name: code for name, code, _ in heap.store.classes.statics(info.index)}
        for name in names:
            if declared.get(name) == tags.TYPE_OBJECT:
                held = _held_number(heap, static_reference(heap, info.index, name))
                if held is not None:
                    return held
            elif name in declared:
                return int(heap.static(info.index, name) or 0)
    return Absent(COUNTED, AbsentKind.NOT_APPLICABLE, "no java.nio.Bits in this dump: the JDK made no direct buffer")


def _netty_counters(heap: Heap) -> tuple[tuple[str, int], ...]:
    """(class, bytes) of each loaded Netty's PlatformDependent.DIRECT_MEMORY_COUNTER."""
    found = []
    for info in heap.classes:
        if info.name.endswith("netty.util.internal.PlatformDependent"):
            held = _held_number(heap, static_reference(heap, info.index, "DIRECT_MEMORY_COUNTER"))
            if held is not None:
                found.append((f"{info.name} of loader {info.loader_address:#x}", held))
    return tuple(found)


def _held_number(heap: Heap, index: int) -> int | None:
    """The value of an AtomicLong or its like; None for null and for anything else."""
    held = number_column(heap, np.array([index]), "value") if index > 0 else None
    return None if held is None else int(held[0])
