"""Writes GC logs of JDK 7 and 8 from lists of events, in every dialect and mix of flags, as HotSpot prints them.

The writer knows nothing of the reader: it prints what ``GCTraceTime``, ``DefNewGeneration``, ``PSScavenge``,
``CMSCollector`` and ``G1CollectedHeap`` of jdk8u print, and says which rows a reader must find.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from flinkscope.formats.gclog.records import Flag, Kind

K = 1024
BEGIN = datetime(2015, 1, 1, tzinfo=UTC)
MISSING3 = (-1, -1, -1)
YOUNG_NAMES = {"Serial": "DefNew", "Parallel": "PSYoungGen", "CMS": "ParNew"}
OLD_NAMES = {"Serial": "Tenured", "Parallel": "ParOldGen", "CMS": "CMS"}
CAUSES = (
    "Allocation Failure",
    "GCLocker Initiated GC",
    "System.gc()",
    "Metadata GC Threshold",
    "Heap Inspection Initiated GC",
)


@dataclass(frozen=True)
class Flags:
    """Which -XX:+Print… flags the JVM ran with."""

    details: bool = True
    dates: bool = False
    uptimes: bool = True
    cause: bool = True
    gc_id: bool = False
    tenuring: bool = False
    references: bool = False
    adaptive: bool = False
    heap_at_gc: bool = False
    stopped: bool = False
    comma: bool = False


@dataclass(frozen=True)
class Happened:
    """One collection as the JVM saw it. Sizes in K."""

    what: str  # young, full, cycle (CMS, G1), failed
    gap_ms: int
    duration_100ns: int
    young: tuple[int, int, int]
    old: tuple[int, int, int]
    classes: tuple[int, int, int]
    cpu_10ms: tuple[int, int, int]
    cause: str


@dataclass(frozen=True)
class Row:
    """What a reader must find."""

    kind: Kind
    start_ns: int
    duration_ns: int
    cause: str = ""
    flags: int = 0
    gc_id: int = -1
    heap: tuple[int, int, int] = MISSING3
    young: tuple[int, int, int] = MISSING3
    old: tuple[int, int, int] = MISSING3
    classes: tuple[int, int, int] = MISSING3
    cpu_ms: tuple[int, int, int] = MISSING3


FLAGS = st.builds(
    Flags,
    **{name: st.booleans() for name in ("dates", "cause", "gc_id", "tenuring", "references", "adaptive", "heap_at_gc")},
    details=st.sampled_from((True, True, True, False)),
    uptimes=st.sampled_from((True, True, True, False)),
    stopped=st.booleans(),
    comma=st.sampled_from((False, False, False, True)),
)
_SIZES = st.tuples(st.integers(0, 1 << 31), st.integers(0, 1 << 31), st.integers(1, 1 << 32))
EVENTS = st.lists(
    st.builds(
        Happened,
        what=st.sampled_from(("young", "young", "young", "full", "cycle", "failed")),
        gap_ms=st.integers(1, 10_000_000),
        duration_100ns=st.integers(10, 900_000_000),
        young=_SIZES,
        old=_SIZES,
        classes=_SIZES,
        cpu_10ms=st.tuples(st.integers(0, 99_999), st.integers(0, 9_999), st.integers(0, 99_999)),
        cause=st.sampled_from(CAUSES),
    ),
    min_size=1,
    max_size=12,
)
COLLECTORS = st.sampled_from(("Serial", "Parallel", "CMS", "G1"))


def write(collector: str, flags: Flags, events: list[Happened]) -> tuple[bytes, list[Row]]:
    """The log's text and the rows that are in it."""
    pen = _Pen(collector, flags)
    now_ms = 1_000
    for number, event in enumerate(events):
        now_ms += event.gap_ms
        pen.event(number, now_ms, event)
        now_ms += event.duration_100ns // 10_000 + 400
    text = "".join(pen.text)
    if flags.comma:
        text = _with_commas(text)
    return text.encode(), pen.rows


class _Pen:
    def __init__(self, collector: str, flags: Flags) -> None:
        self.collector = collector
        self.flags = flags
        self.text: list[str] = []
        self.rows: list[Row] = []

    def event(self, number: int, now_ms: int, event: Happened) -> None:
        if event.what == "cycle" and self.collector in ("CMS", "G1") and self.flags.details:
            (self._cms_cycle if self.collector == "CMS" else self._g1_cycle)(number, now_ms, event)
            return
        if self.flags.heap_at_gc:
            self.text.append(_layout("{Heap before GC invocations=1 (full 0):\n"))
        if not self.flags.details:
            self._verbose(number, now_ms, event)
        elif self.collector == "G1":
            self._g1(number, now_ms, event)
        elif event.what == "failed" and self.collector in ("Serial", "CMS"):
            self._failed(number, now_ms, event)
        elif event.what == "full":
            self._full(number, now_ms, event)
        else:
            self._young(number, now_ms, event)
        if self.flags.heap_at_gc:
            self.text.append(_layout("Heap after GC invocations=2 (full 0):\n") + "}\n")
        if self.flags.stopped:
            self._stopped(now_ms, event)

    def stamp(self, now_ms: int, number: int | None = None) -> str:
        seconds, millis = divmod(now_ms, 1000)
        text = ""
        if self.flags.dates:
            moment = BEGIN + timedelta(seconds=seconds)
            text += f"{moment:%Y-%m-%dT%H:%M:%S}.{millis:03}+0000: "
        if self.flags.uptimes:
            text += f"{seconds}.{millis:03}: "
        if self.flags.gc_id and number is not None:
            text += f"#{number}: "
        return text

    def start(self, now_ms: int) -> int:
        """What a reader can know of the start: uptime, else the date, else nothing."""
        if self.flags.uptimes:
            return now_ms * 1_000_000
        return round(BEGIN.timestamp()) * 1_000_000_000 + now_ms * 1_000_000 if self.flags.dates else -1

    def head(self, title: str, now_ms: int, number: int, event: Happened) -> str:
        return self.stamp(now_ms, number) + f"[{title}" + (f" ({event.cause}) " if self.flags.cause else " ")

    def between(self, now_ms: int) -> str:
        """What tenuring, reference and adaptive flags print inside of a young collection."""
        text = ""
        if self.flags.references:
            stamp = self.stamp(now_ms)
            text += f"{stamp}[SoftReference, 0 refs, 0.0000250 secs]{stamp}[FinalReference, 35 refs, 0.0010000 secs]"
            text += (
                f"{stamp}[PhantomReference, 0 refs, 1 refs, 0.0000060 secs]{stamp}[JNI Weak Reference, 0.0000050 secs]"
            )
        if self.flags.adaptive and self.collector == "Parallel":
            text += "AdaptiveSizePolicy::update_averages:  survived: 11173968  promoted: 8192  overflow: false\n"
            text += "AdaptiveSizeStart: 2.262 collection: 1 \n"
            text += "  avg_survived_padded_avg: 11173968.0  avg_promoted_padded_avg: 8192.0  tenuring_thresh: 7\n"
            text += "AdaptiveSizeStop: collection: 1 \n"
        if self.flags.tenuring:
            text += "\nDesired survivor size 11010048 bytes, new threshold 7 (max 15)\n"
            text += "- age   1:    9999999 bytes,    9999999 total\n- age  12:      12345 bytes,   10012344 total\n"
        return text

    def row(self, kind: Kind, now_ms: int, event: Happened, **more: object) -> Row:
        row = Row(kind, self.start(now_ms), event.duration_100ns * 100, **more)  # type: ignore[arg-type]
        self.rows.append(row)
        return row

    def known(self, number: int, event: Happened) -> dict[str, object]:
        return {
            "cause": event.cause if self.flags.cause else "",
            "gc_id": number if self.flags.gc_id else -1,
        }

    def _verbose(self, number: int, now_ms: int, event: Happened) -> None:
        heap = _sum(event.young, event.old)
        full = event.what == "full"
        title = "Full GC" if full else "GC"
        if self.collector == "G1" and not full:
            words = f" ({event.cause})" if self.flags.cause else ""
            head = f"{self.stamp(now_ms, number)}[GC pause{words} (young)"
        else:
            head = self.head(title, now_ms, number, event)
        self.text.append(f"{head} {_change(heap)}, {_secs(event)} secs]\n")
        kind = Kind.FULL if full else Kind.YOUNG
        self.row(kind, now_ms, event, heap=_bytes(heap), **self.known(number, event))

    def _young(self, number: int, now_ms: int, event: Happened) -> None:
        heap = _sum(event.young, event.old)
        name = YOUNG_NAMES[self.collector]
        text = self.head("GC", now_ms, number, event)
        if self.collector == "Parallel":
            text += f"{self.between(now_ms)}[{name}: {_change(event.young)}] "
        else:
            text += (
                f"{self.stamp(now_ms, number)}[{name}{self.between(now_ms)}: {_change(event.young)}, 0.0000001 secs] "
            )
        text += f"{_change(heap)}, {_secs(event)} secs]{_times(event)}\n"
        self.text.append(text)
        self.row(
            Kind.YOUNG, now_ms, event, heap=_bytes(heap), young=_bytes(event.young), old=_bytes(event.old),
            cpu_ms=_cpu(event), **self.known(number, event),
        )  # fmt: skip

    def _full(self, number: int, now_ms: int, event: Happened) -> None:
        heap = _sum(event.young, event.old)
        old = OLD_NAMES[self.collector]
        text = self.head("Full GC", now_ms, number, event)
        if self.collector == "Parallel":
            text += f"[PSYoungGen: {_change(event.young)}] [{old}: {_change(event.old)}] "
        else:
            text += f"{self.stamp(now_ms, number)}[{old}: {_change(event.old)}, 0.0000001 secs] "
        text += f"{_change(heap)}, [Metaspace: {_change(event.classes)}], {_secs(event)} secs]{_times(event)}\n"
        self.text.append(text)
        self.row(
            Kind.FULL, now_ms, event, heap=_bytes(heap), young=_bytes(event.young), old=_bytes(event.old),
            classes=_bytes(event.classes), cpu_ms=_cpu(event), **self.known(number, event),
        )  # fmt: skip

    def _failed(self, number: int, now_ms: int, event: Happened) -> None:
        """A young collection that cannot promote, and the old one in the same pause; CMS tells of its torn cycle."""
        heap = _sum(event.young, event.old)
        young = (event.young[0], event.young[0], event.young[2])
        young_100ns = event.duration_100ns // 3
        text = self.head("GC", now_ms, number, event) + self.stamp(now_ms, number)
        text += f"[{YOUNG_NAMES[self.collector]} (promotion failed): {_change(young)}, {young_100ns / 1e7:.7f} secs]"
        text += f"{self.stamp(now_ms, number)}[{OLD_NAMES[self.collector]}"
        flags = 0
        if self.collector == "CMS":
            text += f"{self.stamp(now_ms)}[CMS-concurrent-mark: 0.200/0.244 secs]"
            text += " [Times: user=0.40 sys=0.00, real=0.24 secs] \n (concurrent mode failure)"
            flags = Flag.CONCURRENT_MODE_FAILURE
            begun = self.start(now_ms) - 244_000_000 if self.start(now_ms) > 0 else -1
            self.rows.append(Row(Kind.CONCURRENT_PHASE, begun, 244_000_000, cpu_ms=(400, 0, 240)))
        text += f": {_change(event.old)}, 0.0000001 secs] {_change(heap)}, [Metaspace: {_change(event.classes)}], "
        self.text.append(text + f"{_secs(event)} secs]{_times(event)}\n")
        known = self.known(number, event)
        between = (young[1] + event.old[0]) * K
        first = self.row(
            Kind.YOUNG, now_ms, event, flags=int(Flag.PROMOTION_FAILED), heap=(heap[0] * K, between, -1),
            young=_bytes(young), old=((heap[0] - young[0]) * K, between - young[1] * K, -1), **known,
        )  # fmt: skip
        self.rows[-1] = replace(first, duration_ns=young_100ns * 100)
        rest_ns = (event.duration_100ns - young_100ns) * 100
        start = first.start_ns + young_100ns * 100 if first.start_ns >= 0 else -1
        after = (young[1] * K, (heap[1] - event.old[1]) * K, young[2] * K)
        self.rows.append(
            Row(
                Kind.FULL, start, rest_ns, flags=int(flags), heap=_bytes(heap), young=after, old=_bytes(event.old),
                classes=_bytes(event.classes), cpu_ms=_cpu(event), **known,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def _g1(self, number: int, now_ms: int, event: Happened) -> None:
        heap, full = _sum(event.young, event.old), event.what == "full"
        cause = f" ({event.cause})" if self.flags.cause else ""
        if full:
            head = f"[Full GC{cause}  {heap[0] // K}M->{heap[1] // K}M({heap[2] // K}M)"
        else:
            head = f"[GC pause{cause} (young){self.between(now_ms)}"
        self.text.append(f"{self.stamp(now_ms, number)}{head}, {_secs(event)} secs]\n")
        if not full:
            self.text.append(
                "   [Parallel Time: 8.5 ms, GC Workers: 4]\n"
                "      [GC Worker Start (ms): Min: 1321.1, Avg: 1321.2, Max: 1321.3, Diff: 0.2]\n"
                "         [Processed Buffers: Min: 0, Avg: 0.0, Max: 0, Diff: 0, Sum: 0]\n"
                "   [Clear CT: 0.2 ms]\n"
            )
        self.text.append(
            f"   [Eden: {event.young[0]}.0K({event.young[2]}.0K)->{event.young[1]}.0K({event.young[2]}.0K)"
            f" Survivors: 1024.0K->2048.0K Heap: {heap[0]}.0K({heap[2]}.0K)->{heap[1]}.0K({heap[2]}.0K)"
            + (f"], [Metaspace: {_change(event.classes)}]\n" if full else "]\n")
            + _times(event)
            + "\n"
        )
        eden = event.young
        self.row(
            Kind.FULL if full else Kind.YOUNG, now_ms, event, heap=_bytes(heap),
            young=((eden[0] + 1024) * K, (eden[1] + 2048) * K, (eden[2] + 2048) * K),
            classes=_bytes(event.classes) if full else MISSING3, cpu_ms=_cpu(event), **self.known(number, event),
        )  # fmt: skip

    def _g1_cycle(self, number: int, now_ms: int, event: Happened) -> None:
        stamp, mark = self.stamp(now_ms), self.stamp(now_ms)
        end = self.stamp(now_ms + 300)
        self.text.append(f"{stamp}[GC concurrent-root-region-scan-start]\n")
        self.text.append(f"{mark}[GC concurrent-mark-start]\n{end}[GC concurrent-mark-end, 0.2000000 secs]\n")
        self.rows.append(Row(Kind.CONCURRENT_PHASE, self.start(now_ms + 100), 200_000_000))
        head = f"{self.stamp(now_ms + 300, number)}[GC remark {end}[GC ref-proc, 0.0001000 secs]"
        self.text.append(f"{head}, {_secs(event)} secs]\n{_times(event)}\n")
        gc_id = number if self.flags.gc_id else -1
        self.row(Kind.REMARK, now_ms + 300, event, cpu_ms=_cpu(event), gc_id=gc_id)

    def _cms_cycle(self, number: int, now_ms: int, event: Happened) -> None:
        heap = _sum(event.young, event.old)
        cause = " (CMS Initial Mark)" if self.flags.cause else ""
        mark = f"{self.stamp(now_ms, number)}[GC{cause} [1 CMS-initial-mark: {event.old[0]}K({event.old[2]}K)]"
        self.text.append(f"{mark} {heap[0]}K({heap[2]}K), {_secs(event)} secs]{_times(event)}\n")
        gc_id = number if self.flags.gc_id else -1
        self.row(
            Kind.INITIAL_MARK, now_ms, event, heap=_bytes((heap[0], heap[0], heap[2])),
            old=_bytes((event.old[0], event.old[0], event.old[2])), cpu_ms=_cpu(event), gc_id=gc_id,
        )  # fmt: skip
        self.text.append(f"{self.stamp(now_ms)}[CMS-concurrent-mark-start]\n")
        self.text.append(f"{self.stamp(now_ms + 300)}[CMS-concurrent-mark: 0.150/0.200 secs]{_times(event)}\n")
        self.rows.append(Row(Kind.CONCURRENT_PHASE, self.start(now_ms + 100), 200_000_000, cpu_ms=_cpu(event)))

    def _stopped(self, now_ms: int, event: Happened) -> None:
        end_ms = now_ms + event.duration_100ns // 10_000 + 1
        text = f"{self.stamp(end_ms)}Total time for which application threads were stopped: {_secs(event)} seconds"
        self.text.append(text + ", Stopping threads took: 0.0000400 seconds\n")
        start = self.start(end_ms)
        start = start - event.duration_100ns * 100 if start >= event.duration_100ns * 100 else -1
        self.rows.append(Row(Kind.SAFEPOINT, start, event.duration_100ns * 100))


def _with_commas(text: str) -> str:
    """As a JVM prints under a locale with a decimal comma."""
    out = list(text)
    for i, char in enumerate(text):
        if char == "." and 0 < i < len(text) - 1 and text[i - 1].isdigit() and text[i + 1].isdigit():
            out[i] = ","
    return "".join(out)


def _sum(young: tuple[int, int, int], old: tuple[int, int, int]) -> tuple[int, int, int]:
    return young[0] + old[0], young[1] + old[1], young[2] + old[2]


def _change(sizes: tuple[int, int, int]) -> str:
    return f"{sizes[0]}K->{sizes[1]}K({sizes[2]}K)"


def _bytes(sizes: tuple[int, int, int]) -> tuple[int, int, int]:
    return sizes[0] * K, sizes[1] * K, sizes[2] * K


def _secs(event: Happened) -> str:
    return f"{event.duration_100ns // 10_000_000}.{event.duration_100ns % 10_000_000:07}"


def _times(event: Happened) -> str:
    user, system, real = (f"{part // 100}.{part % 100:02}" for part in event.cpu_10ms)
    return f" [Times: user={user} sys={system}, real={real} secs] "


def _cpu(event: Happened) -> tuple[int, int, int]:
    user, system, real = event.cpu_10ms
    return user * 10, system * 10, real * 10


def _layout(title: str) -> str:
    return (
        title + " par new generation   total 314560K, used 150000K [0x00000000c0000000, 0x00000000d5550000)\n"
        "  eden space 279616K,  53% used [0x00000000c0000000, 0x00000000c927c000, 0x00000000d1110000)\n"
        " garbage-first heap   total 1048576K, used 716800K [0x00000000c0000000, 0x00000000c0102000)\n"
        "  region size 1024K, 3 young (3072K), 0 survivors (0K)\n"
        " Metaspace       used 3000K, capacity 4486K, committed 4864K, reserved 1056768K\n"
        "  class space    used 286K, capacity 386K, committed 512K, reserved 1048576K\n"
    )
