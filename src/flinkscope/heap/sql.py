"""SQL over a dump: DuckDB reads the dump's tables, sees no file, changes nothing. The modern OQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import duckdb
import numpy as np

from flinkscope.errors import UsageError
from flinkscope.heap.tables import BUILDERS, Table, class_table, strings_table

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

ROW_LIMIT = 100_000
STRINGS = "strings"
_HINT = (
    f"tables: {', '.join(BUILDERS)}, {STRINGS}, and every class in double quotes with its columns this, "
    'this_retained_bytes and its fields, as in SELECT count(*) FROM "java.util.HashMap$Node" WHERE value IS NULL'
)
_LOCK = (
    "SET python_enable_replacements=false",
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET temp_directory=''",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)


@dataclass(frozen=True, slots=True)
class SqlResult(Sequence[tuple[Any, ...]]):
    """The rows of a query, as a sequence of tuples. ``columns``, ``types``: names and SQL types; ``truncated``: there
    were more rows than the limit; ``contents_shown``: whether the table ``strings`` had texts."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    contents_shown: bool

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[Any, ...], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[Any, ...]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)


def run_sql(heap: Heap, text: str, *, limit: int = ROW_LIMIT, show_strings: bool = False) -> SqlResult:
    """The answer to one SELECT. Only the tables that it names are built; see ``tables`` for their columns.

    Read-only: one SELECT statement, no file or network access, settings locked. At most ``limit`` rows are fetched.
    Raises UsageError for anything else, with DuckDB's own message.
    """
    connection = duckdb.connect(":memory:")
    try:
        for number, name in enumerate(_names(connection, text)):
            built = _build(heap, name, show_strings)
            if built is not None:
                _register(connection, heap, name, built, number)
        for setting in _LOCK:
            connection.execute(setting)
        answer = connection.execute(text)
        head = answer.description or []
        rows = answer.fetchmany(limit + 1)
    except duckdb.Error as error:
        raise UsageError(str(error).strip(), hint=_HINT) from error
    finally:
        connection.close()
    columns, types = tuple(str(c[0]) for c in head), tuple(str(c[1]) for c in head)
    return SqlResult(columns, types, tuple(rows[:limit]), len(rows) > limit, show_strings)


def _names(connection: Any, text: str) -> list[str]:
    """The tables that the one SELECT statement names."""
    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("only one SELECT statement is allowed: a dump is read, never changed", hint=_HINT)
    names = sorted(connection.get_table_names(text))
    if len({name.lower() for name in names}) < len(names):
        raise UsageError("two tables of this query differ in case only; SQL cannot tell them apart", hint=_HINT)
    return names


def _build(heap: Heap, name: str, show_strings: bool) -> Table | None:
    if name.lower() == STRINGS:
        return strings_table(heap, show_strings)
    builder = BUILDERS.get(name.lower())
    if builder is not None:
        return builder(heap)
    return class_table(heap, name) if name in heap.store.classes.rows_by_name else None


def _register(connection: Any, heap: Heap, name: str, table: Table, number: int) -> None:
    """A view under the table's name over the registered columns: 0 becomes NULL, class rows get their names."""
    raw = f"columns of {number}"
    connection.register(raw, {key: np.ascontiguousarray(column) for key, column in table.columns.items()})
    selected = []
    for key in table.columns:
        quoted = _quoted(key)
        selected.append(f"nullif(t.{quoted}, 0) AS {quoted}" if key in table.nullable else f"t.{quoted}")
    joins = ""
    for place, (row_column, shown) in enumerate(table.named):
        names = f"names {number} {place}"
        values = np.empty(len(heap.store.classes), dtype=object)
        values[:] = heap.store.classes.names
        connection.register(names, {"row": np.arange(len(values), dtype=np.int32), "name": values})
        joins += f" LEFT JOIN {_quoted(names)} n{place} ON n{place}.row = t.{_quoted(row_column)}"
        selected.append(f"n{place}.name AS {_quoted(shown)}")
    connection.execute(f"CREATE TEMP VIEW {_quoted(name)} AS SELECT {', '.join(selected)} FROM {_quoted(raw)} t{joins}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
