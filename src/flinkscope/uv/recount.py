"""The exact count again, in one batch over the same files: what the streaming job must have said.

A visitor counts once a day and key if at least one of his page views was in time; page views that the job set aside as
late (its late folder) are taken off, each once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flinkscope.progress import SILENT, Progress
from flinkscope.units import GIB
from flinkscope.uv.sources import MAX_AHEAD_MS, EventFiles, connect, rows_sql, told
from flinkscope.uv.zone import day_name, day_number

DEFAULT_MEMORY_BYTES = 2 * GIB


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What the files hold. ``late``: rows of the late folder; ``strange_late``: those that are in no event file."""

    rows: int
    views: int
    malformed: int
    late: int = 0
    strange_late: int = 0


@dataclass(slots=True)
class Recount:
    """The counts by (day, key) as the DuckDB table ``expected`` (day DATE text, key VARCHAR, visitors BIGINT)."""

    connection: Any
    rows: RowCounts

    def days(self) -> list[str]:
        """The days that have a page view, in order."""
        return [row[0] for row in self.connection.execute("SELECT DISTINCT day FROM expected ORDER BY day").fetchall()]

    def pairs(self) -> int:
        """How many (day, key) there are."""
        return int(self.connection.execute("SELECT count(*) FROM expected").fetchall()[0][0])

    def visitors(self, day: str, key: str) -> int | None:
        """One count; None where that key has none that day."""
        rows = self.connection.execute("SELECT visitors FROM expected WHERE day = ? AND key = ?", [day, key]).fetchall()
        return int(rows[0][0]) if rows else None


@contextmanager
def recount(
    files: EventFiles,
    *,
    zone: str = "Asia/Shanghai",
    key: str = "itemId",
    late: EventFiles | None = None,
    max_ahead_ms: int = MAX_AHEAD_MS,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    progress: Progress = SILENT,
) -> Iterator[Recount]:
    """Counts exactly; the tables are gone with the ``with`` block.

    About 1 s of CPU a million rows of CSV; never more than ``memory_bytes`` (and DuckDB's own 100 MB or so): what does
    not fit is spilled into the temporary folder. Raises UnreadableInputError naming the files that cannot be read.
    """
    import duckdb

    latest_ms = time.time_ns() // 1_000_000 + max_ahead_ms
    with tempfile.TemporaryDirectory(prefix="flinkscope-recount-") as folder:
        connection = connect(Path(folder), memory_bytes)
        try:
            progress.phase(f"reading {len(files.paths)} event files")
            try:
                _load(connection, "views", rows_sql(files, key, zone, latest_ms))
                rejected = _rejected(connection)
                if late is not None:
                    _load(connection, "late_views", rows_sql(late, key, zone, latest_ms))
            except duckdb.Error as error:
                raise told(files, error) from error
            progress.phase("counting")
            rows = _rows(connection, rejected, late is not None)
            connection.execute(_EXPECTED_WITH_LATE if late is not None else _EXPECTED)
            _name_days(connection)
            yield Recount(connection, rows)
        finally:
            connection.close()


def curve(
    files: EventFiles,
    *,
    day: str,
    value: str,
    zone: str = "Asia/Shanghai",
    key: str = "itemId",
    step_ms: int = 180_000,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
) -> list[tuple[int, int]]:
    """(end of the step in ms, unique visitors of that key since midnight) for each step with a new visitor; exact.

    By event time, late rows counted as well: what the day's curve would be if nothing were ever late. One pass.
    """
    import duckdb

    latest_ms = time.time_ns() // 1_000_000 + MAX_AHEAD_MS
    with tempfile.TemporaryDirectory(prefix="flinkscope-curve-") as folder:
        connection = connect(Path(folder), memory_bytes)
        try:
            rows = connection.execute(
                f"""SELECT step, sum(sum(1)) OVER (ORDER BY step)
                    FROM (SELECT (min(ms) // $step + 1) * $step AS step
                          FROM ({rows_sql(files, key, zone, latest_ms)})
                          WHERE view AND day = $day AND CAST(key AS VARCHAR) = $value GROUP BY "user")
                    GROUP BY step ORDER BY step""",
                {"step": step_ms, "day": day_number(day), "value": value},
            ).fetchall()
        except duckdb.Error as error:
            raise told(files, error) from error
        finally:
            connection.close()
    return [(int(at), int(visitors)) for at, visitors in rows]


# One row a distinct (day, key, user) with the number of its page views; day NULL collects the malformed, view false
# the other behaviors, so one pass over the files is enough.
def _load(connection: Any, table: str, rows: str) -> None:
    connection.execute(
        f"""CREATE TABLE {table} AS
            SELECT day, CASE WHEN view THEN key END AS key, CASE WHEN view THEN "user" END AS "user", view,
                   count(*) AS times
            FROM ({rows}) GROUP BY ALL"""
    )


_EXPECTED = "CREATE TABLE counted AS SELECT day, key, count(*) AS visitors FROM views WHERE view GROUP BY day, key"
_EXPECTED_WITH_LATE = """
    CREATE TABLE counted AS
    SELECT v.day, v.key, count(*) AS visitors
    FROM views v LEFT JOIN late_views l ON l.view AND l.day = v.day AND l.key = v.key AND l."user" = v."user"
    WHERE v.view AND v.times > coalesce(l.times, 0)
    GROUP BY v.day, v.key"""


def _rows(connection: Any, rejected: int, with_late: bool) -> RowCounts:
    total, views, malformed = connection.execute(
        "SELECT coalesce(sum(times), 0), coalesce(sum(times) FILTER (view), 0), "
        "coalesce(sum(times) FILTER (view IS NULL), 0) FROM views"
    ).fetchall()[0]
    late = strange = 0
    if with_late:
        late, strange = connection.execute(
            """SELECT coalesce(sum(l.times), 0), coalesce(sum(greatest(0, l.times - coalesce(v.times, 0))), 0)
               FROM late_views l
               LEFT JOIN views v ON v.view AND l.day = v.day AND l.key = v.key AND l."user" = v."user"
               WHERE l.view"""
        ).fetchall()[0]
    return RowCounts(int(total) + rejected, int(views), int(malformed) + rejected, int(late), int(strange))


def _rejected(connection: Any) -> int:
    """Lines that DuckDB gave up on (not UTF-8, longer than 2 MB): malformed as well."""
    found = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'").fetchall()[0]
    if not found[0]:
        return 0
    return int(
        connection.execute("SELECT count(DISTINCT (file_id, line_byte_position)) FROM reject_errors").fetchall()[0][0]
    )


def _name_days(connection: Any) -> None:
    numbers = connection.execute("SELECT DISTINCT day FROM counted").fetchall()
    connection.execute("CREATE TABLE day_names (day INTEGER, name VARCHAR)")
    if numbers:
        connection.executemany("INSERT INTO day_names VALUES (?, ?)", [(n, day_name(n)) for (n,) in numbers])
    connection.execute(
        "CREATE TABLE expected AS SELECT name AS day, CAST(key AS VARCHAR) AS key, visitors "
        "FROM counted JOIN day_names USING (day)"
    )
