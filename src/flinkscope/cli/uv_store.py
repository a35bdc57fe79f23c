"""What the commands that read the counts share: the options that say where Redis is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.uv.store import VisitorStore


def redis_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--redis``, ``--redis-cluster``, ``--ca-file``, ``--prefix``."""
    for option in reversed((
        click.option(
            "--redis", "redis_url", metavar="URL", default="redis://127.0.0.1:6379/0", show_default=True,
            envvar="FLINKSCOPE_REDIS", help="redis:// or rediss:// (TLS), with user and password if need be.",
        ),
        click.option("--redis-cluster", is_flag=True, help="The address is a node of a Redis Cluster."),
        click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="PEM of rediss:// servers."),
        click.option("--prefix", default="uv:", show_default=True, help="Of the hashes: PREFIXyyyy-MM-dd."),
    )):  # fmt: skip
        function = option(function)
    return function


def open_store(options: dict[str, Any]) -> VisitorStore:
    """The store that the options name. Raises SourceError or UsageError."""
    from flinkscope.uv.store import RedisAddress, VisitorStore

    address = RedisAddress(options["redis_url"], options["prefix"], options["redis_cluster"], options["ca_file"])
    return VisitorStore(address)


def milliseconds(text: str) -> int:
    """``90s``, ``3min``, ``24h``, ``7d`` in ms. Raises UsageError."""
    import re

    from flinkscope.errors import UsageError

    match = re.fullmatch(r"\s*(\d{1,9})\s*(ms|s|min|m|h|d)\s*", text)
    if not match:
        raise UsageError(f"{text!r} is not a time", hint="write it like 90s, 3min, 24h or 7d")
    return int(match[1]) * {"ms": 1, "s": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[match[2]]
