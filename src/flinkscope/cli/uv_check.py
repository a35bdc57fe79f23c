"""``flinkscope uv check``: an exact recount against Redis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.uv_store import redis_address, redis_options

if TYPE_CHECKING:
    from flinkscope.uv.check import Difference, UvCheck


@click.command("check", epilog="Example: flinkscope uv check 'events/*.csv' --late-dir late --zone Asia/Shanghai")
@click.argument("files", nargs=-1, required=True)
@click.option("--format", "given", type=click.Choice(["csv", "jsonl", "parquet"]), help="Else by the file names.")
@click.option("--late-dir", type=click.Path(exists=True, path_type=Path), help="What the job set aside as late.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Of the days.")
@click.option("--key", default="itemId", show_default=True, help="A column, or shop for all together.")
@redis_options
@click.option("--day", "days", multiple=True, help="Only this day, as 2017-11-26; repeat for more.")
@click.option("--tolerance", type=click.FloatRange(0, 100), default=0.0, help="Percent, for approximate counts.")
@click.option("--first", type=click.IntRange(0, 10_000), default=20, show_default=True, help="Differences shown.")
@click.option("--memory", default="2g", show_default=True, help="At most; what is more goes to temporary files.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(files: tuple[str, ...], **options: Any) -> int:
    """Recounts the event FILES (CSV, JSON lines, Parquet; folders; globs; gzipped or not) and compares with Redis.

    A visitor counts once a day and key. Each difference is listed; the exit code is 1 when there is one.
    """
    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.cli.size import size_bytes
    from flinkscope.uv.calls import check_uv

    progress = TerminalProgress()
    try:
        found = check_uv(
            files, redis_address(options), file_format=options["given"], late_dir=options["late_dir"],
            zone=options["zone"], key=options["key"], days=options["days"], most_examples=options["first"],
            tolerance_bp=round(options["tolerance"] * 100), memory_bytes=size_bytes(options["memory"]),
            progress=progress,
        )  # fmt: skip
    finally:
        progress.done()
    if options["as_json"]:
        echo_json(found.as_document())
    else:
        _show(found)
    return 1 if found.differences else 0


def _show(found: UvCheck) -> None:
    from flinkscope.cli.main import printable

    rows = found.rows
    click.echo(f"events    {rows.rows:>14,} rows, {rows.views:,} page views, {rows.malformed:,} malformed")
    if rows.late:
        click.echo(f"late      {rows.late:>14,} page views that the job set aside")
    click.echo(f"expected  {found.pairs:>14,} (day, {found.key}), {found.visitors:,} visitors in {found.zone}")
    click.echo(f"equal     {found.equal:>14,}")
    for kind in ("missing", "extra", "wrong", "unreadable"):
        click.echo(f"{kind:<9} {getattr(found, kind):>14,}")
    if found.largest_error_bp:
        click.echo(
            f"error     at most {found.largest_error_bp / 100:.2f} %, {found.mean_error_bp / 100:.2f} % on average"
        )
    for line in (_line(difference) for difference in found.examples):
        click.echo(printable(line)[:100])
    if len(found.examples) < found.differences:
        click.echo(f"  … {found.differences - len(found.examples):,} more")
    for line in _notes(found):
        click.echo(printable(line))
    click.echo("Redis equals the recount" if not found.differences else f"{found.differences:,} differences")


def _line(difference: Difference) -> str:
    expected = "none" if difference.expected is None else f"{difference.expected:,}"
    stored = "none" if difference.found is None else f"{difference.found:,}"
    stored = "no number" if difference.kind == "unreadable" else stored
    return f"  {difference.day} {difference.key}: expected {expected}, Redis has {stored}"


def _notes(found: UvCheck) -> list[str]:
    """What explains differences that are none of the job's."""
    notes = []
    for name, ours in (("zone", found.zone), ("key", found.key)):
        theirs = found.meta.get(name)
        if theirs is not None and theirs != ours:
            notes.append(f"note: the job counted by {name} {theirs}, this recount by {ours}")
    if found.rows.strange_late:
        notes.append(f"note: {found.rows.strange_late:,} late page views are in none of the event files")
    if found.extra and found.other_days:
        notes.append(f"note: Redis has days without events here: {', '.join(found.other_days[:5])}; see --day")
    return notes
