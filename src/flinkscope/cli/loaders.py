"""``flinkscope loaders``: leaked user class loaders of a running process, by pid or REST."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flinkscope.flink.live_loaders import LiveLoaders


@click.command(
    "loaders",
    short_help="user class loaders of a running process: leaked or not, how many submissions are left",
    epilog="Example: flinkscope loaders 4711 --rest http://jobmanager:8081",
)
@click.argument("source", metavar="PID|URL")
@click.option("--rest", "rest_url", help="With a pid: the JobManager's REST URL, which tells the running jobs.")
@click.option("--no-gc", is_flag=True, help="With a pid: no full collection first; dead loaders then count too.")
@click.option("--token", envvar="FLINKSCOPE_TOKEN", help="Bearer token for the REST URL.")
@click.option("--insecure", is_flag=True, help="Trust any certificate.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.pass_context
def command(
    ctx: click.Context, /, source: str, rest_url: str | None, no_gc: bool, token: str | None, insecure: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Without a heap dump: by attach (a pid; one full collection and one safepoint), or by REST alone.

    What keeps each loader only a heap dump tells: flinkscope heap loaders --leaked. Exit code 1: leaked.
    """
    from flinkscope.absent import present
    from flinkscope.cli.show import echo_json
    from flinkscope.errors import UsageError
    from flinkscope.flink.live_loaders import loaders_by_rest, loaders_of_process, running_jobs
    from flinkscope.sources.flink_rest import FlinkRest, RestAccess

    access = RestAccess(token=token, verify=not insecure)
    if source.isdigit():
        jobs = running_jobs(FlinkRest(rest_url, access)) if rest_url else None
        seen = loaders_of_process(int(source), running_jobs=jobs, full_gc=not no_gc)
    elif source.startswith(("http://", "https://")):
        seen = loaders_by_rest(FlinkRest(source, access))
    else:
        raise UsageError(f"{source!r} is no pid or URL", hint="for a dump: flinkscope heap loaders --leaked DUMP")
    if as_json:
        plain = {f.name: present(getattr(seen, f.name)) for f in fields(seen)}
        echo_json({**plain, "repeated": [asdict(again) for again in seen.repeated], "leaked": seen.leaked})
    else:
        _show(seen)
    ctx.exit(1 if seen.leaked else 0)


def _show(seen: LiveLoaders) -> None:
    from flinkscope.absent import Absent
    from flinkscope.units import human_bytes

    words = {True: "class loaders are leaked", False: "no class loader is leaked", None: "this way cannot tell a leak"}
    click.echo(f"{seen.source}: {words[seen.leaked]}")
    for label, value, is_bytes in (
        ("user class loaders", seen.user_loaders, False),
        ("running jobs", seen.running_jobs, False),
        ("kept beyond them", seen.kept, False),
        ("metaspace of one", seen.loader_bytes, True),
        ("metaspace used", seen.metaspace_used_bytes, True),
        ("metaspace limit", seen.metaspace_limit_bytes, True),
        ("submissions left", seen.submissions_left, False),
    ):
        known = human_bytes if is_bytes else "{:,}".format
        text = f"unknown: {value.reason}" if isinstance(value, Absent) else known(value)
        click.echo(f"  {label:20} {text}")
    for again in seen.repeated:
        click.echo(f"  thread name × {again.count}: {again.name[:70]}")
    for text in seen.unseen:
        click.echo(f"not seen this way: {text}")
