"""What is recorded through Flink's REST interface: configuration, jobs, checkpoints, logs, metrics, threads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from flinkscope.capture.flame import flame_step
from flinkscope.capture.recording import Recording, Step
from flinkscope.errors import FlinkscopeError, SourceError, UnreadableInputError
from flinkscope.formats.flink_rest import RestJob, read_jobs, read_options, read_task_managers
from flinkscope.jvm.flame_live import FlameTarget
from flinkscope.sources.case import CaseProcess
from flinkscope.sources.flink_rest import FlinkRest
from flinkscope.sources.joining import Found, join
from flinkscope.sources.recognise import recognise

_NO_HEAP = "REST cannot dump a heap: run `flinkscope collect PID` on its machine, or collect its pod, with --heap"
_MOST_JOBS = 20
_LOG_KINDS = frozenset({"flink_log", "gc_log", "stdout", "hs_err"})
_RUNNING = frozenset({"RUNNING", "RESTARTING", "FAILING", "CREATED", "INITIALIZING"})


def describe_cluster(rest: FlinkRest) -> tuple[list[CaseProcess], tuple[RestJob, ...], str]:
    """The processes, the jobs (running ones first, then the newest) and the key of the cluster.

    The key is its address: a cluster goes on when a process is restarted. Raises SourceError: not reached.
    """
    overview = rest.overview()
    version = str(overview.get("flink-version") or "") or None if isinstance(overview, dict) else None
    managers = read_task_managers(rest.task_managers(), "/taskmanagers")
    jobs = read_jobs(rest.jobs(), "/jobs/overview")
    ordered = sorted(jobs, key=lambda job: (job.state not in _RUNNING, -job.started_ms))
    processes = [CaseProcess("jobmanager", "jobmanager", version)]
    processes += [CaseProcess(manager.id, "taskmanager", version) for manager in managers]
    return processes, tuple(ordered[:_MOST_JOBS]), f"cluster at {rest.url}"


def rest_steps(
    rest: FlinkRest, processes: list[CaseProcess], jobs: tuple[RestJob, ...], *, heap: bool, flame_s: int
) -> list[Step]:
    """All steps: the cluster's own, each job's, each process'; thread dumps and flame graphs last."""
    documents = {"overview": rest.overview, "jobs_overview": rest.jobs, "taskmanagers": rest.task_managers,
                 "web_config": rest.web_config}  # fmt: skip
    steps = [Step(name, "rest", None, _document(f"{name}.json", get)) for name, get in documents.items()]
    steps.append(Step("configuration", "config", None, lambda r: _config(r, rest)))
    steps.append(Step("JobManager's command line", "command_line", "jobmanager", lambda r: _environment(r, rest)))
    for job in jobs:
        steps += _job_steps(rest, job)
    for process in processes:
        manager = None if process.role == "jobmanager" else process.id
        steps.append(Step(f"metrics of {process.id}", "metrics", process.id, _metrics(rest, manager)))
        steps.append(Step(f"logs of {process.id}", "flink_log", process.id, _logs(rest, manager)))
    for process in processes:
        manager = None if process.role == "jobmanager" else process.id
        steps.append(Step(f"threads of {process.id}", "thread_dump", process.id, _threads(rest, manager), 20))
        if flame_s:
            steps.append(flame_step(FlameTarget(rest=rest, manager=manager), process.id, flame_s))
        if heap:
            steps.append(Step(f"heap dump of {process.id}", "heap_dump", process.id, _refuse(_NO_HEAP)))
    return steps


def _job_steps(rest: FlinkRest, job: RestJob) -> list[Step]:
    asked = (
        ("job", "job", rest.job),
        ("checkpoints", "checkpoints", rest.checkpoints),
        ("exceptions", "rest", rest.exceptions),
        ("plan", "rest", rest.plan),
        ("configuration", "rest", rest.job_config),
    )
    return [
        Step(f"{name} of job {job.id}", kind, None, _document(f"jobs/{job.id}/{name}.json", _of_job(get, job.id)))
        for name, kind, get in asked
    ]


def _of_job(get: Callable[[str], Any], job: str) -> Callable[[], Any]:
    return lambda: get(job)


def _document(file: str, get: Callable[[], Any]) -> Callable[[Recording], None]:
    def save(recording: Recording) -> None:
        recording.save_json(file, get(), f"REST: {file.removesuffix('.json')}")

    return save


def _config(recording: Recording, rest: FlinkRest) -> None:
    """As a configuration file, so that everything that reads those reads this."""
    options = read_options(rest.config(), "/jobmanager/config")
    text = yaml.safe_dump(options, default_flow_style=False, allow_unicode=True, width=10_000)
    recording.save_text("config.yaml", text, "REST: /jobmanager/config (effective options of the JobManager)")


def _environment(recording: Recording, rest: FlinkRest) -> None:
    document = rest.environment()
    jvm = document.get("jvm") if isinstance(document, dict) else None
    options = jvm.get("options") if isinstance(jvm, dict) else None
    if not isinstance(options, list):
        raise UnreadableInputError("/jobmanager/environment: no JVM options in it")
    arguments = "\n".join(["java", *(str(option) for option in options)]) + "\n"
    recording.save_text("command_line.txt", arguments, "REST: /jobmanager/environment")


def _metrics(rest: FlinkRest, manager: str | None) -> Callable[[Recording], None]:
    def save(recording: Recording) -> None:
        found = rest.jvm_metrics(manager)
        if not found:
            raise SourceError("Flink gave no JVM metrics", hint="the process may be gone, or too busy to answer")
        recording.save_json("metrics.json", found, "REST: the JVM's metrics")

    return save


def _logs(rest: FlinkRest, manager: str | None) -> Callable[[Recording], None]:
    """Every file of the log folder that is a Flink log, a GC log, an output or a fatal error file, by its content.

    Processes of one machine may share the folder: what another of them wrote is left to that one.
    """

    def save(recording: Recording) -> None:
        base = "/jobmanager" if manager is None else f"/taskmanagers/{quote(manager, safe=':')}"
        texts: dict[str, Callable[[], str]] = {}
        why = "the log folder is empty"
        try:
            entries = rest.logs(manager).get("logs", [])
            texts = {str(e["name"]): _log(rest, str(e["name"]), manager) for e in entries if int(e.get("size", 0))}
        except FlinkscopeError as error:
            why = error.message
        for name, path in (("flink.log", f"{base}/log"), ("flink.out", f"{base}/stdout")):
            texts.setdefault(name, _text(rest, path)) if not texts else None
        with tempfile.TemporaryDirectory(prefix="flinkscope-logs-") as folder:
            files = [f for name, get in texts.items() if (f := _fetched(recording, Path(folder), name, get))]
            for file in _own(files, manager):
                text = file.path.read_text(encoding="utf-8")
                recording.save_text(file.path.name, text, f"REST: logs/{file.path.name}", kind=file.kind)
        if not files:
            raise SourceError(f"no log could be had: {why}", hint="is log.file set, as Flink's scripts do?")

    return save


def _log(rest: FlinkRest, name: str, manager: str | None) -> Callable[[], str]:
    return lambda: rest.log(name, manager)


def _text(rest: FlinkRest, path: str) -> Callable[[], str]:
    return lambda: rest.text(path)


def _fetched(recording: Recording, folder: Path, name: str, get: Callable[[], str]) -> Found | None:
    """The file in ``folder``; None where it cannot be had (which is noted) or is of no use."""
    path = folder / Path(name).name
    try:
        path.write_text(get(), encoding="utf-8")
    except FlinkscopeError as error:
        recording.missing("flink_log", f"{name}: {error.message}")
        return None
    kind = recognise(path)
    return Found(path, str(kind)) if kind in _LOG_KINDS else None


def _own(files: Sequence[Found], manager: str | None) -> list[Found]:
    """Those of the task manager with that id, or of the JobManager; all where they are of one process."""
    processes, shared = join(files)
    if len(processes) <= 1:
        return list(files)
    role = "jobmanager" if manager is None else "taskmanager"
    alike = [p for p in processes if p.role == role and p.clues.resource_id in (None, manager)]
    others = [p for p in processes if p.role is not None and p not in alike]
    return [f for f in files if f in shared or not any(f in p.files for p in others)]


def _threads(rest: FlinkRest, manager: str | None) -> Callable[[Recording], None]:
    def save(recording: Recording) -> None:
        document = rest.thread_dump(manager)
        entries = document.get("threadInfos") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise UnreadableInputError("/thread-dump: no threadInfos in it")
        recording.save_json("threads.json", document, "REST: thread-dump")

    return save


def _refuse(why: str) -> Callable[[Recording], None]:
    def refuse(_recording: Recording) -> None:
        raise SourceError(why)

    return refuse
