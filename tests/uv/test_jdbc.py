"""Sink jdbc on a real PostgreSQL (Debian's package; skipped where there is none) with its driver from Maven Central."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flinkscope.uv.connectors import Jar, fetch
from flinkscope.uv.generated import recount_generated
from flinkscope.uv.job import uv_job
from flinkscope.uv.run import Embedded, Place
from flinkscope.uv.zone import day_name
from uv_support.redis_server import free_port

DRIVER = Jar(
    "org.postgresql", "postgresql", "42.7.7",
    "157963d60ae66d607e09466e8c0cdf8087e9cb20d0159899ffca96bca2528460",
)  # fmt: skip
GENERATED = {"source": "generator", "events": "30000", "items": "2000", "users": "3000"}


def binaries() -> Path:
    """The folder of initdb and postgres; skips the test when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    if not found and named is None:
        pytest.skip("no PostgreSQL: install Debian's package postgresql")
    return found[-1].parent if found else Path(str(named)).parent


@pytest.fixture
def postgres() -> Iterator[int]:
    """The port of a server with trust in everyone on loopback; it refuses to run as root, so it is nobody's then."""
    folder, port = Path(tempfile.mkdtemp(prefix="pg-")), free_port()
    nobody = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    if nobody is not None:
        os.chown(folder, nobody, -1)
    data = str(folder / "data")
    server = None
    try:
        subprocess.run([binaries() / "initdb", "-D", data, "-U", "uv", "-A", "trust", "-N"], user=nobody, check=True,
                       cwd=folder, stdout=subprocess.DEVNULL)  # fmt: skip
        words = [binaries() / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
        server = subprocess.Popen(words, user=nobody, cwd=folder, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while subprocess.run(
            [binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
        ).returncode:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield port
    finally:
        if server is not None:
            server.terminate()
            server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def sql(port: int, text: str) -> list[str]:
    words = [binaries() / "psql", "-h", "127.0.0.1", "-p", str(port), "-U", "uv", "-At", "-F,", "-c", text, "postgres"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.flink
@pytest.mark.heavy
def test_counts_are_upserts_in_a_table(postgres: int) -> None:
    sql(postgres, "CREATE TABLE daily_uv (day text, item text, visitors bigint, PRIMARY KEY (day, item))")
    url = f"jdbc:postgresql://127.0.0.1:{postgres}/postgres"
    job = uv_job({**GENERATED, "sink": "jdbc", "jdbc-url": url, "jdbc-user": "uv", "jdbc-password": "trusted"})
    with Embedded(job, Place(jars=(fetch(DRIVER),))) as run:
        assert run.wait(300).state == "FINISHED"
    expected = recount_generated(job)
    rows = zip(expected.day, expected.item, expected.visitors, strict=True)
    found = sql(postgres, "SELECT day, item, visitors FROM daily_uv")
    assert sorted(found) == sorted(f"{day_name(int(day))},{item},{visitors}" for day, item, visitors in rows)
