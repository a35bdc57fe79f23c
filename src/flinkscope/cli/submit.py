"""``flinkscope submit``: from a fresh client JVM; ``--check`` first, what main() would leave in a JobManager."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.flink.loaders import UserLoader


@click.command(
    "submit",
    short_help="submit a jar from a client JVM; --check what its main() leaves behind",
    epilog="Example: flinkscope submit job.jar --target http://jobmanager:8081 --check -- --input topic",
)
@click.argument("jar", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1)
@click.option("--target", default="", help="The JobManager's REST address. Without it only --check.")
@click.option("--class", "entry_class", default="", help="The class with main(); by default as its manifest says.")
@click.option("--check", is_flag=True, help="Run main() in a throw-away JobManager first; do not submit what leaks.")
@click.option("--application", is_flag=True, help="Run it here, with a JobManager of its own, until the job ends.")
@click.option("-D", "config", multiple=True, metavar="KEY=VALUE", help="With --application: a Flink option.")
@click.option("--taskmanagers", type=click.IntRange(1, 64), default=1, show_default=True, help="With --application.")
@click.option("--force", is_flag=True, help="Submit even if --check finds something.")
@click.option("--flink", default="2.3.0", show_default=True, help="Of --check and --application, from a wheel.")
@click.option("--java", default="17", show_default=True, help="Java: 11, 17, 21 or 25, from a wheel.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def command(
    ctx: click.Context, /, jar: Path, arguments: tuple[str, ...], target: str, check: bool, application: bool,
    force: bool, as_json: bool, **how: Any,
) -> None:  # fmt: skip
    """Submits as `flink run --detached` does: main() ends with its JVM, and so does all that it leaves behind.

    Never over the web interface, which runs main() inside the JobManager. With --application the job gets a JobManager
    and TaskManagers of its own on this machine, in the foreground, which end with it. Needs the extra `lab` (Flink
    from wheels). Exit code 1: --check found something that would stay, or the application failed.
    """
    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.errors import UsageError

    if not target and not check and not application:
        raise UsageError("nothing to do", hint="--target http://jobmanager:8081, --application, or --check")
    if target and application:
        raise UsageError("--target is a session cluster; --application brings its own", hint="leave one of them out")
    progress, code = TerminalProgress(), 0
    document: dict[str, Any] = {}
    if check:
        code = _check(jar, arguments, how, progress, document, show=not as_json)
    if application and (not code or force):
        code = _run_application(jar, arguments, how, progress, document, show=not as_json) or code
    elif target and (not code or force):
        _submit(jar, target, arguments, how, progress, document, show=not as_json)
    if as_json:
        echo_json(document)
    ctx.exit(code)


def _check(
    jar: Path, arguments: tuple[str, ...], how: dict[str, Any], progress: TerminalProgress, document: dict[str, Any], *,
    show: bool,
) -> int:  # fmt: skip
    """What main() leaves in a throw-away JobManager; 1 if that is anything."""
    from dataclasses import asdict

    from flinkscope.lab.submission import leaves_behind

    left = leaves_behind(jar, arguments, **_only(how, "entry_class", "flink", "java"), progress=progress)
    progress.done()
    document["leaves_behind"] = [asdict(row) for row in left]
    if show:
        _show_left(left)
    return 1 if left else 0


def _submit(
    jar: Path, target: str, arguments: tuple[str, ...], how: dict[str, Any], progress: TerminalProgress,
    document: dict[str, Any], *, show: bool,
) -> None:  # fmt: skip
    from dataclasses import asdict

    from flinkscope.lab.submission import submit

    done = submit(jar, target, arguments, **_only(how, "entry_class", "java"), progress=progress)
    progress.done()
    document |= asdict(done)
    if show:
        click.echo(f"job {done.job}\n{done.url}" + (f"\nwarning: {done.warning}" if done.warning else ""))


def _run_application(
    jar: Path, arguments: tuple[str, ...], how: dict[str, Any], progress: TerminalProgress, document: dict[str, Any], *,
    show: bool,
) -> int:  # fmt: skip
    """Runs it until it ends; 1 if it failed."""
    from dataclasses import asdict

    from flinkscope.errors import UsageError
    from flinkscope.lab.application import run_application

    wrong = next((pair for pair in how["config"] if "=" not in pair), None)
    if wrong is not None:
        raise UsageError(f"-D {wrong}: no value", hint="-D taskmanager.memory.process.size=2g")
    done = run_application(
        jar, arguments, **_only(how, "entry_class", "flink", "java"),
        config=dict(pair.split("=", 1) for pair in how["config"]), task_managers=how["taskmanagers"],
        progress=progress, on_job=(lambda job, url: click.echo(f"job {job}\n{url}")) if show else None,
    )  # fmt: skip
    progress.done()
    document |= asdict(done)
    if show:
        click.echo(f"{done.name or 'the job'}: {done.state.lower()}, its JobManager ended with code {done.exit_code}")
    return 1 if done.state == "FAILED" else 0


def _only(how: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: how[name] for name in names}


def _show_left(left: Sequence[UserLoader]) -> None:
    from flinkscope.cli.heap_leaked import show_pins

    if not left:
        click.echo("main() leaves nothing behind: its class loader can be unloaded")
        return
    click.echo("main() leaves behind what would keep its class loader in a JobManager:")
    show_pins(left)
