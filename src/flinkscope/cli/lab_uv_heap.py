"""``flinkscope lab {run,cure,demo} uv-heap``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.errors import UsageError

if TYPE_CHECKING:
    from flinkscope.lab.incidents.uv_heap import Outcome


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
    seed = click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generated events.")
    return trigger(_size_options(java(seed(function))))


_as_json = click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")


@click.command("uv-heap", epilog="Example: flinkscope lab run uv-heap --trigger evictor --quick --out case")
@_run_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the case.  [default: cases/uv-heap-TRIGGER]")
@click.option("--replace", is_flag=True, help="Replace a case of this incident in that folder.")
@_as_json
def run(trigger: str, size: str | None, java: str, seed: int, out: Path | None, replace: bool, as_json: bool) -> None:
    """Runs the daily unique-visitor job until its TaskManager dies of Java heap space; records a case."""
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.lab.incidents import uv_heap

    folder = out or Path("cases") / f"uv-heap-{trigger}"
    plan = uv_heap.Plan(trigger=trigger, size=size or "demo", java=java, seed=seed)
    progress = TerminalProgress()
    try:
        outcome = uv_heap.run(plan, folder, progress, replace=replace)
    finally:
        progress.done()
    _show(outcome, as_json, f"next: flinkscope diagnose {folder}")


@click.command(
    "uv-heap",
    epilog="Example: flinkscope lab cure uv-heap --case cases/uv-heap-purging --design bucket --out cured",
)
@click.option(
    "--case",
    "case_path",
    type=click.Path(path_type=Path),
    default=Path("cases/uv-heap-purging"),
    show_default=True,
    help="The recorded incident: its events, memory and versions are repeated.",
)
@click.option("--memory", multiple=True, metavar="KEY=VALUE", help="A Flink memory option; repeat for more.")
@click.option("--design", type=click.Choice(["bucket"]), help="The better design: item buckets, no window.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the new case.  [default: CASE-cured]")
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
    """Repeats a recorded incident with other memory, the better design, or both; exit 1 unless it is cured."""
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.lab.incidents import uv_heap
    from flinkscope.sources.case import open_case

    plan = uv_heap.cure_plan(uv_heap.plan_of(open_case(case_path)), memory=_options(memory), design=design)
    folder = out or case_path.with_name(case_path.name + "-cured")
    progress = TerminalProgress()
    try:
        outcome = uv_heap.run(plan, folder, progress, replace=replace)
    finally:
        progress.done()
    _show(outcome, as_json, f"next: flinkscope compare {case_path} {folder}")
    if outcome.check is None or not outcome.check.exact:
        ctx.exit(1)


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
def demo(ctx: click.Context, trigger: str, size: str | None, java: str, seed: int, out: Path, as_json: bool) -> None:
    """Lets the job die, diagnoses it, cures it in two ways, and shows before and after.

    Exit code 0: it died, the cause was found, both cures work with exact results.
    """
    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.lab.demo import tell
    from flinkscope.lab.incidents import uv_heap

    plan = uv_heap.Plan(trigger=trigger, size=size or "demo", java=java, seed=seed)
    progress = TerminalProgress()
    chapters = []
    try:
        for chapter in tell(plan, out, progress):
            progress.done()
            chapters.append(chapter)
            if not as_json:
                click.echo(f"\n━━ {_TITLES[chapter.name]} ({chapter.seconds:.0f} s)\n\n{chapter.text}")
    finally:
        progress.done()
    if as_json:
        rows = [(c.name, c.as_promised, c.seconds, [str(f) for f in c.files]) for c in chapters]
        keys = ("name", "as_promised", "seconds", "files")
        echo_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        click.echo(f"\n━━ {sum(c.seconds for c in chapters):.0f} s in all\n")
        for chapter in chapters:
            for path in chapter.files:
                click.echo(f"{'case' if path.is_dir() else 'page':8} {path}")
        click.echo(f"\nopen {(out / 'report.html').resolve()}")
    if not all(chapter.as_promised for chapter in chapters):
        ctx.exit(1)


_TITLES = {
    "incident": "1 of 4: the TaskManager dies",
    "diagnosis": "2 of 4: the diagnosis",
    "more-memory": "3 of 4: the same job with the memory that the diagnosis proposed",
    "better-design": "4 of 4: the better design in the memory in which the job died",
}


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
    click.echo(f"the job {outcome.outcome}")
    for process in case.processes:
        if process.exit_code is not None:
            click.echo(f"  {process.id}: exit code {process.exit_code}")
    if outcome.check is not None:
        text = "exact, item by item" if outcome.check.exact else "; ".join(outcome.check.examples)
        click.echo(f"  results: {outcome.check.pairs:,} items, {outcome.check.visitors:,} visitors: {text}")
    click.echo(f"case: {case.root}\n{following}")
