"""Incident 2: the same job submitted again and again over the web interface; the JobManager dies of metaspace.

Each submission runs main() inside the JobManager in a class loader of its own; what main() leaves behind (a shutdown
hook, as in the incident) keeps it. ``run`` brings it to life; a cure repeats it from a client, in application mode, or
with the code fixed.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from flinkscope.errors import FlinkscopeError, LabError, UnreadableInputError, UsageError
from flinkscope.flink.loaders import user_loaders
from flinkscope.flink.metaspace_forecast import MetaspaceForecast, forecast
from flinkscope.heap import open_heap
from flinkscope.jvm.live import open_jvm
from flinkscope.jvm.verbs import open_verbs
from flinkscope.lab.case_folder import make_room
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents.jm_applications import running_application
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.process_files import ProcessFiles
from flinkscope.lab.submitters import submitter
from flinkscope.lab.wheels import DEFAULT_FLINK, DEFAULT_JAVA, FlinkHome, JavaHome, flink_home, java_home
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Case, CaseWriter

NAME = "jm-metaspace"
ROOT_CAUSE = "R14"
JAR = Path(__file__).parent.parent / "jobs" / "flinkscope-pins.jar"
ENTRY_CLASS = "flinkscope.lab.pins.Submission"
PINS = (
    "hook", "thread", "context", "threadlocal", "timer", "executor", "cleaner", "http", "jdbc", "mbean", "sysprop",
    "provider", "ueh", "jul", "static", "log4j", "soft", "spring", "nacos", "none",
)  # fmt: skip
APPLICATION = "application"
VIAS = ("web", "plan", "client", APPLICATION)
DIED, REFUSED, SURVIVED = "died", "refused", "survived"
_DYING_LIMIT_S = 20.0
_REFUSALS = 3  # after the first, people try again; a JobManager out of metaspace refuses, hangs or dies of that
_BYTES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. ``pins``: what main() leaves; ``healthy``: main() cleans up again; ``ballast``: classes each submission
    loads besides; ``metaspace``: the JobManager's limit; ``submissions``: how many at most; ``jar``: with libraries."""

    pins: tuple[str, ...] = ("hook",)
    via: str = "web"
    healthy: bool = False
    ballast: int = 2600
    metaspace: str = "128m"
    submissions: int = 12
    java: str = DEFAULT_JAVA
    flink: str = DEFAULT_FLINK
    jar: str = ""

    def __post_init__(self) -> None:
        for pin in self.pins:
            if pin not in PINS:
                raise UsageError(f"no pin {pin!r}", hint=f"one of {', '.join(PINS)}")
        if self.via not in VIAS:
            raise UsageError(f"no way to submit {self.via!r}", hint=f"one of {', '.join(VIAS)}")
        if not self.metaspace[:-1].isdigit() or self.metaspace[-1:] not in _BYTES:
            raise UsageError(f"metaspace {self.metaspace!r}", hint="for example 128m")

    @property
    def metaspace_bytes(self) -> int:
        """The JobManager's limit."""
        return int(self.metaspace[:-1]) * _BYTES[self.metaspace[-1]]

    @property
    def user_jar(self) -> Path:
        """The jar whose main() is run."""
        return Path(self.jar) if self.jar else JAR

    def config(self) -> dict[str, str]:
        """The Flink configuration: a small JobManager that writes a GC log, and a dump when it runs out."""
        opts = (
            "-XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=dumps -Xlog:gc*:file=log/gc-%p.log:time,uptime,level,tags"
        )
        return {
            "jobmanager.memory.process.size": f"{640 + (self.metaspace_bytes >> 20)}m",
            "jobmanager.memory.jvm-metaspace.size": self.metaspace,
            "taskmanager.memory.process.size": "800m",
            "taskmanager.memory.managed.size": "32m",
            "taskmanager.numberOfTaskSlots": "4",
            "env.java.opts.jobmanager": opts,
        }

    def arguments(self) -> list[str]:
        """The job's arguments."""
        words = ["--ballast", str(self.ballast)]
        words += ["--pin", ",".join(pin for pin in self.pins if pin != "none")] if self.pins != ("none",) else []
        return words + (["--healthy", "yes"] if self.healthy else [])

    def labels(self) -> dict[str, str]:
        """What the case says of the run; enough to repeat it (``plan_of``)."""
        plain = {key: str(value) for key, value in asdict(self).items() if key not in ("pins", "healthy")}
        return {"incident": NAME, **plain, "pins": ",".join(self.pins), "healthy": str(self.healthy).lower()}


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission that the JobManager took, and its metaspace after a full collection. ``seconds``: the request."""

    number: int
    seconds: float
    floor_bytes: int
    classes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``forecast``: made at half of the submissions that went well; None in application mode.
    ``leaked``: class loaders in the JobManager's dump that are closed and kept; None without a dump."""

    case: Case
    outcome: str
    submissions: tuple[Submission, ...]
    forecast: MetaspaceForecast | None
    forecast_at: int
    refusal: str = ""
    leaked: int | None = None

    @property
    def flat(self) -> bool:
        """Whether all went well and no submission left a class loader behind."""
        return self.outcome == SURVIVED and self.leaked == 0

    @property
    def predicted(self) -> int | None:
        """How many submissions were forecast to go well; None for no end in sight."""
        left = self.forecast.left if self.forecast else None
        return None if left is None else self.forecast_at + left


def run(plan: Plan, case_folder: Path, progress: Progress = SILENT, *, replace: bool = False) -> Outcome:
    """Runs the plan on a real Flink and records a case in ``case_folder``; about two seconds a submission, 15 in
    application mode.

    Raises UsageError when the folder holds anything else, LabError when Flink cannot be brought up.
    """
    flink, java = flink_home(plan.flink, progress), java_home(plan.java, progress)
    make_room(case_folder, NAME, replace)
    writer = CaseWriter(case_folder, f"{NAME}: {_described(plan)}", plan.labels())
    record = _applications if plan.via == APPLICATION else _session
    done, refusal, outcome = record(plan, (flink, java), writer, progress)
    half = max(3, len(done) // 2)
    one_process = plan.via != APPLICATION  # else each floor is of a JobManager of its own
    seen = forecast([s.floor_bytes for s in done[:half]], plan.metaspace_bytes) if one_process else None
    _save_submissions(writer, plan, done, outcome, refusal)
    writer.label(outcome=outcome, submitted=str(len(done)))
    case = writer.case()
    return Outcome(case, outcome, tuple(done), seen, half, refusal, _leaked(case, progress))


def _session(
    plan: Plan, homes: tuple[FlinkHome, JavaHome], writer: CaseWriter, progress: Progress
) -> tuple[list[Submission], str, str]:
    """All submissions to one session: what went well, the first refusal, how it ended."""
    with Cluster(plan.config(), 1, *homes, progress) as cluster:
        done, refusal = _submit_all(plan, cluster, progress)
        outcome = _how_it_ended(cluster, refusal)
        _save_processes(cluster, writer)
    return done, refusal, outcome


def _applications(
    plan: Plan, homes: tuple[FlinkHome, JavaHome], writer: CaseWriter, progress: Progress
) -> tuple[list[Submission], str, str]:
    """Each submission in a cluster of its own, measured while its job runs; the case has the last one's files."""
    done: list[Submission] = []
    for number in range(1, plan.submissions + 1):
        progress.phase("applications, one after another", plan.submissions, "")
        progress.advance(number)
        began = time.monotonic()
        words = [*plan.arguments(), "--name", f"application {number}"]
        with running_application(plan.user_jar, ENTRY_CLASS, words, plan.config(), homes, progress) as cluster:
            done.append(_measured(cluster, number, time.monotonic() - began))
            if number == plan.submissions:
                _save_processes(cluster, writer)
    return done, "", SURVIVED


def _save_processes(cluster: Cluster, writer: CaseWriter) -> None:
    """Dumps the JobManager if it lives, ends all processes, and puts their files into the case."""
    if cluster.job_manager.exit_code is None:
        _dump(cluster, writer)
    codes = {process.id: process.exit_code for process in cluster.processes}
    cluster.end_processes()
    files = ProcessFiles(cluster, writer)
    files.save_config()
    for process in cluster.processes:
        files.save(process, codes[process.id])


def plan_of(case: Case) -> Plan:
    """The plan that recorded the case; raises UsageError for another incident's, UnreadableInputError for damaged
    labels."""
    labels = case.labels
    if labels.get("incident") != NAME:
        raise UsageError(f"{case.root}: not a case of the incident {NAME}", hint=f"flinkscope lab run {NAME}")
    try:
        return Plan(
            pins=tuple(labels["pins"].split(",")),
            via=labels["via"],
            healthy=labels["healthy"] == "true",
            ballast=int(labels["ballast"]),
            metaspace=labels["metaspace"],
            submissions=int(labels["submissions"]),
            java=labels["java"],
            flink=labels["flink"],
            jar=labels["jar"],
        )
    except (KeyError, ValueError) as error:
        raise UnreadableInputError(f"{case.root}: the manifest's labels are damaged: {error!r}") from error


def cure_plan(original: Plan, cure: str) -> Plan:
    """The original, submitted from a ``client``, each as an ``application``, or with ``fixed`` code that cleans up."""
    if cure in ("client", APPLICATION):
        return replace(original, via=cure)
    return replace(original, healthy=True)


def _submit_all(plan: Plan, cluster: Cluster, progress: Progress) -> tuple[list[Submission], str]:
    """Submits until the JobManager keeps refusing, dies, or has taken as many as planned; what went well, and the first
    refusal."""
    way = submitter(plan.via, cluster, plan.user_jar, ENTRY_CLASS)
    progress.phase(f"submitting over {plan.via}", plan.submissions, "")
    done: list[Submission] = []
    refusals: list[str] = []
    for number in range(1, plan.submissions + _REFUSALS):
        began = time.monotonic()
        try:
            way.submit([*plan.arguments(), "--name", f"submission {number}"])
            done.append(_measured(cluster, number, time.monotonic() - began))
        except FlinkscopeError as error:
            refusals.append(error.message)
        progress.advance(number)
        full = not refusals and len(done) == plan.submissions
        if full or len(refusals) == _REFUSALS or cluster.job_manager.exit_code is not None:
            break
    return done, refusals[0] if refusals else ""


def _measured(cluster: Cluster, number: int, seconds: float) -> Submission:
    """The JobManager's metaspace after a full collection: the JVM refreshes its counter only then."""
    pid = cluster.job_manager.pid
    open_verbs(pid).jcmd("GC.run")
    reading = open_jvm(pid).read()
    used, classes = reading.number("sun.gc.metaspace.used"), reading.number("java.cls.loadedClasses")
    unloaded = reading.number("java.cls.unloadedClasses")
    if used is None or classes is None:
        raise LabError("the JobManager's counters do not tell its metaspace")
    return Submission(number, seconds, used, classes - (unloaded or 0))


def _how_it_ended(cluster: Cluster, refusal: str) -> str:
    """After a refusal the JobManager may still be dying: its last collections take up to 20 s."""
    deadline = time.monotonic() + (_DYING_LIMIT_S if refusal else 0.0)
    while time.monotonic() < deadline and cluster.job_manager.exit_code is None:
        with suppress(LabError):
            cluster.rest.get("/overview")  # a JobManager out of metaspace dies of the next class that it needs
        time.sleep(0.5)
    if cluster.job_manager.exit_code is not None:
        return DIED
    return REFUSED if refusal else SURVIVED


def _dump(cluster: Cluster, writer: CaseWriter) -> None:
    pid = cluster.job_manager.pid
    if (cluster.folder / "dumps" / f"java_pid{pid}.hprof").exists():
        return
    try:
        dump_live_heap(pid, cluster.folder / "dumps" / f"live_pid{pid}.hprof")
    except LabError as error:
        writer.note_missing("heap_dump", error.message, process=cluster.job_manager.id)


def _leaked(case: Case, progress: Progress) -> int | None:
    """Leaked class loaders in the JobManager's dump."""
    dumps = case.of_kind("heap_dump", "jobmanager-0")
    if not dumps:
        return None
    heap = open_heap(case.path_of(dumps[0]), progress=progress)
    return sum(row.state == "leaked" for row in user_loaders(heap))


def _save_submissions(writer: CaseWriter, plan: Plan, done: list[Submission], outcome: str, refusal: str) -> None:
    document = {
        "limit_bytes": plan.metaspace_bytes,
        "outcome": outcome,
        "refusal": refusal,
        "submissions": [asdict(submission) for submission in done],
    }
    path = writer.root / "submissions.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    how = "after each submission: jcmd GC.run, then the JVM's own counters"
    writer.add(path, "submissions", process="jobmanager-0", how=how)


def _described(plan: Plan) -> str:
    left = "cleans up " if plan.healthy else "leaves "
    return f"main() {left}{', '.join(plan.pins)}; submitted over {plan.via}"
