"""User class loaders of small dumps: what is leaked, what keeps it, what is no leak."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.flink.loader_duplicates import duplicate_sets
from flinkscope.flink.loader_members import loader_objects
from flinkscope.flink.loader_pins import walk_outside
from flinkscope.flink.loaders import UserLoader, pin_groups, user_loaders
from flinkscope.flink.pin_catalogue import KINDS, SITES, site_of
from flinkscope.flink.pin_library import LIBRARIES, library_of
from flinkscope.flink.thread_contexts import context_loaders, heap_thread_dump
from strategies.hprof import BLOCK, JAVA_FRAME, LONG
from strategies.java_heap import REF
from strategies.loader_heap import WRAPPER, LoaderHeap

JOB_ID = "org.apache.flink.api.common.JobID"
ARCHIVED = "org.apache.flink.runtime.executiongraph.ArchivedExecutionGraph"
POOL = "java.util.concurrent.Executors$DefaultThreadFactory"
PINS: dict[str, Callable[[LoaderHeap, int], object]] = {
    "shutdown_hook": LoaderHeap.hook_pin,
    "thread": LoaderHeap.thread_pin,
    "thread_context_loader": LoaderHeap.context_pin,
    "thread_local": LoaderHeap.thread_local_pin,
    "timer": LoaderHeap.timer_pin,
    "jdbc_driver": LoaderHeap.driver_pin,
    "static_field": LoaderHeap.static_pin,
    "executor": lambda heap, loader: heap.pool_pin(loader, POOL),
    "jni_global": LoaderHeap.jni_pin,
    "unknown": lambda heap, loader: heap.root(heap.user_object(loader), BLOCK),
}


def rows_of(heap: LoaderHeap, folder: Path) -> tuple[UserLoader, ...]:
    return user_loaders(heap.done().open(folder))


@pytest.mark.parametrize("modern", [False, True], ids=["jdk17", "jdk21"])
@pytest.mark.parametrize("kind", PINS)
def test_each_kind_of_pin_is_named_with_its_chain_and_remedy(kind: str, modern: bool, tmp_path: Path) -> None:
    heap = LoaderHeap(modern=modern)
    loader = heap.loader(closed=True)
    PINS[kind](heap, loader)
    (row,) = rows_of(heap, tmp_path)
    assert (row.address, row.state, row.jars) == (loader, "leaked", ("file:/tmp/job.jar",))
    (pin,) = row.pins
    assert pin.kind == kind
    assert pin.remedy
    assert len(pin.chain) >= (1 if kind in ("jni_global", "unknown") else 2)
    assert pin.library in ("user", "job.jar")


def test_what_a_frame_of_the_user_s_thread_holds_goes_with_that_thread(tmp_path: Path) -> None:
    heap = LoaderHeap()
    loader = heap.loader(closed=True)
    heap.thread_pin(loader)
    heap.root(heap.new("some.library.Registry", kept=heap.user_object(loader)), JAVA_FRAME, 1, 0)
    theirs = heap.new_thread("their-thread")
    serial = heap.running(theirs)
    heap.root(heap.new("some.library.Registry", kept=heap.user_object(loader)), JAVA_FRAME, serial, 0)
    (row,) = rows_of(heap, tmp_path)
    assert [(pin.kind, pin.thread, pin.references) for pin in row.pins] == [
        ("thread", "worker", 2),
        ("unknown", None, 1),
    ]


def test_a_job_s_jar_comes_before_the_jars_inside_it(tmp_path: Path) -> None:
    heap = LoaderHeap()
    uploaded = "/tmp/flink-web-upload/0123abcd-0123-0123-0123-0123456789ab_daily-uv.jar"
    heap.context_pin(heap.loader(closed=True, jar=uploaded, inner="/tmp/1657_lib_bcprov.jar"))
    (row,) = rows_of(heap, tmp_path)
    assert [pin.library for pin in row.pins] == ["daily-uv.jar"]


def test_without_a_pin_a_closed_loader_only_awaits_a_collection(tmp_path: Path) -> None:
    heap = LoaderHeap()
    heap.soft_cache(heap.loader(closed=True))
    heap.loader(closed=True)
    rows = rows_of(heap, tmp_path)
    assert [row.state for row in rows] == ["awaiting_gc", "awaiting_gc"]
    assert not any(row.pins for row in rows)
    soft, dead = sorted(rows, key=lambda row: row.address)
    assert {c.name: c.holds for c in soft.unloading}["not even softly reachable"] is False
    assert {c.name: c.holds for c in dead.unloading}["not even softly reachable"] is True
    assert all({c.name: c.holds for c in row.unloading}["no reachable loader"] for row in rows)


def test_live_jobs_and_leaked_submissions_are_told_apart(tmp_path: Path) -> None:
    heap = LoaderHeap()
    live = [heap.loader(closed=False) for _ in range(2)]
    for number, loader in enumerate(live):
        heap.running_job(loader, number, 0xABC)
        heap.thread_pin(loader, "Source (1/1)")
    leaked = [heap.loader(closed=True) for _ in range(3)]
    for loader in leaked:
        heap.hook_pin(loader)
    rows = rows_of(heap, tmp_path)
    assert [r.address for r in rows if r.state == "leaked"] == leaked
    assert {r.address: r.job for r in rows if r.state == "live"} == {
        live[0]: "0" * 29 + "abc",
        live[1]: "0" * 15 + "1" + "0" * 13 + "abc",
    }
    assert not any(r.pins for r in rows if r.state == "live")


def test_one_of_two_pins_removed_leaves_the_other_named(tmp_path: Path) -> None:
    kinds = []
    for both in (True, False):
        heap = LoaderHeap()
        loader = heap.loader(closed=True)
        heap.hook_pin(loader)
        if both:
            heap.driver_pin(loader)
        (row,) = rows_of(heap, tmp_path)
        kinds.append({pin.kind for pin in row.pins})
    assert kinds == [{"shutdown_hook", "jdbc_driver"}, {"shutdown_hook"}]


def test_the_same_pin_of_many_submissions_is_one_group(tmp_path: Path) -> None:
    heap = LoaderHeap()
    for submission in range(5):
        loader = heap.loader(closed=True, code="com.alibaba.nacos.common.Job")
        for hook in range(3):
            heap.hook_pin(loader, f"hook-{submission}-{hook}")
    rows = rows_of(heap, tmp_path)
    (group,) = pin_groups(rows)
    assert group.text == "3 shutdown hooks × 5 submissions"
    assert (group.library, group.pins, group.loaders) == ("nacos", 15, 5)
    assert "NotifyCenter" in group.example.remedy


def test_all_references_over_a_user_s_thread_are_one_pin(tmp_path: Path) -> None:
    heap = LoaderHeap()
    loader = heap.loader(closed=True)
    thread = heap.new_thread("worker", heap.user_object(loader), contextClassLoader=loader)
    serial = heap.running(thread, ("user.Job", "run"))
    heap.local(heap.user_object(loader), serial, 0)
    (row,) = rows_of(heap, tmp_path)
    (pin,) = row.pins
    assert (pin.kind, pin.thread, pin.references) == ("thread", "worker", 3)
    assert pin.stack[0].startswith("user.Job.run")


def test_two_threads_of_one_context_are_two_pins(tmp_path: Path) -> None:
    heap = LoaderHeap()
    loader = heap.loader(closed=True)
    domain = heap.new("java.security.ProtectionDomain", classloader=loader)
    shared = heap.new("java.security.AccessControlContext", context=heap.array(domain))
    for name, context in (
        ("a", shared),
        ("b", shared),
        ("c", heap.new("java.security.AccessControlContext", context=heap.array(domain))),
    ):
        heap.running(heap.new_thread(name, inheritedAccessControlContext=context))
    (row,) = rows_of(heap, tmp_path)
    assert [(pin.kind, pin.thread) for pin in row.pins] == [("thread_context_loader", name) for name in "abc"]
    assert all(pin.chain[-1].startswith(".classloader → org.apache.flink.util.ChildFirst") for pin in row.pins)


def test_the_collectors_own_list_of_cleared_references_is_no_pin(tmp_path: Path) -> None:
    heap = LoaderHeap()
    heap.cls("java.lang.ref.WeakReference", {}, parent="java.lang.ref.Reference")
    heap.cls("user.Key", {}, parent="java.lang.ref.WeakReference", loader=heap.loader(closed=True), sticky=False)
    cleared = heap.new("java.lang.ref.WeakReference", discovered=heap.new("user.Key"))
    heap.static("some.library.Registry", weak=cleared)
    (row,) = rows_of(heap, tmp_path)
    assert (row.state, row.pins) == ("awaiting_gc", ())


def test_a_thread_wrapped_in_a_hook_is_the_hook_s(tmp_path: Path) -> None:
    heap = LoaderHeap()  # nacos: new Thread(new Thread(runnable))
    inner = heap.new_thread("Thread-29", heap.user_object(heap.loader(closed=True)))
    heap.hooks.append(heap.new_thread("Thread-30", inner))
    (row,) = rows_of(heap, tmp_path)
    assert [(pin.kind, pin.thread) for pin in row.pins] == [("shutdown_hook", "Thread-30")]


def test_a_thread_that_never_started_is_no_thread_pin(tmp_path: Path) -> None:
    heap = LoaderHeap()
    idle = heap.new_thread("idle", heap.user_object(heap.loader(closed=True)))
    heap.static("some.library.Registry", instance=heap.new("some.library.Registry", kept=idle))
    (row,) = rows_of(heap, tmp_path)
    assert [pin.kind for pin in row.pins] == ["static_field"]


def test_a_pool_with_a_library_s_own_factory_is_not_the_user_s(tmp_path: Path) -> None:
    heap = LoaderHeap()
    heap.pool_pin(heap.loader(closed=True), "some.library.Factory")
    (row,) = rows_of(heap, tmp_path)
    assert [pin.kind for pin in row.pins] == ["thread_context_loader"]


def test_a_loader_that_another_leaked_one_holds_says_so(tmp_path: Path) -> None:
    heap = LoaderHeap()
    held, holder = heap.loader(closed=True), heap.loader(closed=True, code="user.Other")
    outer = heap.new(heap.last_class, next=heap.user_object(held))
    heap.running(heap.new_thread("worker", outer))
    rows = {row.address: row for row in rows_of(heap, tmp_path)}
    assert {rows[a].state for a in (held, holder)} == {"leaked"}
    assert [pin.kind for pin in rows[holder].pins] == ["thread"]
    assert [pin.kind for pin in rows[held].pins] == ["unknown"]
    assert "user.Other" in rows[held].pins[0].chain[0]


def test_a_weak_value_beside_a_strong_one_does_not_hide_it(tmp_path: Path) -> None:
    heap = LoaderHeap()
    loader = heap.loader(closed=True)
    heap.soft_cache(loader)
    heap.static_pin(loader)
    (row,) = rows_of(heap, tmp_path)
    assert [pin.kind for pin in row.pins] == ["static_field"]


def test_a_job_s_id_is_in_the_path_of_its_blob(tmp_path: Path) -> None:
    heap = LoaderHeap()
    heap.hook_pin(heap.loader(closed=True, jar=f"/tmp/blobStorage/job_{'0a' * 16}/blob_p-77"))
    (row,) = rows_of(heap, tmp_path)
    assert row.job == "0a" * 16


def test_what_main_left_tells_its_job_by_the_id_that_it_holds(tmp_path: Path) -> None:
    heap = LoaderHeap()
    heap.cls("org.apache.flink.core.execution.JobClient", {"jobId": REF})
    clients = [
        heap.new("org.apache.flink.core.execution.JobClient", jobId=heap.new(JOB_ID, lowerPart=low, upperPart=7))
        for low in (1, 2)
    ]
    told = heap.loader(closed=True)
    heap.running(heap.new_thread("client", heap.new(heap.last_class, next=clients[0])))
    untold = heap.loader(closed=True, code="user.Other")
    heap.running(heap.new_thread("both", heap.new(heap.last_class, next=heap.array(*clients))))
    rows = {row.address: row for row in rows_of(heap, tmp_path)}
    assert rows[told].job == "0" * 15 + "1" + "0" * 15 + "7"
    assert rows[untold].job is None


def test_duplicates_by_set_of_loaders_have_copies_first_and_last_job(tmp_path: Path) -> None:
    heap = LoaderHeap()
    loaders = []
    for number, start in enumerate((300, 100, 200)):
        if not loaders:
            heap.cls(ARCHIVED, {"jobID": REF, "jobName": REF, "stateTimestamps": REF})
        loader = heap.loader(closed=True, jar=f"/tmp/job_{number:032x}/blob_p-{number}", code="user.Job")
        heap.thread_pin(loader)
        job = heap.new(JOB_ID, lowerPart=0, upperPart=number)
        times = heap.numbers(LONG, 0, start, start + 5)
        heap.root(heap.new(ARCHIVED, jobID=job, jobName=heap.string(f"job {number}"), stateTimestamps=times))
        loaders.append(loader)
    (one,) = [found for found in duplicate_sets(heap.done().open(tmp_path)) if "user.Job" in found.classes]
    assert (one.copies, one.classes, one.instances, one.ordered) == (3, ("user.Job",), 3, True)
    assert [loader.address for loader in one.loaders] == [loaders[1], loaders[2], loaders[0]]
    assert (one.first.job_name, one.last.job_name, one.first.state) == ("job 1", "job 0", "leaked")


def test_threads_are_told_with_whose_class_loader_they_have_as_context(tmp_path: Path) -> None:
    heap = LoaderHeap()
    leaked, live = heap.loader(closed=True), heap.loader(closed=False)
    heap.running_job(live, 1, 2)
    heap.context_pin(leaked, "pool-1")
    wrapper = heap.new(WRAPPER, inner=0)
    heap.running(heap.new_thread("theirs", contextClassLoader=wrapper))
    heap.running(heap.new_thread("Source (1/1)#0", contextClassLoader=heap.new(WRAPPER, inner=live)))
    opened = heap.done().open(tmp_path)
    found = [(one.state, one.threads, one.job) for one in context_loaders(opened)]
    assert found == [
        ("leaked", ("pool-1",), None),
        ("closed", ("theirs",), None),
        ("live", ("Source (1/1)#0",), "0" * 15 + "1" + "0" * 15 + "2"),
    ]
    dump = heap_thread_dump(opened)
    assert sorted(thread.name for thread in dump.threads) == ["Source (1/1)#0", "pool-1", "theirs"]
    assert dump.gap


def test_the_command_line_shows_contexts_and_sets_of_duplicates(tmp_path: Path) -> None:
    heap = LoaderHeap()
    for _ in range(2):
        loader = heap.loader(closed=True)
        heap.context_pin(loader, "pool-1")
        heap.static_pin(loader)
    heap.done().open(tmp_path)
    (dump,) = tmp_path.glob("*.hprof")
    result = CliRunner().invoke(cli, ["threads", str(dump), "--json"])
    contexts = json.loads(result.stdout)["context_class_loaders"]
    assert [(one["state"], one["threads"]) for one in contexts] == [("leaked", ["pool-1"])] * 2
    text = CliRunner().invoke(cli, ["threads", str(dump)]).stdout
    assert "context class loaders" in text
    assert max(map(len, text.splitlines())) <= 100
    by_loaders = CliRunner().invoke(cli, ["heap", "duplicates", str(dump), "--by", "loaders"]).stdout
    assert by_loaders.startswith("2 copies of 1 class, 2 instances\n  user.Job\n")
    assert "does not tell when the jobs" in by_loaders


def test_a_closed_loader_that_only_a_part_of_is_reached_does_not_stop_the_walk(tmp_path: Path) -> None:
    built = LoaderHeap()
    leaked, gone = built.loader(closed=True), built.loader(closed=True)
    built.hook_pin(leaked)
    thing = built.new("java.lang.Object")
    part = built.array(thing)
    built.root(part)
    heap = built.done().open(tmp_path)
    objects = loader_objects(heap)
    of_gone = int(objects.owner[heap.index_of(gone)])
    objects.owner[heap.index_of(part)] = of_gone  # as if a damaged dump lacked what leads from it to its loader
    members = np.union1d(objects.members, [heap.index_of(part)]).astype(np.int32)
    walk, found = walk_outside(heap, replace(objects, members=members))
    assert found.tolist() == [at != of_gone for at in range(2)]
    assert not walk.forbidden[heap.index_of(part)]
    assert walk.forbidden[heap.index_of(leaked)]
    assert walk.parent[heap.index_of(thing)] == heap.index_of(part)


def test_a_dump_without_flink_has_no_user_loaders(tmp_path: Path) -> None:
    assert rows_of(LoaderHeap(), tmp_path) == ()


def test_a_loader_whose_class_path_is_not_in_the_dump_counts_as_live(tmp_path: Path) -> None:
    heap = LoaderHeap()
    loader = heap.loader(closed=True)
    heap.thread_pin(loader)
    heap.dump.objects = [
        o for o in heap.dump.objects if getattr(o, "cls", 0) != heap.classes["jdk.internal.loader.URLClassPath"]
    ]
    (row,) = rows_of(heap, tmp_path)
    assert (row.state, row.jars) == ("live", ())


def test_the_catalogue_is_sound() -> None:
    assert all(site.kind in KINDS for site in SITES)
    assert len({site.prefix for site in SITES}) == len(SITES)
    for name, expected in (
        ("java.sql.DriverInfo", "jdbc_driver"),
        ("org.apache.hadoop.util.ShutdownHookManager$HookEntry", "shutdown_hook"),
        ("org.apache.hadoop.util.ReflectionUtils", "static_field"),
        ("java.util.HashMap", None),
    ):
        site = site_of(name)
        assert (site.kind if site else None) == expected
    names = [library.name for library in LIBRARIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("class_name", "thread", "library"),
    [
        ("com.alibaba.nacos.client.config.Worker", None, "nacos"),
        ("shaded.org.apache.logging.log4j.core.util.Hook", None, "log4j2"),
        (None, "mysql-cj-abandoned-connection-cleanup", "MySQL Connector/J"),
        (None, "HikariPool-3 housekeeper", "HikariCP"),
        (None, "nacos.publisher-com.alibaba.SlowEvent", "nacos"),
        ("my.company.Job", "worker-1", None),
        ("org.apache.http.impl.nio.reactor.Worker", "elasticsearch-rest-client-0-thread-2", "Elasticsearch"),
        ("org.apache.http.impl.nio.reactor.Worker", "I/O-1", "Apache HttpClient"),
        ("io.netty.util.concurrent.FastThreadLocalThread", "lettuce-timer-3-1", "Lettuce"),
        ("com.google.common.util.concurrent.ThreadFactoryBuilder$1", "grpc-default-executor-0", "gRPC"),
        ("org.apache.hadoop.hbase.client.ConnectionImplementation", None, "HBase"),
        ("my.shaded.io.netty.channel.nio.NioEventLoop", "worker-3", "Netty"),
    ],
)
def test_libraries_are_known_by_class_and_thread(class_name: str | None, thread: str | None, library: str) -> None:
    found = library_of(class_name, thread)
    assert (found.name if found else None) == library
