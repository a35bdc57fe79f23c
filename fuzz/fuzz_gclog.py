"""Fuzzes the reading of GC logs: anything may come, only FlinkscopeError may leave, no figure may be impossible.

pip install atheris && python fuzz/fuzz_gclog.py tests/corpus/gclog -max_len=65536
python fuzz/fuzz_gclog.py --mutate 500 tests/corpus/gclog        # without atheris: random damage to the corpus
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from flinkscope import FlinkscopeError, read_gc_log
from flinkscope.gc.document import event_rows, log_document
from flinkscope.gc.figure import Figure
from flinkscope.report.gc_text import log_text

SLOWEST_S = 10.0
SIGNED = ("slope", "trend")
_FILE = Path(tempfile.mkdtemp(prefix="flinkscope-fuzz-")) / "gc.log"


def test_one_input(data: bytes) -> None:
    """Reads the bytes as a GC log and looks at everything that is said about them."""
    _FILE.write_bytes(data)
    begin = time.process_time()
    try:
        log = read_gc_log(_FILE)
    except FlinkscopeError:
        return
    for name, figure in log.figures.items():
        if isinstance(figure, Figure) and figure.value < 0:
            assert any(word in name for word in SIGNED), (name, figure)
    throughput = log.figures["throughput_bp"]
    assert not isinstance(throughput, Figure) or 0 <= throughput.value <= 10_000
    assert 0 <= log.coverage.understood_gc_lines <= log.coverage.gc_lines
    assert all(
        0 <= row < len(log.events) for run in log.segments for row in (run.first_event,) if len(log.events) > row
    )
    log_document(log)
    log_text(log)
    log.series()
    for _ in event_rows(log.events):
        pass
    assert time.process_time() - begin < SLOWEST_S, "too slow"


def damage(data: bytes, dice: random.Random) -> bytes:
    """One random damage: cut, bits, digits, lines lost, lines out of order."""
    spoiled = bytearray(data)
    kind = dice.randrange(5)
    if kind == 0:
        return data[dice.randrange(len(data) + 1) :][: dice.randrange(len(data) + 1)]
    if kind == 1:
        for _ in range(dice.randrange(1, 200)):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        return bytes(spoiled)
    if kind == 2:
        for _ in range(dice.randrange(1, 200)):
            at = dice.randrange(len(spoiled))
            if 48 <= spoiled[at] <= 57:
                spoiled[at : at + 1] = dice.choice([b"", b"9" * dice.randrange(1, 30), b"-1", b".", b","])
        return bytes(spoiled)
    lines = data.split(b"\n")
    if kind == 3:
        return b"\n".join(line for line in lines if dice.random() > 0.3)
    dice.shuffle(lines)
    return b"\n".join(lines)


def mutate(rounds: int, corpus: Path, seed: int) -> None:
    """Damages files of the corpus ``rounds`` times."""
    dice = random.Random(seed)
    files = sorted(path for path in corpus.rglob("*") if path.is_file() and "log" in path.name)
    for _ in range(rounds):
        test_one_input(damage(dice.choice(files).read_bytes()[: dice.choice([3_000, 60_000])], dice))
    print(f"{rounds} damaged logs of {len(files)} files read, seed {seed}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--mutate"]:
        mutate(int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    else:
        import atheris
        from guided import instrumented

        atheris.Setup(sys.argv, instrumented("fuzz_gclog").test_one_input)
        atheris.Fuzz()
