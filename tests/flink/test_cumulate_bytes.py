"""What ``state predict`` says of SQL's CUMULATE against Flink's own operator: bytes and entries of four real jobs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from flinkscope.flink.windows import Element
from flinkscope.flink.windows_alternatives import cumulate
from flinkscope.flink.windows_bytes import COMPRESSED
from flinkscope.flink.windows_load import Cluster, Load, key_bytes
from lens_support.lens_lab import Job, run
from lens_support.lens_seen import Seen

KEYS, EVENTS, SPACING_MS = 10_000, 30_000, 100
PASSED_MS = EVENTS * SPACING_MS


@dataclass(frozen=True)
class Row:
    """``interval_ms``: 17 steps have begun, or one that is not over; ``by``, ``distinct``: columns."""

    name: str
    interval_ms: int
    by: str
    distinct: str

    def job(self) -> Job:
        words = {"kind": "sql", "query": "cumulate", "interval-ms": self.interval_ms, "by": self.by,
                 "distinct": self.distinct}  # fmt: skip
        return Job(self.name, EVENTS, KEYS, SPACING_MS, words)

    def load(self) -> Load:
        """Three events of each key, evenly: as much of the window as has passed."""
        key, serialized = key_bytes("long" if "key" in self.by else "string:14", COMPRESSED)
        pair = COMPRESSED.boxed_long if "index" in self.distinct else COMPRESSED.string(14)
        element = Element(key, COMPRESSED.tuple2, COMPRESSED.boxed_long, pair)
        users = EVENTS / KEYS if "index" in self.distinct else 1
        return Load(KEYS, EVENTS / KEYS, PASSED_MS, min(self.interval_ms, PASSED_MS), element, users, serialized)


ROWS = tuple(
    Row(f"{by[0]}-{distinct[0]}-{minutes}", minutes * 60_000, by[1], distinct[1])
    for by, distinct in ((("long", "`key`"), ("long", "`index`")), (("text", "text"), ("text", "text")))
    for minutes in (3, 60)
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A checkpoint makes the aggregation before the shuffle hand over what it holds back."""
    config = {"execution.checkpointing.interval": "3000"}
    return Seen(run([row.job() for row in ROWS], tmp_path_factory.mktemp("cumulate"), config=config))


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_cumulates_bytes_are_those_of_a_real_job(row: Row, seen: Seen) -> None:
    owners = [o for o in seen.view.ownership.owners if o.job == row.name]
    measured = sum(o.size_bytes for o in owners if o.what.startswith(("state “", "timers “", "keys and windows")))
    predicted = cumulate(row.load(), Cluster(parallelism=2, slots=2)).points[-1]
    assert predicted.live_bytes == pytest.approx(measured, rel=0.1)
    entries = sum(s.entries for s in seen.states(row.name).values())
    assert predicted.entries == pytest.approx(entries, rel=0.1)
    assert predicted.timers == seen.timers(row.name).timers
