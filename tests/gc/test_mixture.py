"""Several JVMs that wrote into one log at the same time: the figures are those of one of them, the others are named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.errors import UsageError
from flinkscope.gc.figure import Figure
from flinkscope.gc.log import GcLog
from strategies import gclog_unified as writer

OWN = Path(__file__).parents[1] / "corpus" / "gclog" / "jvm"


def log_of(seed: int, decorations: tuple[str, ...], pid: int, count: int = 30) -> list[bytes]:
    dice = random.Random(seed)
    events = []
    for number in range(count):
        after = dice.randrange(10, 900)
        title = "Pause Full (System.gc())" if number % 10 == 9 else writer.YOUNG_TITLES["G1"][0]
        numbers = (1_000 * number + 500 + 7 * pid, dice.randrange(90_000), after + 99, after, 2_048, 9_000, 7)
        events.append(writer.Collection(title, *numbers, details=bool(seed % 2)))
    lines = writer.render(writer.Log("G1", decorations, tuple(events))).splitlines()
    return [line.replace(b"[1]", b"[%d]" % pid) for line in lines]


def by_turns(first: list[bytes], second: list[bytes], seed: int = 5) -> bytes:
    """Runs of lines of both, in the order of each."""
    dice, merged, rest = random.Random(seed), [], [list(reversed(first)), list(reversed(second))]
    while rest[0] and rest[1]:
        side = rest[dice.randrange(2)]
        merged += [side.pop() for _ in range(min(len(side), dice.randrange(1, 12)))]
    return b"\n".join([*merged, *reversed(rest[0]), *reversed(rest[1])]) + b"\n"


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def same(log: GcLog, bare: GcLog) -> None:
    assert log.figures == bare.figures
    assert [full.heap_after_bytes for full in log.full_gcs] == [full.heap_after_bytes for full in bare.full_gcs]


@pytest.mark.parametrize(
    "decorations",
    [("time", "uptime", "pid", "tid", "tags"), ("time", "pid", "tags"), ("hostname", "pid", "tid", "tags"), ("pid",)],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_by_process(tmp_path: Path, decorations: tuple[str, ...], seed: int) -> None:
    first, second = log_of(seed, decorations, 12, 31), log_of(seed + 2, decorations, 77)
    bare = [read_gc_log(saved(tmp_path / f"{n}.txt", b"\n".join(part))) for n, part in enumerate((first, second))]
    path = saved(tmp_path / "gc.log", by_turns(first, second))
    log = read_gc_log(path)
    same(log, bare[0])
    assert [name.rpartition("pid ")[2] for name in log.coverage.other_jvms] == ["77"]
    assert "at the same time" in log.coverage.notes[0]
    same(read_gc_log(path, jvm=log.coverage.other_jvms[0]), bare[1])
    with pytest.raises(UsageError, match="no JVM pid 5"):
        read_gc_log(path, jvm="pid 5")


def test_by_pod(tmp_path: Path) -> None:
    first, second = log_of(1, ("uptime",), 1, 31), log_of(2, ("uptime",), 1)
    bare = read_gc_log(saved(tmp_path / "bare.txt", b"\n".join(second)))
    pods = [[b"[pod/tm-%d/main] " % at + line for line in lines] for at, lines in ((1, first), (2, second))]
    path = saved(tmp_path / "gc.log", by_turns(*pods))
    assert read_gc_log(path).coverage.other_jvms == ["tm-2/main"]
    same(read_gc_log(path, jvm="tm-2/main"), bare)


def test_by_the_start_of_their_clocks(tmp_path: Path) -> None:
    """Logs of real JVMs with time of day and uptime."""
    first, second = ((OWN / f"jdk17-{name}-full.log").read_bytes().splitlines() for name in ("G1", "Parallel"))
    path = saved(tmp_path / "gc.log", by_turns(first, second))
    for name, other in (("G1", "Parallel"), ("Parallel", "G1")):
        bare = read_gc_log(OWN / f"jdk17-{name}-full.log")
        log = read_gc_log(path)
        log = log if log.collector == bare.collector else read_gc_log(path, jvm=log.coverage.other_jvms[0])
        same(log, bare)
        assert log.collector == bare.collector != other


def test_by_the_start_of_their_clocks_in_a_log_of_jdk_8(tmp_path: Path) -> None:
    lines = [
        [
            f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}.000+0000: {second - begin}.000: "
            f"[GC (Allocation Failure)  {second}K->{begin}K(99999K), 0.0100000 secs]".encode()
            for second in range(begin + 1, begin + count)
        ]
        for begin, count in ((100, 80), (130, 60))
    ]
    log = read_gc_log(saved(tmp_path / "gc.log", by_turns(*lines)))
    assert log.figures["pause_count"] == Figure(79, "count")
    assert log.coverage.other_jvms == ["started 2026-01-01T00:02:10.000Z"]


def test_where_nothing_tells_them_apart_no_rate_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "gc.log", by_turns(log_of(1, ("time", "tags"), 1), log_of(3, ("time", "tags"), 1)))
    log = read_gc_log(path)
    assert log.is_mixed
    assert not isinstance(log.figures["throughput_bp"], Figure)
    assert log.figures["pause_count"] == Figure(60, "count")
    with pytest.raises(UsageError, match="nothing tells"):
        read_gc_log(path, jvm="pid 1")


def test_a_restart_and_threads_are_no_mixture(tmp_path: Path) -> None:
    first, second = (log_of(seed, ("uptime", "tid", "tags"), 1) for seed in (1, 3))
    second = [line.replace(b"[4711]", b"[5]") for line in second]
    log = read_gc_log(saved(tmp_path / "gc.log", b"\n".join([*first, *second[5:]])))
    assert len(log.segments) == 2
    assert not log.coverage.other_jvms


def test_painted_names_of_docker_compose(tmp_path: Path) -> None:
    lines = (OWN / "jdk17-G1-default.log").read_bytes().splitlines()
    first = [b"\x1b[32mtaskmanager-1  | \x1b[0m" + line for line in lines]
    second = [b"\x1b[33;1mtaskmanager-2  | \x1b[0m" + line for line in lines[:-3]]
    log = read_gc_log(saved(tmp_path / "all.txt", by_turns(first, second)))
    same(log, read_gc_log(OWN / "jdk17-G1-default.log"))
    assert log.coverage.other_jvms == ["taskmanager-2"]
