"""What commands share: the progress bar on the terminal, and JSON output."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click


class TerminalProgress:
    """A progress bar on stderr when it is a terminal; one plain line a phase when it is not.

    Shown from the first phase on, so that the first sign of life comes at once.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def phase(self, title: str, total: int = 0, unit: str = "B") -> None:
        """Begins the next phase."""
        if not self._terminal:
            click.echo(f"… {title}", err=True)
            return
        if self._bar is None:
            self._bar = _rich_bar()
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, visible=False)
        self._task = self._bar.add_task(title, total=total or None)

    def advance(self, done: int) -> None:
        """Moves the bar of the current phase."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done)

    def done(self) -> None:
        """Removes the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._task = None


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def echo_json(document: object) -> None:
    """Prints the document as JSON with sorted keys, two spaces of indent, characters as they are."""
    click.echo(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))


def terminal_colour() -> bool:
    """Whether standard output is a terminal whose owner has not set NO_COLOR (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
