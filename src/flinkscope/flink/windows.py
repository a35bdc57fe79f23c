"""Window designs and what one pane, a (key, window), keeps on the heap at each moment of its life.

Read from WindowOperator, EvictingWindowOperator and the triggers, Flink 1.10.3 to 2.3.0, and measured on the operators'
own harness. The rule behind the table: PURGE and evictors only touch the contents; trigger state and timers stay until
the clean-up timer at the window's end plus the allowed lateness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from flinkscope.errors import UsageError
from flinkscope.flink.windows_bytes import Layout

Trigger = Literal[
    "event-time",
    "continuous",
    "purging-continuous",
    "continuous-processing",
    "count",
    "purging-count",
    "delta",
    "quiet",
]
Function = Literal["process", "reduce", "aggregate"]
OwnState = Literal["none", "window", "global"]
Moment = Literal["elements", "fired", "ended"]
Backend = Literal["hashmap", "rocksdb"]

TRIGGERS: tuple[str, ...] = get_args(Trigger)
FUNCTIONS: tuple[str, ...] = get_args(Function)
_CONTINUOUS = ("continuous", "purging-continuous", "continuous-processing")
_PURGING = ("purging-continuous", "purging-count", "quiet")


@dataclass(frozen=True, slots=True)
class WindowDesign:
    """How a window operator is built.

    ``evicts``: None without an evictor, 0 for one that removes every element, else how many it leaves. ``own_state``:
    where the window function keeps a map of what it has seen (``context.windowState()`` that ``clear()`` empties, or
    ``globalState()``, which nobody empties). ``own_value_bytes``: the function keeps one value of that size per pane
    in window state instead of a map; 0 for none.
    """

    name: str
    trigger: Trigger
    function: Function = "process"
    evicts: int | None = None
    own_state: OwnState = "none"
    own_value_bytes: int = 0
    lateness_ms: int = 0
    backend: Backend = "hashmap"

    def __post_init__(self) -> None:
        if self.trigger not in TRIGGERS or self.function not in FUNCTIONS:
            raise UsageError(
                f"unknown window design {self.trigger}/{self.function}",
                hint=f"triggers: {', '.join(TRIGGERS)}; functions: {', '.join(FUNCTIONS)}",
            )
        if min(self.lateness_ms, self.own_value_bytes, self.evicts or 0) < 0:
            raise UsageError("lateness, evictor and sizes are not negative")

    @property
    def fires_quiet_keys(self) -> bool:
        """Whether each key that was ever seen fires at every interval, new data or not."""
        return self.trigger in _CONTINUOUS

    @property
    def empties_contents(self) -> bool:
        """Whether a firing leaves no contents behind."""
        return self.trigger in _PURGING or self.evicts == 0


@dataclass(frozen=True, slots=True)
class Element:
    """Heap bytes of what flows through: the key; one record without its key; an accumulator; an entry of the map.

    ``map_pair_bytes``: key and value objects of one map entry, without the map's node.
    """

    key_bytes: int
    record_bytes: int
    accumulator_bytes: int
    map_pair_bytes: int


@dataclass(frozen=True, slots=True)
class PaneCost:
    """What one pane keeps: state entries and timers by name, and bytes without tables and queues."""

    contents: int
    trigger_state: int
    own: int
    timers: int
    value_bytes: int  # state objects: lists, accumulators, boxed times, maps
    shared_bytes: int  # the key and the window object

    @property
    def entries(self) -> int:
        """State entries of all states."""
        return self.contents + self.trigger_state + self.own

    def object_bytes(self, layout: Layout) -> int:
        """All objects of the pane: entries, timers with their de-duplication nodes, values, key and window."""
        held = self.entries * layout.entry + self.timers * (layout.timer + layout.node)
        return held + self.value_bytes + self.shared_bytes


NOTHING = PaneCost(0, 0, 0, 0, 0, 0)


def pane_cost(
    design: WindowDesign, element: Element, layout: Layout, moment: Moment, *, elements: int = 1, users: int = 1
) -> PaneCost:
    """One pane at a moment: ``elements`` came and none was fired; after a firing; after the window's end.

    After the end without lateness only global state is left; with lateness the clean-up timer still keeps the pane.
    ``users``: entries of the function's own map.
    """
    if moment == "ended" and design.lateness_ms == 0:
        return _left_for_ever(design, element, layout, users)
    contents = _contents_entries(design, moment)
    trigger_state, trigger_bytes = _trigger_state(design, element, layout, elements, moment)
    own, own_bytes = _own_state(design, element, layout, users, moment)
    kept = min(elements, design.evicts) if moment != "elements" and design.evicts else elements
    value = _contents_bytes(design, element, layout, kept) if contents else 0
    return PaneCost(
        contents=contents,
        trigger_state=trigger_state,
        own=own,
        timers=_timers(design, moment),
        value_bytes=value + trigger_bytes + own_bytes,
        shared_bytes=element.key_bytes + layout.window,
    )


def _left_for_ever(design: WindowDesign, element: Element, layout: Layout, users: int) -> PaneCost:
    """What the clean-up timer does not reach: the function's global state, whose entry holds the key."""
    if design.own_state != "global":
        return NOTHING
    return PaneCost(0, 0, 1, 0, _map_bytes(element, layout, users), element.key_bytes)


def _contents_entries(design: WindowDesign, moment: Moment) -> int:
    if design.trigger == "purging-count" and moment == "elements":
        return 0  # the first element already fires and purges
    return 0 if moment != "elements" and design.empties_contents else 1


def _contents_bytes(design: WindowDesign, element: Element, layout: Layout, elements: int) -> int:
    """The window's contents. The first record's key is the pane's own key object; each further brings its own."""
    if design.evicts is None and design.function == "aggregate":
        return element.accumulator_bytes
    if design.evicts is None and design.function == "reduce":
        return element.record_bytes
    wrapper = 0 if design.evicts is None else layout.stream_record
    records = elements * (element.record_bytes + wrapper) + (elements - 1) * element.key_bytes
    return layout.array_list(elements) + records


def _trigger_state(
    design: WindowDesign, element: Element, layout: Layout, elements: int, moment: Moment
) -> tuple[int, int]:
    """(entries, bytes of their values): ``fire-time``, ``count``, ``last-element``."""
    if design.fires_quiet_keys:
        return 1, layout.boxed_long
    if design.trigger == "count":
        return (1, 0) if moment == "elements" else (0, 0)  # counts up to 127 are cached Longs
    if design.trigger == "delta":
        return 1, element.record_bytes + (element.key_bytes if elements > 1 else 0)
    return 0, 0


def _own_state(design: WindowDesign, element: Element, layout: Layout, users: int, moment: Moment) -> tuple[int, int]:
    """The function writes its state when it is called, which is when the window fires."""
    if moment == "elements" or (design.own_state == "none" and not design.own_value_bytes):
        return 0, 0
    if design.own_state == "none":
        return 1, design.own_value_bytes
    return 1, _map_bytes(element, layout, users)


def _map_bytes(element: Element, layout: Layout, users: int) -> int:
    return layout.hash_map(users) + users * element.map_pair_bytes


def _timers(design: WindowDesign, moment: Moment) -> int:
    """Clean-up timer, timer at the window's last millisecond, next firing. At lateness 0 the first two are one."""
    late = 1 if design.lateness_ms else 0
    if moment == "ended":
        return late
    at_end_only = {"event-time": 1 + late, "count": 1, "purging-count": 1, "delta": 1, "continuous-processing": 2}
    if design.trigger in at_end_only:
        return at_end_only[design.trigger]
    if design.trigger == "quiet":
        return (2 if moment == "elements" else 1) + late
    return 2 + late
