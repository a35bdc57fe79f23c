"""How much memory is really in use: what is left after a collection that looks at everything.

After a full collection the used heap is the live set (and what died while it ran). A collector that never does one
tells only an upper bound: ZGC and Shenandoah after a whole cycle, G1 and CMS the lowest point after each concurrent
cycle, any other the lowest points of all. Then the word is ``upper bound``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flinkscope.formats.gclog.records import MISSING, Kind
from flinkscope.gc.timeline import Ints, Mask, Timeline
from flinkscope.gc.trend import FEWEST_POINTS

UPPER_BOUND = "upper bound"
_ENVELOPE_POINTS = 20


@dataclass(frozen=True)
class LiveSet:
    """Points of the live set. ``basis``: ``full collections``, ``cycles``, ``lowest after cycles``, ``lowest`` or "".

    ``rows``: event rows of the points, ``time_ns`` (MISSING without stamps), ``size_bytes``, ``run``: whose JVM's.
    """

    basis: str
    rows: Ints
    time_ns: Ints
    size_bytes: Ints
    run: Ints

    @property
    def note(self) -> str:
        """``upper bound`` where no full collection tells the live set itself."""
        return "" if self.basis in ("", "full collections") else UPPER_BOUND

    @cached_property
    def of_trend(self) -> Mask:
        """The points with a stamp of the last JVM that has three: what one JVM holds says nothing about the next."""
        stamped = self.time_ns != MISSING
        counts = np.bincount(self.run[stamped], minlength=1)
        enough = np.flatnonzero(counts >= FEWEST_POINTS)
        return stamped & (self.run == enough[-1]) if len(enough) else np.zeros(len(stamped), dtype=np.bool_)


def live_set(timeline: Timeline) -> LiveSet:
    """The points, by the best basis that the log offers."""
    after = timeline.events["heap_after_bytes"]
    sized = after != MISSING
    full = timeline.full & sized
    if full.any():
        return _points(timeline, after, "full collections", np.flatnonzero(full))
    major = timeline.of_kind(Kind.MAJOR_CYCLE) & sized
    whole = major if major.any() else timeline.of_kind(Kind.CYCLE) & sized
    if whole.any():
        return _points(timeline, after, "cycles", np.flatnonzero(whole))
    collected = sized & (timeline.pauses | timeline.cycles)
    if not collected.any():
        return _points(timeline, after, "", np.empty(0, dtype=np.int64))
    begins = np.flatnonzero(timeline.of_kind(Kind.REMARK))
    if len(begins):
        return _points(timeline, after, "lowest after cycles", _lowest_between(after, collected, begins))
    rows = np.flatnonzero(collected)
    parts = np.array_split(rows, min(_ENVELOPE_POINTS, max(1, len(rows) // 5)))
    return _points(timeline, after, "lowest", np.array([part[np.argmin(after[part])] for part in parts]))


def _lowest_between(after: Ints, collected: Mask, begins: Ints) -> Ints:
    """The lowest collection after each of these rows and before the next."""
    rows = []
    for begin, end in zip(begins, [*begins[1:], len(after)], strict=True):
        part = begin + np.flatnonzero(collected[begin:end])
        if len(part):
            rows.append(int(part[np.argmin(after[part])]))
    return np.array(rows, dtype=np.int64)


def _points(timeline: Timeline, after: Ints, basis: str, rows: Ints) -> LiveSet:
    start, duration = timeline.events.start_ns[rows], timeline.events.duration_ns[rows]
    time_ns = np.where(start == MISSING, MISSING, start + np.maximum(duration, 0))
    run = np.searchsorted([run.first_event for run in timeline.runs], rows, side="right")
    return LiveSet(basis if len(rows) else "", rows, time_ns, after[rows], run)
