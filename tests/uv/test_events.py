"""``uv events`` on the command line, and reading the counts over TLS."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flinkscope.cli.main import cli
from flinkscope.errors import SourceError, UsageError
from flinkscope.uv.events import EventPlan
from flinkscope.uv.store import KeyCount, RedisAddress, VisitorStore
from uv_support.redis_server import free_port, redis_server

DAY = "2017-11-26"


def events(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["uv", "events", "--out", str(folder), *words], standalone_mode=False)


def test_files_as_asked_for(tmp_path: Path) -> None:
    words = ("--events", "25k", "--rows-per-file", "10k", "--gzip", "--malformed", "1", "--json")
    written = json.loads(events(tmp_path / "a", *words).stdout)
    assert [Path(name).name for name in written["files"]] == [f"part-0000{n}.csv.gz" for n in range(3)]
    assert written["rows"] == 25_000
    assert 150 < written["malformed"] < 350
    assert written["size_bytes"] == sum(path.stat().st_size for path in (tmp_path / "a").iterdir())
    told = events(tmp_path / "b", "--events", "1k", "--format", "jsonl").stdout
    assert told.startswith("1,000 rows in 1 file, ")


def test_rows_keep_to_the_plan() -> None:
    plan = EventPlan(events=50_000, items=100, users=50, disorder_ms=30_000, duplicates_bp=1_000, late_bp=200)
    rows = plan.rows(0, plan.events)
    sound = EventPlan(events=50_000, items=100, users=50).rows(0, plan.events)
    behind_s = sound["ts"] - rows["ts"]
    late = behind_s >= 36 * 3600
    assert abs(late.mean() - 0.02) < 0.004
    assert behind_s[~late].min() >= 0
    step_s = 2 * 86_400 / plan.events  # a copy is at most 5,000 rows old
    assert behind_s[~late].max() <= 31 + 5_000 * step_s
    assert rows["userId"].max() < 50
    assert rows["itemId"].max() <= 100
    copied = (rows["userId"] != sound["userId"]) | (rows["itemId"] != sound["itemId"])
    assert 0.08 < copied.mean() < 0.12


@pytest.mark.parametrize(
    "words",
    [
        ("--events", "many"), ("--events", "0"), ("--items", "-3"), ("--first-day", "2017-02-30"), ("--zone", "Mars"),
        ("--disorder", "soon"), ("--format", "parquet", "--gzip"), ("--users", "3g"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(words: tuple[str, ...], tmp_path: Path) -> None:
    refused = events(tmp_path, *words)
    assert isinstance(refused.exception, UsageError), refused.exception
    assert refused.exception.message
    assert list(tmp_path.iterdir()) == []


def test_counts_over_tls(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    certificate, key, port = tmp_path / "cert.pem", tmp_path / "key.pem", free_port()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redis",
         "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    words = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
             "--tls-auth-clients", "no")  # fmt: skip
    with redis_server(*words) as server:
        with server.client() as client:
            client.hset(f"uv:{DAY}", "7", 3)
        url = f"rediss://127.0.0.1:{port}/0"
        with VisitorStore(RedisAddress(url, ca_file=str(certificate))) as store:
            assert store.top(DAY) == [KeyCount("7", 3)]
        with pytest.raises(SourceError, match="certificate"):
            VisitorStore(RedisAddress(url))
        with pytest.raises(SourceError):
            VisitorStore(RedisAddress(f"redis://127.0.0.1:{port}/0"))
