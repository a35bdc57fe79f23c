"""What a rule is: a module with ``RULE`` and ``check``; its docstring is its documentation page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from flinkscope.absent import Absent
from flinkscope.diagnosis import rules as rules_package
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import NotEvaluated, Outcome, Severity


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that decides, and one sentence that says where it comes from."""

    value: int
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's fixed part.

    ``needs``: groups of fact names of ProcessFacts; of each group at least one must be there. ``explains``: ids of
    rules whose firing in the same process is only a symptom of this one. ``roles``: processes it is about.
    ``symptom``: never a root cause by itself; when it fires alone, the cause is not decided yet.
    ``proved_on``: the Flink or JVM on which its incident was brought about; “recorded texts …” where none was.
    """

    id: str
    title: str
    severity: Severity
    needs: tuple[tuple[str, ...], ...]
    explains: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("taskmanager", "jobmanager", "jvm")
    versions: str = "1.10 – 2.3"
    symptom: bool = False
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    proved_on: str = ""


@dataclass(frozen=True, slots=True)
class RuleModule:
    """A rule, its check and its page."""

    rule: Rule
    check: Callable[[ProcessFacts], Outcome]
    page: str


@cache
def all_rules() -> tuple[RuleModule, ...]:
    """Every rule module of the package, ordered by id. Cost: one import each, at the first call."""
    return tuple(sorted((_of(module) for module in _modules()), key=lambda m: m.rule.id))


def evaluate(module: RuleModule, facts: ProcessFacts) -> Outcome:
    """The rule's outcome; NotEvaluated with the missing facts where a need is not met."""
    unmet = (_unmet(facts, group) for group in module.rule.needs)
    missing = [absent for absent in unmet if absent is not None]
    return NotEvaluated(tuple(missing)) if missing else module.check(facts)


def _modules() -> Iterator[ModuleType]:
    for info in iter_modules(rules_package.__path__):
        if info.name.startswith("r"):
            yield import_module(f"{rules_package.__name__}.{info.name}")


def _of(module: ModuleType) -> RuleModule:
    if not isinstance(module.RULE, Rule):
        raise TypeError(f"{module.__name__}.RULE is not a Rule")
    return RuleModule(module.RULE, module.check, (module.__doc__ or "").strip())


def _unmet(facts: ProcessFacts, group: tuple[str, ...]) -> Absent | None:
    found = [getattr(facts, name) for name in group]
    return next((f for f in found if isinstance(f, Absent)), None) if all(map(_absent, found)) else None


def _absent(fact: object) -> bool:
    return isinstance(fact, Absent)
