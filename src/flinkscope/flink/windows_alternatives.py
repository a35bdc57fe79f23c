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
    """SQL ``CUMULATE`` with COUNT(DISTINCT): an accumulator and a distinct map per key, one timer per key and step."""
    layout = cluster.layout
    row = _binary_row(layout)
    points = []
    for part in _parts():
        keys = load.seen(part)
        users = max(1, round(load.users_per_key * part))
        pair = load.element.map_pair_bytes
        each = 2 * layout.entry + layout.timer + layout.node + 2 * row + layout.boxed_long
        each += load.element.key_bytes + layout.hash_map(users) + users * pair
        tables = 2 * state_table_bytes(keys, cluster.groups, layout)
        tables += timer_table_bytes(keys, cluster.groups, cluster.parallelism, layout)
        head = load.key_serialized_bytes + 16 + 8  # a binary row's own head, and the slice's end
        points.append(
            Point(
                time_ms=round(load.window_ms * part),
                panes=round(keys),
                entries=round(2 * keys),
                timers=round(keys),
                live_bytes=round(keys * each + tables),
                checkpoint_bytes=round(keys * (3 * head + 16 + users * 10)),
                fired_panes=round(keys),
            )
        )
    basis = "derived from class shapes, not measured"
    return Forecast("cumulate", basis, True, True, load, cluster, tuple(points))


def _binary_row(layout: Layout) -> int:
    """A BinaryRowData with one MemorySegment and a byte[]: null bits and one field of 8 bytes."""
    segment = layout.instance(4, 8 + 8 + 4 + 2)
    return layout.instance(1, 16) + layout.references(1) + segment + layout.array_header + 16


def _parts() -> list[float]:
    return [i / POINTS for i in range(1, POINTS + 1)]
