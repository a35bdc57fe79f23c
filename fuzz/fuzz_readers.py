"""Fuzzes the readers of small formats: anything may come, only FlinkscopeError may leave, and soon.

pip install atheris && python fuzz/fuzz_readers.py READER CORPUS… -max_len=65536
python fuzz/fuzz_readers.py READER --mutate 500 CORPUS…            # without atheris: random damage to the corpus

READER is one of: hsperf, jfr, config, log, hs_err, threads, histogram, pod, flame, report, diagnose. The last one
writes the bytes into a file of no telling name and diagnoses it: what kind it is, is told by its content.
"""

from __future__ import annotations

import gzip
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flinkscope import FlinkscopeError, build_report, diagnose, render
from flinkscope.formats.class_histogram import parse_class_histogram
from flinkscope.formats.flame_files import parse_flame_text
from flinkscope.formats.flink_config import parse_flink_config
from flinkscope.formats.flink_log import read_flink_log
from flinkscope.formats.hs_err import parse_hs_err
from flinkscope.formats.hsperf import parse_hsperf
from flinkscope.formats.jfr import read_jfr
from flinkscope.formats.jfr_stacks import recorded_events, stacks_of
from flinkscope.formats.pod_status import read_pod_status
from flinkscope.formats.thread_dump import parse_thread_dump
from flinkscope.report.json_report import parse_report

SLOWEST_S = 10.0
_FOLDER = Path(tempfile.mkdtemp(prefix="flinkscope-fuzz-"))


def _text(read: Callable[..., object], *more: str) -> Callable[[bytes], object]:
    return lambda data: read(data.decode("utf-8", "replace"), *more)


def _written(name: str, data: bytes) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def _diagnosed(data: bytes) -> None:
    report = build_report(diagnose(_written("evidence", data)))
    for form in ("terminal", "html", "markdown", "json"):
        render(report, form)  # type: ignore[arg-type]


def _recording(data: bytes) -> None:
    recording = read_jfr(data, "run.jfr")
    for event in recorded_events(recording):
        stacks_of(recording, event)


READERS: dict[str, Callable[[bytes], object]] = {
    "hsperf": lambda data: parse_hsperf(data, "hsperfdata"),
    "jfr": _recording,
    "config": _text(parse_flink_config, "config.yaml"),
    "log": lambda data: read_flink_log(_written("flink.log", data)),
    "hs_err": _text(parse_hs_err, "hs_err.log"),
    "threads": _text(parse_thread_dump, "threads.txt"),
    "histogram": _text(parse_class_histogram, "histogram.txt"),
    "pod": _text(read_pod_status, "pod.json"),
    "flame": _text(parse_flame_text, "flame.html", "cpu"),
    "report": _text(parse_report),
    "diagnose": _diagnosed,
}


def check(reader: str, data: bytes) -> None:
    """Reads the bytes; anything but a FlinkscopeError with a short text escapes."""
    message = ""
    try:
        READERS[reader](data)
    except FlinkscopeError as error:
        message = str(error)
    assert len(message) < 20_000, "an error as long as its input"


def check_soon(reader: str, data: bytes) -> None:
    """The same, and slowness escapes too."""
    begin = time.process_time()
    check(reader, data)
    assert time.process_time() - begin < SLOWEST_S, "too slow"


def damage(data: bytes, dice: random.Random) -> bytes:
    """One random damage: cut, bits, digits, lines lost or out of order, a part twice, wild numbers."""
    if not data:
        return data
    spoiled, kind = bytearray(data), dice.randrange(6)
    if kind == 0:
        return data[dice.randrange(len(data)) :][: dice.randrange(len(data) + 1)]
    if kind == 1:
        for _ in range(dice.randrange(1, 100)):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        return bytes(spoiled)
    if kind == 2:
        for _ in range(dice.randrange(1, 50)):
            at = dice.randrange(len(spoiled))
            if 48 <= spoiled[at] <= 57:
                spoiled[at : at + 1] = dice.choice([b"", b"9" * dice.randrange(1, 400), b"-1", b"1e999", b"NaN", b"["])
        return bytes(spoiled)
    if kind == 3:
        at = dice.randrange(len(data))
        wild = dice.choice([b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0" * 8, b"\x80" + b"\0" * 7])
        return data[:at] + wild + data[at + 8 :]
    lines = data.split(b"\n")
    if kind == 4:
        return b"\n".join(line for line in lines if dice.random() > 0.3)
    at = dice.randrange(len(data))
    return data[:at] + data[at // 2 : at] + data[at:]


def mutate(reader: str, rounds: int, files: list[Path], seed: int = 1) -> None:
    """Damages the files ``rounds`` times in all."""
    dice = random.Random(seed)
    for _ in range(rounds):
        check(reader, damage(_plain(dice.choice(files))[:60_000], dice))


def _plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _files(places: list[str]) -> list[Path]:
    found = [path for place in places for path in ([Path(place)] if Path(place).is_file() else Path(place).rglob("*"))]
    return sorted(path for path in found if path.is_file())


if __name__ == "__main__":
    if sys.argv[2:3] == ["--mutate"]:
        mutate(sys.argv[1], int(sys.argv[3]), _files(sys.argv[4:]))
        print(f"{sys.argv[3]} damaged files read by {sys.argv[1]}")
    else:
        import atheris
        from guided import instrumented

        reader, target = sys.argv[1], instrumented("fuzz_readers")
        atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: target.check_soon(reader, data))
        atheris.Fuzz()
