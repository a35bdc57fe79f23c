"""Files that claim or unpack to far more than they are: an answer in bounded memory and time, never a traceback.

Each runs in a process of its own, whose peak memory is read back from the kernel. 600 MiB is what the
compiled kernels need (250) and less than the 384 MiB of a file would add, were it held.
"""

from __future__ import annotations

import gzip
import os
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

MIB = 1 << 20
MOST_BYTES = 600 * MIB


def _gzip_of(prefix: bytes, body: bytes, mebibytes: int, path: Path) -> Path:
    """A gzip of ``prefix`` and ``times`` MiB of a repeated ``body``, written without ever holding it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = (body * (MIB // len(body) + 1))[:MIB]
    with path.open("wb") as out:
        out.write(packer.compress(prefix))
        for _ in range(mebibytes):
            out.write(packer.compress(block))
        out.write(packer.flush())
    return path


def _zip_of(name: str, prefix: bytes, body: bytes, mebibytes: int, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open(name, "w", force_zip64=True) as out:
        out.write(prefix)
        for _ in range(mebibytes):
            out.write((body * (MIB // len(body) + 1))[:MIB])
    return path


def flink_log_bomb(folder: Path) -> Path:
    """A log line that never ends."""
    head = b"2026-11-21 10:00:00,000 INFO  org.apache.flink.runtime.taskexecutor.TaskManagerRunner [] - "
    return _gzip_of(head, b"x", 384, folder / "flink.log.gz")


def gc_log_bomb(folder: Path) -> Path:
    """A GC log whose second line never ends."""
    head = b"[0.010s][info][gc] Using G1\n[1.000s][info][gc] GC(0) Pause Young (Normal) "
    return _gzip_of(head, b" ", 384, folder / "gc.log.gz")


def config_bomb(folder: Path) -> Path:
    """A configuration of 384 MiB."""
    return _gzip_of(b"taskmanager.memory.process.size: 1728m\n", b"# comment\n", 384, folder / "config.yaml.gz")


def dump_bomb(folder: Path) -> Path:
    """A heap dump of one string record after the other."""
    head = b"JAVA PROFILE 1.0.2\0" + struct.pack(">IQ", 8, 0)
    record = struct.pack(">BIIQ", 1, 0, 9, 1) + b"x"
    return _gzip_of(head, record, 192, folder / "heap.hprof.gz")


def case_zip_bomb(folder: Path) -> Path:
    """A case whose manifest unpacks to 384 MiB."""
    return _zip_of("manifest.json", b'{"format": "flinkscope-case", "x": "', b"a", 384, folder / "case.zip")


def log_zip_bomb(folder: Path) -> Path:
    """A zip with a log of 96 MiB in it."""
    return _zip_of("taskmanager.log", b"", b"2026-11-21 10:00:00,000 INFO  x [] - y\n", 96, folder / "logs.zip")


def zip_of_many(folder: Path) -> Path:
    """Thirty thousand entries."""
    with zipfile.ZipFile(folder / "many.zip", "w") as packed:
        for number in range(30_000):
            packed.writestr(zipfile.ZipInfo(f"f{number}.log"), b"")
    return folder / "many.zip"


def yaml_of_laughs(folder: Path) -> Path:
    """Aliases of aliases: ten lines that would be 10^9 nodes."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    path = folder / "config.yaml"
    path.write_text("\n".join([*lines, "taskmanager.memory.process.size: 1728m"]))
    return path


def deep_yaml(folder: Path) -> Path:
    """Brackets in brackets."""
    path = folder / "config.yaml"
    path.write_text("taskmanager.memory.process.size: 1728m\na: " + "[" * 100_000)
    return path


def deep_json(folder: Path) -> Path:
    """Arrays in arrays, as a checkpoint statistic."""
    path = folder / "checkpoints.json"
    path.write_text('{"counts": {"completed": 1}, "history": ' + "[" * 200_000 + "]" * 200_000 + "}")
    return path


def deep_report(folder: Path) -> Path:
    """A report that is nothing but depth."""
    path = folder / "report.json"
    path.write_text('{"schema": "flinkscope-report/1", "findings": ' + '{"a":' * 100_000)
    return path


def giant_record(folder: Path) -> Path:
    """Ten kilobytes that claim an array of 2^31 - 1 references and a string of 4 GiB."""
    head = b"JAVA PROFILE 1.0.2\0" + struct.pack(">IQ", 8, 0)
    array = struct.pack(">BQIIQ", 0x22, 0x1000, 0, 0x7FFFFFFF, 0x2000)
    body = struct.pack(">BII", 0x1C, 0, 0xFFFFFFFF) + array
    text = struct.pack(">BII", 1, 0, 0xFFFFFFF0) + b"x" * 9000
    path = folder / "heap.hprof"
    path.write_bytes(head + text + body)
    (folder / "array.hprof").write_bytes(head + body + b"\0" * 9000)
    return folder


def many_classes(folder: Path) -> Path:
    """200,000 LOAD_CLASS records without a class dump."""
    head = b"JAVA PROFILE 1.0.2\0" + struct.pack(">IQ", 8, 0)
    records = b"".join(
        struct.pack(">BII", 2, 0, 24) + struct.pack(">IQIQ", n, n * 8, 0, n * 8) for n in range(1, 200_000)
    )
    path = folder / "heap.hprof"
    path.write_bytes(head + records)
    return path


def long_gc_line(folder: Path) -> Path:
    """One line of 384 MiB in a plain GC log."""
    path = folder / "gc.log"
    with path.open("wb") as out:
        out.write(b"[0.010s][info][gc] Using G1\n[1.000s][info][gc] GC(0) Pause Young (Normal) ")
        for _ in range(384):
            out.write(b"9" * MIB)
    return path


def collapsed_bomb(folder: Path) -> Path:
    """Collapsed stacks without an end of line."""
    return _gzip_of(b"main;run ", b"a;", 384, folder / "stacks.collapsed.gz")


def wild_jfr(folder: Path) -> Path:
    """A flight recording whose header points everywhere."""
    path = folder / "run.jfr"
    path.write_bytes(
        b"FLR\0" + struct.pack(">HHQQQQQQI", 2, 1, 1 << 62, 1 << 61, 1 << 60, 1, 2, 3, 1) + os.urandom(9000)
    )
    return path


Hostile = Callable[[Path], Path]
DIAGNOSED: list[Hostile] = [
    flink_log_bomb, gc_log_bomb, config_bomb, dump_bomb, case_zip_bomb, log_zip_bomb, zip_of_many, yaml_of_laughs,
    deep_yaml, deep_json, deep_report, giant_record, many_classes, long_gc_line, collapsed_bomb, wild_jfr,
]  # fmt: skip
COMMANDS: list[tuple[str, Hostile]] = [
    ("gc", gc_log_bomb), ("gc", log_zip_bomb), ("gc", long_gc_line), ("heap histogram", dump_bomb),
    ("heap info", many_classes), ("memory", config_bomb), ("memory", yaml_of_laughs), ("memory", deep_yaml),
    ("lint", yaml_of_laughs), ("render", deep_report), ("flame", collapsed_bomb), ("flame", wild_jfr),
    ("threads", flink_log_bomb),
]  # fmt: skip


def answer(words: list[str], folder: Path) -> tuple[int, str, int]:
    """Exit code, everything printed, peak memory of the process."""
    output = folder / "output.txt"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "flinkscope", *words], cwd=folder, stdout=out, stderr=subprocess.STDOUT
        )
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (120, 120))  # a hang ends
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, output.read_text(errors="replace"), usage.ru_maxrss * 1024


def check(words: list[str], folder: Path) -> None:
    code, printed, peak_bytes = answer(words, folder)
    assert "Traceback" not in printed, printed[-2000:]
    assert code in (0, 1, 2, 3, 4), (code, printed[-2000:])
    assert peak_bytes < MOST_BYTES, f"{peak_bytes:,} bytes\n{printed[-500:]}"
    assert len(printed) < 200_000


@pytest.mark.parametrize("hostile", DIAGNOSED, ids=lambda hostile: hostile.__name__)
def test_a_diagnosis_stays_bounded(hostile: Hostile, tmp_path: Path) -> None:
    check(["diagnose", str(hostile(tmp_path))], tmp_path)


@pytest.mark.parametrize(("command", "hostile"), COMMANDS, ids=lambda part: getattr(part, "__name__", part))
def test_a_command_stays_bounded(command: str, hostile: Hostile, tmp_path: Path) -> None:
    check([*command.split(), str(hostile(tmp_path))], tmp_path)


def test_a_gzip_that_holds_a_gzip_is_not_followed(tmp_path: Path) -> None:
    inner = gzip.compress(b"taskmanager.memory.process.size: 1728m\n")
    path = tmp_path / "config.yaml.gz"
    path.write_bytes(gzip.compress(inner))
    check(["memory", str(path)], tmp_path)


def test_a_zip_that_claims_far_more_than_it_is(tmp_path: Path) -> None:
    path = _zip_of("heap.hprof", b"", b"\0", 1500, tmp_path / "case.zip")
    code, printed, _peak = answer(["diagnose", str(path)], tmp_path)
    assert code == 4
    assert "zip bomb" in printed


def test_a_zip_stays_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "case.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name in ("../../outside.log", "/outside.log", "C:\\outside.log", "inside.log"):
            packed.writestr(name, "2026-11-21 10:00:00,000 INFO  org.apache.flink.X [] - hello\n")
        link = zipfile.ZipInfo("link.log")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    before = set(tmp_path.parent.iterdir()) | set(Path("/").iterdir())
    code, printed, _peak = answer(["diagnose", str(path), "--json"], tmp_path)
    assert code in (0, 1, 4)
    assert "root:" not in printed
    assert set(tmp_path.parent.iterdir()) | set(Path("/").iterdir()) == before
