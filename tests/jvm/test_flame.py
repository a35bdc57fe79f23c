"""The tree of a flame graph, profiles from files, their forms, and the command."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import flinkscope
from flinkscope.cli.main import cli
from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.formats.stacks import Frame, Stack, StackProfile
from flinkscope.formats.thread_dump import parse_thread_dump
from flinkscope.jvm.flame import FlameNode, flame_tree, hot_frames, thread_totals
from flinkscope.jvm.flame_threads import profile_with_dumps
from flinkscope.place import Place
from flinkscope.progress import SILENT
from jvm_support.java_runtimes import CORPUS
from jvm_support.jfr_writer import Chunk

BEFORE = "[main];Job.run;Job.map 80\n[main];Job.run;Job.sink 20\n"
AFTER = "[main];Job.run;Job.map 10\n[main];Job.run;Job.sink 90\n[gc];G1::run() 100\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "before.collapsed", tmp_path / "after.collapsed"
    first.write_text(BEFORE)
    second.write_text(AFTER)
    return first, second


def frames(names: str) -> tuple[Frame, ...]:
    return tuple(Frame(name, "java") for name in names)


STACKS = st.lists(
    st.tuples(st.sampled_from([None, "t1", "t2"]), st.text("abc", min_size=1, max_size=4), st.integers(1, 100)),
    min_size=1,
)


def profile_of(entries: list[tuple[str | None, str, int]]) -> StackProfile:
    return StackProfile(Place("x"), "cpu", "samples", tuple(Stack(t, frames(n), v) for t, n, v in entries))


def leaves(node: FlameNode, path: tuple[str, ...] = ()) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter({path: node.own[0]} if node.own[0] else {})
    for child in node.children.values():
        found += leaves(child, (*path, child.frame.name))
    return found


@settings(max_examples=150, deadline=None)
@given(STACKS)
def test_the_tree_holds_each_stack_once(entries: list[tuple[str | None, str, int]]) -> None:
    tree = flame_tree([profile_of(entries)])
    wanted: Counter[tuple[str, ...]] = Counter()
    for thread, names, value in entries:
        head = ((thread or "(unknown thread)"),) if tree.threads else ()
        wanted[(*head, *names)] += value
    assert leaves(tree.root) == wanted
    assert tree.totals == (sum(wanted.values()),)


@settings(max_examples=150, deadline=None)
@given(STACKS, st.integers(1, 10))
def test_a_cut_tree_keeps_its_sum(entries: list[tuple[str | None, str, int]], most: int) -> None:
    tree = flame_tree([profile_of(entries)], most_nodes=most)
    found = leaves(tree.root)
    assert sum(found.values()) == tree.totals[0] == sum(value for _, _, value in entries)
    assert len(list(_nodes(tree.root))) <= max(1, most)


def _nodes(node: FlameNode) -> list[FlameNode]:
    return [node, *(below for child in node.children.values() for below in _nodes(child))]


@settings(max_examples=100, deadline=None)
@given(STACKS)
def test_hot_frames_count_recursion_once(entries: list[tuple[str | None, str, int]]) -> None:
    profile = profile_of(entries)
    for hot in hot_frames(profile):
        assert hot.own_value == sum(v for _, n, v in entries if n[-1] == hot.frame.name)
        assert hot.value == sum(v for _, n, v in entries if hot.frame.name in n)
    assert sum(value for _, value in thread_totals(profile)) == sum(v for t, _, v in entries if t)


def test_files_are_told_by_their_content(tmp_path: Path, files: tuple[Path, Path]) -> None:
    packed = tmp_path / "x.bin"
    packed.write_bytes(gzip.compress(BEFORE.encode()))
    chunk = Chunk()
    chunk.sample(1, "main", (("Job", "run"),))
    recording = tmp_path / "y.bin"
    recording.write_bytes(chunk.bytes())
    packed_recording = tmp_path / "z.bin"
    packed_recording.write_bytes(gzip.compress(chunk.bytes()))
    assert flinkscope.read_flame(files[0]).profile.total == 100
    assert flinkscope.read_flame(packed).profile.total == 100
    for path in (recording, packed_recording):
        flame = flinkscope.read_flame(path)
        assert (flame.profile.event, flame.profile.total) == ("cpu", 1)
    assert flinkscope.read_flame(CORPUS / "flame" / "flink.json").profile.unit == "samples"
    assert flinkscope.read_flame(CORPUS / "flame" / "async-wall.html").profile.event == "wall"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"JAVA PROFILE 1.0.2\0\0\0\0",
        b"\x1f\x8b\x08\0broken",
        gzip.compress(b"a;b 1\n" * 9)[:-9],
        b"words\n",
        b"FLR\0",
    ],
)
def test_what_is_no_profile(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(UnreadableInputError) as caught:
        flinkscope.read_flame(path)
    assert str(path) in caught.value.message


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SourceError):
            flinkscope.read_flame(path)


def test_thread_dumps_become_a_profile_of_what_runs() -> None:
    text = (CORPUS / "threads" / "jdk17.txt").read_text()
    dumps = iter([parse_thread_dump(text, "a")] * 50)
    profile = profile_with_dumps(lambda: next(dumps), "wall", 0, source="x", progress=SILENT, pause_s=0.0)
    threads = parse_thread_dump(text, "a").threads
    assert profile.total == 2 * sum(1 for thread in threads if thread.frames)
    assert {s.thread for s in profile.stacks} == {thread.name for thread in threads if thread.frames}
    assert all("(" not in f.name and "@" not in f.name for s in profile.stacks for f in s.frames)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["flame", *map(str, arguments)])
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_writes_each_form(tmp_path: Path, files: tuple[Path, Path]) -> None:
    for name in ("x.html", "x.collapsed", "x.json", "x.collapsed.gz"):
        code, text = run(files[0], "-o", tmp_path / name)
        assert code == 0
        assert "80.0 %    80.0 %  Job.map" in text
    assert (
        flinkscope.read_flame(tmp_path / "x.collapsed").profile.stacks == flinkscope.read_flame(files[0]).profile.stacks
    )
    assert flinkscope.read_flame(tmp_path / "x.collapsed.gz").profile.total == 100
    assert json.loads((tmp_path / "x.json").read_text())["profiles"][0]["endValue"] == 100
    page = (tmp_path / "x.html").read_text()
    assert "default-src 'none'" in page
    assert page.count("http") == page.count("http-equiv") + page.count("http://www.w3.org/2000/svg")


def test_the_command_compares_two(tmp_path: Path, files: tuple[Path, Path]) -> None:
    _, text = run(*files, "-o", tmp_path / "d.collapsed")
    assert "80.0 %     5.0 %     −75.0  Job.map" in text
    assert "[main];Job.run;Job.map 80 10\n" in (tmp_path / "d.collapsed").read_text()
    run(*files, "-o", tmp_path / "d.json")
    assert [p["endValue"] for p in json.loads((tmp_path / "d.json").read_text())["profiles"]] == [100, 200]
    _, text = run(*files, "--json")
    assert [profile["total"] for profile in json.loads(text)["profiles"]] == [100, 200]


def test_profiles_of_different_kinds_do_not_compare(tmp_path: Path, files: tuple[Path, Path]) -> None:
    chunk = Chunk()
    for ticks in (1, 2):
        chunk.allocation(ticks, "main", (("Job", "run"),), "[B", 100)
    (tmp_path / "x.jfr").write_bytes(chunk.bytes())
    with pytest.raises(UsageError, match="do not compare"):
        run(files[0], tmp_path / "x.jfr")


@pytest.mark.parametrize("name", ["x.pdf", "x", "absent-folder/x.html"])
def test_a_form_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, name: str) -> None:
    with pytest.raises((UsageError, SourceError)):
        run(2**22 - 3, "--seconds", 3600, "-o", tmp_path / name)


def test_output_fits_the_terminal_and_cannot_drive_it(tmp_path: Path) -> None:
    path = tmp_path / "x.collapsed"
    path.write_text(f"[\x1b[31mred];{'a' * 300}/{'b' * 300}.c;\u202eevil/X.y 5\n")
    _, text = run(path)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.split("\n"))) <= 100
