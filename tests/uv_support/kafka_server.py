"""A real Kafka 3.9.1 on loopback: one node in KRaft mode, from Maven Central's jars, on the JRE of a wheel.

The 26 jars (27 MB) are named with their SHA-256 in kafka-jars.sha256 and are kept in the user's cache; later runs
download nothing. A test that can get neither is skipped and says so. It is up in some four seconds.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest
import urllib3

from flinkscope.lab.wheels import cache_root, java_home
from uv_support.redis_server import free_port

CENTRAL = "https://repo1.maven.org/maven2/"
PINS = Path(__file__).with_name("kafka-jars.sha256")
START_TIMEOUT_S = 60.0
_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"


@lru_cache(maxsize=1)
def kafka_jars() -> Path:
    """The folder with the jars, each checked; fetched once. Skips the test when Maven Central does not answer."""
    folder = cache_root() / "kafka-3.9.1"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pool = urllib3.PoolManager(timeout=30.0, retries=2)
    for line in PINS.read_text(encoding="utf-8").splitlines():
        digest, path = line.split()
        jar = folder / path.rpartition("/")[2]
        if not (jar.is_file() and _digest(jar.read_bytes()) == digest):
            jar_bytes = _download(pool, CENTRAL + path)
            assert _digest(jar_bytes) == digest, f"{path}: not the jar that is pinned"
            partial = jar.with_name(f".{jar.name}-{os.getpid()}")
            partial.write_bytes(jar_bytes)
            partial.rename(jar)
    return folder


def _download(pool: urllib3.PoolManager, url: str) -> bytes:
    try:
        answer = pool.request("GET", url)
    except urllib3.exceptions.HTTPError as error:
        pytest.skip(f"no Kafka: its jars are not in the cache and Maven Central does not answer ({error})")
    if answer.status != 200:
        pytest.skip(f"no Kafka: {url} answers {answer.status}")
    return answer.data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class KafkaServer:
    """One broker that is its own controller. Topics come into being when first written to, with two partitions."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._java, self._jars = str(java_home().java), kafka_jars()
        self._properties = folder / "server.properties"
        self._properties.write_text(_configuration(folder, self.port, free_port()), encoding="utf-8")
        self._tool("kafka.tools.StorageTool", "format", "-c", str(self._properties), "-t", _CLUSTER_ID)
        with (folder / "kafka.out").open("wb") as log:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    def create(self, topic: str, partitions: int) -> None:
        """Creates a topic."""
        words = ("--create", "--topic", topic, "--partitions", str(partitions))
        self._tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address, *words)

    def send(self, topic: str, lines: Iterable[str | bytes]) -> None:
        """Writes one record a line, in batches, and waits until all are acknowledged."""
        text = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)
        words = ("--topic", topic, "--batch-size", "500")
        self._tool("kafka.tools.ConsoleProducer", "--bootstrap-server", self.address, *words, stdin=text)

    def receive(self, topic: str, *, keys: bool = False, wait_ms: int = 3_000) -> list[str]:
        """All records of a topic as text, key and value parted by a tab if ``keys``."""
        words = ["--topic", topic, "--from-beginning", "--timeout-ms", str(wait_ms)]
        words += ["--property", "print.key=true"] if keys else []
        done = self._tool(
            "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", self.address, *words, good=(0, 1)
        )
        return done.splitlines()

    def stop(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start: {(self.folder / 'kafka.out').read_text()[-2000:]}")
            time.sleep(0.1)

    def _command(self, entry_class: str, *words: str) -> list[str]:
        flags = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self._jars}/*")
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [self._java, *flags, quiet, entry_class, *words]

    def _tool(self, entry_class: str, *words: str, stdin: bytes = b"", good: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            self._command(entry_class, *words), input=stdin, capture_output=True, check=False, timeout=300
        )
        if done.returncode not in good:
            raise RuntimeError(f"{entry_class}: {(done.stdout + done.stderr).decode(errors='replace')[-2000:]}")
        return done.stdout.decode("utf-8", errors="replace")


@contextmanager
def kafka_server() -> Iterator[KafkaServer]:
    """A running broker, and its end."""
    kafka_jars()
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        server = KafkaServer(Path(folder))
        try:
            yield server
        finally:
            server.stop()


def _configuration(folder: Path, port: int, controller_port: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "num.partitions": "2",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())
