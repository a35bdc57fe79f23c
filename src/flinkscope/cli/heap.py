"""``flinkscope heap``: the group of all commands over a heap dump. Each lives in a module of its own, imported on
use."""

from __future__ import annotations

from importlib import import_module

import click

# name → one-line help; the module is flinkscope.cli.heap_<name>, its command is `command`
COMMANDS: dict[str, str] = {
    "info": "what the dump is: sizes, counts, roots, what is unreachable",
    "histogram": "objects and bytes by class, package, loader or super class",
    "dominators": "the dominator tree: what keeps how much; drill down",
    "paths": "paths from GC roots to an object: who holds it",
    "diff": "what appeared from one dump to another",
    "object": "one object: fields, statics, elements, references",
    "threads": "threads: state, stack with locals, retained size",
    "loaders": "class loaders: parents, classes, instances, retained size",
    "duplicates": "classes that several class loaders define",
    "suspects": "leak suspects with accumulation point and path",
    "pins": "everything that holds an object or a class's instances",
    "collections": "fill, emptiness, collisions, waste of collections",
    "waste": "duplicate strings, boxes, empty collections, zero arrays",
    "strings": "strings: how many, how equal; search them",
    "direct": "direct buffers and the JVM's own count of them",
    "references": "soft, weak, phantom, finalizer references",
    "flink": "in Flink's terms: tasks, state, timers, windows, owners",
    "sql": "SQL over objects, classes, refs, strings and every class",
    "serve": "explore the dump in a browser, on this machine only",
}


class LazyHeapGroup(click.Group):
    """Imports a subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"flinkscope.cli.heap_{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"flinkscope.cli.heap_{cmd_name}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    "heap",
    cls=LazyHeapGroup,
    short_help="heap dumps: everything people open Eclipse MAT for",
    epilog="Example: flinkscope heap suspects taskmanager.hprof",
)
def command() -> None:
    """Questions about a heap dump (HPROF of HotSpot 8 to 25, plain or gzip)."""
