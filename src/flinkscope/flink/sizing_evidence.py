"""The live set from evidence: a GC log, a heap dump, a class histogram or a running JVM, with what to mind about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import UnreadableInputError, UsageError
from flinkscope.flink.sizing_live_set import SizingRefused
from flinkscope.progress import SILENT, Progress
from flinkscope.units import human_bytes

_NS_PER_S = 1_000_000_000
_CEILING_PERCENT = 90  # of the maximum heap: from there on a collector hardly finds room, so the live set cannot grow
_TOTAL = re.compile(r"^\s*Total\s+(\d+)\s+(\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MeasuredLiveSet:
    """``live_set_bytes`` as measured from ``source``; ``collector`` None where the evidence does not tell it.

    ``upper_bound``: garbage may be in it. ``rising_bytes_per_s``: the certain rise, 0 if it does not rise for certain.
    ``at_ceiling``: it filled the heap or an OutOfMemoryError cut it off, so the true need is larger.
    """

    live_set_bytes: int
    source: str
    basis: str
    collector: str | None = None
    upper_bound: bool = False
    rising_bytes_per_s: int = 0
    humongous_bp: int = 0
    at_ceiling: bool = False


def measured_live_set(path: str | Path, progress: Progress = SILENT) -> MeasuredLiveSet:
    """The live set of a file, recognised by content. Seconds for a heap dump, else less than one.

    Raises SourceError, UnreadableInputError, and UsageError for a file of another kind.
    """
    from flinkscope.sources.recognise import recognise

    target = Path(path)
    kind = "gc_log" if target.is_dir() else recognise(target)
    if kind == "gc_log":
        return _of_gc_log(target, progress)
    if kind == "heap_dump":
        return _of_heap_dump(target, progress)
    if kind == "class_histogram":
        return _of_histogram(target)
    raise UsageError(
        f"{target}: no live set in this file ({kind or 'unknown kind'})",
        hint="give a GC log, a heap dump or the output of `jcmd PID GC.class_histogram`",
    )


def live_set_of_process(pid: int) -> MeasuredLiveSet:
    """The used heap of a running JVM now: an upper bound, garbage included."""
    from flinkscope.absent import Absent
    from flinkscope.errors import SourceError
    from flinkscope.jvm.live import summarize
    from flinkscope.sources.process import java_process

    summary = summarize(java_process(pid))
    used = summary.heap_used_bytes
    if isinstance(used, Absent):
        raise SourceError(f"process {pid}: {used}", hint=used.how_to_get or "give its GC log instead")
    collector = None if isinstance(summary.collector, Absent) else summary.collector
    return MeasuredLiveSet(used, f"process {pid}", "used heap now", collector, upper_bound=True)


def grown(live: MeasuredLiveSet, until_ns: int | None) -> int:
    """The live set to size for: as measured, or after ``until_ns`` more of its certain rise.

    Raises SizingRefused for a rising live set without an end.
    """
    if not live.rising_bytes_per_s:
        return live.live_set_bytes
    if until_ns is None:
        rate = human_bytes(live.rising_bytes_per_s * 3600)
        raise SizingRefused(
            f"not sized: in {live.source} the live set rises by {rate} an hour without an end in sight; any heap fills "
            "up and only dies later",
            hint="find the cause with `flinkscope diagnose`; if the growth ends by itself, as with a window that "
            "closes once a day, say how long it still grows: --until 24h",
        )
    return live.live_set_bytes + live.rising_bytes_per_s * until_ns // _NS_PER_S


def _of_gc_log(path: Path, progress: Progress) -> MeasuredLiveSet:
    from flinkscope.absent import Absent
    from flinkscope.gc.log import read_gc_log

    log = read_gc_log(path, progress)
    live, rise = log.figures["live_set_max_bytes"], log.figures["live_set_trend_bytes_per_s"]
    if isinstance(live, Absent):
        raise UnreadableInputError(f"{path}: {live}", hint=live.how_to_get or "log with -Xlog:gc*")
    humongous = log.figures["humongous_share_max_bp"]
    certain = not isinstance(rise, Absent) and rise.note.startswith("certain") and rise.value > 0
    return MeasuredLiveSet(
        live_set_bytes=live.value,
        source=str(path),
        basis=f"largest of {len(log.live_set.rows)} points: {log.live_set.basis}",
        collector=log.collector,
        upper_bound=bool(log.live_set.note),
        rising_bytes_per_s=rise.value if certain and not isinstance(rise, Absent) else 0,
        humongous_bp=0 if isinstance(humongous, Absent) else humongous.value,
        at_ceiling=log.max_heap_bytes is not None and live.value * 100 >= log.max_heap_bytes * _CEILING_PERCENT,
    )


def _of_heap_dump(path: Path, progress: Progress) -> MeasuredLiveSet:
    from flinkscope.heap.store import open_heap

    heap = open_heap(path, progress=progress)
    live_bytes = heap.used_bytes - heap.unreachable_bytes
    if live_bytes <= 0:
        raise UnreadableInputError(f"{path}: no object is reachable in this dump", hint="is the dump cut off?")
    gap = f"; part of the dump is missing ({heap.gap})" if heap.gap else ""
    out_of_memory = heap.oom_thread is not None
    if out_of_memory:
        gap += f"; taken when thread {heap.oom_thread} ran out of memory"
    return MeasuredLiveSet(live_bytes, str(path), f"bytes of all reachable objects{gap}", at_ceiling=out_of_memory)


def _of_histogram(path: Path) -> MeasuredLiveSet:
    text = path.read_text(encoding="utf-8", errors="replace")
    totals = _TOTAL.findall(text)
    if not totals:
        raise UnreadableInputError(
            f"{path}: the histogram has no Total line, so it is cut off",
            hint="take it again: jcmd PID GC.class_histogram",
        )
    return MeasuredLiveSet(int(totals[-1][1]), str(path), "Total of the class histogram (live objects unless -all)")
