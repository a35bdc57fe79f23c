"""What a dump lacks: cut end, damaged stretches; and what that makes uncertain."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.formats.hprof.records import DumpRecords


@dataclass(frozen=True, slots=True)
class Missing:
    """``gaps``: unreadable (first byte, end); ``gap_bytes`` their sum; ``sentences``: for people, empty if complete."""

    incomplete: bool
    gaps: tuple[tuple[int, int], ...]
    gap_bytes: int
    sentences: tuple[str, ...]


def describe_missing(records: DumpRecords) -> Missing:
    """What could not be read of this dump."""
    gap_bytes = sum(end - begin for begin, end in records.gaps)
    sentences = []
    size = len(records.data)
    if records.damage:
        sentences.append(records.damage)
    if records.gaps:
        first = records.gaps[0][0]
        sentences.append(
            f"{gap_bytes:,} of {size:,} bytes could not be read, in {len(records.gaps)} stretch(es),"
            f" the first at byte {first:,}"
        )
    if not records.ended and not records.gaps and len(records.segments):
        sentences.append(f"the file ends without an end record at byte {size:,}: it was cut between two records")
    if sentences:
        sentences.append(
            "objects that no GC root reaches are kept and counted, because what held them may be in the missing part; "
            "retained sizes and dominators are those of the part that is there"
        )
    return Missing(bool(sentences), records.gaps, gap_bytes, tuple(sentences))
