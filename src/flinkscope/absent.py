"""What is not known. A missing fact is an object that says why it is missing and how to get it; it is never 0."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class AbsentKind(Enum):
    """Why a fact is not there: four different things that must not be mixed up."""

    NOT_COLLECTED = "not collected"
    UNREADABLE = "unreadable"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Absent:
    """A fact that is not there: ``what`` it is, why (``kind``, ``reason``), and the command that gets it."""

    what: str
    kind: AbsentKind = AbsentKind.NOT_COLLECTED
    reason: str = ""
    how_to_get: str = ""

    def __bool__(self) -> bool:
        """False, so that ``fact or default`` and ``if fact`` read naturally."""
        return False

    def __str__(self) -> str:
        tail = f" ({self.reason})" if self.reason else ""
        return f"{self.what}: {self.kind.value}{tail}"


def present(fact: T | Absent) -> T | None:
    """The fact itself, or None where it is absent: for callers that have already reported the absence."""
    return None if isinstance(fact, Absent) else fact


def required(fact: T | Absent) -> T:
    """The fact, where the caller's contract says that it is there (a rule's ``needs``); TypeError otherwise."""
    if isinstance(fact, Absent):
        raise TypeError(f"needed fact is missing: {fact}")
    return fact
