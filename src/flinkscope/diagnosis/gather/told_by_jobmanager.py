"""What a JobManager's log says of others: the failures of tasks are those of TaskManagers, not its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flinkscope.absent import Absent, AbsentKind
from flinkscope.diagnosis.facts import LogEvent, ProcessFacts

# texts that mean the process in which they come up; others (a checkpoint expired, …) are the job's
_OF_A_PROCESS = frozenset(
    {"oom_heap", "oom_metaspace", "oom_class_space", "oom_gc_overhead", "oom_direct", "oom_threads", "oom_array",
     "oom_other", "closed_class_loader", "python_memory", "network_buffers", "network_pool", "rocksdb_memory",
     "container_killed", "worker_ended", "worker_exit_code"}
)  # fmt: skip


def given_to_whom_they_happened(processes: Sequence[ProcessFacts]) -> tuple[ProcessFacts, ...]:
    """The processes, each with its own events only.

    Where no TaskManager's log is there, what JobManagers tell of tasks becomes a TaskManager of its own, of which
    nothing else is known.
    """
    told = [event for p in processes if p.role == "jobmanager" for event in p.log_events if _is_anothers(event)]
    own = [replace(p, log=_without(p)) if p.role == "jobmanager" else p for p in processes]
    heard = any(p.role == "taskmanager" and not isinstance(p.log, Absent) for p in processes)
    if not told or heard:
        return tuple(own)
    managers = [p for p in own if p.role == "taskmanager"]
    if len(managers) == 1:
        return tuple(replace(p, log=tuple(told)) if p is managers[0] else p for p in own)
    return (*own, _stranger(next(p for p in processes if p.role == "jobmanager"), tuple(told)))


def _is_anothers(event: LogEvent) -> bool:
    return event.of_task and event.kind in _OF_A_PROCESS


def _without(process: ProcessFacts) -> tuple[LogEvent, ...] | Absent:
    if isinstance(process.log, Absent):
        return process.log
    return tuple(event for event in process.log if not _is_anothers(event))


def _stranger(teller: ProcessFacts, told: tuple[LogEvent, ...]) -> ProcessFacts:
    """A TaskManager of which only the JobManager's log tells; the configuration is the cluster's."""

    def absent(what: str, how: str) -> Absent:
        return Absent(what, AbsentKind.NOT_COLLECTED, "only the JobManager's log tells of this TaskManager", how)

    heap = absent("heap dump", "-XX:+HeapDumpOnOutOfMemoryError in env.java.opts, or jcmd PID GC.heap_dump FILE")
    return ProcessFacts(
        id="a TaskManager",
        role="taskmanager",
        flink_version=teller.flink_version,
        java_version=teller.java_version,
        exit_code=None,
        heap=heap,
        state=replace(heap, what="Flink's state"),
        gc=absent("GC log", "-Xlog:gc*,safepoint:file=gc.log:time,uptime,level,tags in env.java.opts.taskmanager"),
        config=absent("configuration", "conf/config.yaml (flink-conf.yaml before 1.19) of the TaskManager"),
        log=told,
        checkpoints=teller.checkpoints,
    )
