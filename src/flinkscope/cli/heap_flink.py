"""``flinkscope heap flink``: the dump in Flink's own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table
from flinkscope.cli.main import printable

if TYPE_CHECKING:
    from flinkscope.flink.lens.details import StateDetail
    from flinkscope.flink.lens.ownership import Ownership
    from flinkscope.flink.lens.process import ProcessView
    from flinkscope.flink.state_facts import StateFacts
    from flinkscope.heap import Heap

_MOST_OWNERS = 40
_WIDTH = 100


@heap_command("flink", "in Flink's terms: tasks, state, timers, windows, owners", "flinkscope heap flink dump.hprof")
def command(heap: Heap, as_json: bool, show_strings: bool) -> None:
    """Tasks, keyed state, timers and windows, and who owns each byte that can be reached."""
    from flinkscope.flink.lens import view

    seen = view(heap, show_strings=show_strings)

    def render() -> None:
        _process(seen.process)
        _state(seen.state)
        _details(seen.details)
        _owners(seen.ownership)

    show_answer(heap, seen, as_json, show_strings, render)


def _process(process: ProcessView) -> None:
    words = [process.role or "process of unknown role"]
    words += [f"Flink {process.flink_version}"] if process.flink_version else []
    words += [f"Java {process.java_version}"] if process.java_version else []
    click.echo(f"{', '.join(words)}; jobs: {', '.join(process.jobs) or 'none'}\n")
    table(("STATE", "JOB", "TASK"), [(t.state, t.job_name, t.name) for t in process.tasks])


def _state(state: StateFacts) -> None:
    from textwrap import fill

    from flinkscope.flink.lens.details import verdict

    if state.states:
        click.echo(f"\nkeyed state ({state.backend})")
        rows = [
            (s.name, s.kind, s.entries, s.keys, len(s.windows), size(s.total_bytes), s.total_bytes // max(1, s.entries))
            for s in state.states
        ]
        table(("NAME", "KIND", "ENTRIES", "KEYS", "WINDOWS", "BYTES", "EACH"), rows, wide=0)
    if state.timers:
        click.echo("\ntimers")
        services = [
            (t.service, t.domain, t.timers, t.cleanup, t.firing, t.due_next, size(t.own_bytes)) for t in state.timers
        ]
        table(("SERVICE", "TIME", "TIMERS", "CLEAN-UP", "FIRING", "NEXT", "BYTES"), services, wide=0)
    for operator in state.operators:
        click.echo(f"\n{operator.task}: {operator.assigner}, {' of '.join(operator.trigger)}")
        sentence = verdict(state, operator)
        if sentence:
            click.echo(fill(sentence, 100, initial_indent="  ", subsequent_indent="  "))
    if state.states or state.timers:
        click.echo(f"\nkeys and windows: {size(state.keys_and_windows_bytes)}; together {size(state.state_bytes)}")


def _details(details: tuple[StateDetail, ...]) -> None:
    """Sizes, fill and balance of each state; its largest keys; windows that are past or far ahead."""
    rows = [
        (d.name, e.least, e.median, e.p99, e.most, f"{d.fill_bp / 100:.0f} %", *_balance(d))
        for d in details
        if (e := d.entry_bytes) is not None
    ]
    if rows:
        click.echo("\nbytes an entry; fill of the tables; entries a key group and a subtask, least and most")
        table(("NAME", "MIN", "MEDIAN", "P99", "MAX", "FILL", "KEY GROUPS", "SUBTASKS"), rows, wide=0)
    for detail in details:
        if detail.largest:
            keys = "; ".join(f"{k.key} {size(k.size_bytes)}" for k in detail.largest[:3])
            click.echo(f"largest of {detail.name}: {printable(keys)}"[:_WIDTH])
        if detail.age is not None and (detail.age.past or detail.age.far_future):
            click.echo(
                f"windows of {detail.name}: {detail.age.past:,} entries past their clean-up time,"
                f" {detail.age.far_future:,} far in the future"
            )


def _balance(detail: StateDetail) -> tuple[str, str]:
    groups, subtasks = detail.key_groups, detail.subtasks
    return (
        "" if groups is None else f"{groups.least:,} to {groups.most:,}",
        "" if subtasks is None else f"{subtasks.least:,} to {subtasks.most:,}",
    )


def _owners(ownership: Ownership) -> None:
    click.echo(f"\nowners ({ownership.named_bp / 100:.2f} % of the reachable bytes have one)")
    rows = [(size(o.size_bytes), o.objects, o.what, o.task or "") for o in ownership.owners[:_MOST_OWNERS]]
    table(("BYTES", "OBJECTS", "OWNER", "TASK"), rows)
