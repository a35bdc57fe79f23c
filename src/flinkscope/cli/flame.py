"""``flinkscope flame``: where CPU, memory, time or waiting go, as a flame graph, without a JDK."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click

from flinkscope.errors import UsageError

if TYPE_CHECKING:
    from flinkscope.jvm.flame import FlameProfile
    from flinkscope.jvm.flame_live import FlameTarget
    from flinkscope.progress import Progress
    from flinkscope.sources.flink_rest import RestAccess

# …/taskmanagers/ID of the REST interface, …/#/task-manager/ID/… of Flink's pages
_TASK_MANAGER = re.compile(r"^(?P<url>.*?)/(?:#/task-manager|taskmanagers)/(?P<id>[^/?#]+)(?:/.*)?$")


def _live_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that matter for a live process only."""
    for option in (
        click.option("--insecure", is_flag=True, help="Trust any certificate."),
        click.option("--ca", "ca_file", type=click.Path(), help="CA of the REST URL (PEM)."),
        click.option("--token", envvar="FLINKSCOPE_TOKEN", help="Bearer token for the REST URL."),
        click.option("--async-profiler", "library", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     help="A flink-dist jar or libasyncProfiler.so to load, instead of the target's own."),
        click.option("--folder", default="/tmp", show_default=True,
                     help="Where the JVM writes for a moment, in its own files."),
        click.option("--taskmanager", metavar="ID", help="With a URL: this task manager instead of the JobManager."),
        click.option("--rest", "rest_url", metavar="URL", help="With a PID: the JobManager to ask first."),
        click.option("--yes", is_flag=True,
                     help="Load an agent or start a recording in the process, where the way needs it."),
        click.option("--way", "ways", multiple=True, type=click.Choice(["rest", "async", "jfr", "threads"]),
                     help="Only this way (again for more); all in this order otherwise."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command("flame", short_help="flame graph of a PID, task manager or file: cpu, alloc, wall, lock; differential")
@click.argument("source")
@click.argument("later", required=False)
@click.option("--event", type=click.Choice(["cpu", "alloc", "wall", "lock"]), help="What is measured; live: cpu.")
@click.option(
    "--seconds", type=click.IntRange(1, 3600), default=30, show_default=True, help="How long a live process is sampled."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="FILE.html, .collapsed, .json (speedscope); + .gz.")
@_live_options
@click.option("--json", "as_json", is_flag=True, help="JSON with all stacks.")
def command(source: str, later: str | None, out: Path | None, as_json: bool, **live: Any) -> None:
    """Profiles SOURCE: a pid, or the URL of a JobManager or task manager. Or opens a file: a JFR recording, collapsed
    stacks, Flink's flame graph (JSON), async-profiler's page. With LATER (a file or a pid), the difference of the two.

    A live process is profiled by Flink's profiler if that is enabled, else by the async-profiler inside its own
    flink-dist jar, else by JFR, else by thread dumps; it says which, and why not the better ones.

    \b
    Examples:
      flinkscope flame 4711 --event alloc --yes -o alloc.html
      flinkscope flame http://jobmanager:8081/taskmanagers/10.0.0.7:41883-57dd17 --event alloc -o alloc.html
      flinkscope flame 4711 --way threads --seconds 10
      flinkscope flame run.jfr --event alloc -o alloc.collapsed
      flinkscope flame before.collapsed after.collapsed -o difference.html
    """
    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.report.flame import check_form, comparable, flame_document, flame_text, write_flame

    if out is not None:
        check_form(out)  # before half a minute of profiling
    progress = TerminalProgress()
    flames = _profiles([source] if later is None else [source, later], progress, **live)
    comparable(flames)
    if out is not None:
        write_flame(flames, out)
    if as_json:
        echo_json(flame_document(flames))
    else:
        click.echo(flame_text(flames))
    if out is not None:
        click.echo(f"wrote {out}", err=True)


def _profiles(
    sources: list[str], progress: Progress, *, event: str | None, seconds: int, yes: bool, ways: tuple[str, ...],
    rest_url: str | None, taskmanager: str | None, folder: str, library: Path | None, token: str | None,
    ca_file: str | None, insecure: bool,
) -> list[FlameProfile]:  # fmt: skip
    """The profile of each file, or of each live process for so many seconds; what is no source is told before."""
    from flinkscope.jvm.flame_live import WAYS, record_flame
    from flinkscope.jvm.flame_read import read_flame
    from flinkscope.sources.flink_rest import RestAccess

    access = RestAccess(token=token, ca_file=ca_file, verify=not insecure)
    targets = [_target(source, rest_url, taskmanager, access) for source in sources]
    return [
        read_flame(target, event, progress=progress)
        if isinstance(target, Path)
        else record_flame(
            target, event or "cpu", seconds, may_change=yes, ways=ways or WAYS, folder=folder, library=library,
            progress=progress,
        )
        for target in targets
    ]  # fmt: skip


def _target(source: str, rest_url: str | None, manager: str | None, access: RestAccess) -> Path | FlameTarget:
    """What to profile, or the file to read."""
    from flinkscope.jvm.flame_live import FlameTarget
    from flinkscope.sources.flink_rest import FlinkRest

    pid = int(source) if source.isdigit() and not Path(source).exists() else None
    url = source if source.startswith(("http://", "https://")) else rest_url
    if pid is None and url is not source:
        return Path(source)
    if url is None:
        return FlameTarget(pid)
    named = _TASK_MANAGER.match(url)
    if named:
        url, manager = named["url"], manager or unquote(named["id"])
    if pid is not None and manager is None:
        raise UsageError("--rest does not tell which process the pid is", hint="--rest http://…/taskmanagers/ID")
    return FlameTarget(pid, FlinkRest(url, access), manager)
