"""Event files that can be written again, bit for bit: the generated shop, out of order, with copies, late ones, dirt.

Row ``i`` is a function of the seed and ``i`` (the hash of jobs/…/Shop.java), so files of any size are written in pieces
and compared with a recount that has never seen them.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flinkscope.errors import SourceError, UsageError
from flinkscope.lab.check import Shop, mix
from flinkscope.progress import SILENT, Progress
from flinkscope.uv.sources import COLUMNS, FORMATS, quoted
from flinkscope.uv.zone import DAY_MS, day_start_ms, time_zone

CHUNK_ROWS = 1 << 18
BEHAVIORS = ("pv", "cart", "fav", "buy")
CATEGORIES = 9_439  # of the public UserBehavior data, as in Shop.java
COPIES_FROM_LAST = 5_000
_FIRST_COPY = 1_000_000_007  # the hashes of faults must not be those of the events
Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EventPlan:
    """What is written. Shares are in 1/10,000 of the rows; every kind of fault is drawn independently of the others.

    ``disorder_ms``: a row comes up to so much later than its time. ``late_by_ms``: how much later late rows come; put
    it beyond the job's watermark delay and allowed lateness, and rows of the day before arrive after its end.
    """

    events: int
    seed: int = 1
    items: int = 4_000_000
    users: int = 1_000_000
    first_day: str = "2017-11-25"
    days: int = 2
    zone: str = "Asia/Shanghai"
    disorder_ms: int = 0
    duplicates_bp: int = 0
    late_bp: int = 0
    late_by_ms: int = 36 * 3_600_000
    malformed_bp: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError where a number makes no sense."""
        for name in ("events", "items", "users", "days"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1")
        for name in ("disorder_ms", "duplicates_bp", "late_bp", "late_by_ms", "malformed_bp"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be negative")
        if self.users > 1 << 31 or self.items > 1 << 40 or self.days > 3_650:
            raise UsageError("at most 2^31 users, 2^40 items, 3650 days")
        time_zone(self.zone)

    def shop(self) -> Shop:
        """The generator of the rows before any fault; in time order, evenly over the days."""
        zone = time_zone(self.zone)
        first_ms = day_start_ms(zone, self.first_day)
        return Shop(self.events, self.seed, self.items, self.users, first_ms, self.days * DAY_MS)

    def rows(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Rows ``start`` to ``stop - 1`` as columns: ``row``, the five of the layout (``behavior`` as a number, ``ts``
        in seconds) and ``dirt``, 0 for a sound row, else the number of its fault."""
        row = np.arange(start, stop, dtype=np.int64)
        back = self._drawn(row, 1, self.duplicates_bp) * (1 + self._hash(row, 2) % COPIES_FROM_LAST)
        user, item, kind, at_ms = self.shop().rows(np.maximum(row - back, 0))
        if self.disorder_ms:
            at_ms = at_ms - self._hash(row, 3) % (self.disorder_ms + 1)
        at_ms = at_ms - self._drawn(row, 4, self.late_bp) * self.late_by_ms
        dirt = self._drawn(row, 5, self.malformed_bp) * (1 + self._hash(row, 6) % len(_DIRTY_CSV))
        columns = (user, item, item % CATEGORIES, kind, at_ms // 1000)
        return {"row": row, **dict(zip(COLUMNS, columns, strict=True)), "dirt": dirt}

    def _drawn(self, row: Int64s, number: int, share_bp: int) -> Int64s:
        return (self._hash(row, number) % 10_000 < share_bp).astype(np.int64)

    def _hash(self, row: Int64s, number: int) -> Int64s:
        start = (self.seed * _FIRST_COPY + number) * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF
        return (mix(mix(row.astype(np.uint64)) + np.uint64(start)) >> np.uint64(1)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class WrittenEvents:
    """What was written. ``malformed``: rows with dirt; all other figures follow from the plan."""

    paths: tuple[Path, ...]
    rows: int
    malformed: int
    size_bytes: int


def write_events(
    plan: EventPlan,
    folder: Path,
    *,
    kind: str = "csv",
    compressed: bool = False,
    rows_per_file: int = 1_000_000,
    replace: bool = False,
    progress: Progress = SILENT,
) -> WrittenEvents:
    """Writes ``part-00000.csv`` and so on into ``folder``, each under a hidden name until it is whole.

    About 1 µs a row of CSV; holds 262,144 rows at a time (Parquet: a file's). Raises UsageError where event files are
    already there and ``replace`` is not set.
    """
    if kind not in FORMATS or (compressed and kind == "parquet"):
        raise UsageError(f"{kind!r}{' gzipped' if compressed else ''}", hint=f"one of {', '.join(FORMATS)}; text gzips")
    ending = kind + (".gz" if compressed else "")
    _make_room(folder, replace)
    progress.phase(f"writing {plan.events:,} events", plan.events, "rows")
    paths, malformed = list[Path](), 0
    for start in range(0, plan.events, rows_per_file):
        path = folder / f"part-{len(paths):05}.{ending}"
        hidden = folder / f".{path.name}"
        rows = range(start, min(start + rows_per_file, plan.events))
        if kind == "parquet":
            malformed += _write_parquet(plan, hidden, rows, progress)
        else:
            malformed += _write_text(plan, hidden, rows, kind, progress)
        hidden.rename(path)
        paths.append(path)
    return WrittenEvents(tuple(paths), plan.events, malformed, sum(path.stat().st_size for path in paths))


def _make_room(folder: Path, replace: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    old = sorted(folder.glob("part-*"))
    if old and not replace:
        raise UsageError(f"{folder} has event files already ({old[0].name} …)", hint="another folder, or --replace")
    for path in old:
        path.unlink()


def _chunks(plan: EventPlan, rows: range, progress: Progress) -> Iterator[dict[str, NDArray[Any]]]:
    for at in range(rows.start, rows.stop, CHUNK_ROWS):
        stop = min(at + CHUNK_ROWS, rows.stop)
        yield plan.rows(at, stop)
        progress.advance(stop)


# Latin-1 writes ASCII as it is, and the dirt with the character 255 as a byte that no UTF-8 has.
def _write_text(plan: EventPlan, path: Path, rows: range, kind: str, progress: Progress) -> int:
    import duckdb

    malformed = 0
    with duckdb.connect() as connection, _opened(path) as stream:
        for columns in _chunks(plan, rows, progress):
            connection.register("piece", columns)
            text = connection.execute(_LINES[kind]).fetchall()[0][0]
            dirty = np.flatnonzero(columns["dirt"])
            if len(dirty):
                lines = text.split("\n")
                for at in dirty.tolist():
                    lines[at] = _dirty_line(kind, {name: int(values[at]) for name, values in columns.items()})
                text = "\n".join(lines)
            stream.write(text.encode("latin-1") + b"\n")
            malformed += len(dirty)
    return malformed


def _write_parquet(plan: EventPlan, path: Path, rows: range, progress: Progress) -> int:
    import duckdb

    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as spill:
        connection.execute(f"SET temp_directory = {quoted(spill)}")
        chunks = list(_chunks(plan, rows, progress))
        connection.register("piece", {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]})
        try:
            connection.execute(f"COPY ({_PARQUET_ROWS}) TO {quoted(str(path))} (FORMAT parquet)")
        except duckdb.IOException as error:
            raise SourceError(f"{path}: {str(error).splitlines()[0]}") from error
        return int(sum(np.count_nonzero(c["dirt"]) for c in chunks))


def _opened(path: Path) -> Any:
    return gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb")


def _dirty_line(kind: str, row: dict[str, int]) -> str:
    shapes = _DIRTY_CSV if kind == "csv" else _DIRTY_JSON
    return shapes[row["dirt"] - 1].format_map(row)


_BEHAVIOR = "CASE behavior " + " ".join(f"WHEN {n} THEN '{name}'" for n, name in enumerate(BEHAVIORS)) + " END"
_LINES = {
    "csv": f"""SELECT string_agg(concat_ws(',', "userId", "itemId", "categoryId", {_BEHAVIOR}, ts),
                                 chr(10) ORDER BY row)
               FROM piece""",
    "jsonl": f"""SELECT string_agg(printf('{{"userId":%d,"itemId":%d,"categoryId":%d,"behavior":"%s","ts":%d}}',
                                          "userId", "itemId", "categoryId", {_BEHAVIOR}, ts), chr(10) ORDER BY row)
                 FROM piece""",
}
_PARQUET_ROWS = f"""
    SELECT CASE WHEN dirt % 3 = 1 THEN NULL WHEN dirt % 3 = 2 THEN -"userId" - 1 ELSE "userId" END AS "userId",
           "itemId", "categoryId", {_BEHAVIOR} AS behavior,
           CASE WHEN dirt > 0 AND dirt % 3 = 0 THEN ts * 1000000 ELSE ts END AS ts
    FROM piece ORDER BY row"""

# As seen in real logs: a cut line, a text for a number, a time in microseconds (the year 56000), chatter, a negative
# id, bytes that are no UTF-8, an empty field, a number too large for any type.
_DIRTY_CSV = (
    "{userId},{itemId}",
    "nobody,{itemId},{categoryId},pv,{ts}",
    "{userId},{itemId},{categoryId},pv,{ts}000000",
    "java.lang.NullPointerException: null",
    "-{userId}1,{itemId},{categoryId},pv,{ts}",
    "\xff\xff,{itemId},{categoryId},pv,{ts}",
    "{userId},,{categoryId},pv,{ts}",
    "{userId},{itemId}99999999999999999999,{categoryId},pv,{ts}",
    "{userId},{itemId},{categoryId},,{ts}",
)
_DIRTY_JSON = (
    '{{"userId":{userId},"itemId":',
    '{{"userId":"nobody","itemId":{itemId},"categoryId":1,"behavior":"pv","ts":{ts}}}',
    '{{"userId":{userId},"itemId":{itemId},"categoryId":1,"behavior":"pv","ts":{ts}000000}}',
    "java.lang.NullPointerException: null",
    '{{"userId":-1,"itemId":{itemId},"categoryId":1,"behavior":"pv","ts":{ts}}}',
    "\xff\xff",
    '{{"userId":null,"itemId":{itemId},"categoryId":1,"behavior":"pv","ts":{ts}}}',
    '{{"userId":{userId},"itemId":99999999999999999999,"categoryId":1,"behavior":"pv","ts":{ts}}}',
    "[{userId},{itemId}]",
)
