"""``flinkscope heap flink``: the dump in Flink's own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command, show_answer, size, table, tail
from flinkscope.cli.main import printable

if TYPE_CHECKING:
    from flinkscope.flink.lens.details import StateDetail
    from flinkscope.flink.lens.jobmanager import JobManagerView
    from flinkscope.flink.lens.ownership import Ownership
    from flinkscope.flink.lens.process import ProcessView
    from flinkscope.flink.state_facts import (
        EmbeddedState,
        KeyedState,
        OperatorState,
        StateFacts,
        TimerService,
        WindowOperator,
    )
    from flinkscope.heap import Heap

_MOST_OWNERS = 40
_MOST_ENUMERATORS = 10
_MOST_UNKNOWN = 10
_WIDTH = 100


@heap_command("flink", "in Flink's terms: tasks, state, timers, windows, owners", "flinkscope heap flink dump.hprof")
def command(heap: Heap, as_json: bool, show_strings: bool) -> None:
    """Tasks, keyed state, timers and windows, and who owns each byte that can be reached."""
    from flinkscope.flink.lens import view

    seen = view(heap, show_strings=show_strings)

    def render() -> None:
        _process(seen.process)
        _jobs(seen.job_manager)
        _state(seen.state)
        _other_state(seen.state)
        _details(seen.details)
        _owners(seen.ownership)

    show_answer(heap, seen, as_json, show_strings, render)


def _process(process: ProcessView) -> None:
    from textwrap import fill

    words = [process.role or "process of unknown role"]
    words += [f"Flink {process.flink_version}"] if process.flink_version else []
    words += [f"Java {process.java_version}"] if process.java_version else []
    words += [f"{process.slots} slots"] if process.slots else []
    click.echo(fill(f"{', '.join(words)}; jobs: {', '.join(process.jobs) or 'none'}", _WIDTH))
    click.echo()
    rows = [(t.state, t.job_name, _moment(t.watermark_ms), t.last_checkpoint, t.name) for t in process.tasks]
    table(("STATE", "JOB", "WATERMARK", "CHECKPOINT", "TASK"), rows)


def _state(state: StateFacts) -> None:
    from textwrap import fill

    from flinkscope.flink.lens.details import verdict

    if state.states:
        click.echo(f"\nkeyed state ({state.backend})")
        rows = [
            (s.name, s.kind, s.entries, s.keys, len(s.windows), size(s.total_bytes), s.total_bytes // max(1, s.entries),
             _whose(s))
            for s in state.states
            if s.entries
        ]  # fmt: skip
        table(("NAME", "KIND", "ENTRIES", "KEYS", "WINDOWS", "BYTES", "EACH", "JOB: OPERATOR"), rows)
    if state.timers:
        click.echo("\ntimers")
        services = [
            (t.service, t.domain, t.timers, t.cleanup, t.firing, t.due_next, size(t.own_bytes), _whose(t))
            for t in state.timers
        ]
        table(("SERVICE", "TIME", "TIMERS", "CLEAN-UP", "FIRING", "NEXT", "BYTES", "JOB: OPERATOR"), services)
    if state.unowned_entries or state.unowned_timers:
        lost = f"{state.unowned_entries:,} state entries and {state.unowned_timers:,} timers"
        why = "copies of a running snapshot, garbage, or cut off from theirs"
        click.echo("\n" + fill(f"{lost} belong to no running operator: {why}", _WIDTH))
    for shape in state.unknown_shapes:
        click.echo(f"not known: {shape}")
    for operator in state.operators:
        setup = ", ".join(part for part in (operator.assigner, " of ".join(operator.trigger)) if part)
        click.echo("\n" + printable(f"{_whose(operator)}: {setup}")[: 2 * _WIDTH])
        sentence = verdict(state, operator)
        if sentence:
            click.echo(fill(sentence, 100, initial_indent="  ", subsequent_indent="  "))
    if state.states or state.timers:
        click.echo(f"\nkeys and windows: {size(state.keys_and_windows_bytes)}; together {size(state.state_bytes)}")


def _moment(time_ms: int | None) -> str | None:
    """Event time as UTC; None for none, and the number for what no calendar has."""
    from datetime import UTC, datetime, timedelta

    if time_ms is None:
        return None
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)).strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:
        return str(time_ms)


def _whose(row: KeyedState | TimerService | OperatorState | EmbeddedState | WindowOperator) -> str:
    return f"{row.job or '?'}: {row.operator or row.task}"


def _other_state(state: StateFacts) -> None:
    """Operator state, and what the heap knows of RocksDB's and ForSt's."""
    rows = [(s.name, s.kind, s.entries, size(s.size_bytes), _whose(s)) for s in state.operator_states]
    if rows:
        click.echo("\noperator state")
        table(("NAME", "KIND", "ENTRIES", "BYTES", "JOB: OPERATOR"), rows)
    if state.embedded:
        click.echo("\nstate outside the heap: entries and bytes are not in a heap dump")
        table(
            ("BACKEND", "STATES", "TIMERS", "DATABASES", "COLUMNS", "CACHE", "WRITE BUFFERS", "JOB: OPERATOR"),
            [
                (e.backend, len(e.states), _timers_of(e), e.databases, e.column_families,
                 size(e.cache_bytes), size(e.write_buffer_bytes), _whose(e))
                for e in state.embedded
            ],
        )  # fmt: skip


def _timers_of(state: EmbeddedState) -> str:
    return "?" if state.timers_on_heap is None else "heap" if state.timers_on_heap else "database"


def _jobs(manager: JobManagerView) -> None:
    """What only a JobManager has."""
    if not manager.jobs and not manager.archived:
        return
    rows = [(j.state, j.vertices, j.subtasks, j.checkpoints, j.last_checkpoint, j.name) for j in manager.jobs]
    table(("STATE", "VERTICES", "SUBTASKS", "CHECKPOINTS KEPT", "LAST", "JOB"), rows)
    handles = [(h.kind, h.handles, size(h.heap_bytes), size(h.state_bytes)) for h in manager.handles]
    click.echo()
    table(("STATE HANDLES", "COUNT", "ON THE HEAP", "STAND FOR"), handles, wide=0)
    ended = [a for a in manager.archived if a.ended]
    submitted = sum(not loader.job_id for loader in manager.loaders)
    click.echo(f"\narchived jobs: {len(ended)}, {size(sum(a.size_bytes for a in ended))}")
    click.echo(
        f"user class loaders: {len(manager.loaders) - submitted} of jobs in the library cache,"
        f" {submitted} of submissions or left over: see heap loaders"
    )
    jobs = {job.job_id: job.name for job in manager.jobs}
    sources = [
        (e.enumerator, e.readers, size(e.size_bytes), f"{jobs.get(e.job_id) or '?'}: {e.source}")
        for e in manager.enumerators[:_MOST_ENUMERATORS]
    ]
    table(("SOURCE ENUMERATOR", "READERS", "BYTES", "JOB: SOURCE"), sources)


def _details(details: tuple[StateDetail, ...]) -> None:
    """Sizes, fill and balance of each state; its largest keys; windows that are past or far ahead."""
    rows = [
        (
            tail(f"{d.job or '?'}: {d.name}", _WIDTH // 3),
            e.least,
            e.median,
            e.p99,
            e.most,
            f"{d.fill_bp / 100:.0f} %",
            *_balance(d),
        )
        for d in details
        if (e := d.entry_bytes) is not None
    ]
    if rows:
        click.echo("\nbytes an entry; fill of the tables; entries a key group and a subtask, least and most")
        table(("NAME", "MIN", "MEDIAN", "P99", "MAX", "FILL", "KEY GROUPS", "SUBTASKS"), rows, wide=0)
    for detail in details:
        if detail.largest:
            keys = "; ".join(f"{k.key} {size(k.size_bytes)}" for k in detail.largest[:3])
            click.echo(printable(f"largest of {detail.job or '?'}: {detail.name}: {keys}")[:_WIDTH])
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
    rows = [
        (size(o.size_bytes), o.objects, o.what, ": ".join(part for part in (o.job, o.operator or o.task) if part))
        for o in ownership.owners[:_MOST_OWNERS]
    ]
    table(("BYTES", "OBJECTS", "OWNER", "JOB: OPERATOR OR TASK"), rows)
    if ownership.unknown:
        click.echo("without an owner, by class:")
        table(("BYTES", "CLASS"), [(size(found), name) for name, found in ownership.unknown[:_MOST_UNKNOWN]])
