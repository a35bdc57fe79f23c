"""jstat's columns: equal to what each release's own jstat prints, recorded and live."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from flinkscope.errors import UsageError
from flinkscope.formats.hsperf import parse_hsperf
from flinkscope.jvm.gcutil import jstat_table, uptime_seconds
from flinkscope.jvm.jstat_columns import OPTIONS
from flinkscope.jvm.live import open_jvm
from jvm_support.java_runtimes import COLLECTORS, java_home, running_target, stopped

RECORDED = sorted((Path(__file__).parents[1] / "corpus/jvm/hsperf").glob("*.hsperf.gz"))
ALL_LIVE = [(release, collector) for release, collectors in COLLECTORS.items() for collector in collectors]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
def test_every_option_equals_the_recorded_jstat(path: Path) -> None:
    reading = parse_hsperf(gzip.decompress(path.read_bytes()), path.name)
    said = json.loads(path.with_name(path.name.replace(".hsperf.gz", ".json")).read_text())
    assert set(said) == set(OPTIONS)
    for option, printed in said.items():
        table = jstat_table(option, reading, timestamp=(reading.java_major or 0) < 25)
        assert f"{table.header()}\n{table.line(reading)}\n" == printed


def test_all_releases_and_collectors_were_recorded() -> None:
    """And four of OpenJDK 8u504, which no wheel has: recorded by hand, the same way."""
    eight = [path for path in RECORDED if path.name.startswith("jdk8-")]
    assert (len(eight), len(RECORDED)) == (4, len(ALL_LIVE) + 4)


def _compare_live(release: int, collector: str, options: tuple[str, ...]) -> None:
    first, *more = collector.split()
    home = java_home(release)
    with running_target(home, "churn", flags=(f"-XX:+Use{first}GC", *more)) as process, stopped(process.pid):
        reading = open_jvm(process.pid).read()
        for option in options:
            table = jstat_table(option, reading)
            command = [home / "bin" / "jstat", f"-{option}", str(process.pid)]
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert f"{table.header()}\n{table.line(reading)}\n" == printed


@pytest.mark.jvm
@pytest.mark.parametrize("collector", COLLECTORS[17])
def test_a_stopped_jvm_gives_what_jstat_gives(collector: str) -> None:
    _compare_live(17, collector, ("gcutil", "gc"))


@pytest.mark.jvm
@pytest.mark.heavy
@pytest.mark.parametrize(("release", "collector"), ALL_LIVE)
def test_every_release_and_collector_live(release: int, collector: str) -> None:
    _compare_live(release, collector, OPTIONS)


def test_the_timestamp_of_25_is_the_clock() -> None:
    path = next(path for path in RECORDED if "jdk25-G1" in path.name)
    reading = parse_hsperf(gzip.decompress(path.read_bytes()), path.name)
    began_ms = reading.number("sun.rt.createVmBeginTime") or 0
    assert uptime_seconds(reading, now_ms=began_ms + 12_345) == 12.345
    line = jstat_table("gcutil", reading, timestamp=True).line(reading, now_ms=began_ms + 12_345)
    assert line.startswith("           12.3 ")


def test_java_8_has_no_concurrent_columns() -> None:
    newer = next(path for path in RECORDED if "jdk11-G1" in path.name)
    reading = parse_hsperf(gzip.decompress(newer.read_bytes()), "recorded")
    table = jstat_table("gcutil", reading)
    eight = type(table)("gcutil", 8)
    assert "CGC" in table.header()
    assert "CGC" not in eight.header()
    assert eight.header().split() == ["S0", "S1", "E", "O", "M", "CCS", "YGC", "YGCT", "FGC", "FGCT", "GCT"]


def test_a_dash_is_null_in_records() -> None:
    path = next(path for path in RECORDED if "jdk17-Serial" in path.name)
    reading = parse_hsperf(gzip.decompress(path.read_bytes()), path.name)
    record = jstat_table("gcutil", reading).record(reading)
    assert record["CGC"] is None
    assert isinstance(record["O"], float)
    assert record["FGC"] == 1  # the System.gc() of the target


def test_an_unknown_option_names_the_known_ones() -> None:
    reading = parse_hsperf(gzip.decompress(RECORDED[0].read_bytes()), "recorded")
    with pytest.raises(UsageError, match="-gcperm") as caught:
        jstat_table("-gcperm", reading)
    assert "-gcutil" in caught.value.hint
