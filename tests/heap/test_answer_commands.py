"""The commands of the answers: JSON with the library's names, 100 columns, exit codes, secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from flinkscope.cli.heap import command as heap_group
from flinkscope.cli.main import main
from strategies.hprof import BOOLEAN, INT, LONG
from strategies.java_heap import REF, JavaHeap, hash_map, with_collections

SECRET = "password=hunter2"


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    built = JavaHeap()
    with_collections(built)
    built.cls("java.lang.Thread", {"name": REF, "contextClassLoader": REF, "daemon": BOOLEAN, "threadStatus": INT})
    built.cls("java.lang.ref.Reference", {"referent": REF})
    built.cls("java.lang.ref.WeakReference", {}, parent="java.lang.ref.Reference")
    built.cls("java.nio.DirectByteBuffer", {"address": LONG, "capacity": INT, "cleaner": REF, "att": REF})
    cleaner = built.new("java.lang.Object")
    loaders = [built.new("java.lang.ClassLoader", name=built.string(f"user {k}")) for k in range(2)]
    held = [built.new(built.cls("lib.Json", {}, loader=loader)) for loader in loaders]
    strings = [built.string(SECRET) for _ in range(3)]
    data = built.numbers(LONG, *[*range(300), *[0] * 300])
    held += [*strings, data, hash_map(built, [(strings[0], strings[1])], 16), hash_map(built, [], 8)]
    held.append(built.new("java.nio.DirectByteBuffer", capacity=4096, cleaner=cleaner))
    held.append(built.new("java.lang.ref.WeakReference", referent=strings[0]))
    thread = built.new("java.lang.Thread", name=built.string("Source: Kafka \x1b[31m → Map (1/2)#0"), threadStatus=5)
    built.thread(thread, 1, [("java.lang.Object", "wait"), ("lib.Json", "parse")])
    built.local(built.array(*held), 1, 1)
    path = tmp_path_factory.mktemp("dump") / "heap.hprof"
    path.write_bytes(built.dump.to_bytes())
    return path, {"thread": thread, "loader": loaders[0], "string": strings[0], "data": data}


def run(*words: object) -> tuple[int, str]:
    how = {"catch_exceptions": False, "standalone_mode": False, "color": True}
    result = CliRunner().invoke(heap_group, [str(w) for w in words], **how)  # type: ignore[arg-type]
    return int(result.return_value or 0), result.stdout


def answers(at: dict[str, int]) -> list[tuple[str, ...]]:
    return [
        ("object", hex(at["thread"])),
        ("threads", "--stacks"),
        ("threads",),
        ("loaders",),
        ("duplicates",),
        ("suspects",),
        ("collections",),
        ("waste",),
        ("strings",),
        ("strings", "--find", "hunter"),
        ("direct",),
        ("references",),
        ("pins", hex(at["loader"])),
        ("pins", "java.lang.String", "--merged"),
        ("sql", "SELECT address, class_name FROM objects"),
        ("sql", "SELECT * FROM strings"),
    ]


def test_every_answer_as_text_and_json(dump: tuple[Path, dict[str, int]]) -> None:
    path, at = dump
    for name, *rest in answers(at):
        code, text = run(name, path, *rest)
        assert code == (1 if name == "suspects" else 0)
        assert text
        assert max(len(line) for line in text.splitlines()) <= 100, (name, max(text.splitlines(), key=len))
        assert "\x1b" not in text
        assert SECRET not in text
        assert "are hidden" in text
        _, answer = run(name, path, *rest, "--json")
        document = json.loads(answer)
        assert document["strings_shown"] is False
        assert (document["incomplete"], document["missing"]) == (False, [])
        assert SECRET not in answer


@pytest.mark.parametrize(
    "words", [("strings",), ("sql", "SELECT text FROM strings"), ("strings", "--find", "hunter"), ("object",)]
)
def test_secrets_are_shown_when_asked(words: tuple[str, ...], dump: tuple[Path, dict[str, int]]) -> None:
    path, at = dump
    rest = [*words[1:], hex(at["string"])] if words[0] == "object" else words[1:]
    code, text = run(words[0], path, *rest, "--show-strings")
    assert code == 0
    assert SECRET in text
    assert "are hidden" not in text
    assert json.loads(run(words[0], path, *rest, "--show-strings", "--json")[1])["strings_shown"] is True


def test_json_has_the_names_of_the_library(dump: tuple[Path, dict[str, int]]) -> None:
    path, at = dump

    def rows(*words: object) -> Any:
        return json.loads(run(*words, "--json")[1])

    duplicate = rows("duplicates", path)["rows"][0]
    assert (duplicate["class_name"], len(duplicate["loaders"])) == ("lib.Json", 2)
    thread = rows("threads", path)["rows"][0]
    assert thread["address"] == at["thread"]
    assert thread["stack"][1]["locals"][0]["retained_bytes"] > 0
    assert rows("object", path, at["data"])["length"] == 600
    assert rows("object", path, at["data"])["elements"] is None
    direct = rows("direct", path)
    assert (direct["owned_bytes"], direct["jvm_reserved_bytes"]) == (4096, None)
    assert rows("sql", path, "SELECT 1 AS one")["rows"] == [[1]]
    assert rows("suspects", path)["rows"][0]["thread"]["name"].startswith("Source: Kafka")


def test_sql_prints_plain_numbers_and_wide_rows_as_blocks(dump: tuple[Path, dict[str, int]]) -> None:
    path, at = dump
    _, narrow = run("sql", path, f"SELECT address, class_name FROM objects WHERE address = {at['thread']}")
    assert narrow.splitlines()[1].split() == [str(at["thread"]), "java.lang.Thread"]
    _, wide = run("sql", path, f"SELECT * FROM threads WHERE address = {at['thread']}")
    shown = {line.split()[0]: line.split()[1:] for line in wide.splitlines() if line.startswith("  ")}
    assert wide.startswith("row 1\n")
    assert (shown["address"], shown["frames"]) == ([str(at["thread"])], ["2"])
    assert max(map(len, wide.splitlines())) <= 100


def test_an_incomplete_dump_says_so_in_line_1(dump: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    path, at = dump
    cut = tmp_path / "cut.hprof"
    cut.write_bytes(path.read_bytes()[:-700])
    for name, *rest in answers(at):
        if name in ("pins", "object"):  # what they ask for may be in the part that is missing
            continue
        _, text = run(name, cut, *rest)
        assert text.startswith("incomplete dump: "), name
        assert max(len(line) for line in text.splitlines()) <= 100
        document = json.loads(run(name, cut, *rest, "--json")[1])
        assert document["incomplete"]
        assert document["missing"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("object", "DUMP", "0x5"), 2),
        (("object", "DUMP", "here"), 2),
        (("pins", "DUMP", "no.such.Class"), 2),
        (("sql", "DUMP", "DROP TABLE x"), 2),
        (("strings", "DUMP", "--find", "("), 2),
        (("threads", "/absent.hprof"), 3),
        (("threads", "/"), 4),
        (("waste", "TEXT"), 4),
        (("suspects", "DUMP", "--threshold", "50"), 1),
        (("suspects", "DUMP", "--threshold", "99.9"), 0),
        (("loaders", "DUMP"), 0),
    ],
)
def test_exit_codes(
    words: tuple[str, ...],
    code: int,
    dump: tuple[Path, dict[str, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = tmp_path / "gc.log"
    text.write_text("[0.005s][info][gc] Using G1\n")
    places = {"DUMP": str(dump[0]), "TEXT": str(text)}
    with pytest.raises(SystemExit) as stopped:
        main(["heap", *(places.get(word, word) for word in words)])
    assert stopped.value.code == code
    if code > 1:
        assert capsys.readouterr().err.count("\n") >= 1


def test_every_help_has_an_example() -> None:
    for name in heap_group.list_commands(None):  # type: ignore[attr-defined]
        text = CliRunner().invoke(heap_group, [name, "--help"]).stdout
        assert "flinkscope heap " + name in text
        assert "--json" in text


def test_values_that_are_not_plain_become_plain() -> None:
    from flinkscope.absent import Absent
    from flinkscope.cli.heap_answer import _plain

    assert _plain([Absent("x"), np.int64(3).item(), {"k": (1, None)}]) == [None, 3, {"k": [1, None]}]
