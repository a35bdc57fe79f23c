"""``flinkscope lab {run,cure,demo} jm-metaspace``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.lab.incidents.jm_metaspace import Outcome, Plan

_PINS = (
    "hook", "thread", "context", "threadlocal", "timer", "executor", "cleaner", "http", "jdbc", "mbean", "sysprop",
    "provider", "ueh", "jul", "static", "log4j", "soft", "spring", "nacos", "none",
)  # fmt: skip
_BAR = 40


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--java", default="17", show_default=True, help="Java: 11, 17, 21 or 25, from a wheel."),
        click.option("--flink", default="2.3.0", show_default=True, help="Flink, from a wheel."),
        click.option("--jar", default="", help="A jar built with -P libraries, for the pins spring and nacos."),
        click.option("--metaspace", default="128m", show_default=True, help="The JobManager's limit."),
        click.option("--ballast", type=click.IntRange(0, 20_000), default=2600, show_default=True,
                     help="Classes that each submission loads besides."),
        click.option("--submissions", type=click.IntRange(1, 1000), default=12, show_default=True, help="At most."),
        click.option("--via", type=click.Choice(["web", "plan", "client", "application"]), default="web",
                     show_default=True, help="Web submission, the web's Show Plan, flink run in a JVM of its own, or"
                     " application mode: a JobManager for each."),
        click.option("--pin", "pins", type=click.Choice(_PINS), multiple=True, default=("hook",), show_default=True,
                     help="What main() leaves behind; repeat for more."),
    ):  # fmt: skip
        function = option(function)
    return function


_as_json = click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
_replace = click.option("--replace", is_flag=True, help="Replace a case of this incident in that folder.")


@click.command("jm-metaspace", epilog="Example: flinkscope lab run jm-metaspace --pin hook --pin thread --out case")
@_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("cases/jm-metaspace"), show_default=True,
              help="Folder of the case.")  # fmt: skip
@_replace
@_as_json
@click.pass_context
def run(ctx: click.Context, /, out: Path, replace: bool, as_json: bool, **words: Any) -> None:
    """Submits the same job again and again until the JobManager is out of metaspace; records a case.

    Exit code 1: it died or refused; 0: it took all submissions.
    """
    from flinkscope.lab.incidents import jm_metaspace

    with _progress() as progress:
        outcome = jm_metaspace.run(_plan(words), out, progress, replace=replace)
    _show(outcome, as_json, f"next: flinkscope heap loaders --leaked {out}/jobmanager-0/heap.hprof")
    ctx.exit(0 if outcome.outcome == jm_metaspace.SURVIVED else 1)


@click.command(
    "jm-metaspace", epilog="Example: flinkscope lab cure jm-metaspace --case cases/jm-metaspace --with fixed"
)
@click.option("--case", "case_path", type=click.Path(path_type=Path), default=Path("cases/jm-metaspace"),
              show_default=True, help="The recorded incident, which is repeated.")  # fmt: skip
@click.option("--with", "cure_name", type=click.Choice(["client", "application", "fixed"]), default="client",
              show_default=True, help="From a client JVM, in application mode, or code that cleans up.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Folder of what is recorded.  [default: CASE-cured]")
@_replace
@_as_json
@click.pass_context
def cure(
    ctx: click.Context, /, case_path: Path, cure_name: str, out: Path | None, replace: bool, as_json: bool
) -> None:
    """Repeats a recorded incident, cured. Exit code 0: all submissions went well and metaspace stayed flat; 1: not."""
    from flinkscope.lab.incidents import jm_metaspace
    from flinkscope.sources.case import open_case

    plan = jm_metaspace.cure_plan(jm_metaspace.plan_of(open_case(case_path)), cure_name)
    folder = out or case_path.with_name(case_path.name + "-cured")
    with _progress() as progress:
        outcome = jm_metaspace.run(plan, folder, progress, replace=replace)
    _show(outcome, as_json, f"before: {case_path}")
    ctx.exit(0 if outcome.flat else 1)


@click.command("jm-metaspace", epilog="Example: flinkscope lab demo jm-metaspace --out demo-metaspace")
@_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-metaspace"), show_default=True,
              help="Folder of the cases; an earlier demo in it is replaced.")  # fmt: skip
@_as_json
@click.pass_context
def demo(ctx: click.Context, /, out: Path, as_json: bool, **words: Any) -> None:
    """Lets the JobManager die, names what keeps each class loader, and shows both cures.

    Exit code 0: it died, and both cures stayed flat; 1: not.
    """
    from flinkscope.cli.heap_leaked import show_leaked
    from flinkscope.flink.opened import open_heap
    from flinkscope.lab.incidents import jm_metaspace

    plan, good = _plan(words), True
    with _progress() as progress:
        dead = jm_metaspace.run(plan, out / "incident", progress, replace=True)
    _show(dead, as_json, "")
    for artifact in dead.case.of_kind("heap_dump"):
        good = show_leaked(open_heap(dead.case.path_of(artifact)), as_json, False) == 1
    for name in ("client", "fixed"):
        with _progress() as progress:
            cured = jm_metaspace.run(jm_metaspace.cure_plan(plan, name), out / name, progress, replace=True)
        _show(cured, as_json, "")
        good = good and cured.flat
    ctx.exit(0 if good and dead.outcome != jm_metaspace.SURVIVED else 1)


def _plan(words: dict[str, Any]) -> Plan:
    from flinkscope.lab.incidents.jm_metaspace import Plan

    return Plan(**words)


@contextmanager
def _progress() -> Iterator[TerminalProgress]:
    from flinkscope.cli.show import TerminalProgress

    progress = TerminalProgress()
    try:
        yield progress
    finally:
        progress.done()


def _show(outcome: Outcome, as_json: bool, following: str) -> None:
    from flinkscope.cli.show import echo_json
    from flinkscope.units import human_bytes

    case = outcome.case
    if as_json:
        codes = {p.id: p.exit_code for p in case.processes}
        plain = asdict(outcome)
        plain.update(case=str(case.root), exit_codes=codes, predicted=outcome.predicted, flat=outcome.flat)
        echo_json(plain)
        return
    limit = outcome.forecast.limit_bytes if outcome.forecast else 0
    click.echo(f"\n{case.title}")
    for s in outcome.submissions:
        bar = "█" * round(_BAR * s.floor_bytes / limit) if limit else ""
        click.echo(
            f"{s.number:>4}  {bar:<{_BAR}}│ {human_bytes(s.floor_bytes):>9} after full GC, {s.classes:,} classes"
        )
    code = next((p.exit_code for p in case.processes if p.role == "jobmanager"), None)
    click.echo(f"the JobManager {outcome.outcome}" + (f", exit code {code}" if code is not None else ""))
    if outcome.refusal:
        click.echo(f"  its last words: {outcome.refusal[:200]}")
    if outcome.forecast is not None and outcome.forecast.left is not None:
        step = human_bytes(outcome.forecast.step_bytes)
        at = outcome.forecast_at
        click.echo(
            f"  forecast after {at}: {step} a submission, {outcome.predicted} fit; {len(outcome.submissions)} did"
        )
    if outcome.leaked is not None:
        click.echo(f"  leaked class loaders in its heap dump: {outcome.leaked}")
    click.echo(f"case: {case.root}" + (f"\n{following}" if following else ""))
