"""The designs of the count: what each does, where it is exact, which state backend suits it, how it was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from flinkscope.errors import UsageError

DEFAULT = "bucket"
# Keys that a shop has by the hundred thousand: CUMULATE works on each of them at each step until midnight.
MANY_KEYS = ("itemId", "userId")


@dataclass(frozen=True, slots=True)
class Design:
    """One way to count. ``wide_ids``: takes user ids above 2^31 - 1 (the others put such rows aside)."""

    name: str
    title: str
    exact: bool = True
    wide_ids: bool = False
    backend: str = "hashmap"
    remark: str = ""


DESIGNS: Mapping[str, Design] = {
    design.name: design
    for design in (
        Design(
            "bucket", "buckets of keys, each one table of primitive arrays", wide_ids=True,
            remark="smallest and fastest on the heap; with rocksdb or forst a row a visitor and a flat heap",
        ),
        Design("group", "SQL GROUP BY day, key with bitmaps, mini-batch", backend="rocksdb"),
        Design(
            "cumulate", "SQL CUMULATE, step by step to a day", backend="rocksdb",
            remark="right for few keys; each key costs work at each step until midnight",
        ),
        Design("quiet", "the incident's window with a trigger that fires only where rows came"),
        Design(
            "approx", "as bucket, a HyperLogLog for keys with many visitors", exact=False, wide_ids=True,
            remark="standard error 1.04 / sqrt(2^precision): 1.6 % with the default 12; small keys are exact",
        ),
        Design(
            "incident", "the original: a day window, a continuous trigger",
            remark="keeps a pane, two timers and a fire-time a key until midnight: dies where bucket has room",
        ),
    )
}  # fmt: skip


def stated_error_bp(precision: int) -> int:
    """The standard error of design approx in 1/10,000 of a count: 1.04 / sqrt(2^precision), Flajolet et al. 2007."""
    return round(10_400 / math.sqrt(1 << precision))


def check_design(name: str, key: str, backend: str, *, force: bool = False) -> None:
    """Raises UsageError where the design would be wrong or would die; ``force`` lets the latter pass."""
    if name == "cumulate" and key in MANY_KEYS and not force:
        raise UsageError(
            f"--design cumulate with --key {key}: CUMULATE fires every key at every step until midnight",
            hint="measured with 4 M items: 450 CPU s where bucket takes 12; --design bucket, a key with few values "
            "(categoryId, shop), or --force",
        )
    if name == "approx" and backend != "hashmap":
        raise UsageError(
            f"--design approx with --backend {backend}: its sketches are objects on the heap",
            hint="--backend hashmap, or --design bucket",
        )
