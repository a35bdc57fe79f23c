"""Every command with the context in which its help is shown."""

from __future__ import annotations

from collections.abc import Iterator

import click

from flinkscope.cli.main import cli


def root(width: int | None = None) -> click.Context:
    """As the command line makes it: commands keep the first help option that they are asked with."""
    context = click.Context(cli, info_name="flinkscope", terminal_width=width, **cli.context_settings)
    context.max_content_width = width or context.max_content_width
    return context


def leaves(
    command: click.Command, path: tuple[str, ...], context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """The commands below a group, by their whole names."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command, context
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from leaves(inner, (*path, name), click.Context(inner, info_name=name, parent=context))


def all_commands(width: int | None = None) -> dict[str, tuple[click.Command, click.Context]]:
    """Whole name → command and context."""
    return {path: (command, context) for path, command, context in leaves(cli, ("flinkscope",), root(width))}
