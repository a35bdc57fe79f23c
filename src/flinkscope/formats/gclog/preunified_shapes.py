"""Lines by their shape: what is left of a line when its digits are deleted.

A log of millions of lines has a few dozen shapes, so what a line is gets decided once a shape, and the numbers of all
lines of one shape are read together by numpy. A :class:`Template` says which number of a line is which figure. Only the
common lines have templates; all else, and whatever does not fit, goes through the bracket tree, which reads these lines
too (a test holds both ways against each other).

Measured on 194-byte ParNew lines: shape and look-up 0.25 µs a line, all numbers 0.9 µs; one pattern with 24 groups and
conversions 5.5 µs.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flinkscope.formats.gclog.preunified_text import SIZE_LIMIT, SKIPPED_STAMPS, STAMPS, UNIT_BYTES
from flinkscope.formats.gclog.records import MISSING, EventTable

DIGITS = b"0123456789"
_SPACED = bytes(byte if byte in b"0123456789." else 0x20 for byte in range(256))
_FENCE = 987_654_321_987.0  # stands between the numbers of two lines, so that a line with one number too few is noticed
_LONGEST = 1e9  # seconds; and numbers of collections
_FENCE_TEXT = b" 987654321987 "
_DATE_WIDTH = 28
_FIRST_SIZE = EventTable.columns.index("heap_before_bytes")
_SIZE_AT = {name: 1 + i for i, name in enumerate(EventTable.columns[_FIRST_SIZE:])}

_CAUSE = rb"(?:\((?P<cause>[^()\d][^()]{0,60}(?:\(\))?)\) ?)?"
_AMOUNT = rb"\d{1,12}(?:\.\d{1,3})?[BKMG]"
_SECS = rb"\d{1,9}\.\d{1,9}"


def _triple(group: str) -> bytes:
    before, after, capacity = (f"(?P<{group}_{when}>".encode() + _AMOUNT + rb")" for when in _WHEN)
    return before + rb"->" + after + rb"\(" + capacity + rb"\)"


_WORDS = ("cause", "generation", "old_generation", "words", "failed", "phase")
_COLUMNS = {  # which columns of the size row a group of a form fills; two groups of one column are added up
    **{name.removesuffix("_bytes"): (name,) for name in _SIZE_AT if name.endswith("_bytes")},
    **{name.removesuffix("_ms"): (name,) for name in _SIZE_AT if name.endswith("_ms")},
    "eden_before": ("young_before_bytes",),
    "eden_after": ("young_after_bytes",),
    "eden_capacity": ("young_capacity_bytes",),
    "survivors_before": ("young_before_bytes",),
    "survivors_after": ("young_after_bytes", "young_capacity_bytes"),
    "heap_used": ("heap_before_bytes", "heap_after_bytes"),
    "heap_room": ("heap_capacity_bytes",),
    "old_used": ("old_before_bytes", "old_after_bytes"),
    "old_room": ("old_capacity_bytes",),
}
_WHEN = ("before", "after", "capacity")
_REFERENCES = (  # PrintReferenceGC
    rb"(?:" + SKIPPED_STAMPS + rb"\[(?:(?:Soft|Weak|Final|Phantom)Reference|JNI Weak Reference)"
    + rb"(?:, \d{1,15} refs){0,2}, " + _SECS + rb" secs\]){0,6}"
)  # fmt: skip
_PART_SECS = rb"(?:, " + _SECS + rb" secs)?\]"
_YOUNG = rb"\[(?P<generation>ParNew|PSYoungGen|DefNew)" + _REFERENCES + rb": " + _triple("young") + _PART_SECS
_OLD = rb"\[(?P<old_generation>CMS|ParOldGen|PSOldGen|Tenured)" + _REFERENCES + rb": " + _triple("old") + _PART_SECS
_CLASSES = rb"\[(?:Metaspace|CMS Perm ?|PSPermGen|Perm ?): " + _triple("metaspace") + rb"\]"
_END = rb"(?: icms_dc=\d{1,3} )?, (?P<secs>" + _SECS + rb") secs\] ?"
_CPU = rb"\[Times: user=(?P<user>" + _SECS + rb") sys=(?P<sys>" + _SECS + rb"), real=(?P<real>" + _SECS + rb") secs\] ?"
_LEVELS = rb"(?P<old_used>" + _AMOUNT + rb")\((?P<old_room>" + _AMOUNT + rb")\)\] "
_LEVELS += rb"(?P<heap_used>" + _AMOUNT + rb")\((?P<heap_room>" + _AMOUNT + rb")\)"
_PHASES = rb"(?:Rescan \((?:non-)?parallel\) ?|weak refs processing|class unloading|scrub [a-z &]{5,30})"
_MARK = STAMPS + rb"\[GC ?(?:\([A-Za-z ]{1,30}\) ?)?"
_REGIONS = rb"(?P<{0}_before>A)\((?:A)\)->(?P<{0}_after>A)\((?P<{0}_capacity>A)\)"


def _regions(group: bytes) -> bytes:
    return _REGIONS.replace(b"{0}", group).replace(b"A", _AMOUNT)


_FORMS = {
    "young": STAMPS + rb"\[GC(?P<failed>--)? ?" + _CAUSE + _REFERENCES + SKIPPED_STAMPS + rb" {0,2}" + _YOUNG + rb" "
    + _triple("heap") + _END + _CPU,
    "full": STAMPS + rb"\[Full GC ?" + _CAUSE + _REFERENCES + SKIPPED_STAMPS + rb"(?:" + _YOUNG + rb" )?"
    + SKIPPED_STAMPS + _OLD + rb" " + _triple("heap") + rb"(?:,? " + _CLASSES + rb")?" + _END + _CPU,
    "bare": STAMPS + rb"\[GC(?P<failed>--)? {0,2}" + _CAUSE + rb" ?" + _triple("heap") + _END,
    "pause": STAMPS + rb"\[GC pause (?P<words>(?:\([^()]{1,60}(?:\(\))?\) ?){1,5})" + _REFERENCES
    + rb"(?P<failed>--)?(?: ?" + _triple("heap") + rb")?, (?P<secs>" + _SECS + rb") secs\] ?",
    "regions": rb" {3,6}\[Eden: " + _regions(b"eden") + rb" Survivors: (?P<survivors_before>A)->(?P<survivors_after>A) "
    .replace(b"A", _AMOUNT) + rb"Heap: " + _regions(b"heap") + rb"(?: Metaspace: " + _triple("metaspace") + rb")?\] ?",
    "times": rb" " + _CPU,
    "initial-mark": _MARK + rb"\[1 CMS-initial-mark: " + _LEVELS + _END + _CPU,
    "remark": _MARK + rb"\[YG occupancy: \d{1,15} K \(\d{1,15} K\)\](?:" + SKIPPED_STAMPS + rb"\[" + _PHASES + rb", "
    + _SECS + rb" secs\]){1,8} ?\[1 CMS-remark: " + _LEVELS + _END + _CPU,
    "begin": STAMPS + rb"\[(?P<phase>(?:CMS|GC)[- ]concurrent-[a-z-]{3,40})-start\] ?",
    "phase": rb"(?: CMS: abort preclean due to (?:time|loop) )?" + STAMPS
    + rb"\[(?P<phase>CMS-concurrent-[a-z-]{3,40}): " + _SECS + rb"/(?P<secs>" + _SECS + rb") secs\] ?"
    + rb"(?:" + _CPU + rb")?",
    "phase of G1": STAMPS + rb"\[(?P<phase>GC concurrent-[a-z-]{3,40})-end, (?P<secs>" + _SECS + rb")(?: secs?)?\] ?",
    "stop": STAMPS + rb"Total time for which application threads were stopped: (?P<secs>" + _SECS
    + rb") seconds(?:, Stopping threads took: (?P<reaching>" + _SECS + rb") seconds)? ?",
}  # fmt: skip
PATTERNS = {form: re.compile(pattern + rb"$") for form, pattern in _FORMS.items()}


@dataclass(slots=True)
class Template:
    """How to read the lines of one shape; ``form`` is a key of ``_FORMS``."""

    form: str
    words: dict[str, str]  # cause, generation and so on: the same in all lines of the shape
    has_date: bool
    secs: int  # which number of the line
    reaching: int
    uptime: int
    gc_id: int
    sizes: list[tuple[int, int, int]]  # column of the size row, number of the line, factor
    count: int

    @property
    def unstamped(self) -> bool:
        """Whether the lines carry no stamp at all."""
        return self.uptime == MISSING and not self.has_date

    def numbers(self, lines: list[bytes]) -> NDArray[np.float64] | None:
        """All numbers of lines of this shape, one column a line; None where one of them has more or fewer."""
        text = _numbers_text(_FENCE_TEXT.join(lines)) + _FENCE_TEXT
        if b" . " in text:
            return None
        flat = np.fromstring(text, dtype=np.float64, sep=" ")
        if len(flat) != len(lines) * (self.count + 1):
            return None
        table = np.ascontiguousarray(flat.reshape(len(lines), self.count + 1).T)
        if not (table[-1] == _FENCE).all():
            return None
        if any(table[number].max() * factor >= SIZE_LIMIT for _, number, factor in self.sizes):
            return None
        for number in (self.uptime, self.secs, self.reaching, self.gc_id):
            if number != MISSING and table[number].max() >= _LONGEST:
                return None
        return table[:-1]

    def starts_ns(self, numbers: NDArray[np.float64]) -> list[int]:
        """Uptime stamps in nanoseconds, MISSING where the shape has none."""
        if self.uptime == MISSING:
            return [MISSING] * numbers.shape[1]
        stamps: list[int] = (np.rint(numbers[self.uptime] * 1e3).astype(np.int64) * 1_000_000).tolist()
        return stamps

    def durations_ns(self, numbers: NDArray[np.float64]) -> list[int]:
        """Durations in nanoseconds, MISSING where the shape has none."""
        return self._nanoseconds(numbers, self.secs)

    def reaching_ns(self, numbers: NDArray[np.float64]) -> list[int]:
        """How long it took until all threads had stopped, MISSING where the shape does not tell."""
        return self._nanoseconds(numbers, self.reaching)

    def _nanoseconds(self, numbers: NDArray[np.float64], column: int) -> list[int]:
        if column == MISSING:
            return [MISSING] * numbers.shape[1]
        durations: list[int] = np.rint(numbers[column] * 1e9).astype(np.int64).tolist()
        return durations

    def gc_ids(self, numbers: NDArray[np.float64]) -> list[int]:
        """Numbers of the collections (PrintGCID), MISSING where the shape has none."""
        if self.gc_id == MISSING:
            return [MISSING] * numbers.shape[1]
        ids: list[int] = numbers[self.gc_id].astype(np.int64).tolist()
        return ids

    def size_rows(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """The size rows of the table, their first column still to be filled with the event's row."""
        table = np.full((1 + len(_SIZE_AT), numbers.shape[1]), MISSING, dtype=np.int64)
        filled: set[int] = set()
        for column, number, factor in self.sizes:
            sized = np.rint(numbers[number] * factor).astype(np.int64)
            table[column] = table[column] + sized if column in filled else sized
            filled.add(column)
        if self.form == "young":
            _fill_rest(table, "young", "old")
        elif self.form == "full" and "generation" not in self.words:
            _fill_rest(table, "old", "young")
        return np.ascontiguousarray(table.T)


def _fill_rest(table: NDArray[np.int64], known: str, rest: str) -> None:
    """One generation is what the heap holds beside the other; MISSING where that is negative."""
    heap, part, gap = (_SIZE_AT[f"{group}_before_bytes"] for group in ("heap", known, rest))
    table[gap : gap + 3] = np.maximum(table[heap : heap + 3] - table[part : part + 3], MISSING)


def as_array(table: NDArray[np.int64]) -> array[int]:
    """A numpy table as the flat array that the builder takes in one step."""
    flat = array("q")
    flat.frombytes(np.ascontiguousarray(table).tobytes())
    return flat


def shape_of(line: bytes) -> bytes:
    """The line without its digits."""
    return line.translate(None, DIGITS)


def template_of(line: bytes) -> Template | None:
    """The template for all lines of this line's shape; None where it is no whole event in one of the known forms."""
    for form, pattern in PATTERNS.items():
        found = pattern.match(line)
        if found is not None:
            return _template(form, found, line)
    return None


def _template(form: str, found: re.Match[bytes], line: bytes) -> Template | None:
    def number(group: int | str) -> int:
        begin = found.start(group)
        return MISSING if begin < 0 else len(_numbers_text(line[:begin]).split())

    groups = {name: value.decode("utf-8", "replace") for name, value in found.groupdict().items() if value is not None}
    sizes = []
    for name, value in groups.items():
        for column in _COLUMNS.get(name, ()):
            factor = 1000 if column.endswith("_ms") else UNIT_BYTES[value[-1:].encode()]
            sizes.append((_SIZE_AT[column], number(name), factor))
    words = {name: text for name, text in groups.items() if name in _WORDS}
    stamped = form not in ("regions", "times")
    template = Template(
        form,
        words,
        has_date=stamped and found[1] is not None,
        secs=number("secs") if "secs" in groups else MISSING,
        reaching=number("reaching") if "reaching" in groups else MISSING,
        uptime=number(2) if stamped else MISSING,
        gc_id=number(3) if stamped else MISSING,
        sizes=sizes,
        count=len(_numbers_text(line).split()),
    )
    return template if template.numbers([line]) is not None else None


def _numbers_text(line: bytes) -> bytes:
    return line.replace(b"System.gc", b"").translate(_SPACED)
