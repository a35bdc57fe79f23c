"""How many submissions a JobManager or TaskManager survives: from its metaspace after full collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

# Below this a rise between two floors is Flink's own warming up (measured: 100 to 140 KiB a clean submission).
SMALLEST_STEP_BYTES = 200 << 10
_LEAST_FLOORS = 3


@dataclass(frozen=True, slots=True)
class MetaspaceForecast:
    """``step_bytes``: what each submission leaves after a full collection, 0 if nothing; ``left``: submissions that
    still fit, None if there is no end in sight; ``floor_bytes``: the last floor."""

    floor_bytes: int
    limit_bytes: int
    step_bytes: int
    left: int | None


def forecast(floors_bytes: Sequence[int], limit_bytes: int) -> MetaspaceForecast | None:
    """From metaspace used after full collections, one value a submission; None for fewer than three.

    The first submission loads classes of Flink itself, so its step does not count. A rising line between collections
    proves nothing: soft and dead loaders go only in a full collection, so ``floors_bytes`` must be taken after one.
    """
    if len(floors_bytes) < _LEAST_FLOORS:
        return None
    steps = [after - before for before, after in pairwise(floors_bytes[1:])]
    step, floor = int(median(steps)), floors_bytes[-1]
    if step < SMALLEST_STEP_BYTES:
        return MetaspaceForecast(floor, limit_bytes, 0, None)
    return MetaspaceForecast(floor, limit_bytes, step, max(0, limit_bytes - floor) // step)
