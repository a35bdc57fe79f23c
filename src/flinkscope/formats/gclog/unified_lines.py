r"""The lines of unified logging that matter, as one alternation. Forms seen in JDK 9-25; see docs/reference/gc.md.

The pattern begins with the literal that ends the decorations (``"] "``, or a line break where there are none), which
lets the regex engine jump from line to line. Repetitions are bounded, so that a hostile line cannot make it slow.
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog import jvmlines
from flinkscope.formats.gclog.records import Flag

SURE = re.compile(
    rb"(?:\] |^)(?:GC\(\d{1,12}\) |Safepoint \"|Using (?:G1|Serial|Parallel|Concurrent Mark|The Z|Shenandoah|Epsilon))"
    rb"|\[gc(?:,[a-z_]+)* *\] |\[safepoint *\] ",
    re.MULTILINE,
)
# what every event has: its title or sizes; or a time, which many a detail has too
EVENTFUL = re.compile(rb"Pause|Collection|Concurrent|\d[KMG]->")
TIMED = re.compile(rb"\dm?s$")
BEGUN = re.compile(rb"GC\((\d{1,9})\) (Pause (?:Young|Full|Mixed)[^\n>]{0,400}?)\r?\n")

_SAFEPOINT = (
    rb'Safepoint "([^"\n]{0,200})", (?:Time since last: \d+ ns, )?Reaching safepoint: (\d{1,18}) ns, '
    rb"(?:(?!Total)[A-Z][a-z ]{1,30}+: \d+ ns, ){0,9}+Total: (\d{1,18}) ns"
)
# what follows the arrow of a pause with sizes
_AFTER = rb"(\d{1,12}[BKMG])\((\d{1,12}[BKMG])\) (?:\([\d.,]{1,20}s, [\d.,]{1,20}s\) )?([\d.,]{1,20}+)ms"
# One line kind each: (handler, pattern of the message after `GC(n) `).
IN_GC = (
    ("region", rb"(Eden|Survivor|Old|Archive|Humongous) regions: (\d{1,9})->(\d{1,9})(?:\((\d{1,9})\))?"),
    ("paused", rb"(Pause [^\n>]{1,400}+)>" + _AFTER),
    # another thread wrote into the line, or it is damaged
    ("torn", rb"(Pause [^\n>]{1,400}+>(?!" + _AFTER + rb")[^\n]*)"),
    ("cpu", rb"User=([\d.,]+)s Sys=([\d.,]+)s Real=([\d.,]+)s"),
    ("metaspace", rb"Metaspace: (\d{1,12}[BKMG])(?:\(\d{1,12}[BKMG]\))?->(\d{1,12}[BKMG])\((\d{1,12}[BKMG])\)"),
    (
        "generation",
        rb"(DefNew|ParNew|PSYoungGen|Tenured|CMS|ParOldGen|PSOldGen): "
        rb"(\d{1,12}[BKMG])(?:\(\d{1,12}[BKMG]\))?->(\d{1,12}[BKMG])\((\d{1,12}[BKMG])\)",
    ),
    # ZGC of JDK 11 at debug tells what each worker does inside a pause, in the same words: "Pause Roots (ZWorker#0)"
    (
        "pause",
        rb"((?:[yYO]: )?(?!Pause [A-Za-z ]{1,60}\((?:VM Thread|ZWorker#))"
        rb"Pause [^\n>\d]{1,400}+)([\d.,]{1,20}+)ms(?=[\r\n])",
    ),
    (
        "phase",
        rb"((?:[yYO]: )?(?:Concurrent|Coalescing) [^\n>\d]{1,400}+(?:[\d.,]{1,20}+s, [\d.,]{1,20}+s\) )?)"
        rb"(?:(\d{1,12}[BKMG])->(\d{1,12}[BKMG])\((\d{1,12}[BKMG])\) )?([\d.,]{1,20}+)ms(?=[\r\n])",
    ),
    (
        "collection",
        rb"((?:Garbage|Minor|Major) Collection [^\n>]{0,400}?)"
        rb"(?: (\d{1,12}[BKMG])\(\d+%\)->(\d{1,12}[BKMG])\(\d+%\)(?: ([\d.,]+)s)?)?(?=[\r\n])",
    ),
    ("zmetaspace", rb"(?:[yYO]: )?Metaspace: (\d{1,12}[BKMG]) used, (\d{1,12}[BKMG]) committed"),
    ("trouble", rb"(To-space exhausted|[Pp]romotion failed|[Cc]oncurrent mode (?:failure|interrupted))(?=[\r\n])"),
    ("stall", rb"(?:[yYO]: )?((?:Allocation|Relocation) Stall) (\([^\n]{0,200}\)) ([\d.,]+)ms"),
)
# All sizes of a collection of G1 to its end, where no other thread wrote between them. HEAD stands for the decorations
# and `GC(n) ` of a line that follows, STAMP for decorations with the time as a group. Sets of one character only and
# possessive: twice as fast. They may pass a line break, so that lines_of_block says how many there have to be.
_COUNT, _SIZE, _TIME = rb"([0-9]{1,9}+)", rb"([0-9]{1,12}+[BKMG])", rb"([0-9.,]{1,20}+)"
_BLOCK = (
    rb"\] GC\(COUNT\) Eden regions: COUNT->COUNT\(COUNT\)\nHEADSurvivor regions: COUNT->COUNT\(COUNT\)\n"
    rb"HEADOld regions: COUNT->COUNT\n(?:HEADArchive regions: COUNT->COUNT\n)?HEADHumongous regions: COUNT->COUNT\n"
    rb"HEADMetaspace: SIZE(?:\([0-9]{1,12}+[BKMG]\))?->SIZE\(SIZE\)[^\n]{0,400}+\n"
    rb"STAMPGC\([0-9]+\) (Pause [^>]{1,400}+)>SIZE\(SIZE\) TIMEms"
    rb"(?:\nHEADUser=TIMEs Sys=TIMEs Real=TIMEs)?(?:\nSTAMP" + _SAFEPOINT + rb")?"
)
_BLOCK = _BLOCK.replace(b"COUNT", _COUNT).replace(b"SIZE", _SIZE).replace(b"TIME", _TIME)
# Lines without an event whatever digits are in them: details, tasks, the line of a pause's beginning
_NOTHING = (
    rb"[^\n\]]{0,300}+\n(?:HEAD(?:(?: |Using )[^\n]*+|Pause [^\n>.,]{1,300}\))\n)*+"
    rb"(?:\[[^\]\n]{0,300}+\]){0,9}+\[[^\]\n]{0,300}+"
)
OUTSIDE = (
    ("safepoint", _SAFEPOINT),
    (
        "stopped",
        rb"Total time for which application threads were stopped: ([\d.,]+) seconds"
        rb"(?:, Stopping threads took: ([\d.,]+) seconds)?",
    ),
    ("entering", rb"Entering safepoint region: (\w+)"),
    ("stall", rb"((?:Allocation|Relocation) Stall) (\([^\n]{0,200}\)) ([\d.,]+)ms"),
    ("cycle_metaspace", rb"Metaspace: (\d{1,12}[BKMG])\(\d{1,12}[BKMG]\)->(\d{1,12}[BKMG])\((\d{1,12}[BKMG])\)"),
    ("fact", jvmlines.FACT_LINE),
)
_DETAIL = rb"(?! |Using )"  # the most frequent lines that carry no event are refused first
# Other such lines; anything else under `GC(n)` is looked at once more, by its tags.
_KNOWN_DETAIL = rb"(?![yYO]: |Pause |Phase |Concurrent |Load:|MMU:|Mark|NMethods:|Age |Desired survivor|- age)"


def gc_lines(chunk: bytes, most: int) -> bytes:
    """The first lines of the chunk that are surely of a GC log: what else is in it may look quite different."""
    lines: list[bytes] = []
    end = 0
    for found in SURE.finditer(chunk):
        if found.start() >= end and len(lines) < most:
            begin, end = chunk.rfind(b"\n", 0, found.start()) + 1, chunk.find(b"\n", found.start()) + 1 or len(chunk)
            lines.append(chunk[begin:end])
    return b"".join(lines)


def _head(decorations: int) -> bytes:
    return rb"(?:\[[^\]\n]{0,300}+\]){%d} GC\(\d+\) " % decorations


def block_pattern(decorations: int, clock_at: int) -> re.Pattern[bytes]:
    """All lines of one collection of G1 from the end of the decorations before ``Eden regions``.

    Its 28 groups: GC number; before, after, capacity of eden and survivors; before and after of old, archive and
    humongous; three of metaspace; stamp, title, after, capacity, ms; user, sys, real; stamp, reason, reaching, total
    of its safepoint. ``decorations``: how many there are; ``clock_at``: which of them is the time, -1 for none.
    """
    other = rb"\[[^\]]{0,300}+\]"
    stamp = rb"()" + other * decorations
    if clock_at >= 0:
        stamp = other * clock_at + rb"\[([^\]]{0,300}+)\]" + other * (decorations - clock_at - 1)
    return re.compile(_BLOCK.replace(b"HEAD", rb"\[[^)]{1,300}+\) ").replace(b"STAMP", stamp + b" "))


def lines_of_block(texts: tuple[bytes | None, ...]) -> int:
    """How many line breaks a block with these groups has, if no other thread wrote into it."""
    return 5 + (texts[9] is not None) + (texts[21] is not None) + (texts[25] is not None)


def nothing_pattern(decorations: int) -> re.Pattern[bytes]:
    """From the end of a block to the decorations of the next, where nothing happens between them."""
    return re.compile(_NOTHING.replace(b"HEAD", _head(decorations)))


def alternation(anchor: bytes) -> tuple[re.Pattern[bytes], list[tuple[str, int]]]:
    """The pattern, and for each group number that can end a match: the handler and its first group."""
    ends: list[tuple[str, int]] = [("", 0)]

    def number(kinds: tuple[tuple[str, bytes], ...]) -> bytes:
        parts = []
        for handler, pattern in kinds:
            # an empty group at the end, so that lastindex tells the kind even where optional groups took no part
            first = len(ends)
            ends.extend([(handler, first)] * (re.compile(pattern).groups + 1))
            parts.append(pattern + rb"()")
        return rb"|".join(parts)

    ends.append(("", 1))  # the number in GC(n)
    inside = _DETAIL + rb"(?:" + number((*IN_GC, ("rest", _KNOWN_DETAIL + rb"([^\n]+)"))) + rb")"
    outside = number(OUTSIDE)
    return re.compile(re.escape(anchor) + rb"(?:GC\((\d{1,9})\) " + inside + rb"|(?:" + outside + rb"))"), ends


# named groups of the alternation that tell what went wrong
TROUBLE = {
    b"td": Flag.EVACUATION_FAILURE,
    b"pd": Flag.PROMOTION_FAILED,
    b"ce": Flag.CONCURRENT_MODE_FAILURE,
    b"cd": Flag.CONCURRENT_MODE_INTERRUPTED,
}
