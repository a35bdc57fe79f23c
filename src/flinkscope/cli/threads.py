"""``flinkscope threads``: what the threads of a JVM do, which names repeat, who is deadlocked."""

from __future__ import annotations

import re
import time
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from flinkscope.flink.thread_contexts import ContextLoader
    from flinkscope.formats.thread_dump import ThreadDump
    from flinkscope.jvm.threads import ThreadDifference, ThreadView

_SHOWN = 15
_HEAP_DUMP = b"JAVA PROFILE"


@click.command(
    "threads",
    short_help="threads of a PID, dump or REST: states, repeated names, deadlocks, busiest",
)
@click.argument("source")
@click.argument("later", required=False)
@click.option(
    "--interval", "interval_s", type=click.FloatRange(min=0.1), help="Two dumps, so many seconds apart (PID)."
)
@click.option(
    "--locks", is_flag=True, help="PID: owners of all java.util.concurrent locks too; walks the heap, stopped."
)
@click.option("--taskmanager", metavar="ID", help="With a REST URL: this task manager instead of the JobManager.")
@click.option("--token", envvar="FLINKSCOPE_TOKEN", help="Bearer token for the REST URL.")
@click.option("--ca", "ca_file", type=click.Path(), help="CA of the REST URL (PEM).")
@click.option("--insecure", is_flag=True, help="Trust any certificate.")
@click.option("--raw", is_flag=True, help="Print the frames of all threads too.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(
    source: str, later: str | None, interval_s: float | None, raw: bool, as_json: bool, **reach: Any
) -> None:  # fmt: skip
    """Shows the threads of SOURCE: a pid (by attach: one safepoint), a dump file, or the URL of a JobManager.

    With LATER, a second dump or pid, also what changed between them. A name that comes again and again is the sign of
    a class-loader leak: each leaked submission left its thread behind. Of a heap dump it also shows whose class loader
    each thread has as its context: a user class loader there that is leaked or closed is a leak seen from its thread.

    \b
    Examples:
      flinkscope threads 4711 --interval 2
      flinkscope threads before.txt after.txt
      flinkscope threads jobmanager.hprof
      flinkscope threads http://jobmanager:8081 --taskmanager 10.0.0.7:41883-57dd17
    """
    from flinkscope.cli.show import echo_json
    from flinkscope.jvm.threads import thread_difference, thread_view

    first, contexts = _dump(source, **reach)
    second = None
    if later is not None:
        second, contexts = _dump(later, **reach)
    elif interval_s is not None:
        time.sleep(interval_s)
        second, _ = _dump(source, **reach)
    view = thread_view(second or first, first if second else None)
    change = thread_difference(first, second) if second else None
    if as_json:
        echo_json(_document(second or first, view, change, contexts))
    else:
        _show(second or first, view, change, raw)
        _show_contexts(contexts)


def _dump(
    source: str, *, taskmanager: str | None, token: str | None, ca_file: str | None, insecure: bool, locks: bool
) -> tuple[ThreadDump, tuple[ContextLoader, ...]]:
    """The threads, and of a heap dump their context class loaders."""
    import json
    from pathlib import Path

    from flinkscope.formats.thread_dump import parse_thread_dump
    from flinkscope.jvm.verbs import open_verbs
    from flinkscope.sources.flink_rest import FlinkRest, RestAccess

    if source.isdigit() and not Path(source).exists():
        return open_verbs(int(source)).threads(locks=locks), ()
    if source.startswith(("http://", "https://")):
        access = RestAccess(token=token, ca_file=ca_file, verify=not insecure)
        answer = FlinkRest(source, access).thread_dump(taskmanager)
        return parse_thread_dump(json.dumps(answer), f"{source} thread-dump"), ()
    text = _file_text(Path(source))
    if text.encode() == _HEAP_DUMP:
        return _of_heap(Path(source))
    return parse_thread_dump(text, source), ()


def _of_heap(path: Path) -> tuple[ThreadDump, tuple[ContextLoader, ...]]:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.flink.thread_contexts import context_loaders, heap_thread_dump
    from flinkscope.heap import open_heap

    progress = TerminalProgress()
    heap = open_heap(path, progress=progress)
    found = heap_thread_dump(heap), context_loaders(heap)
    progress.done()
    return found


def _file_text(path: Path) -> str:
    """The text of a file, plain or gzip; at most 256 MiB of it; of a heap dump only its first words."""
    import zlib

    from flinkscope.errors import SourceError, UnreadableInputError
    from flinkscope.sources.logfiles import LogFile

    if not path.is_file():
        raise SourceError(f"{path}: no such file", hint="a pid, a file or http://jobmanager:8081")
    try:
        with LogFile(path).open() as stream:
            head = stream.read(len(_HEAP_DUMP))
            return (head if head == _HEAP_DUMP else head + stream.read(256 << 20)).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableInputError(f"{path}: damaged: {error}", hint="take the dump again") from error


def _show(dump: ThreadDump, view: ThreadView, change: ThreadDifference | None, raw: bool) -> None:
    from flinkscope.absent import Absent

    states = ", ".join(f"{count} {state}" for state, count in view.states.items())
    virtual = f", {view.virtual} virtual" if view.virtual else ""
    click.echo(f"{view.threads} threads ({view.daemons} daemons{virtual}): {states}")
    if dump.gap:
        click.echo(f"note: {dump.gap}")
    for cycle in view.deadlocks:
        click.secho(f"deadlock: {' → '.join([*cycle, cycle[0]])}", fg="red")
    if view.repeated:
        click.echo("\nrepeated names (once each is normal)")
        for again in view.repeated[:_SHOWN]:
            kind = "the same name" if again.kind == "exact" else "pools of this kind"
            click.echo(f"  {again.count:>5} × {_cut(again.name, 70)}  {kind}")
    click.echo("\ngroups")
    for group in view.groups[:_SHOWN]:
        of_states = ", ".join(f"{count} {state.lower()}" for state, count in group.states.items())
        click.echo(f"  {group.count:>5} × {_cut(group.pattern, 48):<48}  {_cut(of_states, 38)}")
    if isinstance(view.busiest, Absent):
        click.echo("\n" + fill(f"{view.busiest}: {view.busiest.how_to_get}", 98))
    else:
        click.echo("\nbusiest")
        for busy in view.busiest[:_SHOWN]:
            share = "" if busy.share_of_core_bp is None else f"{busy.share_of_core_bp / 100:.1f} %"
            click.echo(f"  {busy.cpu_ms:>10,.0f} ms {share:>8}  {_cut(busy.name, 34):<34}  {_cut(busy.top_frame, 38)}")
    if change is not None:
        _show_change(change)
    if raw:
        for thread in dump.threads:
            click.echo(f'\n"{thread.name}" {thread.state}')
            for frame in thread.frames:
                click.echo(f"    {frame}")


def _show_change(change: ThreadDifference) -> None:
    click.echo(f"\nchange: {len(change.started)} threads came, {len(change.ended)} went")
    for pattern, before, after in change.groups[:_SHOWN]:
        click.echo(f"  {before:>5} → {after:<5} {_cut(pattern, 80)}")


def _show_contexts(contexts: tuple[ContextLoader, ...]) -> None:
    if contexts:
        click.echo("\ncontext class loaders")
    for one in contexts[:_SHOWN]:
        owner = " ".join(word for word in (one.state, one.job_name, one.job) if word)
        name = f"{re.split('[.$]', one.class_name)[-1]} @ {one.address:#x}"
        click.echo(f"  {len(one.threads):>5} × {_cut(name, 58):<58} {_cut(owner, 30)}")
        click.echo(f"          {_cut(', '.join(one.threads), 88)}")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _document(
    dump: ThreadDump, view: ThreadView, change: ThreadDifference | None, contexts: tuple[ContextLoader, ...]
) -> dict[str, Any]:
    from dataclasses import asdict

    from flinkscope.absent import present

    busiest = present(view.busiest)
    return {
        "source": str(dump.place),
        "gap": dump.gap,
        "view": asdict(view) | {"busiest": None if busiest is None else [asdict(busy) for busy in busiest]},
        "change": None if change is None else asdict(change),
        "threads": [asdict(thread) for thread in dump.threads],
        "context_class_loaders": [asdict(one) for one in contexts],
    }
