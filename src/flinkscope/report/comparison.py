"""Before and after, from two reports (or their JSON): what went, stayed and came, the key figures, and a verdict.

A cure needs positive proof: the rule that named the cause, or one of its symptoms, must have looked at the new evidence
and found nothing. Missing evidence never counts as health.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flinkscope.report.chart_model import ChartRow, Unit
from flinkscope.report.model import FigureRow, ProcessRow, Report
from flinkscope.report.overlay import overlaid

CompareVerdict = Literal["cured", "better", "not_cured", "cannot_tell"]
FORMAT_NAME = "flinkscope-comparison"

_BAD = ("critical", "error", "warning")


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One key figure on both sides; None is not known."""

    name: str
    title: str
    unit: Unit
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class RuleTitle:
    """A rule's id and title."""

    rule: str
    title: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``went``, ``stayed``, ``came``: rule ids of findings at warning or above; ``titles``: of these. ``reasons``: why.

    ``overlay``: both heaps over time in one chart, where both have a GC log (pages only; not part of the JSON).
    """

    verdict: CompareVerdict
    reasons: tuple[str, ...]
    before_title: str
    after_title: str
    before_root_cause: str | None
    after_root_cause: str | None
    went: tuple[str, ...]
    stayed: tuple[str, ...]
    came: tuple[str, ...]
    figures: tuple[ComparedFigure, ...]
    titles: tuple[RuleTitle, ...] = ()
    overlay: ChartRow | None = None
    format: str = FORMAT_NAME
    version: int = 1


def compare(before: Report, after: Report) -> Comparison:
    """Compares two reports. Cost: negligible; the reports hold everything."""
    old, new = _fired(before), _fired(after)
    verdict, reasons = _judge(before, after)
    return Comparison(
        verdict=verdict,
        reasons=reasons,
        before_title=before.title,
        after_title=after.title,
        before_root_cause=before.root_cause,
        after_root_cause=after.root_cause,
        went=tuple(sorted(old - new)),
        stayed=tuple(sorted(old & new)),
        came=tuple(sorted(new - old)),
        figures=tuple(_figures(before, after)),
        titles=tuple(RuleTitle(rule, title) for rule, title in sorted(_titles(before, after).items())),
        overlay=overlaid(_process_of(before), _process_of(after)),
    )


def _judge(before: Report, after: Report) -> tuple[CompareVerdict, tuple[str, ...]]:
    old, new = _fired(before), _fired(after)
    if not old:
        nothing = "the first case shows nothing that would need a cure"
        return "cannot_tell", (nothing, _listed("newly there", new)) if new else (nothing,)
    if before.root_cause in new:
        worse = _died(after)
        text = f"{before.root_cause} still holds" + (", and the process died again" if worse else "")
        return ("not_cured", (text,)) if worse or not old - new else ("better", (text, _listed("gone", old - new)))
    if _died(after):
        return "not_cured", ("the process ran out of memory again",)
    if new & old or new:
        return "better", (f"{before.root_cause} is gone", _listed("still or newly there", new))
    proofs = sorted(old & {row.rule for row in after.ruled_out})
    if not proofs:
        return "cannot_tell", (f"nothing in the second case lets the rules {', '.join(sorted(old))} look again",)
    why = [f"{r.rule} is ruled out: {r.why}" for r in after.ruled_out if r.rule in proofs]
    return "cured", tuple(dict.fromkeys(why))


def _fired(report: Report) -> set[str]:
    return {f.rule for f in report.findings if f.severity in _BAD}


def _titles(*reports: Report) -> dict[str, str]:
    return {f.rule: f.title for report in reports for f in report.findings if f.severity in _BAD}


def _died(report: Report) -> bool:
    return any("out of memory" in process.ended for process in report.processes)


def _listed(what: str, rules: set[str]) -> str:
    return f"{what}: {', '.join(sorted(rules))}"


def _figures(before: Report, after: Report) -> list[ComparedFigure]:
    """The figures of the process that matters on each side, in the order of the first."""
    old, new = _process_of(before), _process_of(after)
    known = {f.name: f for f in new.figures} if new else {}
    rows = []
    for figure in old.figures if old else ():
        other = known.get(figure.name)
        if figure.value is not None or (other is not None and other.value is not None):
            rows.append(_row(figure, other))
    return rows


def _row(before: FigureRow, after: FigureRow | None) -> ComparedFigure:
    return ComparedFigure(before.name, before.title, before.unit, before.value, after.value if after else None)


def _process_of(report: Report) -> ProcessRow | None:
    """The process of the root cause; else the TaskManager, or whatever comes first, with the most figures."""
    root = next((f.process for f in report.findings if f.rule == report.root_cause), None)
    ranked = sorted(report.processes, key=lambda p: -sum(f.value is not None for f in p.figures))
    chosen = [p for p in ranked if p.id == root] or [p for p in ranked if p.role == "taskmanager"] or ranked
    return chosen[0] if chosen else None
