"""``flinkscope gcutil``: jstat without a JDK."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from flinkscope.errors import SourceError

if TYPE_CHECKING:
    from flinkscope.jvm.gcutil import JstatTable
    from flinkscope.jvm.live import LiveJvm


OPTIONS = {
    "gcutil": "Use of each space in percent, collections and their time (the default).",
    "gc": "Capacity and use of each space in KiB.",
    "gccause": "As -gcutil, with the last and the current cause.",
    "gccapacity": "Smallest, largest and current capacity of the generations.",
    "gcnew": "The young generation.",
    "gcnewcapacity": "Capacities of the young generation.",
    "gcold": "The old generation and metaspace.",
    "gcoldcapacity": "Capacities of the old generation.",
    "gcmetacapacity": "Capacities of metaspace.",
    "class": "Classes loaded and unloaded.",
    "compiler": "What the JIT compiler did.",
    "printcompilation": "The last method that was compiled.",
}


def _jstat_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for name, text in reversed(OPTIONS.items()):
        function = click.option(f"-{name}", "option", flag_value=name, help=text)(function)
    return function


@click.command(
    "gcutil",
    short_help="jstat without a JDK: GC and memory counters of a running JVM",
)
@click.argument("pid", type=click.IntRange(min=1))
@click.argument("interval_ms", metavar="[INTERVAL]", type=click.IntRange(min=1), required=False)
@click.argument("count", type=click.IntRange(min=1), required=False)
@_jstat_options
@click.option("-t", "--timestamp", is_flag=True, help="Seconds since the JVM started, as the first column.")
@click.option("-h", "--header-every", type=click.IntRange(min=0), default=0, metavar="N", help="Heading every N lines.")
@click.option("--live", "as_live", is_flag=True, help="A readable view: true metaspace use, share of time in GC.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample and line.")
def command(
    pid: int,
    interval_ms: int | None,
    count: int | None,
    option: str | None,
    timestamp: bool,
    header_every: int,
    as_live: bool,
    as_json: bool,
) -> None:
    """Prints what `jstat -gcutil PID [INTERVAL [COUNT]]` of the target's own release prints.

    INTERVAL in milliseconds; without COUNT it goes on until the process ends. Reading costs the target nothing.

    \b
    Examples:
      flinkscope gcutil 4711 2000 10       as jstat -gcutil 4711 2000 10
      flinkscope gcutil -gc -t 4711 1000   another table, with the uptime
      flinkscope gcutil --live 4711        metaspace against its limit, share of time in GC
    """
    from flinkscope.jvm.gcutil import jstat_table
    from flinkscope.jvm.live import open_jvm

    jvm = open_jvm(pid)
    samples = count if count is not None else (0 if interval_ms else 1)
    if as_live:
        from flinkscope.cli.gcutil_live import watch

        watch(jvm, interval_ms or 2000, count or 0)
        return
    table = jstat_table(option or "gcutil", jvm.read(), timestamp=timestamp)
    _sample(jvm, table, (interval_ms or 1000) / 1000, samples, header_every, as_json)


def _sample(jvm: LiveJvm, table: JstatTable, interval_s: float, samples: int, header_every: int, as_json: bool) -> None:
    import json

    if not as_json and not header_every:
        click.echo(table.header())
    due = time.monotonic()
    taken = 0
    while True:
        try:
            reading = jvm.read()
        except SourceError:
            if taken:  # the process ended while it was watched: that is how jstat ends, too
                return
            raise
        if header_every and not as_json and taken % header_every == 0:
            click.echo(table.header())
        click.echo(json.dumps(table.record(reading)) if as_json else table.line(reading))
        taken += 1
        if taken == samples:
            return
        due += interval_s
        time.sleep(max(0.0, due - time.monotonic()))
