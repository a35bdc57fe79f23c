"""``flinkscope uv show``: one key of a day, with its curve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.uv_store import open_store, redis_options

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flinkscope.uv.live import Sample

_CURVE_COLUMNS = 80


@click.command("show", epilog="Example: flinkscope uv show 2017-11-26 812879 --events 'events/*.csv'")
@click.argument("day")
@click.argument("key")
@redis_options
@click.option(
    "--history", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Curve from uv top --history."
)
@click.option("--events", multiple=True, metavar="FILES", help="Curve from the events themselves, exact; repeat.")
@click.option("--format", "given", type=click.Choice(["csv", "jsonl", "parquet"]), help="Of --events.")
@click.option("--step", default="3min", show_default=True, metavar="TIME", help="Of the curve from --events.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(day: str, key: str, **options: Any) -> None:
    """Shows the unique visitors of KEY (an item, say) on DAY (2017-11-26, or latest), read from Redis.

    With --history or --events also how they came over the day; zone and key column are those that the job wrote down.
    """
    from dataclasses import asdict

    from flinkscope.cli.show import echo_json
    from flinkscope.cli.uv_store import chosen_day

    with open_store(options) as store:
        day, meta = chosen_day(store, day), store.meta()
        visitors = store.visitors(day, key)
    samples = _curve(day, key, meta, options)
    if options["as_json"]:
        curve = None if samples is None else [asdict(sample) for sample in samples]
        echo_json({"day": day, "key": key, "visitors": visitors, "curve": curve, "meta": meta})
        return
    for line in _lines(day, key, visitors, meta, samples):
        click.echo(line)


def _curve(day: str, key: str, meta: dict[str, str], options: dict[str, Any]) -> list[Sample] | None:
    """The curve that was asked for; None where none was."""
    from flinkscope.cli.uv_store import milliseconds
    from flinkscope.errors import UsageError
    from flinkscope.uv.live import Sample, read_history

    if options["history"] is not None and options["events"]:
        raise UsageError("--history or --events, not both")
    if options["history"] is not None:
        return [sample for name, sample in read_history(options["history"], day) if name == key]
    if not options["events"]:
        return None
    from flinkscope.uv.recount import curve
    from flinkscope.uv.sources import event_files

    steps = curve(
        event_files(options["events"], options["given"]), day=day, value=key, zone=meta.get("zone", "Asia/Shanghai"),
        key=meta.get("key", "itemId"), step_ms=max(1, milliseconds(options["step"])),
    )  # fmt: skip
    return [Sample(at_ms, count) for at_ms, count in steps]


def _lines(day: str, key: str, visitors: int | None, meta: dict[str, str], samples: list[Sample] | None) -> list[str]:
    from flinkscope.cli.main import printable
    from flinkscope.uv.live import sparkline
    from flinkscope.uv.zone import day_end_ms, day_start_ms, time_zone

    column = meta.get("key", "key")
    count = "no visitors in Redis" if visitors is None else f"{visitors:,} unique visitors"
    when = f", written at {meta['updated_at']}" if "updated_at" in meta else ""
    lines = [printable(f"{day} {column} {key}: {count}{when}")]
    if samples is None:
        return [*lines, "the curve over the day: --history of uv top, or --events"]
    if not samples:
        return [*lines, "no curve: nothing of this key and day there"]
    zone = time_zone(meta.get("zone", "Asia/Shanghai"))
    first_ms, end_ms = day_start_ms(zone, day), day_end_ms(zone, day)
    if not first_ms <= samples[0].time_ms <= samples[-1].time_ms <= end_ms:  # a day that was replayed
        first_ms, end_ms = samples[0].time_ms, samples[-1].time_ms
    drawn = sparkline(samples, _CURVE_COLUMNS, first_ms, end_ms)
    lines.append(f"{_clock(first_ms, zone)} {drawn} {_clock(end_ms, zone)}")
    return [*lines, f"from {samples[0].visitors:,} to {samples[-1].visitors:,} in {len(samples):,} steps"]


def _clock(time_ms: int, zone: ZoneInfo) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(time_ms / 1000, zone).strftime("%H:%M")
