"""Redis against the recount, key by key: the proof that the streaming count is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flinkscope.progress import SILENT, Progress
from flinkscope.uv.recount import Recount, RowCounts
from flinkscope.uv.store import VisitorStore, whole

MISSING, EXTRA, WRONG, UNREADABLE = "missing", "extra", "wrong", "unreadable"


@dataclass(frozen=True, slots=True)
class Difference:
    """One (day, key) on which the two disagree. ``expected`` None: not in the events; ``found`` None: not in Redis."""

    day: str
    key: str
    expected: int | None
    found: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class UvCheck:
    """The outcome. ``largest_error_bp``: of counts within the tolerance too, relative to the expected one.

    ``other_days``: days that Redis has and the events have not; they were compared (as extra) unless days were chosen.
    """

    zone: str
    key: str
    days: tuple[str, ...]
    rows: RowCounts
    pairs: int
    visitors: int
    equal: int
    missing: int
    extra: int
    wrong: int
    unreadable: int
    largest_error_bp: int
    mean_error_bp: float
    examples: tuple[Difference, ...]
    meta: dict[str, str]
    other_days: tuple[str, ...] = ()

    @property
    def differences(self) -> int:
        """All kinds together; 0 is the proof."""
        return self.missing + self.extra + self.wrong + self.unreadable

    def as_document(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {**asdict(self), "differences": self.differences, "exact": self.differences == 0}


def check(
    counted: Recount,
    store: VisitorStore,
    *,
    zone: str,
    key: str,
    days: Sequence[str] = (),
    most_examples: int = 20,
    tolerance_bp: int = 0,
    progress: Progress = SILENT,
) -> UvCheck:
    """Compares every (day, key) of the events with Redis, and every one of Redis with the events.

    ``days`` narrows both sides. ``tolerance_bp`` lets approximate designs pass. Reads each day's hash once in steps;
    about 2 µs a field, memory as the recount's.
    """
    here = counted.days()
    stored = store.days()
    chosen = sorted(days) if days else sorted({*here, *stored})
    _load_found(counted.connection, store, chosen, progress)
    counted.connection.execute(_JOIN, {"days": chosen, "tolerance": tolerance_bp})
    numbers = counted.connection.execute(_SUMMARY).fetchall()[0]
    pairs, visitors, equal, missing, extra, wrong, unreadable, largest, mean = numbers
    return UvCheck(
        zone, key, tuple(chosen), counted.rows, int(pairs), int(visitors), int(equal), int(missing), int(extra),
        int(wrong), int(unreadable), int(largest), float(mean), _examples(counted.connection, most_examples),
        store.meta(), tuple(sorted({*stored} - {*here})),
    )  # fmt: skip


_JOIN = f"""
    CREATE OR REPLACE TABLE compared AS
    SELECT day, key, expected, found, error_bp,
           CASE WHEN kind = '{WRONG}' AND error_bp <= $tolerance THEN 'within' ELSE kind END AS kind
    FROM (
      SELECT coalesce(e.day, f.day) AS day, coalesce(e.key, f.key) AS key, e.visitors AS expected, f.visitors AS found,
             CASE WHEN e.day IS NULL THEN '{EXTRA}' WHEN f.day IS NULL THEN '{MISSING}'
                  WHEN f.visitors IS NULL THEN '{UNREADABLE}' WHEN e.visitors = f.visitors THEN 'equal'
                  ELSE '{WRONG}' END AS kind,
             CAST(ceil(abs(f.visitors - e.visitors) * 10000.0 / e.visitors) AS BIGINT) AS error_bp
      FROM (SELECT * FROM expected WHERE list_contains($days, day)) e
      FULL OUTER JOIN (SELECT day, key, any_value(visitors) AS visitors FROM found GROUP BY day, key) f
      ON e.day = f.day AND e.key = f.key)"""

_SUMMARY = f"""
    SELECT count(expected), coalesce(sum(expected), 0), count(*) FILTER (kind IN ('equal', 'within')),
           count(*) FILTER (kind = '{MISSING}'), count(*) FILTER (kind = '{EXTRA}'),
           count(*) FILTER (kind = '{WRONG}'), count(*) FILTER (kind = '{UNREADABLE}'),
           coalesce(max(error_bp), 0), coalesce(avg(error_bp), 0)
    FROM compared"""


def _load_found(connection: Any, store: VisitorStore, days: Sequence[str], progress: Progress) -> None:
    import numpy as np

    connection.execute("CREATE OR REPLACE TABLE found (day VARCHAR, key VARCHAR, visitors BIGINT)")
    for day in days:
        progress.phase(f"reading {day} from Redis", store.size(day), "keys")
        done = 0
        for fields in store.steps(day):
            counts = [whole(value) for value in fields.values()]
            batch = {
                "key": np.array(list(fields), dtype=object),
                "visitors": np.array([-1 if count is None else count for count in counts], dtype=np.int64),
            }
            connection.register("batch", batch)
            connection.execute("INSERT INTO found SELECT ?, key, nullif(visitors, -1) FROM batch", [day])
            connection.unregister("batch")
            done += len(fields)
            progress.advance(done)


def _examples(connection: Any, most: int) -> tuple[Difference, ...]:
    rows = connection.execute(
        "SELECT day, key, expected, found, kind FROM compared WHERE kind NOT IN ('equal', 'within') "
        "ORDER BY day, abs(coalesce(expected, 0) - coalesce(found, 0)) DESC, key LIMIT ?",
        [most],
    ).fetchall()
    return tuple(Difference(*row) for row in rows)
