"""Event files as a DuckDB relation of one shape, whatever they are: CSV, JSON lines, Parquet, gzipped or not.

Text is read line by line and taken apart here, so that a stray quote, a cut line or a gigantic one costs that line and
no other. A row that is not an event is ``malformed``; what that means is the same for the job (docs/reference/uv.md).
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.uv.zone import day_expression, time_zone

COLUMNS = ("userId", "itemId", "categoryId", "behavior", "ts")
NUMBERS = ("userId", "itemId", "categoryId")
FORMATS = ("csv", "jsonl", "parquet")
WHOLE_SHOP = "*"
SECONDS_UP_TO = 100_000_000_000  # epoch seconds reach this in the year 5138, milliseconds did in 1973
MAX_AHEAD_MS = 86_400_000
LONGEST_ROW = 1 << 20  # characters
_ENDINGS = {"csv": "csv", "txt": "csv", "jsonl": "jsonl", "json": "jsonl", "ndjson": "jsonl", "parquet": "parquet"}
_KEYS = {"item": "itemId", "category": "categoryId", "user": "userId", "shop": WHOLE_SHOP, WHOLE_SHOP: WHOLE_SHOP}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class EventFiles:
    """The files of one format, sorted by name."""

    paths: tuple[Path, ...]
    format: str

    @property
    def size_bytes(self) -> int:
        """On disk."""
        return sum(path.stat().st_size for path in self.paths)


def files_below(folder: Path) -> list[Path]:
    """All event files in it, hidden ones and those that are being written left out."""
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith((".", "_"))]


def event_files(words: Sequence[str], given_format: str | None = None) -> EventFiles:
    """Files, folders (all event files below, hidden ones and those that are being written left out) and globs.

    Raises SourceError when a word names nothing, UsageError when the formats are mixed or unknown.
    """
    found: dict[Path, None] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            matched = files_below(path)
        else:
            matched = [path] if path.exists() else [Path(name) for name in sorted(glob.glob(word, recursive=True))]
        if not matched:
            raise SourceError(f"{word}: no such event file", hint="a file, a folder or a quoted glob as 'in/*.csv'")
        found |= dict.fromkeys(matched)
    formats = {given_format or format_of(path) for path in found}
    if len(formats) > 1:
        raise UsageError(f"event files of several formats: {', '.join(sorted(formats))}", hint="one format a run")
    return EventFiles(tuple(sorted(found)), formats.pop())


def format_of(path: Path) -> str:
    """By its name: ``a.csv``, ``a.jsonl.gz``, ``a.parquet``. Raises UsageError."""
    endings = [ending.lstrip(".").lower() for ending in path.suffixes[-2:]]
    if endings and endings[-1] in ("gz", "zst"):
        endings.pop()
    if endings and endings[-1] in _ENDINGS:
        return _ENDINGS[endings[-1]]
    raise UsageError(f"{path}: CSV, JSON lines or Parquet?", hint=f"say --format {'|'.join(FORMATS)}")


def key_column(name: str) -> str:
    """The column's own name for ``item``, ``category``, ``user``; ``*`` for ``shop``. Raises UsageError."""
    column = _KEYS.get(name, name)
    if column != WHOLE_SHOP and not _NAME.fullmatch(column):
        raise UsageError(f"{name!r} is not a column", hint="itemId, categoryId, another column, or shop")
    return column


def rows_sql(files: EventFiles, key: str, zone: str, latest_ms: int) -> str:
    """SELECT with one row an input row: user BIGINT, key BIGINT or VARCHAR, day INTEGER, view BOOLEAN, ms BIGINT.

    All but key and ms are NULL for a malformed row.
    ``latest_ms``: a time stamp after it is a mistake, as one of the year 56000 is (microseconds).
    """
    column = key_column(key)
    if files.format == "csv" and column not in (*COLUMNS, WHOLE_SHOP):
        raise UsageError(f"CSV rows have no column {column!r}", hint=f"one of {', '.join(COLUMNS)}, or shop")
    key_sql = {WHOLE_SHOP: "'*'", **{name: name for name in NUMBERS}}.get(column, "key_text")
    text = key_sql == "key_text"
    extra = f", {_field(files.format, column)} AS key_text" if text else ""
    filled = " AND key_text <> ''" if text else ""
    return f"""
        SELECT CASE WHEN well THEN userId END AS "user", {key_sql} AS key,
               CASE WHEN well THEN CAST({day_expression(time_zone(zone), "ms")} AS INTEGER) END AS day,
               CASE WHEN well THEN behavior = 'pv' END AS view, ms
        FROM (
          SELECT *, coalesce(userId >= 0 AND itemId >= 0 AND categoryId >= 0 AND behavior <> ''
                    AND ts > 0 AND ms <= {latest_ms}{filled}, false) AS well
          FROM (SELECT *, CASE WHEN ts > {SECONDS_UP_TO} THEN ts ELSE ts * 1000 END AS ms
                FROM ({_columns_sql(files, extra, text)})))"""


def _columns_sql(files: EventFiles, extra: str, text: bool) -> str:
    numbers = ", ".join(f"{_number(files.format, name)} AS {name}" for name in (*NUMBERS, "ts"))
    picked = f"{numbers}, {_field(files.format, 'behavior')} AS behavior{extra}"
    names = "[" + ", ".join(quoted(str(path)) for path in files.paths) + "]"
    if files.format == "parquet":
        return f"SELECT {picked} FROM read_parquet({names}, union_by_name = true)"
    # Where no text is a key, Latin-1 lets a line pass whose unused columns are no UTF-8, as the job does.
    lines = (
        f"(SELECT line FROM read_csv({names}, columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, "
        "delim = chr(1), quote = '', escape = '', ignore_errors = true, strict_mode = false, store_rejects = true, "
        f"encoding = '{'utf-8' if text else 'latin-1'}') WHERE {_FILLED})"
    )
    if files.format == "jsonl":
        held = f"CASE WHEN length(line) <= {LONGEST_ROW} THEN line END"
        return f"SELECT {picked} FROM (SELECT TRY_CAST({held} AS JSON) AS row FROM {lines})"
    parts = f"""
        SELECT CASE WHEN length(line) > {LONGEST_ROW} THEN ['']
                    WHEN regexp_matches(line, '[\x00-\x20"]')
                    THEN [{_BARE} for part in string_split(line, ',')] ELSE string_split(line, ',') END AS parts
        FROM {lines}"""
    whole = f"SELECT CASE WHEN len(parts) >= {len(COLUMNS)} THEN parts END AS row FROM ({parts}) WHERE NOT {_HEADER}"
    return f"SELECT {picked} FROM ({whole})"


_BLANKS = " || ".join(f"chr({code})" for code in range(1, 33))
_TRIMMED = f"trim(part, {_BLANKS})"
_BARE = f"""regexp_replace({_TRIMMED}, '^"(.*)"$', '\\1', 's')"""
_HEADER = "(starts_with(lower(parts[1][:4]), 'user') AND lower(parts[1]) IN ('userid', 'user_id'))"
_FILLED = "regexp_matches(line, '[^\\x00-\\x20]')"


def _field(kind: str, column: str) -> str:
    if kind == "csv":
        return f"row[{COLUMNS.index(column) + 1}]"
    if kind == "jsonl":
        return f"""(row ->> '$."{column}"')"""
    return f'CAST("{column}" AS VARCHAR)'


def _number(kind: str, column: str) -> str:
    """Digits only: casts of DuckDB would take ``5.7`` for 6 and ``1e3`` for 1000."""
    text = _field(kind, column)
    return f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,19}}') THEN TRY_CAST({text} AS BIGINT) END"


def quoted(text: str) -> str:
    """As an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def told(files: EventFiles, error: Exception) -> Exception:
    """What DuckDB says of unreadable files, as an error of ours that names them."""
    message = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    names = ", ".join(str(path) for path in files.paths[:3]) + (" …" if len(files.paths) > 3 else "")
    if "Binder Error" in message:
        return UnreadableInputError(
            f"{names}: {message}", hint=f"the columns must be {', '.join(COLUMNS)}; --key may name another"
        )
    return UnreadableInputError(f"{names}: {message}", hint="is it what its name says, and whole?")


def connect(folder: Path, memory_bytes: int, threads: int | None = None) -> Any:
    """A DuckDB connection that keeps to ``memory_bytes`` and spills what is more into ``folder``."""
    import duckdb

    connection = duckdb.connect(str(folder / "recount.duckdb"))
    connection.execute(f"SET memory_limit = '{memory_bytes}B'")
    connection.execute(f"SET temp_directory = {quoted(str(folder))}")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET autoinstall_known_extensions = false")
    if threads:
        connection.execute(f"SET threads = {threads}")
    return connection
