"""From a case to Facts: which artifact speaks for which process, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from flinkscope.absent import Absent, AbsentKind, present
from flinkscope.diagnosis.facts import (
    NO_CLASSES,
    NO_CONTAINER,
    NO_NATIVE,
    NO_THREADS,
    CheckpointFacts,
    ConfigFacts,
    ContainerFacts,
    EarlierRun,
    Facts,
    GcFacts,
    LogEvent,
    ProcessFacts,
    Taken,
    ThreadFacts,
)
from flinkscope.diagnosis.gather.checkpoint_facts import HOW_TO_GET as CHECKPOINTS_HOW
from flinkscope.diagnosis.gather.checkpoint_facts import checkpoint_facts
from flinkscope.diagnosis.gather.class_facts import ClassFacts, JvmFacts, class_facts, jvm_facts
from flinkscope.diagnosis.gather.config_facts import config_facts, config_of_dump, config_of_log
from flinkscope.diagnosis.gather.container_facts import container_facts
from flinkscope.diagnosis.gather.end_facts import EndFacts, end_facts
from flinkscope.diagnosis.gather.gc_facts import gc_facts
from flinkscope.diagnosis.gather.heap_facts import DumpFacts, heap_facts
from flinkscope.diagnosis.gather.log_facts import LogFacts, log_facts
from flinkscope.diagnosis.gather.peer_facts import VertexLoad, vertex_load, with_peers
from flinkscope.diagnosis.gather.thread_facts import thread_facts
from flinkscope.diagnosis.gather.told_by_jobmanager import given_to_whom_they_happened
from flinkscope.errors import FlinkscopeError
from flinkscope.flink.memory_options import parse_version
from flinkscope.formats.flink_log_facts import StartUp
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Artifact, Case, CaseProcess
from flinkscope.sources.inputs import Ignored

T = TypeVar("T")

_HEAP_HOW = "-XX:+HeapDumpOnOutOfMemoryError in env.java.opts, or jcmd PID GC.heap_dump FILE"
_GC_HOW = "-Xlog:gc*,safepoint:file=gc.log:time,uptime,level,tags in env.java.opts"
_LOG_HOW = "the log folder of the Flink process: flink-*.log and flink-*.out"
_CONFIG_HOW = "conf/config.yaml (flink-conf.yaml before 1.19) of the process"

# read, but no rule uses them (they serve the lab and people)
_COMPANIONS = frozenset({"job", "job_truth", "results", "gcutil", "submissions", "metrics", "flame"})


@dataclass(slots=True)
class _Gathering:
    """What is being read: the case, who listens, what became of each artifact, and the first error met."""

    case: Case
    progress: Progress
    taken: list[Taken] = field(default_factory=list)
    errors: list[FlinkscopeError] = field(default_factory=list)
    starts: list[tuple[str, StartUp]] = field(default_factory=list)  # (role, start) of all processes

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
    facts = given_to_whom_they_happened(_with_earlier(run, with_peers(facts, _loads(run))))
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
    files = _Files(run.case, process, alone)
    heap = run.read("heap dump", files.of("heap_dump"), _HEAP_HOW, lambda a: _heap(run, a))
    gc = _gc(run, files.of("gc_log"))
    log = _logs(run, files.of("flink_log", "stdout"))
    known = _identified(process, present(heap), present(log))
    config = _config(run, files, known, present(heap), log if isinstance(log, LogFacts) else None)
    classes = _classes(run, files)
    jvm = _jvm(run, files.of("jvm_info"))
    run.starts += [(known.role, start) for start in (log.starts if isinstance(log, LogFacts) else ())]
    ends = _ends(run, files.of("pod_status", "hs_err", "dmesg"))
    _keep_companions(run, process)
    return ProcessFacts(
        id=process.id,
        role=known.role,
        flink_version=known.flink_version,
        java_version=known.java_version,
        exit_code=process.exit_code if process.exit_code is not None else ends.exit_code,
        heap=heap if isinstance(heap, Absent) else heap.heap,
        state=replace(heap, what="Flink's state") if isinstance(heap, Absent) else heap.state,
        gc=gc,
        config=config,
        log=log if isinstance(log, Absent) and not ends.events else (*_events(log), *ends.events),
        checkpoints=_checkpoints(run, files),
        census=classes if isinstance(classes, Absent) else classes.census,
        threads=_threads(run, files),
        container=_container(run, files.of("cgroup"), ends),
        native=jvm.native or NO_NATIVE,
        loader_count=_loader_count(present(classes), jvm),
        generated_loaders=jvm.generated_loaders,
        programs=log.programs if isinstance(log, LogFacts) else (),
        loaders=replace(heap, what="user class loaders") if isinstance(heap, Absent) else heap.loaders,
        classes=classes if isinstance(classes, Absent) else classes.ratios,
    )


def _checkpoints(run: _Gathering, files: _Files) -> CheckpointFacts | Absent:
    found = files.of("checkpoints")
    return run.read("checkpoints", found, CHECKPOINTS_HOW, lambda a: checkpoint_facts(run.path(a), a.path))


def _classes(run: _Gathering, files: _Files) -> ClassFacts | Absent:
    found = files.of("class_histogram")
    return run.read("class histogram", found, NO_CLASSES.how_to_get, lambda a: class_facts(run.path(a), a.path))


def _threads(run: _Gathering, files: _Files) -> ThreadFacts | Absent:
    found = files.of("thread_dump")
    return run.read("thread dump", found, NO_THREADS.how_to_get, lambda a: thread_facts(run.path(a), a.path))


def _keep_companions(run: _Gathering, process: CaseProcess) -> None:
    for artifact in run.case.artifacts:
        if artifact.kind in _COMPANIONS and artifact.process in (None, process.id):
            run.take(artifact, False, "kept with the case; no rule reads it")


@dataclass(frozen=True, slots=True)
class _Files:
    """The artifacts that speak for one process: its own, and those of the whole case that concern it."""

    case: Case
    process: CaseProcess
    alone: bool

    def of(self, *kinds: str) -> list[Artifact]:
        """Of these kinds; what the process has itself goes before what is shared."""
        own = [a for a in self.case.artifacts if a.kind in kinds and a.process == self.process.id]
        if own or not (self.alone or kinds[0] in self._shared()):
            return own
        return [a for a in self.case.artifacts if a.kind in kinds and a.process is None]

    def _shared(self) -> tuple[str, ...]:
        """A configuration is everybody's; checkpoints are of whoever holds state."""
        common = ("config", "command_line")
        return common if self.process.role == "jobmanager" else (*common, "checkpoints")


def _identified(process: CaseProcess, dump: DumpFacts | None, log: LogFacts | None) -> CaseProcess:
    """The process with what its log and its heap say of role and versions; a TaskManager where nothing tells."""
    seen = dump.process if dump else None
    said = (log.flink_version, log.java_version, log.role) if log else (None, None, None)
    role = process.role if process.role != "jvm" else (seen.role if seen else None) or said[2] or "taskmanager"
    return replace(
        process,
        role=role,
        flink_version=process.flink_version or said[0] or (seen.flink_version if seen else None),
        java_version=process.java_version or said[1] or (seen.java_version if seen else None),
    )


def _gc(run: _Gathering, files: list[Artifact]) -> GcFacts | Absent:
    paths = [run.path(f) for f in files]
    found = run.read("GC log", files[:1], _GC_HOW, lambda a: gc_facts(paths, a.path, run.progress))
    for other in files[1:]:
        run.take(other, not isinstance(found, Absent), "part of the same GC log")
    return found


def _config(
    run: _Gathering, files: _Files, known: CaseProcess, dump: DumpFacts | None, log: LogFacts | None
) -> ConfigFacts | Absent:
    """From the configuration file; else from what the log's start says, or from the memory split in the heap dump."""
    words = _command_line(run, files.of("command_line"))
    found = run.read(
        "configuration",
        files.of("config"),
        _CONFIG_HOW,
        lambda a: config_facts(run.path(a), a.path, known.role, known.flink_version, words),
    )
    if isinstance(found, Absent) and log is not None and log.starts:
        found = config_of_log(log.starts[-1], known.role) or found
    if isinstance(found, Absent) and dump is not None:
        return config_of_dump(dump.process.memory, dump.heap.place.source, known.flink_version) or found
    return found


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


def _events(log: LogFacts | Absent) -> tuple[LogEvent, ...]:
    return () if isinstance(log, Absent) else log.events


def _ends(run: _Gathering, files: list[Artifact]) -> EndFacts:
    """What Kubernetes, the kernel and the JVM's crash file say of the end, together."""
    events: tuple[LogEvent, ...] = ()
    code: int | None = None
    limited: EndFacts | None = None
    for artifact in files:
        try:
            found = end_facts(run.path(artifact), artifact.path, artifact.kind)
        except FlinkscopeError as error:
            run.errors.append(error)
            run.take(artifact, False, error.message)
            continue
        run.take(artifact, True)
        events += found.events
        code = found.exit_code if code is None else code
        limited = found if limited is None and found.limit_bytes is not None else limited
    return EndFacts(events, code, limited.limit_bytes if limited else None, limited.place if limited else None)


def _unreadable(error: FlinkscopeError) -> Absent:
    return Absent("Flink log", AbsentKind.UNREADABLE, error.message, _LOG_HOW)


def _command_line(run: _Gathering, files: list[Artifact]) -> tuple[str, ...]:
    if not files:
        return ()
    run.take(files[0], True)
    return tuple(run.path(files[0]).read_text(encoding="utf-8", errors="replace").splitlines())


def _jvm(run: _Gathering, files: list[Artifact]) -> JvmFacts:
    """What the diagnostic commands' texts tell together; the first that tells a thing counts."""
    known = JvmFacts()
    for artifact in files:
        try:
            found = jvm_facts(run.path(artifact), artifact.path)
        except FlinkscopeError as error:
            run.take(artifact, False, error.message)
            continue
        run.take(artifact, found is not None, "" if found else "kept with the case; no rule reads it")
        if found is not None:
            known = JvmFacts(
                known.native or found.native,
                found.loader_count if known.loader_count is None else known.loader_count,
                found.generated_loaders if known.generated_loaders is None else known.generated_loaders,
            )
    return known


def _loader_count(classes: ClassFacts | None, jvm: JvmFacts) -> int | None:
    """User class loaders alive; a histogram collects first, so it goes before the loaders' own statistics."""
    return jvm.loader_count if classes is None else classes.loader_count


def _container(run: _Gathering, files: list[Artifact], ends: EndFacts) -> ContainerFacts | Absent:
    """From the control group's files; else the limit alone, as the pod tells it."""
    found: ContainerFacts | Absent = NO_CONTAINER
    if files:
        how = NO_CONTAINER.how_to_get
        files = sorted(files, key=lambda a: not run.path(a).name.startswith("memory."))  # v1: pids.* lie elsewhere
        folder = run.path(files[0]).parent
        found = run.read(NO_CONTAINER.what, files[:1], how, lambda a: container_facts(folder, _folder_name(a)))
    for other in files[1:]:
        run.take(other, not isinstance(found, Absent), "of the same control group")
    if isinstance(found, Absent) and ends.limit_bytes is not None and ends.place is not None:
        return ContainerFacts(ends.place, ends.limit_bytes)
    return found


def _folder_name(artifact: Artifact) -> str:
    return artifact.path.rpartition("/")[0] or artifact.path


def _loads(run: _Gathering) -> list[VertexLoad]:
    """The vertices of jobs among the recorded REST documents."""
    found = []
    for artifact in run.case.of_kind("rest"):
        try:
            load = vertex_load(run.path(artifact), artifact.path)
        except FlinkscopeError as error:
            run.take(artifact, False, error.message)
            continue
        run.take(artifact, load is not None, "" if load else "kept with the case; no rule reads it")
        found += [load] if load else []
    return found


def _with_earlier(run: _Gathering, facts: Sequence[ProcessFacts]) -> tuple[ProcessFacts, ...]:
    """The processes, each with the newest start of its role under an older Flink that any log of the case shows."""
    return tuple(replace(process, earlier=_earlier(run.starts, process)) for process in facts)


def _earlier(starts: Sequence[tuple[str, StartUp]], process: ProcessFacts) -> EarlierRun | None:
    if process.flink_version is None:
        return None
    now = parse_version(process.flink_version)
    older = [
        s for role, s in starts if role == process.role and s.flink_version and parse_version(s.flink_version) < now
    ]
    newest = max(older, key=lambda s: parse_version(s.flink_version or "0"), default=None)
    return EarlierRun(newest.flink_version or "", newest.max_heap_mib, newest.place) if newest else None
