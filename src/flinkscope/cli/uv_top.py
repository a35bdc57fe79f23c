"""``flinkscope uv top``: the most visited items of a day, once or live."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.uv_store import open_store, redis_options

if TYPE_CHECKING:
    from flinkscope.uv.live import Follower, Standing
    from flinkscope.uv.store import VisitorStore

_CLEAR = "\x1b[H\x1b[2J"
_CURVE_COLUMNS = 48


@click.command("top", epilog="Example: flinkscope uv top 2017-11-26 --most 10")
@click.argument("day")
@click.option("--most", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many keys.")
@redis_options
@click.option("--follow", is_flag=True, help="Look again and again; draws the curve of each key.")
@click.option("--every", default="10s", show_default=True, metavar="TIME", help="Between two looks.")
@click.option("--rounds", type=click.IntRange(0), default=0, help="End after so many looks; 0: on Ctrl-C.")
@click.option(
    "--history", type=click.Path(dir_okay=False, path_type=Path), help="Keep the curves in this file; begin with it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow a line each look.")
def command(day: str, **options: Any) -> int:
    """Shows the keys with the most unique visitors of DAY (2017-11-26, or latest), read from Redis.

    The day's hash is read in small steps, so Redis is never blocked, and in little memory.
    """
    from flinkscope.cli.uv_store import chosen_day, milliseconds
    from flinkscope.uv.live import Follower, History

    with open_store(options) as store:
        day = chosen_day(store, day)
        follower = Follower(store, day, options["most"], History(day, options["history"]))
        if not options["follow"]:
            standings = _look(follower)
            _show(store, day, standings, options["as_json"], live=False)
            return 0
        try:
            _follow(follower, milliseconds(options["every"]) / 1000, options["rounds"], options["as_json"])
        except KeyboardInterrupt:
            click.echo("", err=True)
    return 0


def _look(follower: Follower) -> list[Standing]:
    import time

    return follower.look(time.time_ns() // 1_000_000)


def _follow(follower: Follower, every_s: float, rounds: int, as_json: bool) -> None:
    """Pauses at least three times as long as a look took, so that a huge day does not keep Redis busy."""
    import time

    taken = 0
    while True:
        began = time.monotonic()
        standings = _look(follower)
        if sys.stdout.isatty() and not as_json:
            click.echo(_CLEAR, nl=False)
        _show(follower.store, follower.day, standings, as_json, live=True)
        taken += 1
        if taken == rounds:
            return
        time.sleep(max(every_s, 3 * (time.monotonic() - began)))


def _show(store: VisitorStore, day: str, standings: list[Standing], as_json: bool, *, live: bool) -> None:
    import json
    from dataclasses import asdict

    from flinkscope.cli.show import echo_json

    keys, meta = store.size(day), store.meta()
    if as_json:
        document = {"day": day, "keys": keys, "meta": meta, "top": [asdict(standing) for standing in standings]}
        if live:
            click.echo(json.dumps(document, sort_keys=True, ensure_ascii=False))
        else:
            echo_json(document)
        return
    for line in _lines(day, keys, meta, standings):
        click.echo(line)


def _lines(day: str, keys: int, meta: dict[str, str], standings: list[Standing]) -> list[str]:
    from flinkscope.cli.main import printable
    from flinkscope.uv.live import sparkline

    told = ", ".join(f"{name} {meta[name]}" for name in ("key", "zone", "design", "updated_at") if name in meta)
    lines = [printable(f"{day}: {keys:,} keys{', ' + told if told else ''}")[:100]]
    if not standings:
        return [*lines, "no visitors yet"]
    curves = any(len(standing.curve) > 1 for standing in standings)
    lines.append(f"{'':>4} {'KEY':<20} {'VISITORS':>10} {'NEW':>8}" + ("  CURVE" if curves else ""))
    first_ms = min((standing.curve[0].time_ms for standing in standings if standing.curve), default=0)
    end_ms = max((standing.curve[-1].time_ms for standing in standings if standing.curve), default=0)
    for standing in standings:
        gained = "" if standing.gained is None else f"{standing.gained:+,}"
        curve = "  " + sparkline(standing.curve, _CURVE_COLUMNS, first_ms, end_ms) if curves else ""
        key = printable(standing.key)[:20]
        lines.append(f"{standing.rank:>4} {key:<20} {standing.visitors:>10,} {gained:>8}{curve}".rstrip())
    return lines
