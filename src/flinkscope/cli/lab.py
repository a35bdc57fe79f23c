"""``flinkscope lab``: incidents on a real Flink from wheels; no Docker, no JDK, nothing but Python."""

from __future__ import annotations

from importlib import import_module

import click

# incident → module with the click commands `run`, `cure` and `demo`
INCIDENTS = {"uv-heap": "flinkscope.cli.lab_uv_heap", "jm-metaspace": "flinkscope.cli.lab_jm_metaspace"}


class IncidentGroup(click.Group):
    """A group whose subcommands are the incidents; their modules are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The incidents."""
        return list(INCIDENTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The incident's command of this group's name."""
        if cmd_name not in INCIDENTS or self.name is None:
            return None
        found: click.Command = getattr(import_module(INCIDENTS[cmd_name]), self.name)
        return found


@click.group(
    "lab",
    short_help="run incidents on a real Flink, cure them, and see that it worked",
    epilog="Example: flinkscope lab demo uv-heap --out demo",
)
def command() -> None:
    """Brings incidents to life on a real Flink from Python wheels, records cases, and proves cures."""


@command.group("run", cls=IncidentGroup, epilog="Example: flinkscope lab run uv-heap --trigger purging --quick")
def run() -> None:
    """Runs an incident until it dies and records a case."""


@command.group(
    "cure",
    cls=IncidentGroup,
    epilog="Example: flinkscope lab cure uv-heap --case DIR --design bucket",
)
def cure() -> None:
    """Repeats a recorded incident, same events, with a change, and records a case."""


@command.group("demo", cls=IncidentGroup, epilog="Example: flinkscope lab demo uv-heap --out demo")
def demo() -> None:
    """The whole story: it dies, the diagnosis, two cures, before and after."""


@command.command("list", epilog="Example: flinkscope lab list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_incidents(as_json: bool) -> None:
    """The incidents, and what the lab keeps on this machine."""
    from flinkscope.cli.show import echo_json
    from flinkscope.lab.inventory import take_inventory
    from flinkscope.units import human_bytes

    inventory = take_inventory()
    if as_json:
        echo_json(inventory.as_document())
        return
    for incident in inventory.incidents:
        click.echo(f"{incident.name:12} {incident.title}")
        for line in incident.sizes:
            click.echo(f"{'':10}   {line}")
    click.echo(f"\ncache: {inventory.cache}")
    for entry in inventory.entries:
        click.echo(f"  {entry.kind:14} {entry.name:24} {human_bytes(entry.size_bytes):>9}  {entry.state}")
    if not inventory.entries:
        click.echo("  empty: Flink and Java come from this Python environment")


@command.command("clean", epilog="Example: flinkscope lab clean --wheels")
@click.option("--wheels", is_flag=True, help="Also remove the Flink and Java versions that the lab installed.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def clean(wheels: bool, as_json: bool) -> None:
    """Removes what killed runs left behind. Runs that are alive and recorded cases stay."""
    from flinkscope.cli.show import echo_json
    from flinkscope.lab.inventory import remove_leftovers
    from flinkscope.units import human_bytes

    removed = remove_leftovers(wheels=wheels)
    if as_json:
        echo_json([entry.as_document() for entry in removed])
        return
    for entry in removed:
        click.echo(f"removed {entry.kind} {entry.name} ({human_bytes(entry.size_bytes)})")
    if not removed:
        click.echo("nothing to remove")
