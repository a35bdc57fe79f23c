"""From a case to Facts: which artifact speaks for which process, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from flinkscope.absent import Absent, AbsentKind, present
from flinkscope.diagnosis.facts import Facts, ProcessFacts, Taken
from flinkscope.diagnosis.gather.checkpoint_facts import HOW_TO_GET as CHECKPOINTS_HOW
from flinkscope.diagnosis.gather.checkpoint_facts import checkpoint_facts
from flinkscope.diagnosis.gather.config_facts import config_facts
from flinkscope.diagnosis.gather.gc_facts import gc_facts
from flinkscope.diagnosis.gather.heap_facts import DumpFacts, heap_facts
from flinkscope.diagnosis.gather.log_facts import LogFacts, log_facts
from flinkscope.errors import FlinkscopeError
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Artifact, Case, CaseProcess
from flinkscope.sources.inputs import Ignored

T = TypeVar("T")

_HEAP_HOW = "-XX:+HeapDumpOnOutOfMemoryError in env.java.opts, or jcmd PID GC.heap_dump FILE"
_GC_HOW = "-Xlog:gc*,safepoint:file=gc.log:time,uptime,level,tags in env.java.opts"
_LOG_HOW = "the log folder of the Flink process: flink-*.log and flink-*.out"
_CONFIG_HOW = "conf/config.yaml (flink-conf.yaml before 1.19) of the process"

# read, but no rule uses them (they serve the lab and people)
_COMPANIONS = frozenset(
    {"job", "job_truth", "results", "gcutil", "thread_dump", "class_histogram", "hs_err", "pod_status"}
)


@dataclass(slots=True)
class _Gathering:
    """What is being read: the case, who listens, what became of each artifact, and the first error met."""

    case: Case
    progress: Progress
    taken: list[Taken] = field(default_factory=list)
    errors: list[FlinkscopeError] = field(default_factory=list)

    def read(self, what: str, files: Sequence[Artifact], how: str, reader: Callable[[Artifact], T]) -> T | Absent:
        """The reader's answer for the first artifact; Absent when there is none or it cannot be read."""
        if not files:
            return Absent(what, AbsentKind.NOT_COLLECTED, how_to_get=how)
        artifact = files[0]
        for other in files[1:]:
            self.take(other, False, f"a second {what}; the first one was read")
        try:
            found = reader(artifact)
        except FlinkscopeError as error:
            self.errors.append(error)
            self.take(artifact, False, error.message)
            return Absent(what, AbsentKind.UNREADABLE, error.message, how)
        note = found.reason if isinstance(found, Absent) else ""
        self.take(artifact, not isinstance(found, Absent), note)
        return found

    def take(self, artifact: Artifact, used: bool, note: str = "") -> None:
        """Notes what became of an artifact."""
        self.taken.append(Taken(artifact.path, artifact.kind, artifact.process, used, note))

    def path(self, artifact: Artifact) -> Path:
        """Its file."""
        return self.case.path_of(artifact)


def gather(case: Case, ignored: Sequence[Ignored] = (), progress: Progress = SILENT) -> Facts:
    """All facts of the case. Cost: that of the heap dumps and GC logs in it.

    An artifact that cannot be read becomes an absent fact with the reason; only when nothing at all can be read is
    the first error raised.
    """
    run = _Gathering(case, progress)
    processes = case.processes or (CaseProcess("process", "jvm"),)
    facts = tuple(_process(run, p, alone=len(processes) == 1) for p in processes if p.role != "client")
    progress.done()
    if run.errors and not any(t.used for t in run.taken):
        raise run.errors[0]
    run.taken += [Taken(i.path, "", None, False, i.why) for i in ignored]
    run.taken += [Taken(m.kind, m.kind, m.process, False, f"not there: {m.why}") for m in case.missing]
    return Facts(case.title, case.labels, facts, tuple(_once(run.taken)))


def _once(taken: list[Taken]) -> list[Taken]:
    """Shared artifacts are read for each process; they count as used when one used them."""
    by_name: dict[str, Taken] = {}
    for row in taken:
        if row.name not in by_name or (row.used and not by_name[row.name].used):
            by_name[row.name] = row
    return list(by_name.values())


def _process(run: _Gathering, process: CaseProcess, *, alone: bool) -> ProcessFacts:
    holds_state = process.role != "jobmanager"

    def of_kind(*kinds: str) -> list[Artifact]:
        own = [a for a in run.case.artifacts if a.kind in kinds and a.process == process.id]
        shared = [a for a in run.case.artifacts if a.kind in kinds and a.process is None]
        return own or (shared if alone or kinds[0] == "config" or (kinds[0] == "checkpoints" and holds_state) else [])

    heap = run.read("heap dump", of_kind("heap_dump"), _HEAP_HOW, lambda a: _heap(run, a))
    gc_files = of_kind("gc_log")
    gc = run.read(
        "GC log", gc_files[:1], _GC_HOW, lambda a: gc_facts([run.path(f) for f in gc_files], a.path, run.progress)
    )
    for other in gc_files[1:]:
        run.take(other, not isinstance(gc, Absent), "part of the same GC log")
    log = _logs(run, of_kind("flink_log", "stdout"))
    said = present(log)
    dump = present(heap)
    role = process.role if process.role != "jvm" else _role(dump, said)
    version = process.flink_version or (said.flink_version if said else None)
    version = version or (dump.process.flink_version if dump else None)
    java = process.java_version or (said.java_version if said else None)
    config = run.read(
        "configuration",
        of_kind("config"),
        _CONFIG_HOW,
        lambda a: config_facts(run.path(a), a.path, role, version, _command_line(run, of_kind("command_line"))),
    )
    checkpoints = run.read(
        "checkpoints", of_kind("checkpoints"), CHECKPOINTS_HOW, lambda a: checkpoint_facts(run.path(a), a.path)
    )
    for artifact in run.case.artifacts:
        if artifact.kind in _COMPANIONS and artifact.process in (None, process.id):
            run.take(artifact, False, "kept with the case; no rule reads it")
    state = replace(heap, what="Flink's state") if isinstance(heap, Absent) else heap.state
    return ProcessFacts(
        id=process.id,
        role=role,
        flink_version=version,
        java_version=java or (dump.process.java_version if dump else None),
        exit_code=process.exit_code,
        heap=heap if isinstance(heap, Absent) else heap.heap,
        state=state,
        gc=gc,
        config=config,
        log=log if isinstance(log, Absent) else log.events,
        checkpoints=checkpoints,
    )


def _heap(run: _Gathering, artifact: Artifact) -> DumpFacts:
    return heap_facts(run.path(artifact), artifact.path, run.progress)


def _logs(run: _Gathering, files: list[Artifact]) -> LogFacts | Absent:
    """All logs and outputs of a process together; one by one when together they cannot be read."""
    if not files:
        return Absent("Flink log", AbsentKind.NOT_COLLECTED, how_to_get=_LOG_HOW)
    try:
        found = log_facts({a.path: run.path(a) for a in files})
    except FlinkscopeError as error:
        if len(files) > 1:
            readable = [a for a in files if not isinstance(_logs(run, [a]), Absent)]
            return log_facts({a.path: run.path(a) for a in readable}) if readable else _unreadable(error)
        run.errors.append(error)
        run.take(files[0], False, error.message)
        return _unreadable(error)
    for artifact in files:
        run.take(artifact, True)
    return found


def _unreadable(error: FlinkscopeError) -> Absent:
    return Absent("Flink log", AbsentKind.UNREADABLE, error.message, _LOG_HOW)


def _command_line(run: _Gathering, files: list[Artifact]) -> tuple[str, ...]:
    if not files:
        return ()
    run.take(files[0], True)
    return tuple(run.path(files[0]).read_text(encoding="utf-8", errors="replace").splitlines())


def _role(dump: DumpFacts | None, log: LogFacts | None) -> str:
    """What an unnamed process is: as its heap or its log says; a TaskManager's rules apply where nothing tells."""
    return (dump.process.role if dump else None) or (log.role if log else None) or "taskmanager"
