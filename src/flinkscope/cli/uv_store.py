"""What the commands that read the counts share: the options that say where Redis is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.uv.store import RedisAddress, VisitorStore


def redis_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--redis`` and its companions, named as in ``uv run``."""
    for option in reversed((
        click.option(
            "--redis", "redis_url", metavar="URL", default="redis://127.0.0.1:6379/0", show_default=True,
            envvar="FLINKSCOPE_REDIS", help="redis:// or rediss:// (TLS), with user and password if need be.",
        ),
        click.option("--redis-cluster", is_flag=True, help="Redis Cluster; --redis names nodes, parted by commas."),
        click.option("--redis-password-file", type=_FILE, help="File that holds the password."),
        click.option("--redis-ca-file", type=_FILE, help="Certificates for rediss://, PEM."),
        click.option("--prefix", default="uv:", show_default=True, help="Of the hashes: PREFIXyyyy-MM-dd."),
    )):  # fmt: skip
        function = option(function)
    return function


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def open_store(options: dict[str, Any]) -> VisitorStore:
    """The store that the options name. Raises SourceError or UsageError."""
    from flinkscope.uv.store import VisitorStore

    return VisitorStore(redis_address(options))


def redis_address(options: dict[str, Any]) -> RedisAddress:
    """Where the counts are, by the options."""
    from flinkscope.uv.store import RedisAddress

    password = options["redis_password_file"]
    return RedisAddress(
        options["redis_url"],
        options["prefix"],
        options["redis_cluster"],
        None if options["redis_ca_file"] is None else str(options["redis_ca_file"]),
        None if password is None else password.read_text(encoding="utf-8").strip(),
    )


def milliseconds(text: str) -> int:
    """``90s``, ``3min``, ``24h``, ``7d`` in ms. Raises UsageError."""
    import re

    from flinkscope.errors import UsageError

    match = re.fullmatch(r"\s*(\d{1,9})\s*(ms|s|min|m|h|d)\s*", text)
    if not match:
        raise UsageError(f"{text!r} is not a time", hint="write it like 90s, 3min, 24h or 7d")
    return int(match[1]) * {"ms": 1, "s": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[match[2]]


def chosen_day(store: VisitorStore, word: str) -> str:
    """``2017-11-26`` as it is; ``latest`` is the last day in Redis. Raises SourceError where the day is not there."""
    from flinkscope.errors import SourceError
    from flinkscope.uv.store import checked_day

    days = store.days()
    where = f"{store.address.shown} has no counts"
    if word == "latest":
        if not days:
            raise SourceError(f"{where} under {store.address.prefix!r}", hint="has the job sent any? --prefix?")
        return days[-1]
    day = checked_day(word)
    if day not in days:
        known = f"it has {', '.join(days[-5:])}" if days else "it has none at all; --prefix?"
        raise SourceError(f"{where} of {day}", hint=known)
    return day
