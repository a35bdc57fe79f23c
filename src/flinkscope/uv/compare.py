"""All designs on the same generated events, one after the other, each on a Flink of its own: memory, CPU, exactness."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from flinkscope.errors import LabError, SourceError
from flinkscope.lab.check import Counts, compare_counts
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.attach import attach
from flinkscope.sources.process import java_process
from flinkscope.uv.designs import DESIGNS, stated_error_bp
from flinkscope.uv.generated import recount_generated
from flinkscope.uv.job import UvJob, uv_job
from flinkscope.uv.run import Embedded, Place

FINISHED, DIED, FAILED, GIVEN_UP = "finished", "died", "failed", "given up"
LIMIT_S = 900.0
TICK_S = 1.0
# A TaskManager that only collects is to die of it, not to be taken for dead before.
PATIENT = {"heartbeat.timeout": "600000"}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to run: a design, its trigger or backend."""

    design: str
    backend: str = ""
    trigger: str = ""

    @property
    def name(self) -> str:
        """As ``bucket``, ``bucket rocksdb``, ``incident bare``."""
        return " ".join(word for word in (self.design, self.trigger, self.backend) if word)

    def options(self) -> dict[str, str]:
        """The job's options for it."""
        words = {"design": self.design, "backend": self.backend, "trigger": self.trigger}
        return {name: value for name, value in words.items() if value}


EVERY = (
    Contender("bucket"),
    Contender("bucket", "rocksdb"),
    Contender("bucket", "forst"),
    Contender("approx"),
    Contender("group"),
    Contender("group", "hashmap"),
    Contender("cumulate"),
    Contender("quiet"),
    Contender("incident", trigger="bare"),
    Contender("incident", trigger="evictor"),
    Contender("incident", trigger="purging"),
)


@dataclass(frozen=True, slots=True)
class UvRun:
    """How one contender did. None: it ended before that could be measured.

    ``live_bytes``: the TaskManager's heap after a full collection while all state is held; ``idle_bytes``: the same
    before the job. ``cpu_s``: of the TaskManager from its start to the job's end, without what these two collections
    took; ``idle_cpu_s``: before the job. ``rows``: that it had taken when it ended; ``rows_per_cpu_s``: by the CPU of
    the job alone, which for short runs is mostly compiling. ``wrong``: (day, key) pairs that differ from the recount;
    ``largest_error_bp``: relative, in 1/10,000.
    """

    name: str
    outcome: str
    rows: int
    seconds: float
    cpu_s: float | None
    idle_cpu_s: float | None
    rows_per_cpu_s: int | None
    live_bytes: int | None
    idle_bytes: int | None
    checkpoint_bytes: int | None
    pairs: int | None
    wrong: int | None
    largest_error_bp: int | None
    stated_error_bp: int
    bytes_per_visitor: float | None

    def as_document(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return asdict(self)


def compare_uv(
    options: Mapping[str, str],
    contenders: Sequence[Contender] | None = None,
    place: Place | None = None,
    *,
    limit_s: float = LIMIT_S,
    progress: Progress = SILENT,
) -> Iterator[UvRun]:
    """Runs each contender (default: all) on the generator's events with these job options; yields when one is done.

    A contender that dies or takes longer than ``limit_s`` is a result, not an error. Raises UsageError for options that
    no contender can have. One TaskManager, since its heap is what is measured.
    """
    given = place or Place()
    chosen = replace(given, task_managers=1, config={**PATIENT, **given.config})
    everyone = EVERY if contenders is None else contenders
    jobs = [uv_job(_generated(options) | c.options(), force=True) for c in everyone]
    expected = recount_generated(jobs[0])
    visitors = int(expected.visitors.sum())
    for contender, job in zip(everyone, jobs, strict=True):
        progress.phase(f"{contender.name}: {DESIGNS[contender.design].title}")
        with TemporaryDirectory(prefix="flinkscope-uv-") as folder:
            yield _Measurement(contender, job, Path(folder), expected, visitors).run(chosen, limit_s, progress)


def _generated(options: Mapping[str, str]) -> dict[str, str]:
    fixed = {"source": "generator", "sink": "files", "out": "-", "hold": "-", "late-per-mille": "0"}
    return {**options, **fixed}


class _Measurement:
    """One contender's run."""

    def __init__(self, contender: Contender, job: UvJob, folder: Path, expected: Counts, visitors: int) -> None:
        self.contender, self.expected, self.visitors = contender, expected, visitors
        self.out, self.release = folder / "out", folder / "release"
        self.job = UvJob({**job.values, "out": str(self.out), "hold": str(self.release)})
        self.events = int(self.job["events"] or 1_000_000)
        self.rows = 0
        self.live: int | None = None
        self.idle: int | None = None
        self.checkpoint: int | None = None
        self.cpu_s: float | None = None
        self.idle_cpu_s: float | None = None
        self.measuring_s = 0.0

    def run(self, place: Place, limit_s: float, progress: Progress) -> UvRun:
        started = time.monotonic()
        deadline = started + limit_s
        with Embedded(self.job, place, progress=progress) as run:
            self.idle = self._live(run)
            self.idle_cpu_s = self._cpu(run)
            outcome = self._until(run, deadline, progress, self._has_all)
            if outcome == FINISHED:
                self.checkpoint = _checkpoint_bytes(run)
                with suppress(SourceError):
                    self.live = self._live(run)
                self.release.touch()
                outcome = self._until(run, deadline, progress, lambda _: False)
        return self._result(outcome, time.monotonic() - started)

    def _live(self, run: Embedded) -> int:
        """The live heap; the CPU that this takes is not the job's."""
        pid = run.cluster.workers[0].pid
        before_s = cpu_seconds(pid) or 0.0
        size_bytes = live_heap_bytes(pid)
        self.measuring_s += (cpu_seconds(pid) or before_s) - before_s
        return size_bytes

    def _cpu(self, run: Embedded) -> float | None:
        total_s = cpu_seconds(run.cluster.workers[0].pid)
        return None if total_s is None else round(total_s - self.measuring_s, 2)

    def _until(self, run: Embedded, deadline: float, progress: Progress, reached: Callable[[Embedded], bool]) -> str:
        while time.monotonic() < deadline:
            worker = run.cluster.workers[0]
            if worker.exit_code is not None:
                return DIED
            self.cpu_s = self._cpu(run) or self.cpu_s
            state = run.state()
            if state in ("FINISHED", "FAILED", "CANCELED", "RESTARTING", "FAILING"):
                return FINISHED if state == "FINISHED" else self._died_or_failed(run)
            self.rows = run.counts()["rows"] or self.rows
            progress.advance(self.rows)
            if reached(run):
                return FINISHED
            time.sleep(TICK_S)
        return GIVEN_UP

    def _died_or_failed(self, run: Embedded) -> str:
        """A TaskManager that is ending may fail its task some moments before its process is gone."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if run.cluster.workers[0].exit_code is not None:
                return DIED
            time.sleep(TICK_S)
        return FAILED

    def _has_all(self, run: Embedded) -> bool:
        """All events made, and no operator has read anything for two ticks: what is to be held is held."""
        if self.rows < self.events:
            return False
        before = -1
        while (now := _records_read(run)) != before:
            before = now
            time.sleep(2 * TICK_S)
        return True

    def _result(self, outcome: str, seconds: float) -> UvRun:
        wrong = error = None
        if outcome == FINISHED:
            found = read_counts(self.out, text=self.job["key"] == "*")
            check = compare_counts(self.expected, found)
            wrong = check.missing + check.extra + check.wrong
            error = _largest_error_bp(self.expected, found) if wrong else 0
        per_visitor = None
        if self.live is not None and self.idle is not None:
            per_visitor = round((self.live - self.idle) / max(1, self.visitors), 1)
        design = DESIGNS[self.contender.design]
        return UvRun(
            name=self.contender.name,
            outcome=outcome,
            rows=self.rows,
            seconds=round(seconds, 1),
            cpu_s=self.cpu_s,
            idle_cpu_s=self.idle_cpu_s,
            rows_per_cpu_s=self._rows_per_cpu_s(),
            live_bytes=self.live,
            idle_bytes=self.idle,
            checkpoint_bytes=self.checkpoint,
            pairs=len(self.expected.day) if outcome == FINISHED else None,
            wrong=wrong,
            largest_error_bp=error,
            stated_error_bp=0 if design.exact else stated_error_bp(int(self.job["precision"] or 12)),
            bytes_per_visitor=per_visitor,
        )

    def _rows_per_cpu_s(self) -> int | None:
        if self.cpu_s is None or self.idle_cpu_s is None or self.cpu_s <= self.idle_cpu_s:
            return None
        return round(self.rows / (self.cpu_s - self.idle_cpu_s))


def read_counts(folder: Path, *, text: bool = False) -> Counts:
    """What sink files wrote: the largest count of each (day, key), ordered; ``text``: keys are not numbers (key 0)."""
    found: dict[tuple[str, int], int] = {}
    for path in sorted(folder.glob("[!._]*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for day, key, visitors in csv.reader(stream):
                pair = (day, 0 if text else int(key))
                found[pair] = max(found.get(pair, 0), int(visitors))
    names = {day: (date.fromisoformat(day) - _EPOCH).days for day, _ in found}
    rows = sorted((names[day], key, visitors) for (day, key), visitors in found.items())
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Counts(table[:, 0], table[:, 1], table[:, 2])


def live_heap_bytes(pid: int) -> int:
    """The heap after a full collection: the total of a class histogram of live objects. Stops the JVM meanwhile."""
    text = attach(java_process(pid), "inspectheap", "-live").text
    return int(text.strip().splitlines()[-1].split()[-1])


def cpu_seconds(pid: int) -> float | None:
    """User and system time of the process so far; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    words = text.rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _records_read(run: Embedded) -> int:
    document = run.cluster.rest.get(f"/jobs/{run.job_id}")
    return sum(int(vertex["metrics"]["read-records"]) for vertex in document["vertices"])


def _checkpoint_bytes(run: Embedded) -> int | None:
    """The size of the newest checkpoint, waited for as long as a checkpoint takes to come."""
    begun_ms = time.time_ns() // 1_000_000
    deadline = time.monotonic() + 40
    newest = None
    while time.monotonic() < deadline:
        with suppress(LabError):
            history = run.cluster.rest.get(f"/jobs/{run.job_id}/checkpoints")["history"]
            done = [c for c in history if c["status"] == "COMPLETED"]
            newest = int(done[0]["checkpointed_size"]) if done else newest
            if done and int(done[0]["trigger_timestamp"]) >= begun_ms:
                return int(done[0]["state_size"])
        time.sleep(TICK_S)
    return newest


def _largest_error_bp(expected: Counts, found: Counts) -> int:
    known = {(int(d), int(k)): int(v) for d, k, v in zip(found.day, found.item, found.visitors, strict=True)}
    errors = [
        abs(known.get((int(d), int(k)), 0) - int(v)) * 10_000 // int(v)
        for d, k, v in zip(expected.day, expected.item, expected.visitors, strict=True)
    ]
    return max(errors, default=0)
