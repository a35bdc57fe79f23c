"""A figure: a whole number, its unit, and what to mind about it."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.absent import Absent, AbsentKind


@dataclass(frozen=True, slots=True)
class Figure:
    """``unit``: ``count``, ``ns``, ``bytes``, ``bytes_per_s``, ``bp`` (1/10,000) or ``milli`` (1/1,000).

    ``note``: what to mind, e.g. ``upper bound``.
    """

    value: int
    unit: str
    note: str = ""


Figures = dict[str, Figure | Absent]


def unknown(name: str, reason: str, how_to_get: str = "") -> Absent:
    """The log cannot tell it."""
    return Absent(name, AbsentKind.UNKNOWN, reason, how_to_get)


def not_applicable(name: str, reason: str) -> Absent:
    """It means nothing for this collector."""
    return Absent(name, AbsentKind.NOT_APPLICABLE, reason)
