"""Window state from a class histogram alone: ratios of counts, which tell the pattern but not whose state it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import SourceError
from flinkscope.formats.class_histogram import ClassHistogram, parse_class_histogram
from flinkscope.place import Place
from flinkscope.sources.recognise import text_of

_ENTRY = "org.apache.flink.runtime.state.heap.CopyOnWriteStateMap$StateMapEntry"
_TIMER = "org.apache.flink.streaming.api.operators.TimerHeapInternalTimer"
_WINDOW = "org.apache.flink.streaming.api.windowing.windows.TimeWindow"
_RECORD = "org.apache.flink.streaming.runtime.streamrecord.StreamRecord"
_LIST = "java.util.ArrayList"
_MAP = "java.util.HashMap"
_BINARY_ROW = "org.apache.flink.table.data.binary.BinaryRowData"
_GENERIC_ROW = "org.apache.flink.table.data.GenericRowData"
_MOST_BYTES = 64 * 1024 * 1024
_FEW_ENTRIES = 1_000  # below it ratios of Flink's own objects drown the pattern


@dataclass(frozen=True, slots=True)
class StateRatios:
    """Counts of a histogram that tell of window state, and what their ratios say.

    ``pattern``: ``continuous trigger``, ``timers only``, ``one timer a key``, or None. ``certainty_bp``: how sure the
    pattern is; never more than 7,000, since a histogram names no operator. ``contents``: what else the
    counts tell. ``panes``: estimated (key, window) pairs.
    ``own_bytes``: entries and timers with their de-duplication nodes, without keys, values and tables.
    """

    entries: int
    timers: int
    windows: int
    stream_records: int
    array_lists: int
    panes: int
    contents: str | None
    own_bytes: int
    total_bytes: int
    pattern: str | None
    certainty_bp: int
    why: str
    place: Place


def read_ratios(path: Path) -> StateRatios:
    """As ``state_ratios`` of a file, gzipped or not. Raises SourceError, or UnreadableInputError for no histogram."""
    try:
        text = text_of(path, _MOST_BYTES)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise SourceError(reason, hint="jcmd PID GC.class_histogram > histogram.txt") from error
    return state_ratios(parse_class_histogram(text, path.name))


def state_ratios(histogram: ClassHistogram) -> StateRatios:
    """Reads the ratios. An older histogram with objects that are garbage already counts too much: take it live."""
    count: dict[str, int] = {}
    size: dict[str, int] = {}
    for row in histogram.rows:
        count[row.class_name] = count.get(row.class_name, 0) + row.objects
        size[row.class_name] = size.get(row.class_name, 0) + row.shallow_bytes
    entries, timers = count.get(_ENTRY, 0), count.get(_TIMER, 0)
    windows = count.get(_WINDOW, 0)
    pattern, certainty, why = _pattern(entries, timers, windows, count)
    nodes = min(count.get("java.util.HashMap$Node", 0), timers)
    node_bytes = size.get("java.util.HashMap$Node", 0) * nodes // max(1, count.get("java.util.HashMap$Node", 0))
    return StateRatios(
        entries=entries,
        timers=timers,
        windows=windows,
        stream_records=count.get(_RECORD, 0),
        array_lists=count.get(_LIST, 0),
        panes=min(windows, timers // 2) if pattern == "continuous trigger" else min(windows or timers, timers),
        contents=_contents(entries, windows, count),
        own_bytes=size.get(_ENTRY, 0) + size.get(_TIMER, 0) + node_bytes,
        total_bytes=histogram.total_bytes,
        pattern=pattern,
        certainty_bp=certainty,
        why=why,
        place=histogram.place,
    )


def _contents(entries: int, windows: int, count: dict[str, int]) -> str | None:
    """What a pane keeps besides, by ratios to the time windows; None where nothing stands out."""
    if entries < _FEW_ENTRIES:
        return None
    found = []
    records = count.get(_RECORD, 0) / max(1, windows)
    if windows and records >= 0.5:
        found.append(f"{records:.2g} stream records a window: an evictor keeps whole elements")
    maps = count.get(_MAP, 0) / max(1, windows)
    if windows and maps >= 0.5:
        found.append(f"{maps:.2g} hash maps a window: a map state for each pane")
    rows = (count.get(_BINARY_ROW, 0) + count.get(_GENERIC_ROW, 0)) / max(1, entries)
    if rows >= 0.5:
        found.append(f"{rows:.2g} rows an entry: state of SQL operators")
    return "; ".join(found) or None


def _pattern(entries: int, timers: int, windows: int, count: dict[str, int]) -> tuple[str | None, int, str]:
    if entries + timers < _FEW_ENTRIES:
        return (
            None,
            0,
            f"only {entries:,} state entries and {timers:,} timers: no window state on this heap",
        )
    each = f"{timers:,} timers, {windows:,} time windows, {entries:,} state entries"
    if not timers or windows * 4 < timers:
        return None, 0, f"{each}: no timers of time windows, so this is other keyed state"
    per_window = timers / windows
    if 1.8 <= per_window <= 3.2 and entries >= 0.8 * windows:
        purged = entries < 1.3 * windows and count.get(_LIST, 0) < 0.5 * windows
        more = "; few lists, one entry a window: contents are purged, trigger state is not" if purged else ""
        text = f"{each}: {per_window:.2g} timers a window, as a continuous trigger keeps (one to fire, one to clean up)"
        return "continuous trigger", 7_000 if purged else 6_000, text + more
    if per_window < 1.2 and entries < 0.2 * windows:
        return "timers only", 5_000, f"{each}: contents are purged at once and only the clean-up timer is left"
    if per_window < 1.2:
        return "one timer a key", 6_000, f"{each}: one timer a window, as plain event-time windows have"
    return None, 0, f"{each}: no known ratio; several jobs may be mixed here"
