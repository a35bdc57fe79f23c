"""The designs that people choose between for a continuously refreshed count of a day, side by side."""

from __future__ import annotations

from dataclasses import replace

from flinkscope.flink.windows import WindowDesign
from flinkscope.flink.windows_bytes import Layout, state_table_bytes, timer_table_bytes
from flinkscope.flink.windows_forecast import POINTS, Forecast, Point, forecast
from flinkscope.flink.windows_load import Cluster, Load

BUCKETS = 1_024
# The lab's bucket job (CountInBuckets, Flink 2.3.0): 475,640 items in 55,435,368 bytes of `items`, 1.7 users an item:
# map node and slot, a Long, Visitors and its int[]. 4 bytes for each further user, up to 32; then a bitmap.
_ITEM_BYTES, _USERS_IN_ITEM, _USER_BYTES, _MOST_LISTED = 117, 1.7, 4, 32
_CACHED_LONG = 127
NAMES = ("bare", "evictor", "purging", "quiet", "cumulate", "buckets", "rocksdb")


def alternatives(design: WindowDesign, load: Load, cluster: Cluster) -> tuple[Forecast, ...]:
    """The same load under each design of ``NAMES``; function, own state and lateness as in ``design``."""
    base = replace(design, evicts=None, backend="hashmap")
    windows = (
        replace(base, name="bare", trigger="continuous"),
        replace(base, name="evictor", trigger="continuous", evicts=0),
        replace(base, name="purging", trigger="purging-continuous"),
        replace(base, name="quiet", trigger="quiet"),
    )
    return (
        *(forecast(window, load, cluster) for window in windows),
        cumulate(load, cluster),
        buckets(load, cluster),
        forecast(replace(design, name="rocksdb", backend="rocksdb"), load, cluster),
    )


def buckets(load: Load, cluster: Cluster) -> Forecast:
    """1,024 bucket keys a window, each a map from item to its users; one timer a bucket and one for the clean-up."""
    points = []
    for part in _parts():
        items = load.seen(part)
        users = min(float(_MOST_LISTED), load.users_per_key * part)
        each = _ITEM_BYTES + max(0.0, users - _USERS_IN_ITEM) * _USER_BYTES
        tables = 2 * state_table_bytes(BUCKETS, cluster.groups, cluster.layout)
        tables += timer_table_bytes(2 * BUCKETS, cluster.groups, cluster.parallelism, cluster.layout)
        points.append(
            Point(
                time_ms=round(load.window_ms * part),
                panes=min(BUCKETS, round(items)),
                entries=2 * min(BUCKETS, round(items)),
                timers=2 * min(BUCKETS, round(items)),
                live_bytes=round(items * each + tables),
                checkpoint_bytes=round(items * (8 + 8 + users * 4)),
                fired_panes=min(BUCKETS, round(load.fresh(part))),
            )
        )
    basis = "measured on the lab's bucket job; above 32 users an item a bitmap takes over, its size is not in here"
    return Forecast("buckets", basis, True, False, load, cluster, tuple(points))


def cumulate(load: Load, cluster: Cluster) -> Forecast:
    """SQL ``CUMULATE`` with COUNT(*) and COUNT(DISTINCT id), just before each step's firing.

    A key has an accumulator and a distinct map in the first slice, which takes in each slice that is over, and both
    again in the current slice if an event of its came in this step; one timer a key at each step.
    """
    points = []
    for part in _parts():
        keys, users = load.seen(part), load.users_per_key * part
        fresh = load.fresh(part) if part > load.interval_ms / load.window_ms else 0.0
        live = keys * (_slice_bytes(load, cluster.layout, users) + _timer_bytes(load, cluster.layout, part))
        live += fresh * _slice_bytes(load, cluster.layout, users * load.interval_ms / load.window_ms / part)
        tables = 2 * state_table_bytes(keys + fresh, cluster.groups, cluster.layout)
        tables += state_table_bytes(1, cluster.groups, cluster.layout)  # of ids that are NULL: registered, empty
        tables += timer_table_bytes(keys, cluster.groups, cluster.parallelism, cluster.layout)
        head = load.key_serialized_bytes + 16 + 8  # a binary row's own head, and the slice's end
        points.append(
            Point(
                time_ms=round(load.window_ms * part),
                panes=round(keys),
                entries=round(2 * (keys + fresh)),
                timers=round(keys),
                live_bytes=round(live + tables),
                checkpoint_bytes=round(keys * (3 * head + 16 + max(1.0, users) * 10)),
                fired_panes=round(keys),
            )
        )
    basis = "measured on Flink's own operator, within 10 %: COUNT(*) and one COUNT(DISTINCT); other columns come on top"
    return Forecast("cumulate", basis, True, True, load, cluster, tuple(points))


def _slice_bytes(load: Load, layout: Layout, users: float) -> float:
    """A key in one slice: its row, which both entries share, the accumulator's row and the distinct map."""
    ids = max(1, round(users))
    text = load.element.map_pair_bytes > layout.boxed_long  # a String's bytes alone, with SQL's own objects around
    pair = load.element.map_pair_bytes + (_binary_string(layout) - layout.string(0) if text else 0)
    raw = layout.instance(2) + layout.instance(1, 8) + _segment(layout, 5)  # the map's place in the accumulator
    counts = sum(layout.boxed_long for n in (load.events_per_key, users) if n > _CACHED_LONG)
    accumulator = layout.instance(2) + layout.references(3) + raw + counts
    table = layout.hash_map(ids) + layout.instance(1) + ids * pair
    return 2 * layout.entry + _key_row(load, layout) + accumulator + table


def _timer_bytes(load: Load, layout: Layout, part: float) -> float:
    """A key's timer with its slice's end, and its own row of the key: after the first step only the keys whose state
    came with the timer's event share it (measured: 27 % of keys with three events)."""
    later = part > load.interval_ms / load.window_ms
    own_row = 1 - 1 / max(1.0, load.events_per_key * part) if later else 0.0
    return layout.timer + layout.node + layout.boxed_long + own_row * _key_row(load, layout)


def _key_row(load: Load, layout: Layout) -> int:
    """BinaryRowData of one field: null bits and 8 bytes; a longer string stands behind, in whole words."""
    serialized = load.key_serialized_bytes
    behind = 0 if serialized <= 8 else -(-(serialized - 1) // 8) * 8
    return layout.instance(1, 16) + _segment(layout, 16 + behind)


def _segment(layout: Layout, content_bytes: int) -> int:
    """MemorySegment[1], MemorySegment with its AtomicBoolean, byte[]."""
    segment = layout.instance(5, 8 + 8 + 4 + 1) + layout.instance(0, 4)
    return layout.references(1) + segment + (layout.array_header + content_bytes + 7) // 8 * 8


def _binary_string(layout: Layout) -> int:
    """BinaryStringData without its characters: what it is itself, its section and its segment."""
    return layout.instance(2) + layout.instance(1, 8) + _segment(layout, 0)


def _parts() -> list[float]:
    return [i / POINTS for i in range(1, POINTS + 1)]
