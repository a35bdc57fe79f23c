"""From facts to a ranked diagnosis: every rule on every process, symptoms folded under their cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flinkscope.diagnosis.facts import Facts, ProcessFacts
from flinkscope.diagnosis.finding import Finding, Fired, Severity, Verdict
from flinkscope.diagnosis.rule import RuleModule, all_rules, evaluate


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The facts and the findings in the order of their rank: fired first, causes before their symptoms.

    ``root_cause`` is the first fired finding that no other explains and that is a warning or worse; None if healthy.
    """

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def fired(self) -> tuple[Finding, ...]:
        """The findings that hold, in order."""
        return tuple(f for f in self.findings if f.verdict is Verdict.FIRED)

    @property
    def root_cause(self) -> Finding | None:
        """What to mend first; None when nothing fired, or only symptoms whose cause the evidence does not tell."""
        roots = (f for f in self.fired if not f.symptom and f.explained_by is None and f.severity is not Severity.INFO)
        return next(roots, None)

    def at_or_above(self, severity: Severity) -> tuple[Finding, ...]:
        """The fired findings that are at least that bad."""
        return tuple(f for f in self.fired if f.severity.rank <= severity.rank)


def judge(facts: Facts, rules: Iterable[RuleModule] | None = None) -> Diagnosis:
    """Evaluates the rules on each process and ranks what they say. Cost: negligible; the facts are ready."""
    modules = all_rules() if rules is None else tuple(rules)
    findings = [finding for process in facts.processes for finding in _of_process(modules, process)]
    return Diagnosis(facts, tuple(sorted(findings, key=_rank)))


def _of_process(modules: Iterable[RuleModule], process: ProcessFacts) -> list[Finding]:
    findings = [_finding(m, process) for m in modules if process.role in m.rule.roles]
    fired = {f.rule: f for f in findings if f.verdict is Verdict.FIRED}
    return [_with_cause(f, fired) for f in findings]


def _finding(module: RuleModule, process: ProcessFacts) -> Finding:
    rule, outcome = module.rule, evaluate(module, process)
    explains = (*rule.explains, *(outcome.explains if isinstance(outcome, Fired) else ()))
    title = outcome.title if isinstance(outcome, Fired) and outcome.title else rule.title
    return Finding(rule.id, title, rule.severity, process.id, outcome, explains, symptom=rule.symptom)


def _with_cause(finding: Finding, fired: dict[str, Finding]) -> Finding:
    """Keeps of ``explains`` what fired here, and notes the strongest fired rule that explains this one.

    What did not fire keeps what it would explain: that is what to collect for.
    """
    explains = tuple(dict.fromkeys(r for r in finding.explains if r in fired))
    if finding.verdict is not Verdict.FIRED:
        return replace(finding, explains=explains)
    causes = [f for f in fired.values() if finding.rule in f.explains and f.rule != finding.rule]
    best = min(causes, key=_rank) if causes else None
    return replace(finding, explains=explains, explained_by=best.rule if best else None)


_VERDICT_ORDER = (Verdict.FIRED, Verdict.UNCLEAR, Verdict.NOT_EVALUATED, Verdict.RULED_OUT)


def _rank(finding: Finding) -> tuple[int, bool, int, int, int, str, str]:
    """Fired first; roots before symptoms; the worst, then the surest, then what explains most bytes."""
    explained = finding.outcome.explained_bytes if isinstance(finding.outcome, Fired) else 0
    return (
        _VERDICT_ORDER.index(finding.verdict),
        finding.explained_by is not None or finding.symptom,
        finding.severity.rank,
        -finding.certainty_bp,
        -explained,
        finding.rule,
        finding.process,
    )
