"""Runs a daily-UV job on a real Flink: embedded, from the wheels, or on a cluster that is there.

with Embedded(job, Place(parallelism=2)) as run:
    summary = run.wait()
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from flinkscope.errors import LabError, UsageError
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.rest import Rest
from flinkscope.lab.submission import Submitted, submit
from flinkscope.lab.wheels import DEFAULT_FLINK, DEFAULT_JAVA, flink_home, java_home
from flinkscope.progress import SILENT, Progress
from flinkscope.uv.connectors import fetch, needed, with_jars
from flinkscope.uv.failure import explained, is_hopeless
from flinkscope.uv.job import ENTRY_CLASS, JAR, UvJob

TICK_S = 0.5
STOP_LIMIT_S = 120.0
SUBMIT_TIMEOUT_S = 180.0  # main() runs in the JobManager meanwhile; SQL is planned there
DYING_S = 2.0
PRINTED_LINES = 20
ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})
# The JVM's second compiler takes over three times as late as by default: what runs once, as a start does, is not worth
# its time, and what runs a million times gets it all the same. 1 M events: 13.9 → 12.9 s of CPU (ADR-0360).
LATE_OPTIMISING = " ".join(
    f"-XX:Tier4{name}={count}"
    for name, count in {
        "InvocationThreshold": 15_000,
        "MinInvocationThreshold": 1_800,
        "CompileThreshold": 45_000,
        "BackEdgeThreshold": 120_000,
    }.items()
)
_COUNTERS = {
    "rows": "uvRows",
    "page_views": "uvPageViews",
    "malformed": "uvMalformedRecords",
    "late": "uvLateRecords",
    "results": "uvResults",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an embedded job runs: processes, memory (a Flink size), versions, more jars, more Flink options."""

    task_managers: int = 1
    parallelism: int = 2
    memory: str = "1216m"
    flink: str = DEFAULT_FLINK
    java: str = DEFAULT_JAVA
    jars: tuple[Path, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)

    def options(self, job: UvJob) -> dict[str, str]:
        """The Flink configuration of its cluster."""
        slots = -(-self.parallelism // self.task_managers)
        return {
            "taskmanager.memory.process.size": self.memory,
            "taskmanager.numberOfTaskSlots": str(slots),
            "parallelism.default": str(self.parallelism),
            "state.backend.type": job["backend"],
            # The cluster dies with its job: a JVM that is out of memory must end, so that it is replaced.
            "env.java.opts.taskmanager": f"-XX:+UseG1GC -XX:+ExitOnOutOfMemoryError {LATE_OPTIMISING}",
            **self.config,
        }


@dataclass(frozen=True, slots=True)
class UvSummary:
    """How a run ended. Counters are of this run, since its last restart; None: its Flink did not tell."""

    state: str
    seconds: float
    rows: int | None
    page_views: int | None
    malformed: int | None
    late: int | None
    results: int | None
    savepoint: str | None = None
    replaced_task_managers: int = 0

    def as_document(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return asdict(self)


class Embedded:
    """One job on a Flink of its own; enter it to start both. A TaskManager that dies is replaced while it waits."""

    def __init__(
        self, job: UvJob, place: Place | None = None, *, savepoint: str | None = None, progress: Progress = SILENT
    ) -> None:
        self.job, self.place, self.savepoint, self.progress = job, place or Place(), savepoint, progress
        self.job_id = ""
        self.cluster: Cluster
        self._replaced = 0
        self._started = 0.0
        self._closing = ExitStack()

    def __enter__(self) -> Embedded:
        """Starts Flink and submits the job. Raises LabError when either refuses."""
        with ExitStack() as closing:
            flink = flink_home(self.place.flink, self.progress)
            jars = [*(fetch(jar, self.progress) for jar in needed(self.job)), *self.place.jars]
            missing = [jar for jar in jars if not jar.is_file()]
            if missing:
                raise UsageError(f"{missing[0]}: no such jar")
            folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="flinkscope-uv-")))
            self.cluster = closing.enter_context(
                Cluster(
                    self.place.options(self.job),
                    self.place.task_managers,
                    with_jars(flink, jars, folder / "flink"),
                    java_home(self.place.java, self.progress),
                    self.progress,
                )
            )
            self._started = time.monotonic()
            self.job_id = self._submit()
            self._closing = closing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends Flink."""
        self._closing.close()

    def wait(self, limit_s: float | None = None) -> UvSummary:
        """Until the job ends, or ``limit_s`` is over (state RUNNING then).

        Raises LabError when the job fails, at once where trying again is hopeless, and when the JobManager dies.
        """
        deadline = None if limit_s is None else time.monotonic() + limit_s
        total = int(self.job["events"] or 0) if self.job["source"] == "generator" else 0
        self.progress.phase("counting", total, "rows")
        while True:
            state = self.state()
            counts = self.counts()
            self.progress.advance(counts["rows"] or 0)
            if state in ENDED or (deadline is not None and time.monotonic() > deadline):
                break
            self._look_after(state)
            time.sleep(TICK_S)
        if state == "FAILED":
            raise LabError(f"the job failed: {explained(self.exceptions())}", hint=self._resume_hint())
        return self._summary(state, counts)

    def stop(self) -> UvSummary:
        """Ends the job with a savepoint in the checkpoint folder, if it has one; else it is cancelled."""
        counts = self.counts()
        if not self.job["checkpoint-dir"]:
            self.cluster.rest.cancel(self.job_id)
            return self._summary("CANCELED", counts)
        self.progress.phase("writing a savepoint")
        folder = _uri(self.job["checkpoint-dir"])
        request = self.cluster.rest.stop_with_savepoint(self.job_id, folder)
        deadline = time.monotonic() + STOP_LIMIT_S
        while (path := self.cluster.rest.savepoint_of(self.job_id, request)) is None:
            if time.monotonic() > deadline:
                raise LabError(f"no savepoint in {STOP_LIMIT_S:.0f} s", hint=self._resume_hint())
            time.sleep(TICK_S)
        return self._summary("FINISHED", counts, path)

    def state(self) -> str:
        """The job's state as Flink names it. Raises LabError when the JobManager has ended."""
        return str(self._ask("")["state"])

    def counts(self) -> dict[str, int | None]:
        """The job's counters so far; None until there are any."""
        document = self._ask("/accumulators")
        found = {str(entry["name"]): str(entry["value"]) for entry in document.get("user-task-accumulators", [])}
        return {name: int(found[key]) if found.get(key, "").isdigit() else None for name, key in _COUNTERS.items()}

    def exceptions(self) -> list[str]:
        """The stack traces of the job's failures, newest first."""
        document = self._ask("/exceptions")
        return [str(entry.get("stacktrace", "")) for entry in document.get("exceptionHistory", {}).get("entries", [])]

    def printed(self) -> tuple[str, ...]:
        """What sink print wrote last, at most PRINTED_LINES lines: results only, not what else a TaskManager says."""
        lines: list[str] = []
        for worker in self.cluster.workers:
            if worker.out.is_file():
                text = worker.out.read_text(encoding="utf-8", errors="replace")
                lines += [line for line in text.splitlines() if line.endswith(" visitors")][-PRINTED_LINES:]
        return tuple(lines[-PRINTED_LINES:])

    def _ask(self, path: str) -> Any:
        """What the JobManager says of the job; LabError with the way on when it has ended."""
        try:
            return self.cluster.rest.get(f"/jobs/{self.job_id}{path}")
        except LabError as error:
            with suppress(subprocess.TimeoutExpired):  # its connections break a moment before it is gone
                code = self.cluster.job_manager.popen.wait(DYING_S)
                raise LabError(f"the JobManager ended with code {code}", hint=self._resume_hint()) from error
            raise

    def _submit(self) -> str:
        rest, words = Rest(self.cluster.rest_url, SUBMIT_TIMEOUT_S), self.job.arguments()
        saved = None if self.savepoint is None else _uri(self.savepoint)
        try:
            return rest.run(rest.upload(JAR), ENTRY_CLASS, words, self.place.parallelism, saved)
        except LabError as error:
            log = self.cluster.job_manager.log.read_text(encoding="utf-8", errors="replace")
            trace = log[log.rfind("ProgramInvocationException") :] if "ProgramInvocationException" in log else ""
            raise LabError(f"Flink refused the job: {explained([trace]) or error.message}", hint=error.hint) from error

    def _look_after(self, state: str) -> None:
        started = self.cluster.replace_dead_workers()
        if started:
            self._replaced += len(started)
            self.progress.phase(f"a TaskManager died; {started[-1].id} takes its place")
        if state in ("RESTARTING", "FAILING"):
            failures = self.exceptions()
            if failures and is_hopeless(failures[0]):
                self.cluster.rest.cancel(self.job_id)
                raise LabError(f"the job cannot go on: {explained(failures)}", hint=self._resume_hint())

    def _resume_hint(self) -> str:
        if not self.job["checkpoint-dir"]:
            return "with --checkpoint-dir it could go on from its last checkpoint"
        newest = newest_checkpoint(Path(self.job["checkpoint-dir"]))
        return f"go on with --from-savepoint {newest}" if newest else "there was no checkpoint yet"

    def _summary(self, state: str, counts: Mapping[str, int | None], savepoint: str | None = None) -> UvSummary:
        seconds = round(time.monotonic() - self._started, 1)
        return UvSummary(state, seconds, **counts, savepoint=savepoint, replaced_task_managers=self._replaced)


def run_on(
    job: UvJob,
    target: str,
    *,
    parallelism: int = 0,
    savepoint: str | None = None,
    java: str = DEFAULT_JAVA,
    progress: Progress = SILENT,
) -> Submitted:
    """Submits the job to the session cluster at ``target`` (its REST URL) from a client JVM, and returns.

    Connector jars that the job needs must be in that cluster's lib folder. About 5 s. Raises LabError when it refuses.
    """
    words = (["-p", str(parallelism)] if parallelism else []) + (["-s", _uri(savepoint)] if savepoint else [])
    return submit(
        JAR, target, job.arguments(), entry_class=ENTRY_CLASS, java=java, client_options=words, progress=progress
    )


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint or savepoint below the folder (it has ``_metadata``); None if there is none."""
    found = [(path.stat().st_mtime_ns, path.parent) for path in folder.glob("**/_metadata")]
    return max(found)[1] if found else None


def _uri(path: str) -> str:
    return path if "://" in path or path.startswith("file:") else Path(path).absolute().as_uri()
