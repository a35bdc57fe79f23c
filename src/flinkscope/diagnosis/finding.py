"""What a diagnosis consists of: evidence with its place, verdicts of rules, remedies as data, the ranked result.

Plain frozen data. Rules build it, the engine ranks it, the report shows it; nobody changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from flinkscope.absent import Absent
from flinkscope.place import Place


class Severity(Enum):
    """How bad it is: CRITICAL ends the process, ERROR breaks a job, WARNING will one day, INFO is good to know."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Verdict(Enum):
    """What a rule says of a process."""

    FIRED = "fired"
    RULED_OUT = "ruled_out"
    UNCLEAR = "unclear"
    NOT_EVALUATED = "not_evaluated"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence that can be checked at ``place``; ``figures`` are its numbers with their unit in the name."""

    text: str
    place: Place
    figures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptionChange:
    """One Flink option from ``old`` (None: not set) to ``new`` (None: remove it)."""

    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class CodeChange:
    """A piece of code to put in place of ``old``. ``language``: java, sql, python or bash (a command to run)."""

    language: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of arithmetic: ``label``, the formula with its numbers, and the result in bytes (or None)."""

    label: str
    formula: str
    result_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way out: what to change, what it does (before → after), what it costs, and how to see that it worked.

    ``cures`` is False for a stop-gap that only buys time. ``memory_before``/``memory_after``: the split in bytes by
    component, in the order of Flink's own tree, where the remedy changes memory options.
    """

    id: str
    title: str
    effect: str
    cost: str
    verify: str
    options: tuple[OptionChange, ...] = ()
    code: tuple[CodeChange, ...] = ()
    arithmetic: tuple[Step, ...] = ()
    cures: bool = True
    memory_before: Mapping[str, int] = field(default_factory=dict)
    memory_after: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fired:
    """The rule holds. ``certainty_bp``: 10,000 is proved by the evidence; ``explained_bytes``: what it accounts for.

    ``explains``: rules that are its symptoms in this very case, beyond those that always are. ``title``: what this kind
    of it is called; empty: as the rule is.
    """

    summary: str
    evidence: tuple[Evidence, ...]
    remedies: tuple[Remedy, ...]
    certainty_bp: int
    explained_bytes: int = 0
    attempts: tuple[str, ...] = ()  # what people try here that does not help, and why not
    explains: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class RuledOut:
    """The evidence says no, and why."""

    why: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclear:
    """The evidence points both ways or is too weak; ``collect``: the command whose answer would decide."""

    why: str
    collect: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """The rule could not look: ``missing`` facts, each with the command that gets it."""

    missing: tuple[Absent, ...]


Outcome = Fired | RuledOut | Unclear | NotEvaluated


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's outcome for one process, with its place in the cause chain.

    ``explains``: ids of fired rules that are symptoms of this one (that would be, where it did not fire);
    ``explained_by``: the id of the rule that causes this one, or None for a root. ``symptom``: never the root cause,
    also when nothing here explains it.
    """

    rule: str
    title: str
    severity: Severity
    process: str
    outcome: Outcome
    explains: tuple[str, ...] = ()
    explained_by: str | None = None
    symptom: bool = False

    @property
    def verdict(self) -> Verdict:
        """The kind of the outcome."""
        return _VERDICTS[type(self.outcome)]

    @property
    def certainty_bp(self) -> int:
        """Certainty of a fired rule in basis points; 0 otherwise."""
        return self.outcome.certainty_bp if isinstance(self.outcome, Fired) else 0


_VERDICTS = {
    Fired: Verdict.FIRED,
    RuledOut: Verdict.RULED_OUT,
    Unclear: Verdict.UNCLEAR,
    NotEvaluated: Verdict.NOT_EVALUATED,
}
