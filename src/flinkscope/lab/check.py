"""An exact recount of the generated events, and the job's results held against it, item by item.

``Shop`` is the numpy twin of jobs/…/Shop.java: the same integer and IEEE 754 operations, hence the same events.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.errors import FormatError

_GOLDEN = 0x9E3779B97F4A7C15
_SHARES_PER_MILLE = (895, 950, 979)  # pv, cart, fav, and buy for the rest, summed up
_SHANGHAI_MS = 8 * 3_600_000
_DAY_MS = 86_400_000
_CHUNK = 1 << 20
_RESULT = np.dtype([("item", "<i8"), ("day", "<i4"), ("visitors", "<i4")])

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shop:
    """The parameters of the generated events; event ``i`` is a pure function of them and ``i``."""

    events: int
    seed: int = 1
    items: int = 4_000_000
    users: int = 1_000_000
    first_ms: int = 1_511_701_200_000  # 2017-11-26 21:00 in Shanghai, within the days of the public data
    span_ms: int = 10_600_000  # to 23:56:40: when the last event is in, one more firing is due before the day's end

    def job_arguments(self) -> list[str]:
        """As the Java job takes them."""
        return [w for name, value in asdict(self).items() for w in (f"--{name.replace('_', '-')}", str(value))]

    def page_views(self, start: int, stop: int) -> tuple[Int64s, Int64s, Int64s]:
        """Of the events ``start`` to ``stop - 1`` those with behavior pv: (day, item, user), each int64."""
        user, item, kind, at_ms = self.rows(np.arange(start, stop, dtype=np.int64))
        views = kind == 0
        return (at_ms[views] + _SHANGHAI_MS) // _DAY_MS, item[views], user[views]

    def rows(self, index: Int64s) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """The events of these numbers: user, item, kind (0 pv, 1 cart, 2 fav, 3 buy), time in ms; each int64."""
        number = index.astype(np.uint64)
        seed = np.uint64(self.seed & 0xFFFF_FFFF_FFFF_FFFF)
        for_item = mix(seed + (np.uint64(2) * number + np.uint64(1)) * np.uint64(_GOLDEN))
        for_rest = mix(seed + (np.uint64(2) * number + np.uint64(2)) * np.uint64(_GOLDEN))
        dice = ((for_rest & np.uint64(0xFFFF_FFFF)) * np.uint64(1000)) >> np.uint64(32)
        kind = np.searchsorted(_SHARES_PER_MILLE, dice.astype(np.int64), side="right")
        user = ((for_rest >> np.uint64(32)) * np.uint64(self.users)) >> np.uint64(32)
        at_ms = self.first_ms + index * self.span_ms // self.events
        return user.astype(np.int64), self._items(for_item), kind, at_ms

    def _items(self, random: NDArray[np.uint64]) -> Int64s:
        uniform = (random >> np.uint64(11)).astype(np.float64) * 2.0**-53
        root = 1.0 + uniform * (_fifth_root(float(self.items)) - 1.0)
        square = root * root
        return np.minimum((square * square * root).astype(np.int64), self.items)


@dataclass(frozen=True, slots=True)
class Counts:
    """Unique visitors by (day, item), ordered by day, then item; three int64 arrays of one length."""

    day: Int64s
    item: Int64s
    visitors: Int64s


@dataclass(frozen=True, slots=True)
class ResultCheck:
    """Results against the recount. ``examples``: up to ten differences as sentences."""

    pairs: int
    visitors: int
    missing: int
    extra: int
    wrong: int
    examples: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every (day, item) has the right count and there is no other."""
        return self.missing == self.extra == self.wrong == 0

    def as_document(self) -> dict[str, Any]:
        """For the case's ``results`` artifact."""
        return {**asdict(self), "exact": self.exact}


def recount(shop: Shop) -> Counts:
    """The exact daily unique visitors of all page views. About 0.5 s and 40 bytes an event; deterministic."""
    parts = [shop.page_views(at, min(at + _CHUNK, shop.events)) for at in range(0, shop.events, _CHUNK)]
    day, item, user = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    distinct = np.unique((day * (shop.items + 1) + item) * shop.users + user)
    pair, visitors = np.unique(distinct // shop.users, return_counts=True)
    return Counts(pair // (shop.items + 1), pair % (shop.items + 1), visitors.astype(np.int64))


def page_view_count(shop: Shop) -> int:
    """How many of the events are page views."""
    return sum(len(shop.page_views(at, min(at + _CHUNK, shop.events))[0]) for at in range(0, shop.events, _CHUNK))


def read_results(folder: Path) -> Counts:
    """The last result of each (day, item) in the job's files ``results-*.bin``; raises FormatError on a cut record."""
    rows = [_rows(path) for path in sorted(folder.glob("results-*.bin"))]
    table = np.concatenate(rows) if rows else np.empty(0, _RESULT)
    backwards = table[::-1]  # np.unique keeps the first of equals, which is the last written
    pair = backwards["day"].astype(np.int64) << 32 | backwards["item"]
    _, last = np.unique(pair, return_index=True)
    chosen = backwards[last]
    return Counts(chosen["day"].astype(np.int64), chosen["item"].astype(np.int64), chosen["visitors"].astype(np.int64))


def check_results(shop: Shop, folder: Path) -> ResultCheck:
    """Recounts the shop's events and compares the results in ``folder`` item by item."""
    return compare_counts(recount(shop), read_results(folder))


def compare_counts(expected: Counts, found: Counts) -> ResultCheck:
    """Every difference between two counts by (day, item)."""
    expected_pair = expected.day << 32 | expected.item
    found_pair = found.day << 32 | found.item
    _, at_expected, at_found = np.intersect1d(expected_pair, found_pair, assume_unique=True, return_indices=True)
    differ = expected.visitors[at_expected] != found.visitors[at_found]
    missing = np.setdiff1d(expected_pair, found_pair, assume_unique=True)
    extra = np.setdiff1d(found_pair, expected_pair, assume_unique=True)
    examples = [
        f"item {expected.item[e]}: expected {expected.visitors[e]}, found {found.visitors[f]}"
        for e, f in zip(at_expected[differ][:10], at_found[differ][:10], strict=True)
    ]
    examples += [f"item {pair & 0xFFFF_FFFF}: missing" for pair in missing[: 10 - len(examples)]]
    examples += [f"item {pair & 0xFFFF_FFFF}: not in the events" for pair in extra[: 10 - len(examples)]]
    return ResultCheck(
        pairs=len(expected_pair),
        visitors=int(expected.visitors.sum()),
        missing=len(missing),
        extra=len(extra),
        wrong=int(differ.sum()),
        examples=tuple(examples),
    )


def _rows(path: Path) -> NDArray[np.void]:
    size = path.stat().st_size
    if size % _RESULT.itemsize:
        whole = size - size % _RESULT.itemsize
        raise FormatError(str(path), whole, f"a record of {_RESULT.itemsize} bytes", f"{size - whole} bytes")
    return np.fromfile(path, _RESULT)


def _fifth_root(value: float) -> float:
    """Newton's method with the Java twin's number of steps and order of operations."""
    root = value
    for _ in range(200):
        square = root * root
        fourth = square * square
        root = root - (fourth * root - value) / (5.0 * fourth)
    return root


def mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
