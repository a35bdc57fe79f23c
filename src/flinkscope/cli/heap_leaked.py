"""``flinkscope heap loaders --leaked``: user class loaders of a Flink process and everything that keeps each alive."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import show_answer, size, table, tail

if TYPE_CHECKING:
    from flinkscope.flink.loaders import UserLoader
    from flinkscope.heap import Heap

_STATES = {"leaked": "leaked", "live": "live", "awaiting_gc": "awaits GC"}
_MOST_GROUPS = 30


def show_leaked(heap: Heap, as_json: bool, show_strings: bool) -> int:
    """Prints the user loaders; the exit code: 1 when one is leaked."""
    from flinkscope.flink.loaders import user_loaders

    rows = user_loaders(heap)
    show_answer(heap, rows, as_json, show_strings, lambda: _render(rows))
    return 1 if any(row.state == "leaked" for row in rows) else 0


def _render(rows: Sequence[UserLoader]) -> None:
    if not rows:
        click.echo("no user class loader of Flink in this dump: is it of a JobManager or TaskManager?")
        return
    leaked = [row for row in rows if row.state == "leaked"]
    counts = ", ".join(f"{sum(r.state == s for r in rows)} {words}" for s, words in _STATES.items())
    lost = sum(row.metaspace_bytes for row in leaked)
    about = f"; about {size(lost)} of metaspace leaked" if leaked else ""
    click.echo(f"{len(rows)} user class loaders: {counts}{about}\n")
    table(
        ("STATE", "CLASSES", "PINS", "ADDRESS", "JOB OR JAR"),
        [(_STATES[r.state], r.classes, len(r.pins), f"{r.address:#x}", _owner(r)) for r in rows],
    )
    show_pins(leaked)
    _render_conditions(rows)


def show_pins(leaked: Sequence[UserLoader]) -> None:
    """Each pin of these loaders with its maker, chain and remedy, the same ones together."""
    from flinkscope.flink.loaders import pin_groups

    for number, group in enumerate(pin_groups(leaked)[:_MOST_GROUPS], 1):
        click.echo(f"\n{number}. {group.text}  [{group.kind}]")
        _detail("by", ", ".join(word for word in (group.library, group.code, _quoted(group.thread)) if word))
        for step in group.example.chain:
            click.echo(f"       {tail(step, 92)}")
        _detail("fix", group.example.remedy)
    if leaked:
        click.echo("\nEvery pin alone keeps its loader: all of them have to go.")


def _render_conditions(rows: Sequence[UserLoader]) -> None:
    """Why the classes of each state's first loader are still there."""
    for state, words in _STATES.items():
        first = next((row for row in rows if row.state == state), None)
        if first is not None:
            click.echo(f"\nunloading of {first.address:#x} ({words}) needs:")
            for condition in first.unloading:
                click.echo(f"  {'yes' if condition.holds else 'no ':3} {condition.name}: {condition.why}")


def _detail(label: str, text: str) -> None:
    click.echo(fill(text, width=96, initial_indent=f"   {label}: ", subsequent_indent="       "))


def _owner(row: UserLoader) -> str:
    job = " ".join(word for word in (row.job_name, row.job) if word)
    return job or ", ".join(jar.rpartition("/")[2] for jar in row.jars) or "-"


def _quoted(thread: str | None) -> str | None:
    return None if thread is None else f"thread “{thread}”"
