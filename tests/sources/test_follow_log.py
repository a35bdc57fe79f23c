"""A log that is followed: every line once, through the rotations of JDK 8, of unified logging and of logrotate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flinkscope.sources.logfiles import LogFile, follow


class Followed:
    """Collects what a follower yields; a step ends when nothing new comes."""

    def __init__(self, path: Path) -> None:
        self._chunks: Iterator[bytes] = follow(LogFile(path), poll_seconds=0.001)
        self.text = b""

    def step(self, quiet: int = 2) -> bytes:
        while quiet:
            chunk = next(self._chunks)
            self.text += chunk
            quiet -= not chunk
        return self.text


def append(path: Path, text: str) -> None:
    with path.open("a") as stream:
        stream.write(text)


def test_unified_rotation_loses_and_repeats_nothing(tmp_path: Path) -> None:
    log = tmp_path / "gc.log"
    append(log, "one\ntw")
    followed = Followed(log)
    assert followed.step() == b"one\n"
    append(log, "o\n")
    assert followed.step() == b"one\ntwo\n"
    append(log, "three\n")  # written and rotated between two looks
    log.rename(tmp_path / "gc.log.0")
    append(log, "four\n")
    assert followed.step() == b"one\ntwo\nthree\nfour\n"
    append(log, "five\n")
    log.rename(tmp_path / "gc.log.1")  # and a look between the renaming and the new file
    assert followed.step() == b"one\ntwo\nthree\nfour\nfive\n"
    append(log, "six\n")
    assert followed.step() == b"one\ntwo\nthree\nfour\nfive\nsix\n"


def test_rotation_of_jdk_8(tmp_path: Path) -> None:
    append(tmp_path / "gc.log.0.current", "one\n")
    followed = Followed(tmp_path / "gc.log.0.current")
    followed.step()
    append(tmp_path / "gc.log.0.current", "two\n")
    (tmp_path / "gc.log.0.current").rename(tmp_path / "gc.log.0")
    append(tmp_path / "gc.log.1.current", "three\n")
    assert followed.step() == b"one\ntwo\nthree\n"
    append(tmp_path / "gc.log.1.current", "four\n")
    assert followed.step() == b"one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize("again", ["a\n", "something else\n"])
def test_a_log_that_was_emptied_is_read_from_its_start(tmp_path: Path, again: str) -> None:
    log = tmp_path / "gc.log"
    append(log, "a long first line of the log\n")
    followed = Followed(log)
    followed.step()
    log.write_text(again)
    assert followed.step() == b"a long first line of the log\n" + again.encode()
