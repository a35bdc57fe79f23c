"""``flinkscope uv run``: starts the daily-UV job. Its options are those of the job, from one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.uv.job_options import CHOICE, FLAG, OPTIONS, Option

if TYPE_CHECKING:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.uv.job import UvJob
    from flinkscope.uv.run import Place, UvSummary


def job_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for each of the job's; the parameter's name is the option's with underscores."""
    for option in reversed(OPTIONS):
        function = _click_option(option)(function)
    return function


def given_options(words: dict[str, Any]) -> dict[str, str]:
    """Takes the job's options out of a command's parameters; those that were given, by their own names."""
    found = {}
    for option in OPTIONS:
        value = words.pop(option.name.replace("-", "_"))
        if value is not None and value is not False:
            found[option.name] = "true" if value is True else str(value)
    return found


def _click_option(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    words: dict[str, Any] = {"help": option.help}
    if option.default is not None:
        words["help"] += f"  [default: {option.default}]"
    if option.kind == FLAG:
        return click.option(f"--{option.name}", is_flag=True, **words)
    kind = click.Choice(option.choices) if option.kind == CHOICE else click.STRING
    return click.option(f"--{option.name}", type=kind, metavar=None if option.kind == CHOICE else "TEXT", **words)


@click.command("run", epilog="Example: flinkscope uv run --path events/ --redis redis://127.0.0.1:6379")
@job_options
@click.option("--force", is_flag=True, help="Also a design that is known to die with such keys.")
@click.option(
    "--cluster", metavar="URL", help="A session cluster's REST address; else a Flink of its own, from wheels."
)
@click.option("--parallelism", type=click.IntRange(1, 4096), help="Of the job.  [default: 2; a cluster's own]")
@click.option("--from-savepoint", metavar="PATH", help="A savepoint or checkpoint; 'latest': of --checkpoint-dir.")
@click.option("--task-managers", type=click.IntRange(1, 16), default=1, show_default=True, help="Own Flink: how many.")
@click.option("--memory", default="1216m", show_default=True, help="Own Flink: of a TaskManager's process.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Own Flink: an option; repeat for more.")
@click.option("--jar", "jars", multiple=True, type=click.Path(path_type=Path), help="Own Flink: a connector, a driver.")
@click.option("--flink", default="2.3.0", show_default=True, help="Own Flink: its version.")
@click.option("--java", default="17", show_default=True, help="Java: 11, 17, 21 or 25, from a wheel.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def command(**words: Any) -> int:
    """Counts the unique visitors of each day and key, and refreshes the counts every few minutes.

    From files, Kafka or a generator, to Redis and others. A bounded input ends the job; Ctrl-C ends it with a
    savepoint where --checkpoint-dir is given. Exit code 3: the job failed, or something it needs is not there.
    """
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.uv.job import uv_job
    from flinkscope.uv.ready import check_ready

    given = given_options(words)
    cluster = words["cluster"]
    job = uv_job(given, force=words["force"], local=cluster is None)
    savepoint = _savepoint(words["from_savepoint"], job)
    for warning in check_ready(job) if cluster is None else ():
        click.echo(f"warning: {warning}", err=True)
    progress = TerminalProgress()
    try:
        if cluster is not None:
            return _submit(job, words, savepoint, progress)
        summary, printed = _run(job, _place(words), savepoint, progress)
    finally:
        progress.done()
    _show(job, summary, printed, words["as_json"])
    return 0


def _submit(job: UvJob, words: dict[str, Any], savepoint: str | None, progress: TerminalProgress) -> int:
    from flinkscope.cli.show import echo_json
    from flinkscope.uv.run import run_on

    submitted = run_on(
        job, words["cluster"], parallelism=words["parallelism"] or 0, savepoint=savepoint, java=words["java"],
        progress=progress,
    )  # fmt: skip
    progress.done()
    if words["as_json"]:
        echo_json({"job": submitted.job, "url": submitted.url, "warning": submitted.warning or None})
        return 0
    click.echo(f"job {submitted.job} runs on {submitted.url}")
    if submitted.warning:
        click.echo(f"warning: {submitted.warning}", err=True)
    return 0


def _run(
    job: UvJob, place: Place, savepoint: str | None, progress: TerminalProgress
) -> tuple[UvSummary, tuple[str, ...]]:
    from flinkscope.uv.run import Embedded

    with Embedded(job, place, savepoint=savepoint, progress=progress) as run:
        click.echo(f"job {run.job_id} on {run.cluster.rest_url}", err=True)
        try:
            summary = run.wait()
        except KeyboardInterrupt:
            summary = run.stop()
        return summary, run.printed() if "print" in job.sinks else ()


def _place(words: dict[str, Any]) -> Place:
    from flinkscope.errors import UsageError
    from flinkscope.uv.run import Place

    config = {}
    for word in words["settings"]:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"--set {word!r}", hint="for example --set taskmanager.memory.managed.size=0")
        config[key] = value
    return Place(
        task_managers=words["task_managers"], parallelism=words["parallelism"] or 2, memory=words["memory"],
        flink=words["flink"], java=words["java"], jars=tuple(jar.absolute() for jar in words["jars"]), config=config,
    )  # fmt: skip


def _savepoint(word: str | None, job: UvJob) -> str | None:
    from flinkscope.errors import SourceError, UsageError
    from flinkscope.uv.run import newest_checkpoint

    if word != "latest":
        if word is not None and "://" not in word and not Path(word.removeprefix("file:"), "_metadata").is_file():
            raise SourceError(f"--from-savepoint {word}: no _metadata in it", hint="chk-N or savepoint-…, or 'latest'")
        return word
    if not job["checkpoint-dir"]:
        raise UsageError("--from-savepoint latest needs --checkpoint-dir")
    newest = newest_checkpoint(Path(job["checkpoint-dir"]))
    if newest is None:
        raise SourceError(f"{job['checkpoint-dir']}: no whole checkpoint", hint="start without --from-savepoint")
    return str(newest)


def _show(job: UvJob, summary: UvSummary, printed: tuple[str, ...], as_json: bool) -> None:
    from flinkscope.cli.show import echo_json

    if as_json:
        echo_json({**summary.as_document(), "job": dict(job.values)})
        return
    for line in printed:
        click.echo(line)
    click.echo(f"{summary.state.lower()} after {summary.seconds:.0f} s")
    for name in ("rows", "page_views", "malformed", "late", "results"):
        count = getattr(summary, name)
        text = "not told by this design" if count is None else f"{count:,}"
        click.echo(f"  {name.replace('_', ' '):11} {text}")
    if summary.replaced_task_managers:
        click.echo(f"  {summary.replaced_task_managers} TaskManagers died and were replaced")
    if summary.late and not job["late-dir"] and summary.late * 100 > (summary.page_views or 0):
        click.echo("hint: more than 1 % came late: a longer --watermark-delay (end: any order), or --late-dir")
    if summary.savepoint:
        click.echo(f"go on with: --from-savepoint {summary.savepoint}")
    if "redis" in job.sinks:
        prefix = f" --prefix {job['prefix']}" if job["prefix"] != "uv:" else ""
        click.echo(f"next: flinkscope uv top DAY{prefix}")
