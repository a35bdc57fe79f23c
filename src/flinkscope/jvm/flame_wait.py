"""Waiting while a profiler samples: with progress, and no longer than the process lives."""

from __future__ import annotations

import time

from flinkscope.jvm.flame_folder import WayUnavailable
from flinkscope.progress import Progress
from flinkscope.sources.process import JavaProcess

_STEP_S = 0.25


def waited(process: JavaProcess, seconds: int, title: str, progress: Progress) -> None:
    """Returns after ``seconds``. Raises WayUnavailable when the process ends before."""
    progress.phase(title, seconds * 1000, "ms")
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        progress.advance(int(passed * 1000))
        time.sleep(min(_STEP_S, seconds - passed))
        if not process.alive():
            raise WayUnavailable(f"process {process.pid} ended while it was profiled")
