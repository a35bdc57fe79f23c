r"""The lines of unified logging that matter, as one alternation. Forms seen in JDK 9-25; see docs/reference/gc.md.

The pattern begins with the literal that ends the decorations (``"] "``, or a line break where there are none), which
lets the regex engine jump from line to line. Repetitions are bounded, so that a hostile line cannot make it slow.
"""

from __future__ import annotations

import re

from flinkscope.formats.gclog import jvmlines

YOUNG_OF = {b"DefNew": "Serial", b"ParNew": "CMS", b"PSYoungGen": "Parallel"}
SURE = re.compile(
    rb"(?:\] |^)(?:GC\(\d{1,12}\) |Safepoint \"|Using (?:G1|Serial|Parallel|Concurrent Mark|The Z|Shenandoah|Epsilon))"
    rb"|\[gc(?:,[a-z_]+)* *\] |\[safepoint *\] ",
    re.MULTILINE,
)
EVENTFUL = re.compile(rb"Pause|Collection|Concurrent|\d[KMG]->")
BEGUN = re.compile(rb"GC\((\d+)\) (Pause (?:Young|Full|Mixed)[^\n>]{0,400}?)\r?\n")

# One line kind each: (handler, pattern of the message after `GC(n) `).
IN_GC = (
    (
        "regions",
        rb"Eden regions: (\d+)->(\d+)\((\d+)\)\n"
        rb"[^\n]{0,400}?Survivor regions: (\d+)->(\d+)\((\d+)\)\n"
        rb"[^\n]{0,400}?Old regions: (\d+)->(\d+)\n(?:[^\n]{0,400}?Archive regions: (\d+)->(\d+)\n)?"
        rb"[^\n]{0,400}?Humongous regions: (\d+)->(\d+)",
    ),
    ("region", rb"(Eden|Survivor|Old|Archive|Humongous) regions: (\d+)->(\d+)(?:\((\d+)\))?"),
    ("paused", rb"((?:[yYO]: )?Pause [^\n>]{0,400})->(\d+[BKMGT])\((\d+[BKMGT])\) ([\d.,]+)ms"),
    ("cpu", rb"User=([\d.,]+)s Sys=([\d.,]+)s Real=([\d.,]+)s"),
    ("metaspace", rb"Metaspace: (\d+[BKMG])(?:\(\d+[BKMG]\))?->(\d+[BKMG])\((\d+[BKMG])\)"),
    (
        "generation",
        rb"(DefNew|ParNew|PSYoungGen|Tenured|CMS|ParOldGen|PSOldGen): "
        rb"(\d+[BKMG])(?:\(\d+[BKMG]\))?->(\d+[BKMG])\((\d+[BKMG])\)",
    ),
    ("pause", rb"((?:[yYO]: )?Pause [^\n>]{0,400}?) ([\d.,]+)ms(?=[\r\n])"),
    (
        "phase",
        rb"((?:[yYO]: )?(?:Concurrent|Coalescing) [^\n>]{0,400}?)"
        rb"(?: (\d+[BKMG])->(\d+[BKMG])\((\d+[BKMG])\))? ([\d.,]+)ms(?=[\r\n])",
    ),
    (
        "collection",
        rb"((?:Garbage|Minor|Major) Collection [^\n>]{0,400}?)"
        rb"(?: (\d+[BKMG])\(\d+%\)->(\d+[BKMG])\(\d+%\)(?: ([\d.,]+)s)?)?(?=[\r\n])",
    ),
    ("zmetaspace", rb"(?:[yYO]: )?Metaspace: (\d+[BKMG]) used, (\d+[BKMG]) committed"),
    ("trouble", rb"(To-space exhausted|(?:[Pp]romotion failed)|[Cc]oncurrent mode (?:failure|interrupted))"),
    ("stall", rb"(?:[yYO]: )?((?:Allocation|Relocation) Stall) (\([^\n]{0,200}\)) ([\d.,]+)ms"),
)
OUTSIDE = (
    (
        "safepoint",
        rb'Safepoint "([^"\n]{0,200})", [^\n]{0,400}?Reaching safepoint: (\d+) ns[^\n]{0,400}Total: (\d+) ns',
    ),
    (
        "stopped",
        rb"Total time for which application threads were stopped: ([\d.,]+) seconds"
        rb"(?:, Stopping threads took: ([\d.,]+) seconds)?",
    ),
    ("entering", rb"Entering safepoint region: (\w+)"),
    ("stall", rb"((?:Allocation|Relocation) Stall) (\([^\n]{0,200}\)) ([\d.,]+)ms"),
    ("fact", jvmlines.FACT_LINE),
)
# Details under `GC(n)` that are known to carry no event; anything else is looked at once more, by its tags.
_DETAIL = rb"(?! |[yYO]: |Pause |Using |Phase |Concurrent |Load:|MMU:|Mark|NMethods:|Age |Desired survivor|- age)"


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
    inside = number((*IN_GC, ("rest", _DETAIL + rb"([^\n]+)")))
    outside = number(OUTSIDE)
    return re.compile(re.escape(anchor) + rb"(?:GC\((\d+)\) (?:" + inside + rb")|(?:" + outside + rb"))"), ends
