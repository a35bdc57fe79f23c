"""``flinkscope uv``: daily unique visitors on Flink. Each subcommand lives in a module of its own, imported on use."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click

# name → one-line help; the module is flinkscope.cli.uv_<name>, its command is `command`
COMMANDS: dict[str, str] = {
    "run": "count: from files, Kafka or a generator, to Redis and others",
    "compare": "all designs on the same events: memory, CPU, exactness",
    "events": "write reproducible event files",
    "check": "recount the events exactly and compare with Redis",
    "top": "the most visited items of a day, from Redis",
    "show": "one item of a day, from Redis",
    "manifest": "the job for the Flink Kubernetes operator",
    "dashboard": "Grafana dashboard of the job, on what watch exposes",
}


class LazyUvGroup(click.Group):
    """Imports a subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return [name for name in COMMANDS if find_spec(f"flinkscope.cli.uv_{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand; None if there is none of that name."""
        if cmd_name not in COMMANDS or not find_spec(f"flinkscope.cli.uv_{cmd_name}"):
            return None
        command = import_module(f"flinkscope.cli.uv_{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"flinkscope.cli.uv_{cmd_name}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(
    "uv",
    cls=LazyUvGroup,
    short_help="daily unique visitors on Flink, exact, in little memory",
    epilog="Example: flinkscope uv run --source generator --sink print",
)
def command() -> None:
    """Counts the unique visitors of each item and day, refreshed every few minutes, and proves the counts."""
