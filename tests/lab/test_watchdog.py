"""The watchdog with plain processes: what it watches dies with the starter, what it forgot lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flinkscope.errors import LabError
from flinkscope.lab import watchdog
from flinkscope.lab.cluster import abandoned_run_folders, new_run_folder, remove_run_folder
from flinkscope.lab.inventory import remove_leftovers, take_inventory

STARTER = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background of a shell inherits "ignore"
guard = subprocess.Popen([sys.executable, "-I", "-S", sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True)
sleepers = [subprocess.Popen(["sleep", "300"], process_group=0) for _ in range(2)]
lines = f"folder {sys.argv[2]}\\nwatch {sleepers[0].pid}\\nwatch {sleepers[1].pid}\\nforget {sleepers[1].pid}\\n"
guard.stdin.write(lines.encode())
guard.stdin.flush()
print(*(s.pid for s in sleepers), guard.pid, flush=True)
time.sleep(300)
"""


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pid: int, limit_s: float = 20.0) -> bool:
    deadline = time.monotonic() + limit_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_watched_processes_and_the_folder_go_with_the_starter(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / watchdog.MARKER).touch()
    command = [sys.executable, "-c", STARTER, str(Path(watchdog.__file__)), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as starter:
        assert starter.stdout is not None
        watched, forgotten, guard = map(int, starter.stdout.readline().split())
        try:
            assert alive(watched)
            starter.send_signal(number)
            assert wait_until_gone(watched)
            assert wait_until_gone(guard)
            assert alive(forgotten)
            assert not folder.exists()
        finally:
            os.kill(forgotten, signal.SIGKILL)


def test_a_folder_without_the_marker_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    command = [sys.executable, "-I", "-S", str(Path(watchdog.__file__))]
    subprocess.run(command, input=f"folder {tmp_path}\n".encode(), check=True, timeout=30)
    assert (tmp_path / "precious").exists()
    with pytest.raises(LabError, match="not a folder of the lab"):
        remove_run_folder(tmp_path)


def test_leftovers_are_told_from_runs_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mine, orphan = new_run_folder(), new_run_folder()
    with subprocess.Popen(["true"]) as ended:
        pass
    (orphan / watchdog.MARKER).write_text(f"{ended.pid}\n", encoding="utf-8")
    assert abandoned_run_folders() == [orphan]
    assert {entry.name: entry.state for entry in take_inventory().entries} == {
        mine.name: "in use",
        orphan.name: "left by a killed run",
    }
    assert [entry.name for entry in remove_leftovers()] == [orphan.name]
    assert mine.is_dir()
    assert not orphan.exists()
