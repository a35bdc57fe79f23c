"""The one call that does it all: whatever people point at in, the diagnosis and its report out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flinkscope.capture.evidence import evidence_of
from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.run import diagnose_case
from flinkscope.progress import SILENT, Progress
from flinkscope.report.builder import build_report
from flinkscope.report.json_report import is_report, read_report
from flinkscope.report.model import Report
from flinkscope.sources.case import Case

if TYPE_CHECKING:
    from flinkscope.capture.collect import Wishes


@dataclass(frozen=True, slots=True)
class Answer:
    """What was made of the sources: the case, the diagnosis of it, and the report of that."""

    case: Case
    diagnosis: Diagnosis
    report: Report


def answer(
    *sources: str | Path,
    wishes: Wishes | None = None,
    namespace: str | None = None,
    context: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """The answer to any mix of cases, folders, files, zips, patterns, process ids, REST addresses and pods.

    Cost: that of the heap engine and the GC log reader on what is given, and about 6 s for each live source. Raises
    SourceError, UnreadableInputError or UsageError when nothing usable is there.
    """
    try:
        case, ignored = evidence_of(sources, wishes, namespace=namespace, context=context, progress=progress)
        diagnosis = diagnose_case(case, ignored, progress)
    finally:
        progress.done()
    return Answer(case, diagnosis, build_report(diagnosis, case))


def diagnose(*sources: str | Path, progress: Progress = SILENT) -> Diagnosis:
    """What is wrong, the root cause first: ``answer`` without its report. Cost and errors as there."""
    return answer(*sources, progress=progress).diagnosis


def report_of(source: str | Path, progress: Progress = SILENT) -> Report:
    """A saved report (JSON) as it is; anything else is diagnosed. Cost and errors as of ``answer``."""
    path = Path(source)
    return read_report(path) if is_report(path) else answer(source, progress=progress).report
