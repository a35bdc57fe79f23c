"""``flinkscope submit``: from a fresh client JVM; ``--check`` first, what main() would leave in a JobManager."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
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
@click.option("--force", is_flag=True, help="Submit even if --check finds something.")
@click.option("--flink", default="2.3.0", show_default=True, help="Flink of the check, from a wheel.")
@click.option("--java", default="17", show_default=True, help="Java: 11, 17, 21 or 25, from a wheel.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def command(
    ctx: click.Context, /, jar: Path, arguments: tuple[str, ...], target: str, entry_class: str, check: bool,
    force: bool, flink: str, java: str, as_json: bool,
) -> None:  # fmt: skip
    """Submits as `flink run --detached` does: main() ends with its JVM, and so does all that it leaves behind.

    Never over the web interface, which runs main() inside the JobManager. Needs the extra `lab` (Flink from wheels).
    Exit code 1: --check found something that would stay.
    """
    from dataclasses import asdict

    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.errors import UsageError
    from flinkscope.lab.submission import leaves_behind, submit

    if not target and not check:
        raise UsageError("nothing to do", hint="--target http://jobmanager:8081, --check, or both")
    progress, code = TerminalProgress(), 0
    document: dict[str, Any] = {}
    if check:
        left = leaves_behind(jar, arguments, entry_class=entry_class, flink=flink, java=java, progress=progress)
        progress.done()
        document["leaves_behind"] = [asdict(row) for row in left]
        code = 1 if left else 0
        if not as_json:
            _show_left(left)
    if target and (not code or force):
        done = submit(jar, target, arguments, entry_class=entry_class, java=java, progress=progress)
        progress.done()
        document |= asdict(done)
        if not as_json:
            click.echo(f"job {done.job}\n{done.url}" + (f"\nwarning: {done.warning}" if done.warning else ""))
    if as_json:
        echo_json(document)
    ctx.exit(code)


def _show_left(left: Sequence[UserLoader]) -> None:
    from flinkscope.cli.heap_leaked import show_pins

    if not left:
        click.echo("main() leaves nothing behind: its class loader can be unloaded")
        return
    click.echo("main() leaves behind what would keep its class loader in a JobManager:")
    show_pins(left)
