"""The answers on a dump of a real JVM, against what that JVM says of itself through the attach protocol."""

from __future__ import annotations

import re

import pytest

from flinkscope import open_heap
from flinkscope.heap.store import Heap
from flinkscope.jvm.verbs import open_verbs
from jvm_support.java_runtimes import java_home, running_target

pytestmark = pytest.mark.jvm

# HotSpot hides its own threads from heap dumps (JavaThread::is_hidden_from_external_view)
HIDDEN = ("C1 CompilerThread", "C2 CompilerThread", "Service Thread", "Monitor Deflation Thread", "Sweeper thread")
RELEASES = (11, 17, 21, 25)


@pytest.fixture(scope="module", params=RELEASES)
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Heap, str]:
    """(heap, the JVM's own thread dump) of each release."""
    with running_target(java_home(request.param), "threads") as process:
        verbs = open_verbs(process.pid)
        text = verbs.jcmd("Thread.print")
        path = verbs.heap_dump(tmp_path_factory.mktemp("live") / "heap.hprof").path
    return open_heap(path, cache=False), text


def test_threads_are_those_of_the_jvm(live: tuple[Heap, str]) -> None:
    heap, text = live
    rows = {row.name: row for row in heap.threads() if not row.virtual}
    blocks = [b for b in text.split("\n\n") if b.startswith('"') and "java.lang.Thread.State: " in b]
    told = {}
    for block in blocks:
        name = re.match(r'"(.*?)" (?:#|daemon|prio|os_prio|\[)', block, re.DOTALL).group(1)  # type: ignore[union-attr]
        lines = [line.strip()[3:].split("(")[0] for line in block.splitlines() if "\tat " in line]
        told[name] = (block.split("java.lang.Thread.State: ")[1].split()[0], lines)
    common = set(told) & set(rows)
    assert {"main", "Reference Handler", "Finalizer"} <= common
    # one thread has a name that breaks the text of Thread.print (quotes, line feed); the dump has it whole
    assert any((name or "").startswith("strange") for name in rows)
    assert {name for name in told if name not in rows and not name.startswith((*HIDDEN, "strange"))} == set()
    steady = [name for name in common if told[name][0] in ("WAITING", "BLOCKED")]  # the others move meanwhile
    assert {"Finalizer", "deadlock-a", "deadlock-b"} <= set(steady)
    for name in steady:
        state, frames = told[name]
        row = rows[name]
        assert row.state == state, name
        methods = [frame.method for frame in row.stack]
        assert [_plain(method) for method in methods] == [_plain(frame) for frame in frames], name
        assert row.retained_bytes >= row.shallow_bytes


def test_loaders_are_those_of_the_jvm(live: tuple[Heap, str]) -> None:
    heap, _ = live
    loaders = heap.loaders()
    names = [row.class_name for row in loaders]
    assert names[0] == "<boot>"
    app = next(row for row in loaders if row.class_name.endswith("$AppClassLoader"))
    platform = next(row for row in loaders if row.class_name.endswith("$PlatformClassLoader"))
    assert app.parent_address == platform.address
    assert app.name == "app"
    target = heap.classes_named("Target")
    assert [info.loader_address for info in target] == [app.address]
    assert sum(row.instances for row in loaders) == heap.reachable_object_count
    assert sum(row.defined_classes for row in loaders) == heap.class_count
    assert [row for row in heap.duplicates() if not row.class_name.startswith("java.lang.invoke.")] == []


def test_contents_of_a_real_heap(live: tuple[Heap, str]) -> None:
    heap, _ = live
    report = heap.strings(show_strings=True)
    assert report.strings > 1000
    (count,) = heap.sql(
        'SELECT count(*) FROM "java.lang.String" s JOIN objects o ON o.address = s.this WHERE o.reachable'
    )
    assert report.strings == count[0]
    rows = {row.class_name: row for row in heap.collections()}
    chains = sum(1 for _ in heap.table("java.util.concurrent.ConcurrentHashMap$Node").indices)
    entries = rows["java.util.concurrent.ConcurrentHashMap"].entries
    assert 0 < entries <= chains
    assert rows["java.util.HashMap"].collections > 10
    kinds = {row.kind: row for row in heap.references().rows}
    assert kinds["weak"].references > 50
    assert kinds["soft"].references > 5
    reference_bytes = heap.references().strong_bytes
    assert 0 < reference_bytes <= heap.used_bytes
    memory = heap.direct()
    assert all(total.kind != "direct" or total.capacity_bytes < 1 << 20 for total in memory.totals)  # no false 123 MB
    system = heap.object(heap.classes_named("java.lang.System")[0].address)
    assert system.is_class
    assert {"in", "out", "err"} <= {static.name for static in system.statics}
    assert heap.waste(owners=1)
    assert heap.suspects(threshold_bp=100)


def test_values_of_a_real_map_are_its_entries(live: tuple[Heap, str]) -> None:
    heap, _ = live
    props = heap.static(heap.classes_named("java.lang.System")[0].index, "props")
    assert isinstance(props, int)
    view = heap.object(heap.address_of(props), limit=10_000, show_strings=True)
    values = {e.key.text: e.value.text for e in view.entries if e.key and e.value}
    assert values["java.vm.specification.name"] == "Java Virtual Machine Specification"
    assert values["file.separator"] == "/"


def _plain(frame: str) -> str:
    """A frame without module, and without the number of a hidden class, which is written in several ways."""
    return re.sub(r"[/+]0x[0-9a-f]+", "", re.sub(r"^[\w.]+(@[\w.]+)?/(?!0x)", "", frame))
