"""What can be known before a job starts: Redis (there, writable, with room), Kafka, writable folders."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from flinkscope.errors import SourceError, UsageError
from flinkscope.units import human_bytes
from flinkscope.uv.job import UvJob
from flinkscope.uv.store import RedisAddress, VisitorStore

CONNECT_TIMEOUT_S = 5.0


def check_ready(job: UvJob) -> list[str]:
    """Raises SourceError or UsageError for what would end the job; returns warnings. A few round trips, no writes."""
    warnings = _redis(job) if "redis" in job.sinks else []
    if job["bootstrap-servers"]:
        _kafka(job["bootstrap-servers"])
    for name in ("out", "late-dir", "dead-letter-dir", "checkpoint-dir"):
        if job[name] and "://" not in job[name]:
            _writable(Path(job[name]), name)
    return warnings


def _redis(job: UvJob) -> list[str]:
    nodes = job["redis"].split(",")
    for node in nodes:
        parts = urlsplit(node)
        try:
            valid = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and (parts.port or 6379) > 0
        except ValueError:
            valid = False
        if not valid:
            raise UsageError("--redis: not a Redis address", hint="for example redis://127.0.0.1:6379/0")
    if job["redis-password-file"] or (job["redis-cluster"] == "true" and len(nodes) == 0):
        return []  # the password is on the TaskManagers
    if find_spec("redis") is None:
        _reach([(urlsplit(node).hostname or "", urlsplit(node).port or 6379) for node in nodes], "Redis")
        return []
    cluster, ca_file = job["redis-cluster"] == "true", job["redis-ca-file"] or None
    with VisitorStore(RedisAddress(nodes[0], job["prefix"], cluster, ca_file)) as store:
        return _redis_state(store.address.shown, store.facts())


def _redis_state(where: str, facts: dict[str, str]) -> list[str]:
    if facts.get("role") == "slave":
        master = f"{facts.get('master_host', '?')}:{facts.get('master_port', '?')}"
        raise SourceError(f"Redis at {where} is a read-only replica", hint=f"its master is {master}")
    limit, used = int(facts.get("maxmemory", "0")), int(facts.get("used_memory", "0"))
    if 0 < limit <= used and facts.get("maxmemory_policy") == "noeviction":
        raise SourceError(
            f"Redis at {where} is full: {human_bytes(used)} of {human_bytes(limit)}",
            hint="raise maxmemory or free some; a count takes some 60 bytes",
        )
    warnings = []
    if limit > 0 and facts.get("maxmemory_policy", "").startswith("allkeys"):
        warnings.append(
            f"Redis at {where} drops keys when it is full ({facts['maxmemory_policy']}): whole days may vanish;"
            " set maxmemory-policy noeviction"
        )
    if facts.get("aof_enabled") == "0":
        warnings.append(
            f"Redis at {where} has no append-only file: what it took since its last snapshot dies with it"
            " (the job sends open days again, closed ones are gone); set appendonly yes"
        )
    return warnings


def _kafka(servers: str) -> None:
    places = []
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(f"--bootstrap-servers {server!r}", hint="for example 127.0.0.1:9092")
        places.append((host.strip("[]"), int(port)))
    _reach(places, "Kafka")


def _reach(places: Iterable[tuple[str, int]], what: str) -> None:
    problem: OSError | None = None
    for host, port in places:
        try:
            socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
            return
        except OSError as error:
            problem = error
    tried = ", ".join(f"{host}:{port}" for host, port in places)
    raise SourceError(f"{what} at {tried}: {problem}", hint="is it running there?")


def _writable(folder: Path, name: str) -> None:
    there = folder
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SourceError(f"--{name} {folder}: cannot be written", hint=f"look at the permissions of {there}")
