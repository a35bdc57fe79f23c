"""What a window job has to bear: keys, events, times, cluster; and how many keys were seen after part of a window."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.errors import UsageError
from flinkscope.flink.windows import Element
from flinkscope.flink.windows_bytes import COMPRESSED, Layout

MOST_KEYS = 10**12
_KEY = re.compile(r"string:(\d{1,6})|long|int")


@dataclass(frozen=True, slots=True)
class Load:
    """Keys and events of one window over the whole job. Each key's events fall evenly over the window.

    ``users_per_key``: distinct ids that the function's own map gathers for a key until the window ends.
    ``*_serialized_bytes``: the same things in a checkpoint.
    """

    keys_per_window: int
    events_per_key: float
    window_ms: int
    interval_ms: int
    element: Element
    users_per_key: float = 1.0
    key_serialized_bytes: int = 17
    record_serialized_bytes: int = 25

    def __post_init__(self) -> None:
        if not 1 <= self.keys_per_window <= MOST_KEYS:
            raise UsageError(f"{self.keys_per_window:,} keys a window", hint=f"from 1 to {MOST_KEYS:,}")
        if not 1 <= self.events_per_key <= MOST_KEYS or not 1 <= self.users_per_key <= MOST_KEYS:
            raise UsageError("events and users a key are at least 1", hint="a key exists because an event came")
        if not 0 < self.interval_ms <= self.window_ms:
            raise UsageError("the interval is longer than 0 and at most the window", hint="e.g. --interval 3min")

    def seen(self, part: float) -> float:
        """Keys that were seen after this part (0 to 1) of the window: 1 - (1 - part) ** events of them."""
        return float(self.keys_per_window * (1 - (1 - min(1.0, max(0.0, part))) ** self.events_per_key))

    def fresh(self, part: float) -> float:
        """Keys with an event in the interval that ends at this part of the window."""
        length = min(part, self.interval_ms / self.window_ms)
        return float(self.keys_per_window * (1 - (1 - length) ** self.events_per_key))


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the job runs. ``layout``: of the JVM's objects; ``flink``: (major, minor, patch)."""

    parallelism: int = 1
    slots: int = 1
    max_parallelism: int = 0  # 0: Flink's default for the parallelism
    layout: Layout = COMPRESSED
    flink: tuple[int, int, int] = (2, 3, 0)

    def __post_init__(self) -> None:
        if not 1 <= self.parallelism <= 32_768 or not 1 <= self.slots <= 32_768:
            raise UsageError("parallelism and slots are from 1 to 32,768")
        if self.max_parallelism and not self.parallelism <= self.max_parallelism <= 32_768:
            raise UsageError("the maximum parallelism is from the parallelism to 32,768")

    @property
    def groups(self) -> int:
        """Key groups: KeyGroupRangeAssignment.computeDefaultMaxParallelism where none is given."""
        if self.max_parallelism:
            return self.max_parallelism
        wanted = self.parallelism + self.parallelism // 2
        return min(max(1 << max(0, wanted - 1).bit_length(), 128), 32_768)

    @property
    def fullest_share(self) -> float:
        """Share of all keys in the fullest TaskManager: whole key groups on each of its slots."""
        subtasks = min(self.slots, self.parallelism)
        return min(subtasks * -(-self.groups // self.parallelism), self.groups) / self.groups


def key_bytes(text: str, layout: Layout) -> tuple[int, int]:
    """(heap bytes, serialized bytes) of a key: ``string:16`` (Latin-1 characters), ``long`` or ``int``."""
    match = _KEY.fullmatch(text.strip().lower())
    if not match:
        raise UsageError(f"{text!r} is not a key", hint="string:16 (characters), long or int")
    if match[1] is not None:
        chars = int(match[1])
        return layout.string(chars), chars + (1 if chars < 127 else 2)  # StringValue: length in 7-bit groups
    return (layout.boxed_long, 8) if text.strip().lower() == "long" else (layout.instance(0, 4), 4)
