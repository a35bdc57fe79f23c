"""The generated pages are as the code says, and every command shows an example."""

from __future__ import annotations

import click
import pytest
from make_reference import pages

from docs_support.command_tree import all_commands


def test_generated_pages_are_current() -> None:
    stale = [str(path) for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    assert not stale, "run `make reference`"


ALL = all_commands()


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
