"""Shallow sizes: measured from the gaps between objects, or by the formula of Eclipse MAT for comparison.

The JVM's flags (compressed oops, compressed class pointers, compact headers, alignment) are not in the file, and the
field packing differs by JDK; formulas are 9 % off in both directions. The distance to the next object is exact on
compacting collectors. Where objects lie loosely (ZGC, Shenandoah, garbage in between) it is clamped by the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof import tags
from flinkscope.heap.classes import ClassTable

Array = npt.NDArray[Any]

NO_GAP = 1 << 40
ARRAY_TYPES = (2, 4, 5, 6, 7, 8, 9, 10, 11)
TIGHT = 0.995  # of the gaps of common classes: compacting collectors 1.0, Shenandoah 0.87 to 0.99 (measured, JDK 11-25)
# What a dump does not list: fields that the VM adds (hotspot javaClasses.hpp, *_INJECTED_FIELDS) and padding around
# @Contended fields (128 bytes on both sides, ContendedPaddingWidth), which only the JDK's own classes may have.
UNLISTED_BYTES = {
    "java.lang.Thread": 272,
    "java.lang.ClassLoader": 16,
    "java.lang.invoke.MethodHandleNatives$CallSiteContext": 24,
    "java.util.concurrent.ConcurrentHashMap$CounterCell": 272,
    "java.util.concurrent.Exchanger$Node": 272,
    "java.util.concurrent.ForkJoinPool": 544,
    "java.util.concurrent.ForkJoinPool$WorkQueue": 544,
    "java.util.concurrent.SubmissionPublisher$BufferedSubscription": 544,
    "java.util.concurrent.atomic.Striped64$Cell": 272,
}


@dataclass(frozen=True, slots=True)
class Gaps:
    """Smallest gap, how often it was met, gaps seen: a row a class (``instances``) and an element type (``arrays``:
    gap less elements; row 2 counts references at 4 bytes, row 3 at 8). ``mirrors``: each class object's own, or -1."""

    instances: Array
    arrays: Array
    mirrors: Array


@dataclass(frozen=True, slots=True)
class Sizes:
    """How big objects are. ``instances``: bytes by class row, 0 for arrays; ``headers`` by element type;
    ``mirrors``: bytes by class row; ``how`` tells people where it comes from; ``clamped``: classes with loose gaps.
    ``stack_chunk_bytes``: a StackChunk without its stack; 0: not told apart."""

    instances: Array
    headers: Array
    mirrors: Array
    reference_bytes: int
    align: int
    how: str
    reference_how: str
    clamped: int
    stack_chunk_bytes: int = 0


def measure(classes: ClassTable, gaps: Gaps, id_size: int, step: int) -> Sizes:
    """Sizes from the gaps."""
    reference, how = reference_bytes(gaps, id_size)
    headers = _array_headers(gaps, reference)
    header, pack = _object_header(classes, gaps, reference, step)
    formula = instance_formula(classes, header, reference, step, pack=pack)
    smallest, met, seen = gaps.instances.T
    common = seen >= 100
    loose = bool(common.any()) and int(met[common].sum()) < TIGHT * int(seen[common].sum())
    floor = instance_formula(classes, 8, reference, 1, pack=True)
    measured = (smallest < NO_GAP) & (smallest >= floor)
    most = instance_formula(classes, header, reference, step, pack=False) + step + _unlisted(classes)
    trusted = measured & ((not loose) | (smallest <= most))
    instances = np.where(trusted, smallest, formula)
    instances[_is_array(classes)] = 0
    statics = classes.static_sizes(reference)
    found = gaps.mirrors > 0
    base = int((gaps.mirrors - statics)[found].min()) if found.any() else 16
    mirrors = _up(max(base, 16) + statics, step)
    clamped = int((measured & ~trusted).sum())
    chunk = _stack_chunk_bytes(classes, header, reference)
    return Sizes(instances, headers, mirrors, reference, step, "measured from address gaps", how, clamped, chunk)


def mat_formula(classes: ClassTable, gaps: Gaps, id_size: int, step: int) -> Sizes:
    """Sizes as Eclipse MAT 1.17 computes them: pointer = identifier, header = pointer + reference."""
    reference, how = reference_bytes(gaps, id_size)
    instances = instance_formula(classes, id_size + reference, reference, step, pack=False)
    instances[_is_array(classes)] = 0
    header = id_size + reference + 4
    headers = np.full(16, -(-header // reference) * reference, np.int64)
    headers[2] = header
    mirrors = _up(classes.static_sizes(reference), step)
    return Sizes(instances, headers, mirrors, reference, step, "Eclipse MAT's formula", how, 0)


def reference_bytes(gaps: Gaps, id_size: int) -> tuple[int, str]:
    """Bytes of a reference in the heap, and how it was decided."""
    if id_size == 4:
        return 4, "identifiers have 4 bytes"
    at_eight = int(gaps.arrays[3, 0])
    if gaps.arrays[3, 2] == 0:
        return 4, "no object array to measure; compressed references assumed"
    if at_eight >= 12:
        return 8, f"all {int(gaps.arrays[3, 2]):,} measured object arrays have room for it"
    return 4, "object arrays lie too close together for 8-byte references"


def instance_formula(classes: ClassTable, header: int, reference: int, step: int, *, pack: bool) -> Array:
    """Header plus fields, each level rounded up to the reference size (MAT), or packed without rounding (JDK 15+)."""
    own = classes.own_sizes(reference).tolist()
    supers = classes.super_rows.tolist()
    raw: dict[int, int] = {}
    sizes = np.empty(len(classes), np.int64)
    for row in range(len(classes)):
        for owner in reversed(classes.lineage(row)):
            if owner not in raw:
                total = raw.get(supers[owner], header) + own[owner]
                raw[owner] = total if pack else -(-total // reference) * reference
        sizes[row] = -(-raw[row] // step) * step
    return sizes


def _array_headers(gaps: Gaps, reference: int) -> Array:
    """Array header by element type: the smallest (gap - elements), exact as soon as one array has no padding."""
    bytes_header = int(gaps.arrays[8, 0])
    default = bytes_header if 8 <= bytes_header <= 24 else (16 if reference == 4 else 24)
    headers = np.full(16, default, np.int64)
    for code in ARRAY_TYPES:
        element = reference if code == 2 else tags.TYPE_SIZES[code]
        smallest = int(gaps.arrays[3 if code == 2 and reference == 8 else code, 0])
        rounded = -(-default // element) * element
        headers[code] = smallest if 8 <= smallest <= 24 else rounded
    return headers


def _object_header(classes: ClassTable, gaps: Gaps, reference: int, step: int) -> tuple[int, bool]:
    """The header of 8, 12 or 16 bytes, and whether fields are packed, that fit most classes with many instances."""
    best = (-1, True, 12)
    for header in (8, 12, 16):
        for pack in (True, False):
            formula = instance_formula(classes, header, reference, step, pack=pack)
            fits = int(((gaps.instances[:, 0] == formula) & (gaps.instances[:, 2] >= 4)).sum())
            best = max(best, (fits, pack, header))
    return best[2], best[1]


def _unlisted(classes: ClassTable) -> Array:
    """Bytes that an instance of each class may have beyond its listed fields."""
    own = np.array([UNLISTED_BYTES.get(name, 0) for name in classes.names], np.int64)
    return np.array([int(own[classes.lineage(row)].sum()) for row in range(len(classes))], np.int64)


def _stack_chunk_bytes(classes: ClassTable, header: int, reference: int) -> int:
    """A StackChunk's header and fields, and those that the VM adds: continuation, program counter, flags, thaw size."""
    rows = classes.rows_by_name.get("jdk.internal.vm.StackChunk", [])
    if not rows:
        return 0
    listed = int(instance_formula(classes, header, reference, 1, pack=True)[rows[0]])
    return -(-(listed + reference + 8 + 1 + 4) // 8) * 8


def _is_array(classes: ClassTable) -> Array:
    return np.array([name.endswith("[]") for name in classes.names], bool)


def _up(values: Array, step: int) -> Array:
    return -(-values // step) * step
