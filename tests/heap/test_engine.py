"""Cache, work folder, need, paths, comparison, groups, columns and memory of the heap engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from flinkscope import open_heap
from flinkscope.cli.main import cli
from flinkscope.heap import cache, dominators, reopen
from flinkscope.heap.cells import search_graph, spread_graph
from flinkscope.heap.difference import compare_dominators, compare_heaps
from flinkscope.heap.graph import build_graph
from flinkscope.heap.grouping import exact_retained, grouped_dominators, grouped_histogram, immediate_dominators
from flinkscope.heap.need import Need, need_of
from flinkscope.heap.space import DoesNotFitError, Space, choose_space
from flinkscope.heap.store import Heap
from flinkscope.progress import SILENT
from strategies.hprof import INT, OBJECT, STICKY, THREAD, Dump, Instance, JavaClass, ObjectArray, PrimitiveArray, Root

NODE, WEAK, LIST, INTS = 0x10200, 0x10240, 0x10280, 0x102C0
FIRST, HOLDER, REFERENCE, THREAD_OBJECT = 0x20000, 0x30000, 0x30100, 0x30200


def chain(length: int) -> Dump:
    """A thread holds an array of the first node of a chain; a weak reference holds the last one."""
    dump = Dump()
    base = ["java/lang/Object", "java/lang/Class", "java/lang/ClassLoader", "java/lang/Thread"]
    at = {name: 0x10000 + 0x40 * k for k, name in enumerate(base)}
    for name in base:
        dump.classes.append(JavaClass(at[name], name, 0 if name == base[0] else at[base[0]]))
    dump.classes.append(JavaClass(NODE, "app/Node", at[base[0]], 0, [("next", OBJECT), ("weight", INT)]))
    dump.classes.append(JavaClass(0x10300, "java/lang/ref/Reference", at[base[0]], 0, [("referent", OBJECT)]))
    dump.classes.append(JavaClass(WEAK, "java/lang/ref/WeakReference", 0x10300))
    dump.classes.append(JavaClass(LIST, "[Ljava/lang/Object;", at[base[0]]))
    dump.classes.append(JavaClass(INTS, "[I", at[base[0]]))
    dump.roots = [Root(STICKY, c.address) for c in dump.classes]
    last = FIRST + 0x20 * (length - 1)
    for k in range(length):
        following = FIRST + 0x20 * (k + 1) if k < length - 1 else 0
        dump.objects.append(Instance(FIRST + 0x20 * k, NODE, [following, k]))
    dump.objects.append(ObjectArray(HOLDER, LIST, [FIRST]))
    dump.objects.append(Instance(REFERENCE, WEAK, [last]))
    dump.objects.append(Instance(THREAD_OBJECT, at["java/lang/Thread"], []))
    dump.roots += [Root(THREAD, THREAD_OBJECT, 1, 0), Root(3, HOLDER, 1, 0), Root(1, REFERENCE)]
    return dump


def opened(folder: Path, dump: Dump, name: str = "a.hprof") -> Heap:
    path = folder / name
    path.write_bytes(dump.to_bytes())
    return open_heap(path, cache=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["heap", *arguments], standalone_mode=False)


def test_reopening_gives_the_same_and_damage_to_the_cache_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLINKSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SMALL_BYTES", 0)
    path = tmp_path / "a.hprof"
    path.write_bytes(chain(300).to_bytes())
    first = open_heap(path)
    expected = (first.histogram(), first.dominators(), first.idom.tolist(), first.retained_bytes.tolist())
    cache.wait_for_writers()
    computed: list[str] = []
    monkeypatch.setattr(dominators, "dominate", lambda *_: computed.append("dominate"))
    again = open_heap(path)
    assert (again.histogram(), again.dominators(), again.idom.tolist(), again.retained_bytes.tolist()) == expected
    assert not computed
    assert again.roots.indices.tolist() == first.roots.indices.tolist()
    assert again.table("app.Node")["weight"].tolist() == first.table("app.Node")["weight"].tolist()
    monkeypatch.undo()
    monkeypatch.setenv("FLINKSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SMALL_BYTES", 0)
    for column in (tmp_path / "cache").rglob("*.bin"):
        content = bytearray(column.read_bytes())
        if content:
            content[len(content) // 2] ^= 0x10
            column.write_bytes(content)
    assert open_heap(path).histogram() == expected[0], "damaged columns must be made anew"


def test_columns_written_side_by_side_all_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each writer looks through the cache for room while others rename their finished folders."""
    monkeypatch.setenv("FLINKSCOPE_CACHE", str(tmp_path))
    wanted = [(tmp_path / "heap" / f"dump{d}", f"group{g}") for d in range(20) for g in range(8)]
    for folder, group in wanted:
        cache.save_later(folder, group, {}, {"a": np.arange(1000), "b": np.arange(10)})
    cache.wait_for_writers()
    assert [place for place in wanted if cache.load(*place) is None] == []


def test_a_changed_dump_is_not_taken_for_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLINKSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SMALL_BYTES", 0)
    path = tmp_path / "a.hprof"
    path.write_bytes(chain(300).to_bytes())
    heap = open_heap(path)
    heap.histogram()
    cache.wait_for_writers()
    del heap
    path.unlink()
    path.write_bytes(chain(200).to_bytes())
    assert len(open_heap(path).table("app.Node")) == 200


def test_columns_in_a_work_folder_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flinkscope.heap.space.SMALL_BYTES", 0)
    heap = opened(tmp_path, chain(300))
    spilled = Space(tmp_path)
    laid_out = search_graph(heap.store, heap.roots, SILENT, spilled)
    found, graph = dominators.dominate(laid_out, heap.roots.indices, lambda: heap.shallow_bytes, False, SILENT, spilled)
    assert graph.targets.tolist() == heap.graph.targets.tolist()
    assert graph.starts.tolist() == heap.graph.starts.tolist()
    assert found.idom.tolist() == heap.idom.tolist()
    assert found.retained.tolist() == heap.retained_bytes.tolist()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.hprof"], "files without a name leave nothing behind"


def test_what_does_not_fit_stops_with_the_need(tmp_path: Path) -> None:
    need = Need(1_000, 2_000, 1 << 20, 1 << 10, 1 << 50, 1 << 30)
    with pytest.raises(DoesNotFitError, match="1,000 objects") as raised:
        choose_space(need, None)
    assert raised.value.exit_code == 4
    assert "--work-dir" in raised.value.hint
    with pytest.raises(DoesNotFitError, match="of disk"):
        choose_space(need, tmp_path)
    fits = Need(1, 1, 1, 1, 1, 1 << 30)
    assert choose_space(fits, None).folder is None


def test_memory_by_construction() -> None:
    need = need_of(35_752_741, 1_604_821_575, 8)
    assert need.analysis_bytes / 35_752_741 < 72, "bytes an object at the peak, the map and all edges included"
    assert need.index_bytes / 35_752_741 < 14


def test_bytes_an_object_of_the_columns(tmp_path: Path) -> None:
    heap = opened(tmp_path, chain(5_000))
    heap.retained_bytes
    columns = [heap.store.offsets, heap.class_of, heap.shallow_bytes, heap.idom, heap.retained_bytes, heap.graph.starts]
    assert sum(column.nbytes for column in columns) <= 28 * (heap.object_count + 1)
    assert heap.graph.targets.dtype == np.int32


def test_paths_strong_weak_and_none(tmp_path: Path) -> None:
    heap = opened(tmp_path, chain(4))
    found = heap.paths(FIRST + 0x20)
    assert [step.object.address for step in found.paths[0]] == [THREAD_OBJECT, HOLDER, FIRST, FIRST + 0x20]
    assert found.holders == 1
    last = FIRST + 0x60
    assert heap.paths(last).holders == 1
    assert heap.paths(last, exclude=()).holders == 2
    cut = heap.paths(last, exclude=("weak",), exclude_fields=("app.Node.next",))
    assert cut.only_weakly
    assert not cut.paths
    loose = chain(4)
    loose.roots = [r for r in loose.roots if r.kind != 3]
    other = opened(tmp_path, loose, "b.hprof")
    assert not other.paths(FIRST).reachable


def test_two_dumps_compared(tmp_path: Path) -> None:
    before, after = opened(tmp_path, chain(10)), opened(tmp_path, chain(25), "b.hprof")
    rows = {row.name: row for row in compare_heaps(before, after)}
    assert rows["app.Node"].objects == 15
    assert rows["app.Node"].shallow_bytes == 15 * 32  # the nodes lie 32 bytes apart
    assert "int[]" not in rows
    paths = compare_dominators(before, after)
    assert paths[0].name.startswith("java.lang.Thread")
    assert not compare_heaps(before, before)


def test_groups_add_up(tmp_path: Path) -> None:
    heap = opened(tmp_path, chain(10))
    for by in ("class", "package", "loader", "superclass"):
        rows = grouped_histogram(heap, by)
        assert sum(row.objects for row in rows) == heap.reachable_object_count
        assert sum(row.shallow_bytes for row in rows) == heap.used_bytes
    whole = sum(row.retained_bytes or 0 for row in grouped_dominators(heap, "class"))
    assert whole == heap.used_bytes
    nodes = heap.table("app.Node").indices
    dominated = immediate_dominators(heap, nodes)
    # the weak reference, a root of its own, refers to the last node too: dominators follow all references, as MAT's
    by_class = {"app.Node": 8, "java.lang.Object[]": 1, "no object: GC roots": 1}
    assert {row.name: row.classes for row in dominated} == by_class
    row = next(r for r in heap.histogram() if r.class_name == "app.Node")
    exact = exact_retained(heap, [row], "class")[0]
    assert exact.retained_bytes == row.retained_bytes == 10 * 32 + int(heap.shallow_bytes[heap.index_of(NODE)])


def test_columns_of_fields_and_arrays(tmp_path: Path) -> None:
    dump = chain(3)
    dump.objects.append(PrimitiveArray(0x40000, INT, [1, -2, 3]))
    heap = opened(tmp_path, dump)
    nodes = heap.table("app.Node")
    assert nodes["weight"].tolist() == [0, 1, 2]
    assert nodes["next"].tolist() == [*nodes.indices[1:].tolist(), -1]
    offsets, targets = heap.elements(np.array([heap.index_of(HOLDER), heap.index_of(FIRST)]))
    assert offsets.tolist() == [0, 1, 1]
    assert targets.tolist() == [heap.index_of(FIRST)]
    assert heap.primitive_array(heap.index_of(0x40000)).tolist() == [1, -2, 3]
    assert heap.array_length(heap.index_of(0x40000)) == 3
    assert heap.array_length(heap.index_of(FIRST)) == -1
    assert len(heap.table("app.Absent")) == 0
    subclasses = heap.table("java.lang.ref.Reference", subclasses=True)
    assert heap.addresses(subclasses.indices).tolist() == [REFERENCE]


def test_commands_give_the_names_of_the_api(tmp_path: Path) -> None:
    path = str(tmp_path / "a.hprof")
    (tmp_path / "a.hprof").write_bytes(chain(10).to_bytes())
    (tmp_path / "b.hprof").write_bytes(chain(12).to_bytes())
    names = {
        ("info",): {
            "object_count",
            "reachable_object_count",
            "used_bytes",
            "unreachable_bytes",
            "class_count",
            "roots",
        },
        ("info", "--need"): {"analysis_bytes", "available_bytes", "fits"},
    }
    for command, keys in names.items():
        result = run(command[0], path, *command[1:], "--json")
        assert keys <= json.loads(result.stdout).keys()
    for command, keys in {
        ("histogram", "--retained"): {"class_name", "objects", "shallow_bytes", "retained_bytes"},
        ("dominators",): {"address", "class_name", "shallow_bytes", "retained_bytes"},
    }.items():
        result = run(command[0], path, *command[1:], "--json")
        assert keys <= json.loads(result.stdout)["rows"][0].keys()
    assert json.loads(run("paths", path, hex(FIRST), "--json").stdout)["paths"]
    changed = run("diff", path, str(tmp_path / "b.hprof"), "--json")
    assert changed.return_value == 1
    assert "app.Node" in [row["name"] for row in json.loads(changed.stdout)["rows"]]
    assert run("diff", path, path, "--json").return_value == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("info",), ("histogram",), ("histogram", "--retained", "--by", "package"),
        ("histogram", "--exact", "--top", "2"),
        ("dominators",), ("dominators", "--by", "class"), ("dominators", "--of", "app.Node"),
        ("paths", hex(FIRST)), ("paths", "app.Node"),
    ],
)  # fmt: skip
def test_terminal_output_fits_the_page(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.hprof").write_bytes(chain(10).to_bytes())
    result = run(arguments[0], str(tmp_path / "a.hprof"), *arguments[1:])
    lines = [line for line in result.stdout.splitlines() if not line.startswith("…") and str(tmp_path) not in line]
    assert lines
    assert max(len(line) for line in lines) <= 100


def test_reopen_refuses_columns_that_do_not_fit(tmp_path: Path) -> None:
    heap = opened(tmp_path, chain(10))
    facts, columns = reopen.index_columns(heap.store)
    columns["offsets"] = columns["offsets"] + np.uint32(1 << 30)
    with pytest.raises(ValueError, match="do not fit"):
        reopen.store_from(heap.path, heap.records.data, facts, columns)


@pytest.mark.parametrize("wide", [0, 1 << 31], ids=["8-byte cells", "4-byte cells"])
@pytest.mark.parametrize("copied", [False, True], ids=["built", "copied"])
def test_the_search_leaves_the_plain_graph_and_the_same_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wide: int, copied: bool
) -> None:
    heap = opened(tmp_path, chain(700))
    plain = build_graph(heap.store, heap.roots, SILENT, Space())
    monkeypatch.setattr("flinkscope.heap.cells.WIDE", wide)
    laid_out = spread_graph(plain, Space(), wide) if copied else search_graph(heap.store, heap.roots, SILENT, Space())
    assert laid_out.cells.dtype == (np.int32 if wide else np.int64)
    found, graph = dominators.dominate(laid_out, heap.roots.indices, lambda: heap.shallow_bytes, False, SILENT, Space())
    assert graph.targets.dtype == np.int32
    assert graph.targets.tolist() == plain.targets.tolist()
    assert graph.starts.tolist() == plain.starts.tolist()
    assert found.idom.tolist() == heap.idom.tolist()
    assert found.retained.tolist() == heap.retained_bytes.tolist()
