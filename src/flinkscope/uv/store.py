"""The counts as the job keeps them in Redis: a hash a day, a field a key; read in bounded steps.

Layout (docs/reference/uv.md): hash ``<prefix>yyyy-MM-dd``, field = key, value = decimal count; ``<prefix>meta`` says
zone, key, design and when it was last written. Hashes of millions of fields are read with HSCAN, never with HGETALL,
so Redis is never blocked for longer than one step and this process holds one step at a time.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flinkscope.errors import SourceError, UnreadableInputError, UsageError

DEFAULT_URL = "redis://127.0.0.1:6379/0"
DEFAULT_PREFIX = "uv:"
PASSWORD_VARIABLE = "FLINKSCOPE_REDIS_PASSWORD"
STEP_FIELDS = 1_000  # 0.9 ms of CPU of Redis's one thread, measured with redis-server 6.2; 5,000: 4.8 ms
TIMEOUT_S = 10.0
_META = ("zone", "key", "design", "updated_at")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where the counts are. ``url``: ``redis://`` or ``rediss://`` (TLS), with user and password if need be.

    ``password``, or else the environment variable FLINKSCOPE_REDIS_PASSWORD, is what no process list shows.
    Of a cluster the url may name several nodes, parted by commas.
    """

    url: str = DEFAULT_URL
    prefix: str = DEFAULT_PREFIX
    cluster: bool = False
    ca_file: str | None = None
    password: str | None = None

    @property
    def first_url(self) -> str:
        """The first node's."""
        return self.url.split(",")[0].strip()

    @property
    def shown(self) -> str:
        """The url without user and password."""
        return re.sub(r"//[^/@]*@", "//", self.url)


@dataclass(frozen=True, slots=True)
class KeyCount:
    """The unique visitors of one key."""

    key: str
    visitors: int


class VisitorStore:
    """Reads one Redis. Every method raises SourceError when it does not answer or refuses."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        with _told(address):
            self._client = _connect(address)
            self._client.ping()

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def __enter__(self) -> VisitorStore:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def days(self) -> list[str]:
        """The days that have counts, in order."""
        start, found = len(self.address.prefix), set[str]()
        pattern = f"{_escaped(self.address.prefix)}????-??-??"
        with _told(self.address):
            for name in self._client.scan_iter(match=pattern, count=1_000):
                if _DAY.fullmatch(name[start:]):
                    found.add(name[start:])
        return sorted(found)

    def meta(self) -> dict[str, str]:
        """What the job wrote of itself: zone, key, design, updated_at; empty if it wrote nothing yet."""
        with _told(self.address):
            values = self._client.hmget(f"{self.address.prefix}meta", _META)
        return {name: value for name, value in zip(_META, values, strict=True) if value is not None}

    def facts(self) -> dict[str, str]:
        """Redis's own INFO of its role, memory and persistence; of the first node in a cluster."""
        with _told(self.address):
            found: dict[str, str] = {}
            for section in ("replication", "memory", "persistence"):
                answer = self._client.info(section)
                if answer and all(isinstance(value, dict) for value in answer.values()):
                    answer = next(iter(answer.values()))
                found |= {str(name): str(value) for name, value in answer.items()}
            return found

    def size(self, day: str) -> int:
        """How many keys the day has; O(1)."""
        with _told(self.address):
            return int(self._client.hlen(self._name(day)))

    def visitors(self, day: str, key: str) -> int | None:
        """The count of one key; None where the day has no such key. Raises UnreadableInputError if it is no number."""
        with _told(self.address):
            value = self._client.hget(self._name(day), key)
        if value is None:
            return None
        count = whole(value)
        if count is None:
            raise UnreadableInputError(f"{self._name(day)} field {key}: {value[:40]!r} is not a count")
        return count

    def steps(self, day: str) -> Iterator[Mapping[str, str]]:
        """All fields and values of the day, some thousands at a time. A field may come twice, as HSCAN says."""
        cursor, name = 0, self._name(day)
        while True:
            with _told(self.address):
                cursor, fields = self._client.hscan(name, cursor, count=STEP_FIELDS)
            if fields:
                yield fields
            if cursor == 0:
                return

    def top(self, day: str, most: int = 20) -> list[KeyCount]:
        """The keys with the most visitors, ties by key. Reads the whole day: 3 s of CPU a million keys."""
        best: dict[str, int] = {}
        for fields in self.steps(day):
            for key, value in fields.items():
                count = whole(value)
                if count is not None:
                    best[key] = count
            best = dict(heapq.nsmallest(most, best.items(), key=_by_visitors))
        return [KeyCount(key, count) for key, count in sorted(best.items(), key=_by_visitors)]

    def _name(self, day: str) -> str:
        return self.address.prefix + checked_day(day)


def checked_day(day: str) -> str:
    """``day``, if it is one as ``2017-11-26``. Raises UsageError."""
    from datetime import date

    try:
        if _DAY.fullmatch(day):
            date.fromisoformat(day)
            return day
    except ValueError:
        pass
    raise UsageError(f"{day!r} is not a day", hint="write it like 2017-11-26")


def whole(value: str) -> int | None:
    """A decimal count; None where it is none."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _by_visitors(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _escaped(prefix: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", prefix)


def _connect(address: RedisAddress) -> Any:
    try:
        import redis
    except ImportError as error:
        raise UsageError(
            "reading from Redis needs the Python package redis", hint="pip install 'flinkscope[uv]'"
        ) from error
    words: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": "replace",
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
    }
    password = address.password or os.environ.get(PASSWORD_VARIABLE)
    try:
        parts = urlsplit(address.first_url)
        if password and not parts.password:
            words["password"] = password
        if address.ca_file is not None and parts.scheme == "rediss":
            words["ssl_ca_certs"] = address.ca_file
        if address.cluster:
            return redis.RedisCluster.from_url(address.first_url, **words)
        return redis.Redis.from_url(address.first_url, **words)
    except ValueError as error:
        raise UsageError(f"not a Redis address: {error}", hint="for example redis://127.0.0.1:6379/0") from error


@contextmanager
def _told(address: RedisAddress) -> Iterator[None]:
    """Turns what the client raises into errors that say what to do."""
    from importlib import import_module

    try:
        errors = import_module("redis.exceptions")
    except ImportError:  # _connect says so
        yield
        return
    where = address.shown
    try:
        yield
    except errors.AuthenticationError as error:
        raise SourceError(f"{where}: {error}", hint=f"put the password into {PASSWORD_VARIABLE}") from error
    except errors.ClusterDownError as error:
        raise SourceError(f"{where}: {error}", hint="the cluster does not serve all slots") from error
    except errors.BusyLoadingError as error:
        raise SourceError(f"{where} is loading its data", hint="try again in a moment") from error
    except (errors.RedisClusterException, errors.MovedError) as error:
        raise SourceError(f"{where}: {error}", hint="--redis-cluster is for clusters, and only for them") from error
    except errors.NoPermissionError as error:
        raise SourceError(f"{where}: {error}", hint="the user needs +@read on the prefix") from error
    except (errors.ConnectionError, errors.TimeoutError) as error:
        hint = "is it running there? TLS needs rediss://"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "give the authority of its certificate with --redis-ca-file"
        raise SourceError(f"{where}: {error}", hint=hint) from error
    except errors.ResponseError as error:
        if "NOAUTH" in str(error):
            raise SourceError(f"{where}: {error}", hint=f"put the password into {PASSWORD_VARIABLE}") from error
        if "WRONGTYPE" in str(error):
            text = f"{where}: what is under this prefix is not the job's: {error}"
            raise UnreadableInputError(text, hint="another --prefix?") from error
        raise SourceError(f"{where}: {error}") from error
