"""Collapsed stacks, Flink's JSON, async-profiler's pages, speedscope: read, written and read again."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.collapsed import allocated_bytes, collapsed_lines, parse_collapsed
from flinkscope.formats.flame_files import (
    parse_async_profiler_page,
    parse_flame_text,
    parse_flink_flame_graph,
    speedscope_document,
)
from flinkscope.formats.stacks import class_frame, guessed_frame, java_frame
from jvm_support.java_runtimes import CORPUS

FLAMES = CORPUS / "flame"


def test_collapsed_stacks_with_threads_natives_and_kernel() -> None:
    text = (
        "[main tid=12];java/lang/Thread.run;Main.work;JavaThread::run() 3\n"
        "[main tid=99];java/lang/Thread.run;Main.work;JavaThread::run() 4\n"
        "[GC_active];start_thread;do_syscall_64_[k] 2\n"
    )
    profile = parse_collapsed(text, "x")
    assert profile.total == 9
    assert profile.gap is None
    first, second = profile.stacks
    assert (first.thread, first.value) == ("main", 7)
    assert [(f.name, f.kind) for f in first.frames] == [
        ("java.lang.Thread.run", "java"), ("Main.work", "java"), ("JavaThread::run()", "native"),
    ]  # fmt: skip
    assert second.thread is None
    assert [f.kind for f in second.frames] == ["native", "native", "kernel"]


def test_lines_that_are_none_are_counted_with_the_first() -> None:
    profile = parse_collapsed("a;b 1\nnonsense\na;b x\n\nc 2\n", "x")
    assert profile.total == 3
    assert profile.gap == "2 lines are no stacks (the first: line 2)"
    with pytest.raises(UnreadableInputError, match="no collapsed stack"):
        parse_collapsed("hello\n", "x")


def test_allocated_classes_are_one_whatever_the_buffer() -> None:
    profile = parse_collapsed("A.b;byte[]_[i] 3\nA.b;byte[]_[k] 4\n", "x", event="alloc")
    assert [(s.frames[-1], s.value) for s in profile.stacks] == [(class_frame("byte[]"), 7)]


def test_bytes_are_estimated_from_both_dumps() -> None:
    counts = "A.small;long[]_[i] 1000\nA.large;byte[]_[i] 40\nA.large;byte[]_[i] 10\n"
    totals = "A.small;long[]_[i] 80000\nA.large;byte[]_[i] 40000000\nA.large;byte[]_[i] 10000\n"
    profile = allocated_bytes(counts, totals, 524_288, "x")
    found = {s.frames[0].name: s.value for s in profile.stacks}
    assert found["A.small"] == pytest.approx(1000 * 524_288, rel=0.001)
    large = 40_000_000 / (1 - math.exp(-1_000_000 / 524_288)) + 10_000 / (1 - math.exp(-1_000 / 524_288))
    assert found["A.large"] == pytest.approx(large, rel=0.0001)
    shuffled = "\n".join(reversed(totals.strip().split("\n")))
    assert allocated_bytes(counts, shuffled, 524_288, "x").total > 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Job$$Lambda$14.0x0000000100000a08.run", "Job$$Lambda.run"),
        ("Job$$Lambda$14/0x0000000100000a08.run", "Job$$Lambda.run"),
        ("Job$$Lambda/0x00007f1.run", "Job$$Lambda.run"),
        ("Job$$Lambda$1/471910020.run", "Job$$Lambda.run"),
        (
            "jdk/internal/reflect/GeneratedMethodAccessor42.invoke",
            "jdk.internal.reflect.GeneratedMethodAccessor.invoke",
        ),
        ("java/lang/String.<init>", "java.lang.String.<init>"),
    ],
)
def test_names_do_not_differ_from_run_to_run(name: str, expected: str) -> None:
    assert java_frame(name).name == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b/C.d", "java"), ("C.d", "java"), ("C.d_[j]", "java"), ("read_[k]", "kernel"), ("G1::run(int)", "native"),
        ("start_thread", "native"), ("__GI_read", "native"), ("libc.so.6", "native"),
        ("org.apache.flink.api.connector.source.X.next", "java"), ("libx.so", "native"),
    ],
)  # fmt: skip
def test_kinds_are_guessed(name: str, kind: str) -> None:
    assert guessed_frame(name).kind == kind


@pytest.mark.parametrize(
    ("page", "event", "total"), [("alloc", "alloc", 10635), ("itimer", "cpu", 133), ("wall", "wall", 1129)]
)
def test_pages_of_the_real_async_profiler(page: str, event: str, total: int) -> None:
    profile = parse_async_profiler_page((FLAMES / f"async-{page}.html").read_text(), "x")
    assert (profile.event, profile.total, profile.unit) == (event, total, "samples")


def test_the_page_of_allocations_names_the_allocator() -> None:
    profile = parse_async_profiler_page((FLAMES / "async-alloc.html").read_text(), "x")
    of_program = sum(s.value for s in profile.stacks if s.frames[-2].name.startswith("Profiled."))
    assert of_program / profile.total > 0.99
    assert {s.frames[-1].name for s in profile.stacks if s.frames[-1].kind == "class"} >= {"byte[]", "long[]"}


def test_flinks_own_flame_graph() -> None:
    text = (FLAMES / "flink.json").read_text()
    profile = parse_flame_text(text, "x", "")
    assert profile is not None
    assert profile.total == json.loads(text)["data"]["value"]
    assert profile.stacks[0].frames[0].name == "java.lang.Thread.run"
    assert all(":" not in f.name for s in profile.stacks for f in s.frames)


def test_a_deep_tree_of_flink_is_no_recursion() -> None:
    node: dict[str, object] = {"name": "a.B.c:1", "value": 1, "children": []}
    for _ in range(5000):
        node = {"name": "a.B.c:1", "value": 1, "children": [node]}
    assert parse_flink_flame_graph({"data": {"name": "root", "value": 1, "children": [node]}}, "x").total == 1


@pytest.mark.parametrize(
    "text", ["{}", '{"data": 3}', '{"data": {"name": "root", "children": [{"x": 1}]}}', "{", "[" * 10]
)
def test_json_that_is_none_of_flinks(text: str) -> None:
    with pytest.raises(UnreadableInputError):
        parse_flame_text(text if text[0] == "{" else "{" + text, "x", "")


def test_a_page_of_something_else() -> None:
    with pytest.raises(UnreadableInputError, match="async-profiler 2"):
        parse_flame_text("<!DOCTYPE html><html></html>", "x", "")


def test_speedscope_adds_up(tmp_path: Path) -> None:
    profile = parse_collapsed("[main];a/b.c;d 5\n[main];a/b.c 2\n", "x")
    document = speedscope_document("name", [("one", profile)])
    (written,) = document["profiles"]
    assert written["endValue"] == sum(written["weights"]) == 7
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    assert [[frames[n] for n in sample] for sample in written["samples"]] == [
        ["[main]", "a.b.c", "d"],
        ["[main]", "a.b.c"],
    ]
    assert all(0 <= n < len(frames) for sample in written["samples"] for n in sample)


NAMES = st.text(
    st.characters(exclude_characters="\n\r;", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=5), st.integers(1, 10**15)), min_size=1, max_size=8))
def test_what_is_written_is_read_again(entries: list[tuple[list[str], int]]) -> None:
    text = "".join(f"{';'.join(names)} {value}\n" for names, value in entries)
    try:
        first = parse_collapsed(text, "x")
    except UnreadableInputError:
        return
    again = parse_collapsed("\n".join(collapsed_lines(first)), "x")
    assert again.total == first.total == sum(value for _, value in entries)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_never_crashes(text: str) -> None:
    for reader in (parse_collapsed, parse_async_profiler_page):
        try:
            reader(text, "x")
        except UnreadableInputError:
            continue
