"""Puts what a lab process leaves behind into a case: command line, log, output, GC log, heap dump."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from flinkscope.lab.cluster import Cluster, FlinkProcess
from flinkscope.sources.case import CaseProcess, CaseWriter

OOM_DUMP = "-XX:+HeapDumpOnOutOfMemoryError"
LIVE_DUMP = "attach: dumpheap -live, while it was alive"


@dataclass(frozen=True, slots=True)
class ProcessFiles:
    """Moves the files of a cluster's processes into a case."""

    cluster: Cluster
    writer: CaseWriter

    def save(self, process: FlinkProcess, code: int | None) -> None:
        """All of one process. ``code``: its exit code if it ended by itself, else None."""
        self.writer.put_process(
            CaseProcess(
                id=process.id,
                role=process.role,
                flink_version=self.cluster.flink_version,
                java_version=self.cluster.java_version,
                exit_code=code,
                started_at=process.started_at,
                ended_at=process.ended_at if code is not None else None,
            )
        )
        folder = self.writer.root / process.id
        folder.mkdir(exist_ok=True)
        (folder / "command_line.txt").write_text("\n".join(process.command) + "\n", encoding="utf-8")
        self.writer.add(folder / "command_line.txt", "command_line", process=process.id, how="as started")
        self._take(process.log, folder / "flink.log", "flink_log", process)
        self._take(process.out, folder / "stdout.out", "stdout", process)
        for log in sorted(self.cluster.folder.glob(f"log/gc-{process.pid}.log*")):
            self._take(log, folder / log.name.replace(f"gc-{process.pid}", "gc"), "gc_log", process)
        dumps = self.cluster.folder / "dumps"
        for name, how in ((f"java_pid{process.pid}.hprof", OOM_DUMP), (f"live_pid{process.pid}.hprof", LIVE_DUMP)):
            if not (folder / "heap.hprof").exists():
                self._take(dumps / name, folder / "heap.hprof", "heap_dump", process, how)

    def save_config(self) -> None:
        """The configuration file of the cluster."""
        config = self.writer.root / self.cluster.config_path.name
        shutil.copyfile(self.cluster.config_path, config)
        self.writer.add(config, "config", how="the lab wrote it for this run")

    def _take(self, source: Path, target: Path, kind: str, process: FlinkProcess, how: str = "") -> None:
        if source.is_file():
            shutil.move(source, target)
            self.writer.add(target, kind, process=process.id, how=how)
