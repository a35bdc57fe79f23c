"""What a Flink log says, as records with their places: start-up, memory tree, symptoms, checkpoints, jobs, failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flinkscope.place import Place


@dataclass(frozen=True, slots=True)
class StartUp:
    """One start of the process as it logs it itself. Lists keep the log's order; None: not logged (or cut off)."""

    place: Place
    time: str | None
    component: str
    role: str
    flink_version: str | None
    jvm: str | None = None
    java_version: str | None = None
    max_heap_mib: int | None = None
    jvm_options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    class_path: str | None = None
    configuration: Mapping[str, str] = field(default_factory=dict)

    @property
    def collector(self) -> str | None:
        """The collector that the options name (last one wins); None: the JVM chose by itself."""
        chosen = [
            o[len("-XX:+Use") : -len("GC")] for o in self.jvm_options if o.startswith("-XX:+Use") and o[-2:] == "GC"
        ]
        return chosen[-1] if chosen else None

    def dynamic_properties(self) -> dict[str, str]:
        """The ``-D key=value`` arguments: the memory split that the process really got."""
        arguments = iter(self.arguments)
        found = {}
        for argument in arguments:
            pair = next(arguments, "") if argument == "-D" else argument[2:] if argument.startswith("-D") else ""
            key, separator, value = pair.partition("=")
            if separator:
                found[key] = value
        return found


@dataclass(frozen=True, slots=True)
class MemoryTree:
    """The tree "Final TaskExecutor Memory configuration": path of labels → bytes, in the tree's order.

    ``("Total Process Memory", "Total Flink Memory", "JVM Heap")``: 1073741824.
    """

    place: Place
    role: str
    parts: Mapping[tuple[str, ...], int]

    def bytes_of(self, *path: str) -> int | None:
        """The part whose path ends with these labels; None if there is none or it is not the only one."""
        fits = [size for labels, size in self.parts.items() if labels[-len(path) :] == path]
        return fits[0] if len(fits) == 1 else None


@dataclass(frozen=True, slots=True)
class Symptom:
    """One text of the catalogue. ``details``: the figures in it; ``stack``: the frames under the line that matched.

    ``of_task``: it stands in the report of a failed task or job, which a JobManager's log repeats of TaskManagers.
    """

    kind: str
    rules: tuple[str, ...]
    text: str
    place: Place
    time: str | None
    clock_ms: int | None
    details: Mapping[str, str]
    stack: tuple[str, ...] = ()
    of_task: bool = False


@dataclass(frozen=True, slots=True)
class LoggedCheckpoint:
    """A checkpoint as the coordinator logs it. ``state``: completed, expired, declined, failed."""

    place: Place
    time: str | None
    clock_ms: int | None
    id: int | None
    job: str | None
    state: str
    size_bytes: int | None = None
    duration_ms: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """A job (``kind`` job) or, since 2.x, application that the JobManager received.

    ``program``: a user's main() was started inside the JobManager, also to show a plan; ``job`` is not known then.
    """

    place: Place
    time: str | None
    clock_ms: int | None
    job: str | None
    name: str
    kind: str = "job"


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's change of state."""

    place: Place
    time: str | None
    clock_ms: int | None
    job: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A task that switched to FAILED. ``cause``: the innermost exception that is logged; ``stack``: its top frames."""

    place: Place
    time: str | None
    clock_ms: int | None
    task: str
    subtask: str
    attempt: str
    task_manager: str | None
    cause: str
    stack: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlinkLog:
    """All that one or several files of one process say. Long series are kept up to a bound; ``counts`` count them all.

    ``notes``: what could not be read. ``laid_out``: records with a log layout (0: bare output, or not a log at all).
    """

    sources: tuple[str, ...]
    lines: int
    records: int
    laid_out: int
    first_time: str | None
    last_time: str | None
    starts: tuple[StartUp, ...]
    memory: tuple[MemoryTree, ...]
    symptoms: tuple[Symptom, ...]
    checkpoints: tuple[LoggedCheckpoint, ...]
    submissions: tuple[Submission, ...]
    job_states: tuple[JobState, ...]
    task_failures: tuple[TaskFailure, ...]
    counts: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def role(self) -> str | None:
        """taskmanager, jobmanager or client, from the last start or the memory tree; None if neither is there."""
        if self.starts:
            return self.starts[-1].role
        return self.memory[-1].role if self.memory else None

    def of_kind(self, *kinds: str) -> tuple[Symptom, ...]:
        """The symptoms of these kinds, in order."""
        return tuple(symptom for symptom in self.symptoms if symptom.kind in kinds)
