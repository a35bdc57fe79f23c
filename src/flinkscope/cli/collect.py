"""``flinkscope collect``: records a case from a living process, a pod or a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.capture.collect import Plan
    from flinkscope.sources.case import Case


@click.command(
    "collect",
    short_help="record a case from a PID, a pod or a REST address, cheap things first",
    epilog="Example: flinkscope collect 4711 -o case.zip --heap --stop-budget 30   then: flinkscope diagnose case.zip",
)
@click.argument("target")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The case: a .zip, or a folder. Required to record."
)
@click.option("--heap", is_flag=True, help="A heap dump too (stops the process; see --stop-budget).")
@click.option("--left-dumps", is_flag=True, help="Also heap dumps that the process wrote when it ran out of memory.")
@click.option(
    "--flame", "flame_s", type=click.IntRange(1, 600), metavar="N", help="Record a flame graph for N seconds."
)
@click.option(
    "--stop-budget", "stop_budget_s", type=click.FloatRange(min=0), default=2.0, show_default=True, metavar="S",
    help="How many seconds the process may be stopped in all; what would take longer is left out.",
)  # fmt: skip
@click.option("--secrets", is_flag=True, help="Leave passwords, tokens and keys in (they are taken out otherwise).")
@click.option("--plan", "only_plan", is_flag=True, help="Only tell what would be done and what it would cost.")
@click.option("-n", "--namespace", help="Of the pod.")
@click.option("-c", "--container", help="Of the pod; its first one otherwise.")
@click.option("--context", help="Of kubectl.")
@click.option("--token", envvar="FLINKSCOPE_TOKEN", help="Bearer token for REST (or FLINKSCOPE_TOKEN).")
@click.option("--ca", "ca_file", type=click.Path(), help="The CA of the REST address, PEM.")
@click.option("--insecure", is_flag=True, help="Trust any certificate of the REST address.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(target: str, output: Path | None, only_plan: bool, as_json: bool, **options: Any) -> int:
    """Records everything that a diagnosis needs from TARGET into one case.

    TARGET: a process id, the REST address of a JobManager (http://host:8081), or a pod (NAME, NAMESPACE/NAME).
    Cheap things come first. What could not be had is in the case with its reason. A run that was ended goes on
    when it is started again with the same target and output.
    """
    from flinkscope.capture.collect import Wishes, collect, plan_of
    from flinkscope.capture.target import target_of
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.errors import UsageError
    from flinkscope.sources.flink_rest import RestAccess

    access = RestAccess(token=options["token"], ca_file=options["ca_file"], verify=not options["insecure"])
    wishes = Wishes(
        heap=options["heap"],
        left_dumps=options["left_dumps"],
        flame_s=options["flame_s"] or 0,
        stop_budget_ms=int(options["stop_budget_s"] * 1000),
        redact=not options["secrets"],
        access=access,
    )
    found = target_of(target, **{key: options[key] for key in ("namespace", "container", "context")})
    if only_plan:
        _show_plan(plan_of(found, wishes), wishes.stop_budget_ms, as_json)
        return 0
    if output is None:
        raise UsageError("collect needs a file for the case", hint=f"flinkscope collect {target} -o case.zip")
    progress = TerminalProgress()
    try:
        case = collect(found, output, wishes, progress=progress)
    finally:
        progress.done()
    _show_case(case, output, as_json)
    return 0


def _show_plan(plan: Plan, budget_ms: int, as_json: bool) -> None:
    from flinkscope.capture.budget import StopBudget
    from flinkscope.cli.show import echo_json

    if as_json:
        steps = [{"step": s.name, "kind": s.kind, "process": s.process, "stop_ms": s.stop_ms} for s in plan.steps]
        echo_json({"target": plan.target, "stop_budget_ms": budget_ms, "steps": steps})
        return
    click.echo(f"{plan.target}: {len(plan.steps)} steps; each process may be stopped for {budget_ms:,} ms in all")
    budget = StopBudget(budget_ms)
    for step in plan.steps:
        fits = budget.refusal(step.process, step.stop_ms) is None
        budget.charge(step.process, step.stop_ms if fits else 0)
        cost = "no stop" if not step.stop_ms else f"~{step.stop_ms:,} ms"
        click.echo(f"  {step.name[:68]:<68} {cost:>10}{'' if fits else '  left out'}")


def _show_case(case: Case, output: Path, as_json: bool) -> None:
    from flinkscope.cli.show import echo_json
    from flinkscope.units import human_bytes

    if as_json:
        echo_json({
            "case": str(output), "labels": case.labels,
            "artifacts": [{"path": a.path, "kind": a.kind, "process": a.process, "how": a.how} for a in case.artifacts],
            "missing": [{"kind": m.kind, "why": m.why, "process": m.process} for m in case.missing],
        })  # fmt: skip
        return
    for artifact in case.artifacts:
        click.echo(f"  {artifact.path[:76]:<76} {human_bytes(case.path_of(artifact).stat().st_size):>10}")
    for missing in case.missing:
        click.echo(click.wrap_text(f"not there: {missing.why}", 98, "  ", "    "))
    stopped = case.labels.get("stopped_at_most_ms", "0")
    click.echo(f"case: {output}; no process was stopped for more than {int(stopped):,} ms")
    click.echo(f"next: flinkscope diagnose {output}")
