"""``flinkscope uv compare``: all designs on the same events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.uv.compare import Contender, UvRun


@click.command("compare", epilog="Example: flinkscope uv compare --events 1000000 --only bucket --only 'incident bare'")
@click.option("--events", default="1m", show_default=True, help="Generated events: 1000000, 300k, 10m.")
@click.option("--items", default=4_000_000, show_default=True, help="Items of the shop.")
@click.option("--users", default=1_000_000, show_default=True, help="Users.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same events.")
@click.option("--span", default="10600 s", show_default=True, help="Event time from first to last, from 21:00 on.")
@click.option("--key", default="itemId", show_default=True, help="itemId, categoryId, userId or shop.")
@click.option("--memory", default="1216m", show_default=True, help="Of the TaskManager's process.")
@click.option("--only", multiple=True, metavar="NAME", help="As 'bucket' or 'incident bare'; repeat for more.")
@click.option("--limit", default="900 s", show_default=True, help="A design that takes longer is given up.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(**words: Any) -> int:
    """Runs every design on the same generated events, one after the other, and measures it.

    LIVE is the TaskManager's heap after a full collection while all state is held, CPU its processor time from start to
    end, CHECKPOINT the full state. Exit code 1: a design that should be exact was not.
    """
    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.uv.compare import compare_uv
    from flinkscope.uv.job import duration_ms
    from flinkscope.uv.run import Place

    options = {
        "events": str(_number(words["events"])), "items": str(words["items"]), "users": str(words["users"]),
        "seed": str(words["seed"]), "span-ms": str(duration_ms(words["span"], "span")), "key": words["key"],
    }  # fmt: skip
    contenders, place = _contenders(words["only"]), Place(memory=words["memory"])
    limit_s = duration_ms(words["limit"], "limit") / 1000
    progress = TerminalProgress()
    done = []
    try:
        for run in compare_uv(options, contenders, place, limit_s=limit_s, progress=progress):
            done.append(run)
    finally:
        progress.done()
    if words["as_json"]:
        echo_json({"options": options, "memory": words["memory"], "runs": [run.as_document() for run in done]})
    else:
        _show(done)
    return 1 if any(run.wrong and not run.stated_error_bp for run in done) else 0


def _number(text: str) -> int:
    from flinkscope.errors import UsageError

    match = re.fullmatch(r"(\d{1,12})([kmg]?)", text.lower())
    if match is None or not int(match[1]):
        raise UsageError(f"--events {text!r}", hint="write it like 1000000, 300k or 10m")
    return int(match[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[match[2]]


def _contenders(names: tuple[str, ...]) -> tuple[Contender, ...]:
    from flinkscope.errors import UsageError
    from flinkscope.uv.compare import EVERY

    known = {contender.name: contender for contender in EVERY}
    for name in names:
        if name not in known:
            raise UsageError(f"--only {name!r}", hint=f"one of {', '.join(known)}")
    return tuple(known[name] for name in names) or EVERY


def _show(runs: list[UvRun]) -> None:
    click.echo(f"{'DESIGN':18} {'END':9} {'LIVE':>9} {'CPU':>7} {'CHECKPOINT':>10} {'B/VISITOR':>9}  COUNTS")
    for run in runs:
        cpu = "-" if run.cpu_s is None else f"{run.cpu_s:.0f} s"
        per = "-" if run.bytes_per_visitor is None else f"{run.bytes_per_visitor:.1f}"
        sizes = f"{_size(run.live_bytes):>9} {cpu:>7} {_size(run.checkpoint_bytes):>10} {per:>9}"
        click.echo(f"{run.name:18} {run.outcome:9} {sizes}  {_counts(run)}")


def _size(size_bytes: int | None) -> str:
    from flinkscope.units import human_bytes

    return "-" if size_bytes is None else human_bytes(size_bytes)


def _counts(run: UvRun) -> str:
    if run.wrong is None:
        return f"none: {run.outcome} after {run.rows:,} rows"
    if run.wrong == 0:
        return f"all {run.pairs:,} exact"
    error = f"largest error {(run.largest_error_bp or 0) / 100:.1f} %"
    if run.stated_error_bp:
        return f"{error}; stated: standard error {run.stated_error_bp / 100:.1f} %"
    return f"{run.wrong:,} of {run.pairs:,} WRONG, {error}"
