"""``flinkscope lab {run,cure,demo} uv-heap``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.errors import UsageError

if TYPE_CHECKING:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.lab.demo import Chapter
    from flinkscope.lab.incidents.uv_heap import Outcome, Plan


def _size_options(function: Callable[..., Any]) -> Callable[..., Any]:
    full = click.option(
        "--full", "size", flag_value="full", help="At the incident's own size: 1728m, 2.5 million events."
    )
    quick = click.option("--quick", "size", flag_value="quick", help="The smallest form: 900m, dies within a minute.")
    return full(quick(function))


def _run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    trigger = click.option(
        "--trigger",
        type=click.Choice(["purging", "bare", "evictor"]),
        default="purging",
        show_default=True,
        help="How the day's window is fired every three minutes.",
    )
    java = click.option("--java", default="17", show_default=True, help="Java: 11, 17, 21 or 25, from a wheel.")
    workers = click.option(
        "--task-managers",
        type=click.IntRange(1, 4),
        default=1,
        show_default=True,
        help="How many, with two slots each; the events grow with them.",
    )
    seed = click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generated events.")
    return trigger(_size_options(workers(java(seed(function)))))


_as_json = click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")


@click.command("uv-heap", epilog="Example: flinkscope lab run uv-heap --trigger evictor --quick --out case")
@_run_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the case.  [default: cases/uv-heap-TRIGGER]")
@click.option("--replace", is_flag=True, help="Replace a case of this incident in that folder.")
@_as_json
def run(out: Path | None, replace: bool, as_json: bool, **words: Any) -> None:
    """Runs the daily unique-visitor job until its TaskManager dies of Java heap space; records a case."""
    from flinkscope.lab.incidents import uv_heap

    plan = _plan(words)
    folder = out or Path("cases") / f"uv-heap-{plan.trigger}"
    with _progress() as progress:
        outcome = uv_heap.run(plan, folder, progress, replace=replace)
    _show(outcome, as_json, f"next: flinkscope diagnose {folder}")


@click.command("uv-heap", epilog="Example: flinkscope lab cure uv-heap --case cases/uv-heap-purging")
@click.option(
    "--case",
    "case_path",
    type=click.Path(path_type=Path),
    default=Path("cases/uv-heap-purging"),
    show_default=True,
    help="The recorded incident: its events, memory and versions are repeated.",
)
@click.option("--memory", multiple=True, metavar="KEY=VALUE", help="Only this: a Flink memory option; repeat for more.")
@click.option("--design", type=click.Choice(["bucket"]), help="Only this: the better design, item buckets, no window.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of what is recorded.  [default: CASE-cured]")
@click.option("--replace", is_flag=True, help="Replace a case of this incident in that folder.")
@_as_json
@click.pass_context
def cure(
    ctx: click.Context,
    case_path: Path,
    memory: tuple[str, ...],
    design: str | None,
    out: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Repeats a recorded incident, cured: with the memory that its diagnosis proposes, then with the better design.

    With --memory or --design only that. Exit code 0: cured, with exact results; 1: not.
    """
    from flinkscope.lab.demo import cure_both
    from flinkscope.lab.incidents import uv_heap
    from flinkscope.sources.case import open_case

    case = open_case(case_path)
    folder = out or case_path.with_name(case_path.name + "-cured")
    if not memory and not design:
        with _progress() as progress:
            good = _tell(cure_both(case, folder, progress), progress, as_json)
    else:
        plan = uv_heap.cure_plan(uv_heap.plan_of(case), memory=_options(memory), design=design)
        with _progress() as progress:
            outcome = uv_heap.run(plan, folder, progress, replace=replace)
        _show(outcome, as_json, f"next: flinkscope compare {case_path} {folder}")
        good = outcome.check is not None and outcome.check.exact
    ctx.exit(0 if good else 1)


@click.command("uv-heap", epilog="Example: flinkscope lab demo uv-heap --out demo")
@_run_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder of the cases and reports; an earlier demo in it is replaced.",
)
@_as_json
@click.pass_context
def demo(ctx: click.Context, /, out: Path, as_json: bool, **words: Any) -> None:
    """Lets the job die, diagnoses it, cures it in two ways, and shows before and after.

    Exit code 0: it died, the cause was found, both cures work with exact results; 1: not.
    """
    from flinkscope.lab.demo import tell

    with _progress() as progress:
        good = _tell(tell(_plan(words), out, progress), progress, as_json)
    ctx.exit(0 if good else 1)


_TITLES = {
    "incident": "The TaskManager dies",
    "diagnosis": "The diagnosis",
    "more-memory": "The same job with the memory that the diagnosis proposed",
    "better-design": "The better design in the memory in which the job died",
}


def _tell(story: Iterator[Chapter], progress: TerminalProgress, as_json: bool) -> bool:
    """Prints each chapter when it is over; whether all went as promised."""
    from flinkscope.cli.show import echo_json

    chapters = []
    for chapter in story:
        progress.done()
        chapters.append(chapter)
        if not as_json:
            click.echo(f"\n━━ {_TITLES[chapter.name]} ({chapter.seconds:.0f} s)\n\n{chapter.text}")
    files = [path for chapter in chapters for path in chapter.files]
    if as_json:
        echo_json([{**asdict(c), "files": [str(f) for f in c.files]} for c in chapters])
    else:
        click.echo(f"\n━━ {sum(c.seconds for c in chapters):.0f} s in all\n")
        for path in files:
            click.echo(f"{'case' if path.is_dir() else 'page':8} {path}")
        report = next(path for path in files if path.name == "report.html")
        click.echo(f"\nopen {report.resolve()}")
    return all(chapter.as_promised for chapter in chapters)


def _plan(words: dict[str, Any]) -> Plan:
    from flinkscope.lab.incidents.uv_heap import Plan

    return Plan(**{**words, "size": words["size"] or "demo"})


@contextmanager
def _progress() -> Iterator[TerminalProgress]:
    from flinkscope.cli.show import TerminalProgress

    progress = TerminalProgress()
    try:
        yield progress
    finally:
        progress.done()


def _options(words: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.startswith("taskmanager.memory."):
            raise UsageError(
                f"--memory {word}: expected a taskmanager.memory option",
                hint="for example --memory taskmanager.memory.process.size=1849m",
            )
        options[key] = value
    return options


def _show(outcome: Outcome, as_json: bool, following: str) -> None:
    from flinkscope.cli.show import echo_json

    case = outcome.case
    if as_json:
        check = outcome.check.as_document() if outcome.check else None
        codes = {p.id: p.exit_code for p in case.processes}
        echo_json({"case": str(case.root), "outcome": outcome.outcome, "exit_codes": codes, "results": check})
        return
    click.echo("the TaskManager died" if outcome.died else f"the job {outcome.outcome}")
    for process in case.processes:
        if process.exit_code is not None:
            click.echo(f"  {process.id}: exit code {process.exit_code}")
    if outcome.check is not None:
        text = "exact, item by item" if outcome.check.exact else "; ".join(outcome.check.examples)
        click.echo(f"  results: {outcome.check.pairs:,} items, {outcome.check.visitors:,} visitors: {text}")
    click.echo(f"case: {case.root}\n{following}")
