"""The columns of every jstat option: which counters they show, how wide, how aligned, in which release.

Facts from the JDK's own table (``sun/tools/jstat/resources/jstat_options`` of jdk.jcmd, releases 11, 17, 21 and 25,
read and compared): the columns and their counters are the same in all four; 17 made them wider and aligned right;
25 computes the timestamp from the clock. Release 8 has no concurrent columns (CGC, CGCT).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

YOUNG = "sun.gc.generation.0."
OLD = "sun.gc.generation.1."
META = "sun.gc.metaspace."
CLASS_SPACE = "sun.gc.compressedclassspace."
COLLECTOR = "sun.gc.collector."


class Measure(Enum):
    """How a column's value is made from its counters (always in doubles, in jstat's order of operations)."""

    COUNT = "the sum of the counters"
    KIB = "the sum of the counters / 1024"
    SECONDS = "the sum of the counters in ticks / ticks per second"
    USED_PERCENT = "(1 - (capacity - used) / capacity) × 100"
    TEXT = "a string"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column shows. ``digits``: places behind the point; ``width``: of releases 17 and later."""

    measure: Measure
    counters: tuple[str, ...]
    width: int
    digits: int = 0
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one option in one layout. ``align``: < left, > right, ^ centre (values; headers are centred)."""

    header: str
    meaning: Meaning
    width: int
    align: str
    header_left: bool


def _kib(width: int, *counters: str) -> Meaning:
    return Meaning(Measure.KIB, counters, width, 1)


def _percent(space: str) -> Meaning:
    return Meaning(Measure.USED_PERCENT, (space + "capacity", space + "used"), 6, 2)


def _seconds(width: int, digits: int, *counters: str, lenient: bool = False) -> Meaning:
    return Meaning(Measure.SECONDS, counters, width, digits, lenient)


def _count(width: int, *counters: str) -> Meaning:
    return Meaning(Measure.COUNT, counters, width)


_MEANINGS: dict[str, Meaning] = {
    "S0C": _kib(11, YOUNG + "space.1.capacity"),
    "S1C": _kib(11, YOUNG + "space.2.capacity"),
    "S0U": _kib(11, YOUNG + "space.1.used"),
    "S1U": _kib(11, YOUNG + "space.2.used"),
    "S0CMX": _kib(11, YOUNG + "space.1.maxCapacity"),
    "S1CMX": _kib(11, YOUNG + "space.2.maxCapacity"),
    "EC": _kib(12, YOUNG + "space.0.capacity"),
    "EU": _kib(12, YOUNG + "space.0.used"),
    "ECMX": _kib(12, YOUNG + "space.0.maxCapacity"),
    "NGCMN": _kib(12, YOUNG + "minCapacity"),
    "NGCMX": _kib(12, YOUNG + "maxCapacity"),
    "NGC": _kib(12, YOUNG + "capacity"),
    "OC": _kib(12, OLD + "space.0.capacity"),
    "OU": _kib(12, OLD + "space.0.used"),
    "OGCMN": _kib(12, OLD + "minCapacity"),
    "OGCMX": _kib(12, OLD + "maxCapacity"),
    "OGC": _kib(12, OLD + "capacity"),
    "MC": _kib(10, META + "capacity"),
    "MU": _kib(10, META + "used"),
    "MCMN": _kib(10, META + "minCapacity"),
    "MCMX": _kib(10, META + "maxCapacity"),
    "CCSC": _kib(9, CLASS_SPACE + "capacity"),
    "CCSU": _kib(9, CLASS_SPACE + "used"),
    "CCSMN": _kib(9, CLASS_SPACE + "minCapacity"),
    "CCSMX": _kib(9, CLASS_SPACE + "maxCapacity"),
    "S0": _percent(YOUNG + "space.1."),
    "S1": _percent(YOUNG + "space.2."),
    "E": _percent(YOUNG + "space.0."),
    "O": _percent(OLD + "space.0."),
    "M": _percent(META),
    "CCS": _percent(CLASS_SPACE),
    "TT": _count(2, "sun.gc.policy.tenuringThreshold"),
    "MTT": _count(2, "sun.gc.policy.maxTenuringThreshold"),
    "DSS": _kib(11, "sun.gc.policy.desiredSurvivorSize"),
    "YGC": _count(6, COLLECTOR + "0.invocations"),
    "FGC": _count(5, COLLECTOR + "1.invocations"),
    "CGC": _count(5, COLLECTOR + "2.invocations"),
    "YGCT": _seconds(9, 3, COLLECTOR + "0.time"),
    "FGCT": _seconds(9, 3, COLLECTOR + "1.time"),
    "CGCT": _seconds(9, 3, COLLECTOR + "2.time"),
    "GCT": _seconds(9, 3, COLLECTOR + "0.time", COLLECTOR + "1.time", COLLECTOR + "2.time", lenient=True),
    "LGCC": Meaning(Measure.TEXT, ("sun.gc.lastCause",), 20),
    "GCC": Meaning(Measure.TEXT, ("sun.gc.cause",), 20),
    "Loaded": _count(5, "java.cls.loadedClasses", "java.cls.sharedLoadedClasses"),
    "Bytes": _kib(7, "sun.cls.loadedBytes", "sun.cls.sharedLoadedBytes"),
    "Unloaded": _count(5, "java.cls.unloadedClasses", "java.cls.sharedUnloadedClasses"),
    "Bytes/unloaded": _kib(7, "sun.cls.unloadedBytes", "sun.cls.sharedUnloadedBytes"),
    "Time/class": _seconds(10, 2, "sun.cls.time"),
    "Compiled": _count(6, "sun.ci.totalCompiles"),
    "Failed": _count(6, "sun.ci.totalBailouts"),
    "Invalid": _count(6, "sun.ci.totalInvalidates"),
    "Time/compiler": _seconds(8, 2, "java.ci.totalTime"),
    "FailedType": _count(4, "sun.ci.lastFailedType"),
    "FailedMethod": Meaning(Measure.TEXT, ("sun.ci.lastFailedMethod",), 1),
    "Size": _count(6, "sun.ci.lastSize"),
    "Type": _count(4, "sun.ci.lastType"),
    "Method": Meaning(Measure.TEXT, ("sun.ci.lastMethod",), 1),
}

_COLLECTIONS = "YGC YGCT FGC FGCT CGC CGCT GCT"
_OLD_COLLECTIONS = "YGC FGC FGCT CGC CGCT GCT"

# option → (columns, widths before release 17 where they differ; ^ marks a centred column)
_OPTIONS: dict[str, tuple[str, str]] = {
    "class": ("Loaded Bytes Unloaded Bytes/unloaded Time/class", ""),
    "compiler": ("Compiled Failed Invalid Time/compiler FailedType FailedMethod", ""),
    "gc": (
        "S0C S1C S0U S1U EC EU OC OU MC MU CCSC CCSU " + _COLLECTIONS,
        "6^ 6^ 6^ 6^ 8^ 8^ 10^ 10^ 6^ 6^ 6^ 6^ 6 8 5^ 8 5^ 8 8",
    ),
    "gccapacity": (
        "NGCMN NGCMX NGC S0C S1C EC OGCMN OGCMX OGC OC MCMN MCMX MC CCSMN CCSMX CCSC YGC FGC CGC",
        "8 8 8 6 6 8 10 10 10 10 8 8 8 8 8 8 6 5 5",
    ),
    "gccause": ("S0 S1 E O M CCS " + _COLLECTIONS + " LGCC GCC", "6 6 6 6 6 6 6 8 5 8 5 8 8 20 20"),
    "gcmetacapacity": ("MCMN MCMX MC CCSMN CCSMX CCSC " + _OLD_COLLECTIONS, "10 10 10 10 10 10 5 5 8 5 8 8"),
    "gcnew": ("S0C S1C S0U S1U TT MTT DSS EC EU YGC YGCT", "6 6 6 6 2 2 6 8 8 6 8"),
    "gcnewcapacity": (
        "NGCMN NGCMX NGC S0CMX S0C S1CMX S1C ECMX EC YGC FGC CGC",
        "10 10 10 8 8 8 8 10 10 5 5 5",
    ),
    "gcold": ("MC MU CCSC CCSU OC OU " + _OLD_COLLECTIONS, "8 8 8 8 11 11 6 5 8 5 8 8"),
    "gcoldcapacity": ("OGCMN OGCMX OGC OC " + _OLD_COLLECTIONS, "11 11 11 11 5 5 8 5 8 8"),
    "gcutil": ("S0 S1 E O M CCS " + _COLLECTIONS, "6 6 6 6 6 6 6 8 5 8 5 8 8"),
    "printcompilation": ("Compiled Size Type Method", ""),
}

OPTIONS = tuple(_OPTIONS)
"""The options that jstat knows, without their dash."""

_LEFT = {"FailedMethod", "Method", "LGCC", "GCC"}
_WIDE_SINCE = 17
_CONCURRENT_SINCE = 11


@lru_cache(maxsize=64)
def columns_of(option: str, java_major: int) -> tuple[Column, ...]:
    """The columns of ``option`` as jstat of that release prints them. KeyError for an unknown option."""
    names, narrow = _OPTIONS[option]
    widths = narrow.split() if java_major < _WIDE_SINCE and narrow else [""] * len(names.split())
    return tuple(
        _column(option, name, width)
        for name, width in zip(names.split(), widths, strict=True)
        if java_major >= _CONCURRENT_SINCE or name not in ("CGC", "CGCT")
    )


def _column(option: str, name: str, narrow: str) -> Column:
    meaning = _MEANINGS[name]
    header = name.split("/", maxsplit=1)[0]
    pattern_length = 1 if meaning.digits == 0 else meaning.digits + 2
    width = int(narrow.rstrip("^")) if narrow else meaning.width
    left = name in _LEFT
    align = "<" if left else "^" if narrow.endswith("^") else ">"
    header_left = left or (option == "gccapacity" and name == "S1C")
    return Column(header, meaning, max(width, pattern_length, len(header)), align, header_left)
