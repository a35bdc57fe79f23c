"""Incident 1: daily unique visitors of each item; the TaskManager dies of ``Java heap space`` though it purges.

``run`` brings it to life; ``cure`` repeats the same events with other memory or with the better design.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flinkscope.errors import UnreadableInputError, UsageError
from flinkscope.lab.case_folder import make_room
from flinkscope.lab.check import ResultCheck, Shop, check_results, page_view_count
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.recorder import DIED, FINISHED, Recorder
from flinkscope.lab.wheels import DEFAULT_FLINK, DEFAULT_JAVA, flink_home, java_home
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Case, CaseWriter

NAME = "uv-heap"
ROOT_CAUSE = "R02"  # the rule that must be found
JAR = Path(__file__).parent.parent / "jobs" / "flinkscope-jobs.jar"
ENTRY_CLASS = "flinkscope.lab.uv.DailyUv"
TRIGGERS = ("purging", "bare", "evictor")
DESIGNS = ("window", "bucket")
SLOTS = 2
LIMIT_S = 1200.0
# The last events of each source reader wait for the lab's word (EventAt.TAIL in the job).
_TAIL_EVENTS = 600
MOST_TASK_MANAGERS = 4


@dataclass(frozen=True, slots=True)
class Size:
    """How large the incident is: the TaskManager's memory, the number of events, the checkpoint interval."""

    memory: Mapping[str, str]
    events: int
    checkpoint_s: int = 10


# Sizes from shared measurements (docs/explain/lab.md): the events are some 1.5 times what the memory holds.
SIZES = {
    "quick": Size(
        {
            "taskmanager.memory.process.size": "900m",
            "taskmanager.memory.managed.size": "132m",
            "taskmanager.memory.framework.heap.size": "64m",
        },
        events=450_000,
        checkpoint_s=5,
    ),
    "demo": Size({"taskmanager.memory.process.size": "1152m"}, events=900_000),
    "full": Size({"taskmanager.memory.process.size": "1728m"}, events=2_500_000),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: everything that decides its outcome."""

    trigger: str = "purging"
    size: str = "demo"
    design: str = "window"
    memory: Mapping[str, str] = field(default_factory=dict)
    java: str = DEFAULT_JAVA
    flink: str = DEFAULT_FLINK
    seed: int = 1
    task_managers: int = 1

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.trigger, TRIGGERS, "trigger"),
            (self.design, DESIGNS, "design"),
            (self.size, tuple(SIZES), "size"),
        ):
            if value not in known:
                raise UsageError(f"no {what} {value!r}", hint=f"one of {', '.join(known)}")
        if not 1 <= self.task_managers <= MOST_TASK_MANAGERS:
            raise UsageError(f"{self.task_managers} TaskManagers", hint=f"1 to {MOST_TASK_MANAGERS}")

    @property
    def shop(self) -> Shop:
        """The events of this plan: as many for each TaskManager."""
        return Shop(SIZES[self.size].events * self.task_managers, self.seed)

    @property
    def parallelism(self) -> int:
        """All slots of all TaskManagers."""
        return SLOTS * self.task_managers

    def config(self) -> dict[str, str]:
        """The Flink configuration: the size's memory options, changed by ``memory`` (an empty value removes one)."""
        size = SIZES[self.size]
        options = {
            "taskmanager.numberOfTaskSlots": str(SLOTS),
            "parallelism.default": str(self.parallelism),
            "state.backend.type": "hashmap",
            "execution.checkpointing.interval": f"{size.checkpoint_s} s",
            "web.checkpoints.history": "200",
            # so that a TaskManager in its last full collections is not replaced before it dies
            "heartbeat.timeout": "600000",
            "env.java.opts.taskmanager": (
                "-XX:+UseG1GC -XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=dumps -XX:+ExitOnOutOfMemoryError "
                "-Xlog:gc*,safepoint:file=log/gc-%p.log:time,uptime,level,tags"
            ),
            **size.memory,
            **self.memory,
        }
        return {key: value for key, value in options.items() if value}

    def labels(self) -> dict[str, str]:
        """What the case says of the run; enough to repeat it (``plan_of``)."""
        return {
            "incident": NAME,
            "trigger": self.trigger,
            "size": self.size,
            "design": self.design,
            "memory": json.dumps(dict(self.memory), sort_keys=True),
            "java": self.java,
            "flink": self.flink,
            "seed": str(self.seed),
            "task_managers": str(self.task_managers),
            "events": str(self.shop.events),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``check`` is None unless the job finished: a dead job has no final results."""

    case: Case
    outcome: str
    check: ResultCheck | None

    @property
    def died(self) -> bool:
        """Whether the TaskManager died."""
        return self.outcome == DIED


def run(plan: Plan, case_folder: Path, progress: Progress = SILENT, *, replace: bool = False) -> Outcome:
    """Runs the plan on a real Flink and records a case in ``case_folder``; seconds to minutes, by size.

    ``replace``: whether a case of this incident that is already there goes. Raises UsageError when the folder holds
    anything else, LabError when Flink cannot be brought up, MemoryConfigError when it refuses the memory settings.
    """
    flink, java = flink_home(plan.flink, progress), java_home(plan.java, progress)
    make_room(case_folder, NAME, replace)
    writer = CaseWriter(case_folder, f"{NAME}: {_described(plan)}", plan.labels())
    views = page_view_count(plan.shop)
    with Cluster(plan.config(), plan.task_managers, flink=flink, java=java, progress=progress) as cluster:
        results = cluster.folder / "results"
        recorder = Recorder(cluster, writer, "", plan.design, plan.trigger, views, progress)
        folders = {"truth": recorder.truth_folder, "results": results, "hold": recorder.hold_folder}
        arguments = ["--design", plan.design, "--trigger", plan.trigger, *plan.shop.job_arguments()]
        arguments += [word for name, folder in folders.items() for word in (f"--{name}", str(folder))]
        recorder.job_id = cluster.submit(JAR, ENTRY_CLASS, arguments, plan.parallelism)
        outcome = recorder.watch(LIMIT_S, views - _TAIL_EVENTS * plan.parallelism)
        recorder.save(outcome)
        check = _check(plan, results, writer, progress) if outcome == FINISHED else None
    if check is None:
        writer.note_missing("results", f"the job {outcome} before its day was over")
    return Outcome(writer.case(), outcome, check)


def plan_of(case: Case) -> Plan:
    """The plan that recorded the case; raises UsageError when another program or incident did,
    UnreadableInputError when its labels are damaged."""
    labels = case.labels
    if labels.get("incident") != NAME:
        raise UsageError(f"{case.root}: not a case of the incident {NAME}", hint=f"flinkscope lab run {NAME}")
    try:
        return Plan(
            trigger=labels["trigger"],
            size=labels["size"],
            design=labels["design"],
            memory={str(k): str(v) for k, v in json.loads(labels["memory"]).items()},
            java=labels["java"],
            flink=labels["flink"],
            seed=int(labels["seed"]),
            task_managers=int(labels.get("task_managers", "1")),
        )
    except (KeyError, ValueError, AttributeError) as error:
        raise UnreadableInputError(f"{case.root}: the manifest's labels are damaged: {error!r}") from error


def cure_plan(original: Plan, *, memory: Mapping[str, str] | None = None, design: str | None = None) -> Plan:
    """The original's events with other memory, another design, or both."""
    if not memory and not design:
        raise UsageError("a cure changes something", hint="--memory KEY=VALUE … or --design bucket")
    return replace(original, memory=dict(memory or original.memory), design=design or original.design)


def _check(plan: Plan, results: Path, writer: CaseWriter, progress: Progress) -> ResultCheck:
    progress.phase("recounting the events")
    check = check_results(plan.shop, results)
    path = writer.root / "results.json"
    path.write_text(json.dumps(check.as_document(), indent=1) + "\n", encoding="utf-8")
    writer.add(path, "results", how="last result of each (day, item) against an exact recount of the events")
    writer.label(results="exact" if check.exact else "wrong")
    return check


def _described(plan: Plan) -> str:
    what = "item buckets" if plan.design == "bucket" else f"day window, {plan.trigger} trigger"
    return f"{what}, {plan.shop.events:,} events"
