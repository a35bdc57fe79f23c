"""The words of pre-unified GC logs: which generation is of which collector, what a pause says in words, G1's sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flinkscope.formats.gclog.preunified_text import Frame, change
from flinkscope.formats.gclog.records import MISSING, Flag, Kind, Triple

YOUNG = {
    b"ParNew": "ParNew",
    b"ASParNew": "ParNew",
    b"PSYoungGen": "Parallel",
    b"ASPSYoungGen": "Parallel",
    b"DefNew": "DefNew",
}
OLD = {
    b"CMS": "CMS",
    b"ASCMS": "CMS",
    b"ParOldGen": "Parallel",
    b"PSOldGen": "Parallel",
    b"ASPSOldGen": "Parallel",
    b"Tenured": "Tenured",
}
# The JVM's collector by what is known of it and what a line shows: three young and old parts go together in four ways.
COLLECTOR = {
    (None, "ParNew"): "CMS",
    (None, "DefNew"): "Serial",
    (None, "Tenured"): "Serial",
    ("CMS", "Tenured"): "ParNew",  # ParNew was seen first, but it collects for Serial Old here
    ("Serial", "ParNew"): "ParNew",
    ("Serial", "CMS"): "CMS",  # DefNew was seen first: -XX:-UseParNewGC
}
CLASSES = (b"Metaspace", b"CMS Perm", b"PSPermGen", b"Perm")
_NAME = re.compile(rb"[A-Za-z]{2,20}(?: Perm)?")
_WORDS = re.compile(rb"\(([^()\d][^()]{0,60}(?:\(\))?)\)")
_NO_CAUSE = {"young", "mixed", "partial", "initial-mark", "promotion failed", "to-space exhausted", "to-space overflow"}
CONCURRENT = re.compile(rb"(?:CMS|GC) ?-?concurrent-[a-z-]{1,60}")
PHASE_SECONDS = re.compile(rb"(?:: ?\d{1,9}\.\d{1,9}/|-end, )(\d{1,9}\.\d{1,9})\b")  # of CMS: CPU/elapsed
SIZE_AT = {"heap": 1, "young": 4, "old": 7, "humongous": 10, "metaspace": 13, "cpu_ms": 16}  # in the table's size row
UNKNOWN_SIZES = (MISSING,) * 18
_REGION_SIZES = re.compile(rb"Eden: |Survivors: |Heap: |Metaspace: |Perm: ")


@dataclass(slots=True)
class Pause:
    """One row in the making."""

    kind: int
    name: str
    cause: str = ""
    start_ns: int = MISSING
    duration_ns: int = MISSING
    flags: int = 0
    gc_id: int = MISSING
    sizes: dict[str, Triple] = field(default_factory=dict)
    cpu_told: Triple | None = None  # of a collection inside of this pause, which has its own row


def torn_pause(root: Frame) -> Pause | None:
    """What is left of a collection that was cut off: its kind and cause, where the opening tells them."""
    frame = next((child for child in root.children if child.own.startswith((b"GC", b"Full GC"))), None)
    if frame is None:
        return None
    words = words_of(frame.own)
    names = [name for child in frame.children if (name := generation(child)) is not None]
    pause = Pause(Kind.YOUNG, "GC", cause_of(words), flags=Flag.TORN)
    if frame.own.startswith(b"Full GC"):
        pause.kind, pause.name = Kind.FULL, "Full GC"
    elif frame.own.startswith(b"GC pause"):
        pause.kind, pause.name, flags = g1_pause(words)
        pause.flags |= flags
    elif frame.own.startswith(b"GC remark") or any(child.own.startswith(b"YG occ") for child in frame.children):
        pause.kind, pause.name = Kind.REMARK, "remark"
    elif any(name in OLD for name in names):
        pause.kind, pause.name = Kind.FULL, "GC"
    elif names and names[0] in YOUNG:
        pause.name = names[0].decode()
    return pause


def words_of(text: bytes) -> list[str]:
    """What stands in parentheses and is no size: cause, ``young``, ``to-space exhausted`` and the like."""
    return [word.decode("utf-8", "replace") for word in _WORDS.findall(text)]


def cause_of(words: list[str]) -> str:
    """The cause among the words in parentheses; JDK 6 wrote ``System`` for ``System.gc()``."""
    cause = next((word for word in words if word not in _NO_CAUSE), "")
    return "System.gc()" if cause == "System" else cause


def g1_pause(words: list[str]) -> tuple[int, str, int]:
    """(kind, name, flags) of a ``GC pause`` with these words in parentheses."""
    flags = Flag.EVACUATION_FAILURE if any(word.startswith("to-space") for word in words) else 0
    if "mixed" in words or "partial" in words:
        return Kind.MIXED, "GC pause (mixed)", flags
    if "initial-mark" in words:
        return Kind.YOUNG_INITIAL_MARK, "GC pause (young) (initial-mark)", flags
    return Kind.YOUNG, "GC pause (young)", flags


def beside(heap: Triple, young: Triple) -> Triple:
    """The old generation as what the heap holds beside the young one; MISSING where one of the two is."""
    return tuple(
        whole - part if part != MISSING and whole >= part else MISSING for whole, part in zip(heap, young, strict=True)
    )  # type: ignore[return-value]


def known_or(told: Triple, derived: Triple) -> Triple:
    """``told``, and where it is MISSING ``derived``."""
    return tuple(number if number != MISSING else other for number, other in zip(told, derived, strict=True))  # type: ignore[return-value]


def region_sizes(line: bytes) -> dict[str, Triple]:
    """Sizes of G1's ``[Eden: a(b)->c(d) Survivors: e->f Heap: g(h)->i(j)]``, or of JDK 6's ``[ a->b(c)]``."""
    labels = list(_REGION_SIZES.finditer(line))
    if not labels:
        heap = change(line) if line.lstrip(b" [")[:1].isdigit() else None
        return {} if heap is None else {"heap": heap}
    ends = [label.start() for label in labels[1:]] + [len(line)]
    told = {label[0][:-2]: line[label.end() : end] for label, end in zip(labels, ends, strict=True)}
    sizes: dict[str, Triple] = {}
    heap = change(told.get(b"Heap", b""))
    if heap is not None:
        sizes["heap"] = heap
    eden, survivors = change(told.get(b"Eden", b"")), _plain_change(told.get(b"Survivors", b""))
    if eden is not None and survivors is not None:
        sizes["young"] = (eden[0] + survivors[0], eden[1] + survivors[1], eden[2] + survivors[1])
    classes = change(told.get(b"Metaspace", b"") or told.get(b"Perm", b""))
    if classes is not None:
        sizes["metaspace"] = classes
    return sizes


def _plain_change(text: bytes) -> tuple[int, int] | None:
    """``0.0B->116.0M``: before and after without a capacity."""
    both = change(text.strip() + b"(0B)")
    return None if both is None else both[:2]


def generation(child: Frame) -> bytes | None:
    name = _NAME.match(child.own)
    return name[0] if name is not None and (name[0] in YOUNG or name[0] in OLD or name[0] in CLASSES) else None


def mode_flags(own: bytes) -> int:
    flags = 0
    if b"concurrent mode failure" in own:
        flags |= Flag.CONCURRENT_MODE_FAILURE
    if b"concurrent mode interrupted" in own:
        flags |= Flag.CONCURRENT_MODE_INTERRUPTED
    return flags
