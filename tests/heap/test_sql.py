"""SQL over a dump: right figures, only what is named is built, nothing outside the dump can be reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from flinkscope.errors import UsageError
from flinkscope.heap import tables
from flinkscope.heap.store import Heap
from oracles.heap_twin import Twin
from strategies.hprof import DOUBLE, INT, Dump, dumps
from strategies.java_heap import REF, JavaHeap, hash_map, with_collections

RELAXED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def sample(folder: Path) -> tuple[Heap, dict[str, int]]:
    built = JavaHeap()
    with_collections(built)
    built.cls("app.Point", {"x": DOUBLE, "X": INT, "next": REF})
    point = built.new("app.Point", X=3)
    key = built.string("secret")
    top = built.array(hash_map(built, [(key, point), (point, 0)], 2), built.new("app.Point", X=4, next=point))
    built.root(top)
    return built.open(folder), {"point": point, "key": key, "top": top}


@given(dump=dumps())
@RELAXED
def test_objects_and_references_are_those_of_the_dump(dump: Dump, tmp_path: Path) -> None:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.hprof"
    path.write_bytes(dump.to_bytes())
    from flinkscope import open_heap

    heap = open_heap(path, cache=False, sizes="mat")
    twin = Twin(dump, heap.sizes.reference_bytes)
    mask = (1 << 8 * heap.records.id_size) - 1
    alive = twin.reach()
    rows = heap.sql("SELECT address, shallow_bytes, retained_bytes, reachable FROM objects")
    assert {(a & mask, s, r) for a, s, r, _ in rows} == {
        (a, twin.size[a], sum(twin.size[m] for m in twin.retained({a})) if a in alive else 0) for a in twin.kind
    }
    assert {a & mask for a, _, _, reachable in rows if reachable} == alive
    found = {(s & mask, t & mask) for s, t in heap.sql("SELECT source, target FROM refs")}
    every = {(s, t) for s, targets in twin.edges.items() for t in targets}
    assert found <= every
    assert {t for _, t in every - found} <= twin.roots  # the edge to a class that is a GC root changes nothing


def test_a_class_is_a_table_of_its_fields(tmp_path: Path) -> None:
    heap, at = sample(tmp_path)
    rows = heap.sql('SELECT this, "X_2", next, x FROM "app.Point" ORDER BY "X_2"')
    assert rows.columns == ("this", "X_2", "next", "x")
    assert rows[0] == (at["point"], 3, None, 0.0)
    assert rows[1][1:3] == (4, at["point"])
    (count,) = heap.sql('SELECT count(*) FROM "java.util.HashMap$Node" WHERE value IS NULL')
    assert count == (1,)
    joined = heap.sql(
        'SELECT o.class_name, n.this_retained_bytes > 0 FROM "java.util.HashMap$Node" n '
        "JOIN objects o ON o.address = n.key ORDER BY 1"
    )
    assert list(joined) == [("app.Point", True), ("java.lang.String", True)]


def test_every_table_has_rows_and_agrees_with_the_library(tmp_path: Path) -> None:
    heap, _ = sample(tmp_path)
    for name in [*tables.BUILDERS, "strings"]:
        (row,) = heap.sql(f"SELECT count(*) FROM {name.upper()}")
        assert row[0] > 0 or name == "threads"
    assert heap.sql("SELECT sum(shallow_bytes) FROM objects WHERE reachable")[0] == (heap.used_bytes,)
    assert len(heap.sql("SELECT * FROM classes")) == len(heap.classes)
    (loader,) = heap.sql("SELECT instances, set_retained_bytes FROM loaders WHERE address = 0")
    assert loader == (heap.loaders()[0].instances, heap.loaders()[0].set_retained_bytes)
    kinds = {kind for (kind,) in heap.sql("SELECT DISTINCT kind FROM roots")}
    assert kinds == {"system class", "unknown"}


def test_texts_of_strings_only_when_asked(tmp_path: Path) -> None:
    heap, at = sample(tmp_path)
    hidden = heap.sql("SELECT text, length FROM strings")
    assert (hidden.rows, hidden.contents_shown) == (((None, 6),), False)
    shown = heap.sql(f"SELECT text FROM strings WHERE address = {at['key']}", show_strings=True)
    assert (shown.rows, shown.contents_shown) == ((("secret",),), True)


def test_only_named_tables_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heap, _ = sample(tmp_path)
    built: list[str] = []
    for name, builder in list(tables.BUILDERS.items()):

        def counting(heap: Heap, name: str = name, builder: object = builder) -> tables.Table:
            built.append(name)
            return builder(heap)  # type: ignore[operator,no-any-return]

        monkeypatch.setitem(tables.BUILDERS, name, counting)
    heap.sql("WITH refs AS (SELECT 1 AS one) SELECT * FROM classes, refs")
    assert "classes" in built
    assert "objects" not in built


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "COPY (SELECT 1) TO '/tmp/flinkscope-sql-test'",
        "ATTACH '/tmp/flinkscope-sql-test.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access=true",
        "CREATE TABLE t (i INT)",
        "PRAGMA database_list",
        "SELECT 1; SELECT 2",
        "EXPORT DATABASE '/tmp/flinkscope-sql-test'",
        "CALL pragma_version()",
        "",
        "SELECT",
        "\0",
        "SELECT * FROM heap",
        "SELECT * FROM np",
        "SELECT * FROM 'objects' o, Objects p",
        "SELECT 1/'a'",
        "SELECT * FROM java.util.HashMap",
    ],
)
def test_nothing_outside_the_dump(text: str, tmp_path: Path) -> None:
    heap, _ = sample(tmp_path)
    np.zeros(1)  # a Python variable that a query must not find
    before = set(Path("/tmp").glob("flinkscope-sql-test*"))
    with pytest.raises(UsageError) as caught:
        heap.sql(text)
    assert "tables: objects" in caught.value.hint
    assert set(Path("/tmp").glob("flinkscope-sql-test*")) == before


def test_a_limit_says_that_there_is_more(tmp_path: Path) -> None:
    heap, _ = sample(tmp_path)
    rows = heap.sql("SELECT * FROM objects", limit=3)
    assert (len(rows), rows.truncated) == (3, True)
    assert not heap.sql("SELECT 1", limit=1).truncated
    assert rows[0:2] == rows.rows[:2]
