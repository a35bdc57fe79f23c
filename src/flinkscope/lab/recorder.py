"""Watches a job on a lab cluster until it ends or its TaskManager dies, and writes what is seen into a case."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flinkscope.errors import FlinkscopeError, LabError
from flinkscope.lab.cluster import Cluster, FlinkProcess
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.process_files import ProcessFiles
from flinkscope.lab.truth import as_document, read_truth, records_counted
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import CaseWriter

TICK_S = 0.5
SAMPLE_S = 2.0
HOLD_LIMIT_S = 40.0
DYING_LIMIT_S = 90.0
ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})
DIED, FINISHED, FAILED, GIVEN_UP = "died", "finished", "failed", "given up"


@dataclass(slots=True)
class Recorder:
    """Records one job of one cluster; lets a job that lives through its events go on only after a look at its state."""

    cluster: Cluster
    writer: CaseWriter
    job_id: str
    design: str
    trigger: str
    page_views: int
    progress: Progress = SILENT
    checkpoints: dict[int, dict[str, Any]] = field(default_factory=dict)
    _counts: dict[str, Any] = field(default_factory=dict)
    _job: dict[str, Any] = field(default_factory=dict)
    _samples: dict[str, list[str]] = field(default_factory=dict)
    _unsampled: dict[str, str] = field(default_factory=dict)
    _truth: dict[str, Any] = field(default_factory=dict)
    _full: bool = False

    @property
    def truth_folder(self) -> Path:
        """Where the job keeps its counts."""
        return self.cluster.folder / "truth"

    @property
    def hold_folder(self) -> Path:
        """Where the job looks whether it may go on (EventAt)."""
        return self.cluster.folder / "hold"

    @property
    def _dumps(self) -> Path:
        return self.cluster.folder / "dumps"

    def watch(self, limit_s: float, full_at: int) -> str:
        """Samples until the end; one of DIED, FINISHED, FAILED, GIVEN_UP.

        ``full_at``: elements counted when the source has only its waiting tail left, so that the state is complete.
        """
        self.hold_folder.mkdir(exist_ok=True)
        self.progress.phase(f"running the job ({self.page_views:,} page views)", self.page_views, "")
        deadline, next_sample, held = time.monotonic() + limit_s, 0.0, False
        while time.monotonic() < deadline:
            if any(worker.exit_code is not None for worker in self.cluster.workers):
                self._let_the_dying_end()
                return DIED
            if time.monotonic() >= next_sample:
                next_sample = time.monotonic() + SAMPLE_S
                state = self._sample()
                if state in ENDED:
                    return FINISHED if state == "FINISHED" else FAILED
                counted = records_counted(read_truth(self.truth_folder))
                self.progress.advance(counted)
                if counted >= full_at and not held:
                    held = True
                    self._look_at_full_state()
            time.sleep(TICK_S)
        return GIVEN_UP

    def save(self, outcome: str) -> None:
        """Ends the cluster's processes and moves everything into the case; the cluster's folder must still exist.

        A process that was alive until then has no exit code in the case: it did not end by itself.
        """
        self.progress.phase("writing the case")
        codes = {process.id: process.exit_code for process in self.cluster.processes}
        self.cluster.end_processes()
        self.writer.label(outcome=outcome)
        ProcessFiles(self.cluster, self.writer).save_config()
        for process in self.cluster.processes:
            self._save_process(process, codes[process.id], outcome)
        self._save_json("job.json", self._job, "job", "/jobs/:id, last answer")
        history = sorted(self.checkpoints.values(), key=lambda c: int(c["id"]), reverse=True)
        document = {**self._counts, "history": history}
        until = "the heap dump" if self._full else "the end"
        how = f"/jobs/:id/checkpoints, histories of all samples until {until}"
        self._save_json("checkpoints.json", document, "checkpoints", how)
        truth = self._read_truth() if outcome == DIED or not self._truth else self._truth
        self._save_json("job_truth.json", truth, "job_truth", "the job's own counters, memory-mapped files")

    def _sample(self) -> str:
        """One round of samples; the job's state, or '' when the JobManager did not answer."""
        for worker in self.cluster.workers:
            self._sample_gcutil(worker)
        try:
            self._job = self.cluster.rest.get(f"/jobs/{self.job_id}")
            document = self.cluster.rest.get(f"/jobs/{self.job_id}/checkpoints")
        except LabError:
            return ""
        if not self._full:  # the checkpoint at the end of the day has nothing left in it
            self._counts = document
            for checkpoint in document.get("history", []):
                self.checkpoints[int(checkpoint["id"])] = checkpoint
        return str(self._job.get("state", ""))

    def _sample_gcutil(self, process: FlinkProcess) -> None:
        from flinkscope.jvm.gcutil import jstat_table
        from flinkscope.jvm.live import open_jvm

        try:
            reading = open_jvm(process.pid).read()
        except FlinkscopeError as error:
            self._unsampled[process.id] = error.message
            return
        table = jstat_table("gcutil", reading, timestamp=True)
        lines = self._samples.setdefault(process.id, [table.header()])
        lines.append(table.line(reading))

    def _look_at_full_state(self) -> None:
        """Waits for a checkpoint of the complete state, then freezes the job, dumps its heap and lets it go on."""
        full_ms = time.time_ns() // 1_000_000
        try:
            self._sample_until(lambda: self._has_checkpoint_since(full_ms))
            (self.hold_folder / "freeze").touch()
            self._sample_until(self._stands_still)
            self.progress.phase("dumping the heap of the living TaskManager")
            for worker in self.cluster.workers:
                dump_live_heap(worker.pid, self._dumps / f"live_pid{worker.pid}.hprof")
            self._truth = self._read_truth()
            self._sample()
            self._full = True
        except LabError as error:
            self.writer.note_missing("heap_dump", error.message)
        finally:
            (self.hold_folder / "release").touch()
        self.progress.phase("letting the day end")

    def _let_the_dying_end(self) -> None:
        """Waits for other TaskManagers that are writing their dumps too."""
        deadline = time.monotonic() + DYING_LIMIT_S
        for worker in self.cluster.workers:
            while self._dump_of(worker).exists() and worker.exit_code is None and time.monotonic() < deadline:
                time.sleep(TICK_S)

    def _dump_of(self, process: FlinkProcess) -> Path:
        return self._dumps / f"java_pid{process.pid}.hprof"

    def _sample_until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + HOLD_LIMIT_S
        while time.monotonic() < deadline and not reached():
            time.sleep(SAMPLE_S)
            if self._sample() in ENDED or any(worker.exit_code is not None for worker in self.cluster.workers):
                return

    def _has_checkpoint_since(self, time_ms: int) -> bool:
        return any(
            c["status"] == "COMPLETED" and int(c["trigger_timestamp"]) >= time_ms for c in self.checkpoints.values()
        )

    def _stands_still(self) -> bool:
        before, self._truth = self._truth, self._read_truth()
        return before == self._truth

    def _read_truth(self) -> dict[str, Any]:
        return as_document(read_truth(self.truth_folder), self.design, self.trigger)

    def _save_process(self, process: FlinkProcess, code: int | None, outcome: str) -> None:
        ProcessFiles(self.cluster, self.writer).save(process, code)
        folder = self.writer.root / process.id
        if process in self.cluster.workers and not (folder / "heap.hprof").exists():
            why = f"the job {outcome} and the process had no OutOfMemoryError"
            self.writer.note_missing("heap_dump", why, process=process.id)
        if process.id in self._samples:
            lines = "\n".join(self._samples[process.id]) + "\n"
            how = f"hsperfdata every {SAMPLE_S:.0f} s, as jstat -gcutil -t prints it"
            (folder / "gcutil.txt").write_text(lines, encoding="utf-8")
            self.writer.add(folder / "gcutil.txt", "gcutil", process=process.id, how=how)
        elif process.id in self._unsampled:
            self.writer.note_missing("gcutil", self._unsampled[process.id], process=process.id)

    def _save_json(self, name: str, document: object, kind: str, how: str) -> None:
        path = self.writer.root / name
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.writer.add(path, kind, how=how)
