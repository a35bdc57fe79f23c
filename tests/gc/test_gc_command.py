"""``flinkscope gc`` from outside: forms of output, exit codes, two logs, a log that grows."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.gc.figure import Figure

HEALTHY = """[0.000s][info][gc] Using Parallel
[1.100s][info][gc] GC(0) Pause Young (Allocation Failure) 60M->20M(90M) 100.000ms
[2.050s][info][gc] GC(1) Pause Young (Allocation Failure) 80M->30M(90M) 5.000ms
[9.000s][info][gc] GC(2) Pause Full (System.gc()) 70M->25M(90M) 35.000ms
"""
FULL = HEALTHY.replace("70M->25M(90M)", "89M->88M(90M)")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from flinkscope.cli.main import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    path = tmp_path / "healthy.log"
    path.write_text(HEALTHY)
    return path


@pytest.fixture
def full(tmp_path: Path) -> Path:
    path = tmp_path / "full.log"
    path.write_text(FULL)
    return path


def test_summary_and_exit_codes(healthy: Path, full: Path) -> None:
    good, bad = run("gc", healthy), run("gc", full)
    assert (good.returncode, bad.returncode) == (0, 1)
    assert run("gc", full, "--fail-on", "never").returncode == 0
    assert "live_set_last_bytes" in good.stdout
    assert "25.0 MiB" in good.stdout
    assert "The heap is too small for what is alive in it" in bad.stdout
    assert "[full.log:4]" in bad.stdout
    assert max(map(len, bad.stdout.splitlines())) <= 100
    assert run("gc", healthy.with_name("none.log")).returncode == 3
    assert run("gc").returncode == 2
    assert "Example" in run("gc", "--help").stdout


def test_json_and_csv_say_what_python_says(healthy: Path, tmp_path: Path) -> None:
    log = read_gc_log(healthy)
    document = json.loads(run("gc", healthy, "--json").stdout)
    for name, figure in log.figures.items():
        told = document["figures"][name]
        assert told.get("value") == (figure.value if isinstance(figure, Figure) else None)
        assert ("absent" in told) != isinstance(figure, Figure)
    assert document["full_gcs"][0]["heap_after_bytes"] == 25 << 20
    assert document["coverage"]["understood_gc_lines"] == document["coverage"]["gc_lines"] == 4
    rows = list(csv.DictReader(io.StringIO(run("gc", healthy, "--csv", "-").stdout)))
    assert [row["kind"] for row in rows] == ["young", "young", "full"]
    assert [int(row["start_ns"]) for row in rows] == log.events.start_ns.tolist()
    assert rows[0]["metaspace_after_bytes"] == ""


def test_a_page_and_two_logs_over_each_other(healthy: Path, full: Path, tmp_path: Path) -> None:
    page = tmp_path / "cure.html"
    result = run("gc", full, "--compare", healthy, "-o", page)
    assert result.returncode == 0, result.stderr  # what counts is the state after the cure
    assert "before" in result.stdout
    html = page.read_text()
    assert "full.log" in html
    assert "healthy.log" in html
    assert run("gc", full, "-o", tmp_path / "page.pdf").returncode == 2


def test_follow_prints_collections_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "gc.log"
    lines = HEALTHY.splitlines(keepends=True)
    path.write_text("".join(lines[:2]))
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also in a shell's background
    code = f"{heeding}; import sys; from flinkscope.cli.main import main; main(sys.argv[1:])"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "gc", str(path), "--follow"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "Pause Young (Allocation Failure)" in process.stdout.readline()
        with path.open("a") as stream:
            stream.write(lines[2][:30])
            stream.flush()
            time.sleep(0.7)  # half a line is no line yet
            stream.write(lines[2][30:] + lines[3])
        assert "80.0 MiB" in process.stdout.readline()
        assert "Pause Full (System.gc())" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert "full_gc_count" in rest
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def test_one_of_two_jvms_that_wrote_into_one_log(tmp_path: Path) -> None:
    path = tmp_path / "gc.log"
    rows = [row.replace("][info]", f"][{pid}][info]") + "\n" for row in HEALTHY.splitlines()[1:] for pid in (12, 77)]
    path.write_text("".join(rows) + rows[0].replace("GC(0)", "GC(3)").replace("1.100s", "9.500s"))
    whole = run("gc", path)
    assert "one of 2 JVMs in this log" in whole.stdout
    assert "without pid 77" in whole.stdout.replace("\n  ", " ")
    other = json.loads(run("gc", path, "--jvm", "pid 77", "--json").stdout)
    assert other["coverage"]["other_jvms"] == ["pid 12"]
    assert other["figures"]["pause_count"]["value"] == 3
    wrong = run("gc", path, "--jvm", "pid 5")
    assert (wrong.returncode, "pid 12, pid 77" in wrong.stderr) == (2, True)
