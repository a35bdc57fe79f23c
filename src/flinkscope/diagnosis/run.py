"""From a case to its ranked diagnosis."""

from __future__ import annotations

from collections.abc import Sequence

from flinkscope.diagnosis.engine import Diagnosis, judge
from flinkscope.diagnosis.gather import gather
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Case
from flinkscope.sources.inputs import Ignored


def diagnose_case(case: Case, ignored: Sequence[Ignored] = (), progress: Progress = SILENT) -> Diagnosis:
    """Reads the case and says what is wrong, the root cause first; ``ignored`` is told among what was taken.

    Cost: that of the heap engine and the GC log reader on its artifacts. Raises FlinkscopeError when nothing
    can be read.
    """
    return judge(gather(case, ignored, progress))
