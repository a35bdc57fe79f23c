"""Jars that Flink needs for Kafka, Parquet and JDBC: from Maven Central, checksummed, kept in the user's cache.

The wheel's Flink has none of them. An embedded run gets its own class path with them beside Flink's; an existing
cluster must have them in its lib folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import urllib3

from flinkscope.errors import SourceError
from flinkscope.lab.wheels import FlinkHome, cache_root
from flinkscope.progress import SILENT, Progress
from flinkscope.uv.job import UvJob

MAVEN = "https://repo1.maven.org/maven2/"
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Jar:
    """A jar of Maven Central with the SHA-256 that it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """Its file name."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{MAVEN}{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.name}"


KAFKA = Jar(
    "org.apache.flink", "flink-sql-connector-kafka", "5.0.0-2.2",
    "5605c691d11a501382c383fecba37a7a552467da5ab7ba904ef5d6f3d62c5616",
)  # fmt: skip
PARQUET = Jar(
    "org.apache.flink", "flink-sql-parquet", "2.3.0",
    "f30617f4a5a6d437750f155ff72178ab34439aec91df64d96621c260559ba5fd",
)  # fmt: skip
HADOOP = Jar(
    "org.apache.flink", "flink-shaded-hadoop-2-uber", "2.8.3-10.0",
    "492b2a559f2a1dad3808b51d9a26a575dbb1202004c9f85f5059c520e0632127",
)  # fmt: skip
JDBC = Jar(
    "org.apache.flink", "flink-connector-jdbc-core", "4.0.0-2.0",
    "ccb9691bf1d0f97574ae768e1bef05a39c06d7f7b13996e9d485fbdd69dcbfec",
)  # fmt: skip
POSTGRES = Jar(
    "org.apache.flink", "flink-connector-jdbc-postgres", "4.0.0-2.0",
    "b59c29dc65cafe8ae398e69072b9f6022f4a978a09002fd06a05a1a8dd3348d6",
)  # fmt: skip


def needed(job: UvJob) -> tuple[Jar, ...]:
    """The jars beyond Flink's own that the job's options ask for; of databases PostgreSQL's dialect, but no driver."""
    jars: list[Jar] = []
    if job["source"] == "kafka" or "kafka" in job.sinks or job["dead-letter-topic"]:
        jars.append(KAFKA)
    if job["format"] == "parquet":
        jars += [PARQUET, HADOOP]
    if "jdbc" in job.sinks:
        jars += [JDBC, POSTGRES] if job["jdbc-url"].startswith("jdbc:postgresql:") else [JDBC]
    return tuple(jars)


def fetch(jar: Jar, progress: Progress = SILENT) -> Path:
    """The jar in the cache; downloaded once. Raises SourceError when it cannot be had or is another."""
    target = cache_root() / "jars" / jar.name
    if target.is_file():
        return target
    progress.phase(f"downloading {jar.name}")
    try:
        answer = urllib3.PoolManager(timeout=TIMEOUT_S, retries=2).request("GET", jar.url)
    except urllib3.exceptions.HTTPError as error:
        raise SourceError(f"{jar.url}: {error}", hint=f"put the jar at {target}") from error
    if answer.status != 200:
        raise SourceError(f"{jar.url}: HTTP {answer.status}", hint=f"put the jar at {target}")
    found = hashlib.sha256(answer.data).hexdigest()
    if found != jar.sha256:
        raise SourceError(f"{jar.url}: SHA-256 {found}, expected {jar.sha256}", hint="is a proxy in between?")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as stream:
        stream.write(answer.data)
    os.replace(stream.name, target)
    return target


def with_jars(flink: FlinkHome, jars: Sequence[Path], folder: Path) -> FlinkHome:
    """A Flink with more jars on its class path: links in ``folder``, which must live as long as it is used."""
    if not jars:
        return flink
    (folder / "lib").mkdir(parents=True)
    for jar in _distinct([*(flink.path / "lib").glob("*.jar"), *jars]):
        (folder / "lib" / jar.name).symlink_to(jar.resolve())
    for name in ("bin", "opt", "plugins"):
        if (flink.path / name).is_dir():
            (folder / name).symlink_to(flink.path / name)
    return FlinkHome(folder, flink.version)


def _distinct(jars: Iterable[Path]) -> list[Path]:
    return list({jar.name: jar for jar in jars}.values())
