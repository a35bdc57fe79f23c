"""The story of incident 1 in chapters: it dies, the diagnosis, two cures, before and after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flinkscope.errors import LabError, UnreadableInputError
from flinkscope.lab.incidents import uv_heap
from flinkscope.lab.recorder import DIED
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Case

if TYPE_CHECKING:
    from flinkscope.diagnosis.engine import Diagnosis
    from flinkscope.report.model import Report

MEMORY_PREFIX = "taskmanager.memory."


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the story that is over: what happened in ``text``, whether it went ``as_promised``, what was written.

    ``name``: incident, diagnosis, more-memory or better-design.
    """

    name: str
    text: str
    as_promised: bool
    files: tuple[Path, ...]
    seconds: float


def tell(plan: uv_heap.Plan, folder: Path, progress: Progress = SILENT) -> Iterator[Chapter]:
    """Runs the incident, its diagnosis and both cures in ``folder``; yields each chapter when it is over.

    Minutes in all; cases of an earlier demo in that folder are replaced. Raises LabError when the incident does not
    die, UnreadableInputError when its diagnosis proposes no memory: there is nothing to cure then.
    """
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    dead = uv_heap.run(plan, folder / "incident", progress, replace=True)
    if not dead.died:
        raise LabError(f"the job {dead.outcome} and the TaskManager lived", hint=f"see the case in {dead.case.root}")
    yield Chapter("incident", _death_of(dead.case), True, (dead.case.root,), time.monotonic() - began)
    yield from cure_both(dead.case, folder, progress)


def cure_both(case: Case, folder: Path, progress: Progress = SILENT) -> Iterator[Chapter]:
    """Diagnoses the case, then repeats its events with the memory proposed, and with the better design.

    Yields three chapters; cases and pages go into ``folder``. Raises as ``tell`` does.
    """
    plan = uv_heap.plan_of(case)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    from flinkscope.report.answer import answer

    found = answer(case.root, progress=progress)
    diagnosis, before = found.diagnosis, found.report
    memory = proposed_memory(diagnosis)
    yield _diagnosis_chapter(before, folder, diagnosis, began)
    for name, cure in (
        ("more-memory", uv_heap.cure_plan(plan, memory=memory)),
        ("better-design", uv_heap.cure_plan(plan, design="bucket")),
    ):
        began = time.monotonic()
        lived = uv_heap.run(cure, folder / name, progress, replace=True)
        yield _cure_chapter(name, lived, before, folder, progress, began)


def proposed_memory(diagnosis: Diagnosis) -> dict[str, str]:
    """The memory options of the root cause's first remedy that has any; an empty value removes the option.

    Raises UnreadableInputError when there is none.
    """
    from flinkscope.diagnosis.finding import Fired

    cause = diagnosis.root_cause
    if cause is not None and isinstance(cause.outcome, Fired):
        for remedy in cause.outcome.remedies:
            if remedy.options and all(change.key.startswith(MEMORY_PREFIX) for change in remedy.options):
                return {change.key: change.new or "" for change in remedy.options}
    raise UnreadableInputError(
        "the diagnosis proposes no memory setting",
        hint="see the report: is the case complete? flinkscope diagnose CASE",
    )


def _diagnosis_chapter(report: Report, folder: Path, diagnosis: Diagnosis, began: float) -> Chapter:
    from flinkscope.report import render_terminal, write_report

    files = (folder / "report.html", folder / "report.json")
    for path in files:
        write_report(report, path)
    cause = diagnosis.root_cause
    right = cause is not None and cause.rule == uv_heap.ROOT_CAUSE
    return Chapter("diagnosis", render_terminal(report, details=False), right, files, time.monotonic() - began)


def _cure_chapter(
    name: str, lived: uv_heap.Outcome, before: Report, folder: Path, progress: Progress, began: float
) -> Chapter:
    from flinkscope.report import compare, render_comparison
    from flinkscope.report.answer import answer
    from flinkscope.report.output import write_comparison

    after = answer(lived.case.root, progress=progress).report
    comparison = compare(before, after)
    path = folder / f"{name}.html"
    write_comparison(comparison, path)
    check = lived.check
    if check is None:
        results = f"no results: the job {lived.outcome}"
    else:
        results = f"results of {check.pairs:,} items: " + ("exact" if check.exact else "; ".join(check.examples))
    exact = check is not None and check.exact
    text = f"{render_comparison(comparison).rstrip()}\n\n{results}"
    files = (lived.case.root, path)
    return Chapter(name, text, exact and comparison.verdict == "cured", files, time.monotonic() - began)


def _death_of(case: Case) -> str:
    process = next(p for p in case.processes if p.role == "taskmanager" and p.exit_code is not None)
    lines = [f"{process.id} {DIED} with exit code {process.exit_code}; its last words:"]
    for artifact in case.of_kind("stdout", process.id):
        text = case.path_of(artifact).read_text(encoding="utf-8", errors="replace")
        lines += [f"  {line}" for line in text.splitlines()[-4:]]
    return "\n".join(lines)
