"""``read_flink_log``: logs and ``.out`` files of one Flink process → :class:`FlinkLog`, every fact with file and line.

Plain or gzip, rotated sets in the order of their contents, wrapper prefixes of kubectl or docker taken off. One pass;
memory is bounded by the facts kept, not by the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.flink_log_facts import (
    FlinkLog,
    JobState,
    LoggedCheckpoint,
    MemoryTree,
    StartUp,
    Submission,
    Symptom,
    TaskFailure,
)
from flinkscope.formats.flink_log_lines import log_lines
from flinkscope.formats.flink_log_parts import MemoryTreeParts, StartUpParts, fact_of, symptoms_of
from flinkscope.formats.flink_log_records import LogRecord, log_records
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.logfiles import LogFile, find_logs

MOST_FACTS = 5_000
"""How many facts of one kind are kept: the first half and the last half; all are counted."""

T = TypeVar("T")


def read_flink_log(
    paths: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, called: str | None = None
) -> FlinkLog:
    """What the log files of one process say; ``paths`` as for :func:`~flinkscope.sources.logfiles.find_logs`.

    ``called``: the name that places bear in place of the path (one file of a case).
    About 13 µs a line. Raises SourceError when nothing can be opened, UnreadableInputError when the files are binary.
    Free text is no error: then ``laid_out`` is 0 and a note says so.
    """
    reader = _Reader(called)
    files = sorted(find_logs(paths), key=_first_clock)
    progress.phase("Flink log", sum(file.bytes_on_disk for file in files))
    done = 0
    for file in files:
        reader.read(file)
        done += file.bytes_on_disk
        progress.advance(done)
    progress.done()
    return reader.result()


class _Bounded:
    """The first and the last facts of one kind."""

    def __init__(self) -> None:
        self.first: list[object] = []
        self.last: list[object] = []

    def add(self, fact: object) -> None:
        if len(self.first) < MOST_FACTS // 2:
            self.first.append(fact)
            return
        self.last.append(fact)
        if len(self.last) > MOST_FACTS:
            del self.last[: MOST_FACTS // 2]

    def all(self) -> list[object]:
        return self.first + self.last[-(MOST_FACTS // 2) :]


class _Reader:
    def __init__(self, called: str | None) -> None:
        self._called = called
        self._facts: dict[type, _Bounded] = {}
        self._counts: Counter[str] = Counter()
        self._sources: list[str] = []
        self._notes: list[str] = []
        self._lines = self._records = self._laid_out = 0
        self._first_time: str | None = None
        self._last_time: str | None = None

    def read(self, file: LogFile) -> None:
        """Adds the facts of one file."""
        sample = file.sample()
        if sample.count(b"\0") * 4 > len(sample) and not sample.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableInputError(f"{file.name}: binary, not a log", hint="give the log as text or gzip")
        name = self._called or file.name
        self._sources.append(name)
        start, tree = StartUpParts(name), MemoryTreeParts(name)
        laid_out_before = self._laid_out
        for record in log_records(self._texts(file)):
            self._records += 1
            if record.laid_out:
                self._laid_out += 1
                self._clock(record)
            self._keep(start.take(record))
            self._keep(tree.take(record))
            for symptom in symptoms_of(record, name):
                self._counts[symptom.kind] += 1
                self._keep(symptom)
            self._keep(fact_of(record, name))
        self._keep(start.finish())
        self._keep(tree.finish())
        if self._laid_out == laid_out_before and sample:
            self._notes.append(f"{file.name}: no line has the layout of a Flink log; read as bare output")

    def result(self) -> FlinkLog:
        """Everything read so far."""
        return FlinkLog(
            sources=tuple(self._sources),
            lines=self._lines,
            records=self._records,
            laid_out=self._laid_out,
            first_time=self._first_time,
            last_time=self._last_time,
            starts=self._of(StartUp),
            memory=self._of(MemoryTree),
            symptoms=self._of(Symptom),
            checkpoints=self._of(LoggedCheckpoint),
            submissions=self._of(Submission),
            job_states=self._of(JobState),
            task_failures=self._of(TaskFailure),
            counts=dict(self._counts),
            notes=tuple(self._notes),
        )

    def _texts(self, file: LogFile) -> Iterator[str]:
        for line in log_lines(file, self._notes.append):
            self._lines += 1
            yield line

    def _clock(self, record: LogRecord) -> None:
        if record.time is not None:
            self._first_time = self._first_time or record.time
            self._last_time = record.time

    def _keep(self, fact: object | None) -> None:
        if fact is None:
            return
        self._facts.setdefault(type(fact), _Bounded()).add(fact)
        if not isinstance(fact, Symptom):
            self._counts[type(fact).__name__] += 1

    def _of(self, kind: type[T]) -> tuple[T, ...]:
        bounded = self._facts.get(kind)
        return tuple(fact for fact in bounded.all() if isinstance(fact, kind)) if bounded else ()


def _first_clock(file: LogFile) -> tuple[float, str]:
    lines = islice(log_lines(file, lambda _damage: None), 2000)
    clock = next((record.clock_ms for record in log_records(lines) if record.clock_ms is not None), None)
    return (float("inf") if clock is None else float(clock), file.name)
