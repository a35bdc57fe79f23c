"""Progress of long work, told to whoever listens; the library is silent unless a listener is given."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Anything that shows progress. Phases follow one another; ``total`` 0 means that the end is not known."""

    def phase(self, title: str, total: int = 0, unit: str = "B") -> None:
        """Begin the next phase (ends the one before)."""

    def advance(self, done: int) -> None:
        """``done`` units of the current phase are complete in all (not since the last call)."""

    def done(self) -> None:
        """All work is over."""


class Silent:
    """Shows nothing: the library's default."""

    def phase(self, title: str, total: int = 0, unit: str = "B") -> None:
        """Nothing."""

    def advance(self, done: int) -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""


SILENT: Progress = Silent()
