"""The generated pages are as the code says, and every command shows an example."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from make_reference import pages

from flinkscope.cli.main import cli


def test_generated_pages_are_current() -> None:
    stale = [str(path) for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    assert not stale, "run `make reference`"


def _leaves(
    command: click.Command, path: tuple[str, ...], parent: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    context = click.Context(command, info_name=path[-1], parent=parent)
    if not isinstance(command, click.Group):
        yield " ".join(path), command, context
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _leaves(inner, (*path, name), context)


def _all_commands() -> dict[str, tuple[click.Command, click.Context]]:
    return {
        path: (command, context)
        for path, command, context in _leaves(cli, ("flinkscope",), click.Context(cli, **cli.context_settings))
    }


ALL = _all_commands()


@pytest.mark.parametrize("path", sorted(ALL))
def test_every_command_has_an_example(path: str) -> None:
    command, context = ALL[path]
    text = " ".join(command.get_help(context).split())
    assert "Example" in text
    assert text.split("Example", 1)[1].count(path) >= 1


@pytest.mark.parametrize("path", sorted(ALL))
def test_every_option_says_what_it_does(path: str) -> None:
    command, _ = ALL[path]
    for option in [p for p in command.params if isinstance(p, click.Option)]:
        assert option.help, f"{path} {option.opts}"
