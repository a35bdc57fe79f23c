"""The command line's contract: exit codes, clear messages, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "flinkscope", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False,
    )  # fmt: skip


def assert_clear(result: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    """The exit code, the message, and no traceback anywhere."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    for text in says:
        assert text in result.stderr


def test_help_is_fast_to_import() -> None:
    heavy = "('numpy', 'numba', 'rich', 'jinja2')"
    heavy = f"import sys; import flinkscope.cli.main; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_empty_folder(tmp_path: Path) -> None:
    assert_clear(run("diagnose", tmp_path), 4, "the folder is empty", "hint:")


def test_a_text_file(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Flink,\nI hope this finds you well.\n")
    assert_clear(run("diagnose", letter), 4, "not recognised")


def test_a_missing_file(tmp_path: Path) -> None:
    assert_clear(run("diagnose", tmp_path / "gone"), 3, "no such file")


def test_no_source_at_all() -> None:
    assert_clear(run("diagnose"), 2, "nothing to read")


def test_a_case_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "some-other-tool", "version": 3}))
    assert_clear(run("diagnose", tmp_path), 4, "some-other-tool", "another program")


def test_a_folder_without_rights(tmp_path: Path) -> None:
    """As another user, who may not even read our modules: a first run in the same process has imported them all."""
    locked, empty = tmp_path / "locked", tmp_path / "empty"
    locked.mkdir(mode=0)
    empty.mkdir()
    first = "import contextlib, os, sys\nfrom flinkscope.cli.main import main"
    warm = "for word in sys.argv[2:]:\n    with contextlib.suppress(SystemExit):\n        main(['diagnose', word])"
    drop = "os.geteuid() == 0 and (os.setegid(65534), os.seteuid(65534))\nsys.stderr.write('now\\n')"
    code = f"{first}\n{warm}\n{drop}\nmain(['diagnose', sys.argv[1]])"
    command = [sys.executable, "-c", code, str(locked), str(empty), str(tmp_path / "missing")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    result.stderr = result.stderr.partition("now\n")[2]
    assert_clear(result, 3, "Permission denied", "hint:")


@pytest.mark.parametrize("size", [0, 1, 19, 31, 100])
def test_a_heap_dump_cut_in_its_head(tmp_path: Path, size: int) -> None:
    dump = tmp_path / "heap.hprof"
    dump.write_bytes((b"JAVA PROFILE 1.0.2\0" + bytes([0, 0, 0, 8]) + bytes(8) + b"\x01" + bytes(99))[:size])
    result = run("diagnose", dump)
    assert_clear(result, 4)
    assert str(dump) in result.stderr


def test_hostile_file_names_cannot_drive_the_terminal(tmp_path: Path) -> None:
    evil = tmp_path / "evil\x1b[2J\u202e.txt"
    evil.write_text("nothing")
    result = run("diagnose", evil)
    assert_clear(result, 4)
    assert "\x1b" not in result.stderr


def test_an_unknown_ending_is_told_before_the_work(tmp_path: Path) -> None:
    assert_clear(run("diagnose", tmp_path, "-o", "report.docx"), 2, ".docx")


@pytest.mark.parametrize("words", [("gc", "LOG", "--csv", "BAD"), ("gc", "LOG", "-o", "BAD.html")])
def test_what_cannot_be_written_is_no_bug(tmp_path: Path, words: tuple[str, ...]) -> None:
    log = tmp_path / "gc.log"
    log.write_text("[0.1s][info][gc] Using G1\n[0.5s][info][gc] GC(0) Pause Young (Normal) 5M->1M(64M) 2.0ms\n")
    (tmp_path / "file").touch()
    bad = str(tmp_path / "file" / "below")
    given = [w.replace("LOG", str(log)).replace("BAD", bad) for w in words]
    assert_clear(run(*given), 3, "file", "hint:")


def test_rules_are_listed_and_shown() -> None:
    listed = run("rules", "--json")
    assert {"R01", "R02", "R10"} <= {rule["id"] for rule in json.loads(listed.stdout)}
    assert "Why it happens" in run("rules", "r02").stdout
    assert_clear(run("rules", "R99"), 2, "no rule R99")


def test_a_bug_says_how_to_report_it(tmp_path: Path) -> None:
    code = """
import flinkscope.cli.main as m
@m.cli.command()
def boom(): raise ZeroDivisionError("x")
m.LazyGroup.get_command = lambda self, ctx, name: boom
m.main(["boom"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert_clear(result, 70, "bug in flinkscope", "flinkscope-bug-")
