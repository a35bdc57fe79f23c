"""Lines of a pre-unified GC log that are no collections: the JVM's header, out of memory, and what flags print between.

``between`` names the kind of such a line or says None; the header's lines are read into :class:`JvmFacts`.
Sources of the forms: jdk8u hotspot ``arguments.cpp``, ``ostream.cpp`` (rotation), ``ageTable.cpp``, ``psScavenge.cpp``,
``psAdaptiveSizePolicy.cpp``, ``g1ErgoVerbose.hpp``, ``binaryTreeDictionary.cpp``, ``heapInspection.cpp``.
"""

from __future__ import annotations

import re
import shlex

from flinkscope.formats.gclog.preunified_text import SKIPPED_STAMPS
from flinkscope.formats.gclog.records import JvmFacts

_BETWEEN = re.compile(
    rb"\s{0,16}" + SKIPPED_STAMPS + rb"\s{0,16}(?:"
    # PrintTenuringDistribution, PrintGCApplicationConcurrentTime
    rb"(?P<survivors>Desired survivor size |- age {1,4}\d)"
    rb"|(?P<running>Application time: )"
    # PrintAdaptiveSizePolicy
    rb"|(?P<ergonomics>\[G1Ergonomics |AdaptiveSize|(?:PS|CMS)AdaptiveSizePolicy|(?:AS)?PS(?:Young|Old)Gen::"
    rb"|ParOldGen::|(?:eden|from|to|survivor|old|promo|minor|major|avg|capacities|desired|base|limit)[ _:a-z]"
    rb"|(?:throughput|tenuring|preceding)[ _:a-z]|(?:live|max)_(?:space|live|eden|promo)|Adaptive|Max_(?:eden|promo)"
    rb"|Eden, from, to:|\[\w{2,12} *\.\. ?\w{2,12}|(?:No|Young|Tenured) generation|Tenuring|tenured_space|cms_)"
    # PrintFLSStatistics, CMSDumpAtPromotionFailure
    rb"|(?P<free_lists>Statistics for |-{8,}|Total Free Space: |Max {1,3}Chunk Size: |Number of Blocks: "
    rb"|Av\. {1,3}Block {1,3}Size: |Tree {1,9}Height: |Before GC:|After GC:|frag: "
    rb"|CMS: (?:Large|bailing|abort preclean due to (?:time|loop) {0,2}$))"
    # PrintReferenceGC where PrintHeapAtGC cuts CMS' line, PrintParallelOldGCPhaseTimes
    rb"|(?P<steps>\[pre compact, |(?:" + SKIPPED_STAMPS + rb"\[Preclean [A-Za-z]{4,30}, [\d.]{3,20} secs\] ?){1,8}"
    rb"(?:" + SKIPPED_STAMPS + rb"Application time: [\d.]{3,20} seconds ?)?$)"
    # PrintClassHistogram…, PrintSafepointStatistics, TraceClassUnloading
    rb"|(?P<tables>\d{1,9}: {1,20}\d{1,20} {1,20}\d{1,20} |num {1,9}#instances|={20,}|Total {1,20}\d{1,20} {1,20}\d"
    rb"|vmop {1,40}\[threads|\w{3,60} {1,60}\[(?: {1,20}\d{1,9}){3} {1,9}\]|Polling page"
    rb"|\[(?:Unloading|Loaded) )"
    rb"|(?P<notes>No shared spaces|GC locker: |GC time (?:would|exceed|is)|Large object |GC log file (?:created|has)"
    rb"|GC log rotation|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GC log |Finished |Dumping heap to |Heap dump file"
    rb"|VM Operation|Terminating due|Aborting due|\[?Code ?Cache)"
    rb")"
)
_DETAIL = re.compile(
    rb" {3,12}(?:\[(?!Eden: |Unloading|[A-Z][\w-]{1,40}: \d{1,15}[KMGB]->)[A-Z][^\[\]>]{2,400}\]? {0,9}$"
    rb"|(?:Avg|Min|Max|Sum|Diff): )"
)
_HEADER = re.compile(rb"(?:Java HotSpot\(TM\)|OpenJDK|HotSpot|SAP|Zulu|Java)[^\n]{0,60} VM(?: warning:)?[ (]")
_BUILD = re.compile(rb"JRE \((?:[^()]{0,60}\()?(?:build )?(\d[\w.+-]{0,60})\)?")
_MEMORY = re.compile(rb"Memory: \d{1,9}k page, physical (\d{1,15})k")
_OUT_OF_MEMORY = re.compile(rb"java\.lang\.OutOfMemoryError|OutOfMemoryError: ")
_HEAP_SPACE = re.compile(
    rb" {0,8}(?:(?:par |def |AS)?(?:new|PS\w{3,8}|Par\w{3,8}|tenured|concurrent|compacting|garbage-first|generation)\b"
    rb"|(?:eden|from|to|object|the|ro|rw|class|survivor) {1,4}space|region size |Metaspace |perm gen|PSPermGen|PSOldGen"
    rb"|No shared spaces|Heap\b|\(shared|Shenandoah)"
)
_REGION = re.compile(rb"region size (\d{1,9})K")
_COLLECTOR_FLAGS = (
    ("-XX:+UseG1GC", "G1"),
    ("-XX:+UseConcMarkSweepGC", "CMS"),
    ("-XX:+UseParNewGC", "ParNew"),  # with CMS both flags are on
    ("-XX:+UseParallelGC", "Parallel"),
    ("-XX:+UseParallelOldGC", "Parallel"),
    ("-XX:+UseSerialGC", "Serial"),
)
_SCALE = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def between(line: bytes) -> str | None:
    """The kind of a line that stands between or inside of collections and tells no event; None for all others."""
    found = _BETWEEN.match(line)
    return None if found is None else found.lastgroup


def is_detail(line: bytes) -> bool:
    """Whether the line is one of G1's indented details of a pause, such as ``[Ext Root Scanning (ms): …]``."""
    return line.startswith(b"   ") and _DETAIL.match(line) is not None


def changes_nothing(line: bytes) -> bool:
    """Whether the line stands between the events and tells nothing that is kept."""
    return between(line) is not None and not (is_rotation(line) or is_out_of_memory(line) or is_header(line))


def is_fact(line: bytes) -> bool:
    """Whether the line tells something about the JVM: header, out of memory, heap at exit."""
    return is_out_of_memory(line) or is_header(line) or is_rotation(line) or is_heap_space(line)


def is_rotation(line: bytes) -> bool:
    """Whether the line begins a rotated file, whose header then is no restart."""
    return b"GC log file created" in line


def is_heap_space(line: bytes) -> bool:
    """Whether the line can stand in the layout that PrintHeapAtGC and the exit of the JVM print."""
    return _HEAP_SPACE.match(line) is not None or b"[0x" in line


def region_bytes(line: bytes) -> int | None:
    """G1's region size from a line of the heap's layout."""
    found = _REGION.search(line)
    return None if found is None else int(found[1]) << 10


def is_out_of_memory(line: bytes) -> bool:
    """Whether the line reports an OutOfMemoryError."""
    return b"OutOfMemoryError" in line and _OUT_OF_MEMORY.search(line) is not None


def is_header(line: bytes) -> bool:
    """Whether the line is of those that HotSpot prints at the top of every file: version, memory, flags.

    PrintCommandLineFlags prints the flags without a title, on standard output.
    """
    known = line.startswith((b"Memory: ", b"CommandLine flags: ")) or _HEADER.match(line) is not None
    return known or (line.startswith(b"-XX:") and b" -XX:" in line)


def read_header(line: bytes, jvm: JvmFacts) -> None:
    """Takes the facts out of one header line."""
    if line.startswith(b"CommandLine flags: "):
        _read_flags(line[19:], jvm)
    elif line.startswith(b"-XX:"):
        _read_flags(line, jvm)
    elif line.startswith(b"Memory: "):
        memory = _MEMORY.match(line)
        if memory is not None:
            jvm.memory_bytes = int(memory[1]) << 10
    else:
        build = _BUILD.search(line)
        if build is not None:
            jvm.jdk = build[1].decode("ascii", "replace")


def _read_flags(text: bytes, jvm: JvmFacts) -> None:
    written = text.decode("utf-8", "replace").strip()
    try:
        flags = shlex.split(written, posix=False)
    except ValueError:  # an unbalanced quote: the line was cut
        flags = written.split()
    jvm.command_line = written
    jvm.flags = tuple(flags)
    jvm.max_heap_bytes = _flag_bytes(flags, "-XX:MaxHeapSize=")
    jvm.initial_heap_bytes = _flag_bytes(flags, "-XX:InitialHeapSize=")
    jvm.region_bytes = _flag_bytes(flags, "-XX:G1HeapRegionSize=")
    jvm.parallel_workers = _flag_bytes(flags, "-XX:ParallelGCThreads=")
    jvm.collector = next((name for flag, name in _COLLECTOR_FLAGS if flag in flags), None)


def _flag_bytes(flags: list[str], name: str) -> int | None:
    """The number behind a flag, with HotSpot's k, m, g, t; None where the flag is absent or no number."""
    for flag in reversed(flags):
        if flag.startswith(name):
            value = flag[len(name) :].lower()
            scale = _SCALE.get(value[-1:], 1)
            digits = value[:-1] if scale > 1 else value
            return int(digits) * scale if digits.isdecimal() and len(digits) < 19 else None
    return None
