"""A window design over the day: entries, timers, live bytes, checkpoint, firing time; and the memory that it needs.

The curve follows one window from its start to its end, with the previous window's panes as long as lateness keeps
them. Bytes are those that stay after a full collection; what a running snapshot copies comes on top and is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from flinkscope.errors import UsageError
from flinkscope.flink.windows import Moment, PaneCost, WindowDesign, pane_cost
from flinkscope.flink.windows_bytes import state_table_bytes, timer_table_bytes
from flinkscope.flink.windows_load import MOST_KEYS, Cluster, Load
from flinkscope.units import MIB

# Reachable bytes of the lab's TaskManagers (Flink 2.3.0, two slots) less their window state: 27 to 43 MiB.
FLINK_LIVE_BYTES = 36 * MIB
# The lab's four dead TaskManagers had 94 to 96 % of -Xmx reachable when G1 gave up.
DEATH_SHARE_PERCENT = 95
# Replaced entries that a running snapshot held in them: 14, 30, 47 and 78 % of the panes. Near death checkpoints take
# long, so one overlaps a firing: half of the bound is taken.
_COPIED_NEAR_DEATH_PERCENT = 50
# Measured on the operators' harness: 18 to 150 ms a firing of 22,000 quiet keys.
FIRE_NS_LOW, FIRE_NS_HIGH = 800, 6_800
_WINDOW_SERIALIZED = 16
_PARTS = ("contents", "trigger_state", "own")
POINTS = 48


@dataclass(frozen=True, slots=True)
class Point:
    """The whole job at one time of the window, just before the firing then. Bytes: heap; checkpoint: serialized."""

    time_ms: int
    panes: int
    entries: int
    timers: int
    live_bytes: int
    checkpoint_bytes: int
    fired_panes: int


@dataclass(frozen=True)
class Forecast:
    """The answer for one design. ``points``: the curve; figures of the fullest TaskManager are derived.

    ``basis``: where the byte model comes from. ``fires_quiet_keys``: every key fires at each interval.
    ``left_bytes``: state that no timer ever cleans up, added by each window.
    """

    name: str
    basis: str
    on_heap: bool
    fires_quiet_keys: bool
    load: Load
    cluster: Cluster
    points: tuple[Point, ...]
    left_bytes: int = 0

    @property
    def peak(self) -> Point:
        """The moment with most live bytes; with most entries where nothing is on the heap."""
        return max(self.points, key=lambda p: (p.live_bytes, p.entries))

    @cached_property
    def live_set_bytes(self) -> int:
        """Live set of the fullest TaskManager at the peak, with Flink's own objects."""
        state = self.peak.live_bytes * self.cluster.fullest_share if self.on_heap else 0
        return round(state) + FLINK_LIVE_BYTES

    @property
    def firing_ns(self) -> tuple[int, int] | None:
        """Shortest and longest time that one firing blocks a subtask at the peak; None where it was not measured."""
        if not self.on_heap:
            return None
        fired = max(p.fired_panes for p in self.points) / self.cluster.parallelism
        return round(fired * FIRE_NS_LOW), round(fired * FIRE_NS_HIGH)

    @property
    def snapshot_copy_bytes(self) -> int:
        """At most so much more while a snapshot runs over a firing: old `fire-time` entries, of the whole job."""
        if not (self.on_heap and self.fires_quiet_keys):
            return 0
        layout = self.cluster.layout
        return max(p.fired_panes for p in self.points) * (layout.entry + layout.boxed_long)


def forecast(design: WindowDesign, load: Load, cluster: Cluster, *, points: int = POINTS) -> Forecast:
    """The design over one window. Cost: microseconds a point."""
    times = [load.window_ms * i // points for i in range(1, points + 1)]
    if design.lateness_ms:
        times = sorted({*times, 1, min(design.lateness_ms, load.window_ms)})
    left = pane_cost(
        _without_lateness(design), load.element, cluster.layout, "ended", users=max(1, round(load.users_per_key))
    )
    left_bytes = left.object_bytes(cluster.layout) * load.keys_per_window
    return Forecast(
        name=design.name,
        basis="measured on Flink's own operators, within 5 %",
        on_heap=design.backend == "hashmap",
        fires_quiet_keys=design.fires_quiet_keys,
        load=load,
        cluster=cluster,
        points=tuple(_point(design, load, cluster, t) for t in times),
        left_bytes=left_bytes,
    )


def keys_that_fit(design: WindowDesign, load: Load, cluster: Cluster, heap_bytes: int) -> int | None:
    """How many keys a window fill the heap (-Xmx) of the fullest TaskManager so that it dies; None: the heap is not
    what limits (state outside the heap). Raises UsageError where Flink alone does not fit."""
    limit = heap_bytes * DEATH_SHARE_PERCENT // 100
    if limit <= FLINK_LIVE_BYTES:
        raise UsageError(f"a heap of {heap_bytes:,} bytes does not even hold Flink itself")
    if design.backend != "hashmap":
        return None
    low, high = 1, MOST_KEYS
    while low < high:
        middle = (low + high + 1) // 2
        found = forecast(design, replace(load, keys_per_window=middle), cluster, points=8)
        low, high = (middle, high) if _near_death_bytes(found) <= limit else (low, middle - 1)
    return low


def _near_death_bytes(found: Forecast) -> float:
    """Live set of the fullest TaskManager with what a running snapshot holds besides."""
    copies = found.snapshot_copy_bytes * found.cluster.fullest_share
    return found.live_set_bytes + copies * _COPIED_NEAR_DEATH_PERCENT / 100


def _without_lateness(design: WindowDesign) -> WindowDesign:
    return replace(design, lateness_ms=0)


@dataclass(frozen=True, slots=True)
class _Group:
    """So many panes with the same cost."""

    panes: float
    cost: PaneCost
    elements: float  # unpurged ones in the contents of each


def _point(design: WindowDesign, load: Load, cluster: Cluster, time_ms: int) -> Point:
    part = time_ms / load.window_ms
    groups = _groups(design, load, cluster, part)
    if time_ms <= design.lateness_ms:
        groups.append(_Group(load.keys_per_window, _cost(design, load, cluster, "ended", 1.0), load.events_per_key))
    live = sum(g.panes * g.cost.object_bytes(cluster.layout) for g in groups) + _tables(cluster, groups)
    seen = load.seen(part)
    fired = seen if design.fires_quiet_keys else load.fresh(part) if design.trigger == "quiet" else 0.0
    if part >= 1 and design.trigger != "quiet":
        fired = seen
    return Point(
        time_ms=time_ms,
        panes=round(sum(g.panes for g in groups)),
        entries=round(sum(g.panes * g.cost.entries for g in groups)),
        timers=round(sum(g.panes * g.cost.timers for g in groups)),
        live_bytes=round(live) if design.backend == "hashmap" else 0,
        checkpoint_bytes=round(sum(g.panes * _serialized(design, load, g) for g in groups)),
        fired_panes=round(fired),
    )


def _groups(design: WindowDesign, load: Load, cluster: Cluster, part: float) -> list[_Group]:
    """Panes of the current window: those with elements since the last firing, and the quiet ones."""
    seen = load.seen(part)
    if design.empties_contents:
        fresh = min(seen, load.fresh(part))
        elements = load.events_per_key * load.keys_per_window * min(part, load.interval_ms / load.window_ms)
        found = [(fresh, "elements", elements / max(fresh, 1e-9)), (seen - fresh, "fired", 0.0)]
    else:
        elements = load.events_per_key * load.keys_per_window * part / max(seen, 1e-9)
        never_fired = design.trigger in ("event-time", "count")
        found = [(seen, "elements" if never_fired else "fired", elements)]
    moments: list[tuple[float, Moment, float]] = found  # type: ignore[assignment]
    return [_Group(n, _cost(design, load, cluster, m, part, e), e) for n, m, e in moments]


def _cost(
    design: WindowDesign, load: Load, cluster: Cluster, moment: Moment, part: float, elements: float = 1.0
) -> PaneCost:
    users = max(1, round(load.users_per_key * part))
    held = max(1, round(elements))
    return pane_cost(design, load.element, cluster.layout, moment, elements=held, users=users)


def _tables(cluster: Cluster, groups: list[_Group]) -> float:
    """Hash tables and queues for what is in them now; a burst before may have left them larger."""
    total = 0.0
    for part in _PARTS:
        entries = sum(g.panes * getattr(g.cost, part) for g in groups)
        if entries:
            total += state_table_bytes(entries, cluster.groups, cluster.layout)
    timers = sum(g.panes * g.cost.timers for g in groups)
    return total + timer_table_bytes(timers, cluster.groups, cluster.parallelism, cluster.layout)


def _serialized(design: WindowDesign, load: Load, group: _Group) -> float:
    """Bytes of one pane in a full checkpoint: each entry and timer repeats key and window (HeapSnapshot formats)."""
    head = load.key_serialized_bytes + _WINDOW_SERIALIZED
    cost = group.cost
    record = load.record_serialized_bytes
    kept = min(group.elements, design.evicts) if design.evicts else group.elements
    as_list = design.evicts is not None or design.function == "process"
    contents = cost.contents * (head + (4 + kept * record if as_list else record))
    own = cost.own * (head + (design.own_value_bytes or 4 + load.users_per_key * 10))
    return contents + own + cost.trigger_state * (head + 8) + cost.timers * (head + 8)
