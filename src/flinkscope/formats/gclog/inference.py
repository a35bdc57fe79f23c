"""What can be told of a JVM whose first lines are lost (rotated away): its collector, and G1's region size."""

from __future__ import annotations

from flinkscope.formats.gclog.records import EventBuilder

_LARGEST_REGION = 512 << 20
_BY_WORDS = (
    ("Concurrent reset (Young)", "Generational Shenandoah"),
    ("Pause Init Mark (Young)", "Generational Shenandoah"),
    ("Pause Init Mark (Global)", "Generational Shenandoah"),  # nothing but System.gc() happened
    ("Concurrent reset", "Shenandoah"),
    ("Pause Init Mark", "Shenandoah"),
    ("Minor Collection", "Generational ZGC"),
    ("Major Collection", "Generational ZGC"),
    ("Garbage Collection", "ZGC"),
    ("G1 ", "G1"),
    ("Pause Young (Normal)", "G1"),
    ("Pause Young (Mixed)", "G1"),
    ("Pause Young (Concurrent Start)", "G1"),
    ("Concurrent Mark Cycle", "G1"),
    ("Concurrent Abortable Preclean", "CMS"),
    ("Concurrent Sweep", "CMS"),
    ("Ergonomics", "Parallel"),
)


def infer_collectors(builder: EventBuilder, by_generations: str | None) -> None:
    """Fills in the collector where no line names it. ``by_generations``: whose generations have the names seen."""
    by_words = None
    for word, collector in _BY_WORDS:
        if by_words is None and any(name.startswith(word) for name in builder.names):
            by_words = collector
    for segment in builder.segments:
        if segment.jvm.collector is None:
            segment.jvm.collector = by_generations or by_words
        elif segment.jvm.collector in ("ZGC", "Shenandoah") and (by_words or "").startswith("Generational"):
            segment.jvm.collector = f"Generational {segment.jvm.collector}"


def infer_region_bytes(regions: int, used_bytes: int) -> int | None:
    """G1's region size from regions in use and bytes in use: the smallest power of two in which they fit.

    None for fewer than eight regions: then the part of them that is empty may be too large to tell.
    """
    if regions < 8:
        return None
    size = 1 << 20
    while size * regions < used_bytes and size < _LARGEST_REGION:
        size <<= 1
    return size if used_bytes * 2 > size * regions else None
