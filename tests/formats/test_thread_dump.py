"""Thread dumps of four releases, of Flink's REST, and damaged ones."""

# ruff: noqa: E501 - the texts are those of the JVM

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.class_histogram import parse_class_histogram, source_name
from flinkscope.formats.thread_dump import parse_thread_dump
from flinkscope.jvm.threads import normalized, repeated_names, thread_difference, thread_view

FOLDER = Path(__file__).parents[1] / "corpus" / "jvm" / "threads"
TEXTS = sorted(FOLDER.glob("*.txt"))
REST = {
    "threadInfos": [
        {
            "threadName": "a",
            "stringifiedThreadInfo": '"a" Id=11 BLOCKED on java.lang.Object@1b owned by "b \\"x\\"" Id=12\n'
            "\tat app//Target.take(Target.java:86)\n\t-  blocked on java.lang.Object@1b\n"
            "\t-  locked java.lang.Object@2c\n\n",
        },
        {
            "threadName": 'b "x"',
            "stringifiedThreadInfo": '"b "x"" daemon prio=5 Id=12 WAITING on java.util.concurrent.locks.ReentrantLock@2c '
            'owned by "a" Id=11\n\tat Target.x(T.java:1)\n\t-  locked java.lang.Object@1b\n\n'
            "\tNumber of locked synchronizers = 1\n\t- java.util.concurrent.locks.ReentrantLock$NonfairSync@77\n\n",
        },
        {
            "threadName": "idle",
            "stringifiedThreadInfo": '"idle" Id=13 WAITING on java.lang.Object@9\n\tat X.y(X.java)\n',
        },
    ]
}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_dump_of_each_release(path: Path) -> None:
    dump = parse_thread_dump(path.read_text(), path.name)
    by_name = {thread.name: thread for thread in dump.threads}
    assert dump.deadlocks == (("deadlock-a", "deadlock-b"),)
    assert dump.gap is None
    strange = by_name['strange "name" #7 prio=9']
    assert (strange.state, strange.daemon, strange.priority) == ("TIMED_WAITING", True, 5)
    assert (by_name["busy"].cpu_ms or 0) > 50
    assert by_name["main"].native_id is not None
    assert "Target.main(Target.java:" in by_name["main"].frames[-1]
    assert by_name["deadlock-a"].waits_for in by_name["deadlock-b"].locks
    assert not by_name["VM Thread"].java
    line = path.read_text().splitlines()[by_name["busy"].line - 1]
    assert line.startswith('"busy"')
    assert path.stem.removeprefix("jdk") in (dump.jvm or "")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_repeated_names_are_the_leaks_of_the_target(path: Path) -> None:
    dump = parse_thread_dump(path.read_text(), path.name)
    again = {(r.name, r.count, r.kind) for r in repeated_names([t for t in dump.threads if t.java])}
    assert again == {("user-daemon-worker", 3, "exact"), ("pool-N-thread-N", 4, "pool")}


@pytest.mark.parametrize("release", [21, 25])
def test_virtual_threads_of_dump_to_file(release: int) -> None:
    dump = parse_thread_dump((FOLDER / f"jdk{release}.json").read_text(), "dump.json")
    view = thread_view(dump)
    assert view.virtual == 1
    assert not view.busiest
    assert {"main", "deadlock-a", "busy"} <= {thread.name for thread in dump.threads}


def test_flinks_rest_answer() -> None:
    dump = parse_thread_dump(json.dumps(REST), "thread-dump")
    first, second, idle = dump.threads
    assert dump.deadlocks == (("a", 'b "x"'),)
    assert (first.state, first.waits_for, first.locks) == ("BLOCKED", "java.lang.Object@1b", ("java.lang.Object@2c",))
    assert second.locks[1] == "java.util.concurrent.locks.ReentrantLock$NonfairSync@77"
    assert idle.waits_how == "waiting on"
    assert first.frames == ("app//Target.take(Target.java:86)",)


def test_waiting_on_a_released_monitor_is_no_deadlock() -> None:
    lines = ["Full thread dump X:", ""]
    for name in ("w1", "w2"):
        lines += [f'"{name}" #1 prio=5 tid=0x1 nid=0x2 in Object.wait()', "   java.lang.Thread.State: WAITING (on object monitor)",
                  "\tat java.lang.Object.wait(Native Method)", "\t- waiting on <0x10> (a java.lang.Object)",
                  "\t- locked <0x10> (a java.lang.Object)", ""]  # fmt: skip
    assert parse_thread_dump("\n".join(lines), "x").deadlocks == ()


def test_what_changed_between_two_dumps() -> None:
    text = TEXTS[1].read_text()
    fewer = parse_thread_dump(text.replace('"user-daemon-worker" #', '"gone" #', 1), "before")
    change = thread_difference(fewer, parse_thread_dump(text, "after"))
    assert (change.started, change.ended) == (("user-daemon-worker",), ("gone",))
    assert ("user-daemon-worker", 2, 3) in change.groups


def test_the_share_of_a_core_between_two_dumps() -> None:
    head = '"busy" #1 prio=5 os_prio=0 cpu={}ms elapsed={}s tid=0x1 nid=0x2 runnable\n\tat A.b(A.java)\n'
    view = thread_view(
        parse_thread_dump("Full thread dump X:\n" + head.format(2000.0, 12.0), "b"),
        parse_thread_dump("Full thread dump X:\n" + head.format(500.0, 10.0), "a"),
    )
    assert isinstance(view.busiest, tuple)
    assert (view.busiest[0].cpu_ms, view.busiest[0].share_of_core_bp) == (1500.0, 7500)


def test_names() -> None:
    assert normalized("Source: x (1/2)#0") == "Source: x (N/N)#N"


@settings(deadline=None)
@given(st.integers(0, 16_000))
def test_a_dump_cut_anywhere(length: int) -> None:
    text = TEXTS[-1].read_text()
    try:
        dump = parse_thread_dump(text[:length], "cut")
    except UnreadableInputError:
        assert length < text.index('\n"') + 120
        return
    thread_view(dump)
    assert (dump.gap is None) == ("\nJNI global ref" in text[:length])


@settings(deadline=None)
@given(st.recursive(st.none() | st.integers() | st.text(max_size=30), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["threadInfos", "threadName", "stringifiedThreadInfo", "threadDump", "threads",
                                          "threadContainers", "stack", "name", "tid"]), inner, max_size=4)))  # fmt: skip
def test_json_of_any_shape(document: Any) -> None:
    try:
        thread_view(parse_thread_dump(json.dumps({"threadInfos": [document], "x": document}), "x"))
        thread_view(parse_thread_dump(json.dumps({"threadDump": document}), "x"))
    except UnreadableInputError:
        pass


def test_class_histograms() -> None:
    text = """ num     #instances         #bytes  class name (module)
-------------------------------------------------------
   1:          2161         110456  [B (java.base@17.0.9)
   2:            12           1000  [[Lorg.x.Y;
   3:             1             24  org.x.Y
Total          2174         111480
"""
    histogram = parse_class_histogram(text, "h.txt")
    assert [(r.class_name, r.module) for r in histogram.rows] == [
        ("byte[]", "java.base@17.0.9"), ("org.x.Y[][]", None), ("org.x.Y", None),
    ]  # fmt: skip
    assert (histogram.total_objects, histogram.total_bytes, histogram.gap) == (2174, 111480, None)
    assert "cut" in (parse_class_histogram(text.rsplit("Total", 1)[0], "h").gap or "")
    assert "add up" in (parse_class_histogram(text.replace("110456", "110457"), "h").gap or "")
    with pytest.raises(UnreadableInputError, match="not a class histogram"):
        parse_class_histogram("hello", "h")
    assert source_name("[Q") == "[Q"


def test_a_deadlock_over_locks_that_the_dump_does_not_list_is_the_one_that_hotspot_tells() -> None:
    parked = (
        "   java.lang.Thread.State: WAITING (parking)\n\t- parking to wait for  <0x{:016x}> (a j.u.c.ReentrantLock)"
    )
    cycle = '"{}":\n  waiting for ownable synchronizer 0x{:016x}, (a j.u.c.ReentrantLock),\n  which is held by "{}"\n'
    text = "\n".join(
        [
            "Full thread dump OpenJDK 64-Bit Server VM (17.0.9+9 mixed mode):",
            '"left" #12 prio=5 os_prio=0 cpu=1.00ms elapsed=9.00s tid=0x00007f0001 nid=0x1 waiting on condition  [0x1]',
            parked.format(2),
            '"right" #13 prio=5 os_prio=0 cpu=1.00ms elapsed=9.00s tid=0x00007f0002 nid=0x2 waiting on condition  [0x2]',
            parked.format(1),
            "JNI global refs: 7, weak refs: 0",
            "",
            "Found one Java-level deadlock:",
            "=============================",
            cycle.format("left", 2, "right"),
            cycle.format("right", 1, "left"),
            "Java stack information for the threads listed above:",
            '"left":',
            "Found 1 deadlock.",
        ]
    )
    assert parse_thread_dump(text, "x").deadlocks == (("left", "right"),)


@pytest.mark.parametrize("spoiled", ["..16", "9" * 400, "1.2.3", "."])
def test_a_damaged_time_is_not_told(spoiled: str) -> None:
    head = '"worker" #12 prio=5 os_prio=0 cpu={0}ms elapsed={0}s tid=0x00007f0001 nid=0x1 runnable  [0x1]'
    text = f"Full thread dump OpenJDK 64-Bit Server VM (17.0.9+9 mixed mode):\n{head.format(spoiled)}\n"
    (thread,) = parse_thread_dump(text, "x").threads
    assert (thread.name, thread.cpu_ms, thread.elapsed_ms) == ("worker", None, None)


@pytest.mark.parametrize("tid", ["²", "9" * 5000])
def test_a_damaged_number_of_a_thread_is_not_told(tid: str) -> None:
    document = {"threadDump": {"threadContainers": [{"threads": [{"tid": tid, "name": "worker", "stack": []}]}]}}
    (thread,) = parse_thread_dump(json.dumps(document), "x").threads
    assert thread.id is None
