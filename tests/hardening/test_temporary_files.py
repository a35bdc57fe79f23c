"""Temporary files: private, one folder a zip however often it is read, gone when the process is told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from flinkscope import diagnose
from flinkscope.sources.archive import unpacked

LOG = Path(__file__).resolve().parents[1] / "corpus" / "flinklog" / "metaspace-taskmanager.log"
WAITING = """
import click, time
from pathlib import Path
from flinkscope.cli import main

@click.command()
@click.argument("archive")
def command(archive):
    from flinkscope.sources.archive import unpacked
    print(unpacked(Path(archive)), flush=True)
    time.sleep(60)

main.cli = command
main.main()
"""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A zip with one log of Flink's."""
    path = tmp_path / "evidence.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(LOG, "taskmanager.log")
    return path


def test_a_zip_read_again_and_again_takes_its_room_once(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    reports = [diagnose(packed).findings for _ in range(3)]
    assert reports[0]
    assert reports == [reports[0]] * 3
    (folder,) = tmp_path.glob("flinkscope-zip-*")
    assert unpacked(packed) == folder
    assert folder.stat().st_mode & 0o077 == 0


def test_a_zip_that_changed_is_unpacked_again(packed: Path) -> None:
    first = unpacked(packed)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("note.txt", "more")
    assert sorted(path.name for path in unpacked(packed).iterdir()) == ["note.txt", "taskmanager.log"]
    assert [path.name for path in first.iterdir()] == ["taskmanager.log"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_end_it_removes_what_it_unpacked(packed: Path, sent: signal.Signals, code: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", WAITING, packed], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert (folder / "taskmanager.log").is_file()
    process.send_signal(sent)
    assert process.wait(timeout=60) == code
    assert not folder.exists()
