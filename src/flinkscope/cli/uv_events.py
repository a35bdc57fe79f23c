"""``flinkscope uv events``: event files that can be written again, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("events", epilog="Example: flinkscope uv events --out events --events 1m --duplicates 1 --late 0.1")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the files.")
@click.option("--events", "rows", default="1m", show_default=True, metavar="N", help="Rows: 300k, 5m.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    default="csv",
    show_default=True,
    help="Of the files.",
)
@click.option("--gzip", "compressed", is_flag=True, help="Compress CSV and JSON lines.")
@click.option("--rows-per-file", default="1m", show_default=True, metavar="N", help="Rows of one file.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same files.")
@click.option("--items", default="4m", show_default=True, metavar="N", help="Items, by a power law.")
@click.option("--users", default="1m", show_default=True, metavar="N", help="Users, evenly.")
@click.option("--first-day", default="2017-11-25", show_default=True, help="The events' first day, in --zone.")
@click.option("--days", type=click.IntRange(1, 3650), default=2, show_default=True, help="How many days they cover.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Of the first day's midnight.")
@click.option("--disorder", default="0s", show_default=True, metavar="TIME", help="Rows come up to so much late.")
@click.option("--duplicates", type=click.FloatRange(0, 100), default=0.0, help="Percent that repeat a recent row.")
@click.option("--late", type=click.FloatRange(0, 100), default=0.0, help="Percent that come --late-by later.")
@click.option("--late-by", default="36h", show_default=True, metavar="TIME", help="Beyond the job's lateness.")
@click.option("--malformed", type=click.FloatRange(0, 100), default=0.0, help="Percent that are no events.")
@click.option("--replace", is_flag=True, help="Replace event files that are in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(out: Path, **options: Any) -> None:
    """Writes event files (CSV, JSON lines, Parquet) in the layout of the public UserBehavior data.

    For tests, faults and benchmarks: out of order, with duplicates, late and malformed rows, as much as you say.
    """
    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.units import human_bytes
    from flinkscope.uv.events import write_events

    progress = TerminalProgress()
    try:
        written = write_events(
            _plan(options), out, kind=options["kind"], compressed=options["compressed"],
            rows_per_file=count(options["rows_per_file"]), replace=options["replace"], progress=progress,
        )  # fmt: skip
    finally:
        progress.done()
    if options["as_json"]:
        echo_json({
            "files": [str(path) for path in written.paths], "rows": written.rows, "malformed": written.malformed,
            "size_bytes": written.size_bytes,
        })  # fmt: skip
        return
    files = f"{len(written.paths)} file{'s' * (len(written.paths) > 1)}"
    click.echo(f"{written.rows:,} rows in {files}, {human_bytes(written.size_bytes)}, {written.malformed:,} malformed")
    click.echo(f"next: flinkscope uv run --source '{out}'")


def _plan(options: dict[str, Any]) -> Any:
    from flinkscope.cli.uv_store import milliseconds
    from flinkscope.uv.events import EventPlan
    from flinkscope.uv.store import checked_day

    return EventPlan(
        events=count(options["rows"]), seed=options["seed"], items=count(options["items"]),
        users=count(options["users"]), first_day=checked_day(options["first_day"]), days=options["days"],
        zone=options["zone"], disorder_ms=milliseconds(options["disorder"]),
        duplicates_bp=round(options["duplicates"] * 100), late_bp=round(options["late"] * 100),
        late_by_ms=milliseconds(options["late_by"]),
        malformed_bp=round(options["malformed"] * 100),
    )  # fmt: skip


def count(text: str) -> int:
    """``300k``, ``5m``, ``1_000``. Raises UsageError."""
    from flinkscope.errors import UsageError

    factor = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}.get(text[-1:].lower())
    digits = (text[:-1] if factor else text).replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) <= 10**12):
        raise UsageError(f"{text!r} is not a count", hint="write it like 300k, 5m or 1000000")
    return int(digits) * (factor or 1)
