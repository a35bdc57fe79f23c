"""``flinkscope heap flink``: the dump in Flink's own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.flink.lens.ownership import Ownership
    from flinkscope.flink.lens.process import ProcessView
    from flinkscope.flink.state_facts import StateFacts
    from flinkscope.heap import Heap

_MOST_OWNERS = 40


@heap_command("flink", "in Flink's terms: tasks, state, timers, windows, owners", "flinkscope heap flink dump.hprof")
def command(heap: Heap, as_json: bool, show_strings: bool) -> None:
    """Tasks, keyed state, timers and windows, and who owns each byte that can be reached."""
    from flinkscope.flink.lens import view

    seen = view(heap)

    def render() -> None:
        _process(seen.process)
        _state(seen.state)
        _owners(seen.ownership)

    show_answer(heap, seen, as_json, show_strings, render)


def _process(process: ProcessView) -> None:
    words = [process.role or "process of unknown role"]
    words += [f"Flink {process.flink_version}"] if process.flink_version else []
    words += [f"Java {process.java_version}"] if process.java_version else []
    click.echo(f"{', '.join(words)}; jobs: {', '.join(process.jobs) or 'none'}\n")
    table(("STATE", "JOB", "TASK"), [(t.state, t.job_name, t.name) for t in process.tasks])


def _state(state: StateFacts) -> None:
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
    if state.states or state.timers:
        click.echo(f"\nkeys and windows: {size(state.keys_and_windows_bytes)}; together {size(state.state_bytes)}")


def _owners(ownership: Ownership) -> None:
    click.echo(f"\nowners ({ownership.named_bp / 100:.2f} % of the reachable bytes have one)")
    rows = [(size(o.size_bytes), o.objects, o.what, o.task or "") for o in ownership.owners[:_MOST_OWNERS]]
    table(("BYTES", "OBJECTS", "OWNER", "TASK"), rows)
