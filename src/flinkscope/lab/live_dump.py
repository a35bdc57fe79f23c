"""A heap dump of one of the lab's own JVMs while it runs."""

from __future__ import annotations

from pathlib import Path

from flinkscope.errors import LabError, SourceError
from flinkscope.sources.attach import attach
from flinkscope.sources.process import java_process

_DUMP_TIMEOUT_S = 180.0


def dump_live_heap(pid: int, target: Path) -> None:
    """Writes an HPROF of the objects that survive a full collection; the JVM stands still meanwhile (about 100 MB/s).

    Raises LabError when there is a file of that name, and when the JVM does not answer or cannot write it.
    """
    if target.exists():  # the JVM would refuse with code 0, and the old file would pass for the new one
        raise LabError(f"{target} exists already", hint="remove it, or choose another name")
    try:
        answer = attach(java_process(pid), "dumpheap", str(target), "-live", timeout_s=_DUMP_TIMEOUT_S)
    except SourceError as error:
        raise LabError(f"process {pid}: no heap dump: {error.message}", hint=error.hint) from error
    if answer.code != 0 or not target.is_file():  # a failed write answers with code 0 too
        raise LabError(f"process {pid}: no heap dump: {answer.text.strip() or answer.code}")
