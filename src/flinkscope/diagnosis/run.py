"""The one call that does it all: sources in, ranked diagnosis out."""

from __future__ import annotations

from pathlib import Path

from flinkscope.diagnosis.engine import Diagnosis, judge
from flinkscope.diagnosis.gather import gather
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Case
from flinkscope.sources.inputs import case_from


def diagnose(*sources: str | Path, progress: Progress = SILENT) -> Diagnosis:
    """Reads whatever is given (a case, folders, files) and says what is wrong, the root cause first.

    Cost: that of the heap engine and the GC log reader on the files given. Raises SourceError, UnreadableInputError or
    UsageError when nothing usable is there.
    """
    return diagnose_with_case(*sources, progress=progress)[0]


def diagnose_with_case(*sources: str | Path, progress: Progress = SILENT) -> tuple[Diagnosis, Case]:
    """As ``diagnose``, and the case that the sources were made into (for how and when each artifact was taken)."""
    case, ignored = case_from(list(sources))
    return judge(gather(case, ignored, progress)), case
