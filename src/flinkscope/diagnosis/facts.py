"""Facts about each process of a case, every one with its place; a fact that is missing says how to get it.

Built once by ``diagnosis.gather`` from the readers below; rules read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flinkscope.absent import Absent, AbsentKind
from flinkscope.flink.histogram_ratios import StateRatios
from flinkscope.flink.lint_subject import LintFinding
from flinkscope.flink.loaders import UserLoader
from flinkscope.flink.state_facts import StateFacts
from flinkscope.formats.class_histogram import ClassHistogram
from flinkscope.formats.native_memory import NativeMemory
from flinkscope.gc.findings import GcFinding
from flinkscope.place import Place

NO_CLASSES = Absent(
    "class histogram", AbsentKind.NOT_COLLECTED, how_to_get="jcmd PID GC.class_histogram > histogram.txt"
)
NO_LOADERS = Absent(
    "user class loaders", AbsentKind.NOT_COLLECTED, how_to_get="a heap dump of the process: jcmd PID GC.heap_dump FILE"
)
NO_THREADS = Absent("thread dump", AbsentKind.NOT_COLLECTED, how_to_get="jcmd PID Thread.print > threads.txt")
NO_CONTAINER = Absent(
    "memory of the container", AbsentKind.NOT_COLLECTED, how_to_get="cat /sys/fs/cgroup/memory.* in the container"
)
NO_NATIVE = Absent(
    "native memory by purpose",
    AbsentKind.NOT_COLLECTED,
    how_to_get="-XX:NativeMemoryTracking=summary, then jcmd PID VM.native_memory summary > nmt.txt",
)
NO_PEERS = Absent(
    "the other subtasks or TaskManagers",
    AbsentKind.NOT_COLLECTED,
    how_to_get="curl JOBMANAGER:8081/jobs/JOB/vertices/VERTEX > vertex.json, or the logs of all TaskManagers together",
)


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One row of a class histogram."""

    class_name: str
    objects: int
    shallow_bytes: int
    retained_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DominatorShare:
    """One of the biggest top-level dominators."""

    class_name: str
    address: int
    retained_bytes: int
    label: str = ""  # a thread's name, a class' name


@dataclass(frozen=True, slots=True)
class OwnerShare:
    """What one owner holds; owners do not overlap. ``task``: empty outside of tasks."""

    what: str
    task: str
    objects: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UserHold:
    """What one class of the user's or of a library keeps: a static field of it, or one object.

    ``what``: ``static SEEN`` or ``one object``; ``holder``: the class of what it keeps it in.
    """

    class_name: str
    what: str
    holder: str
    retained_bytes: int
    address: int
    inside_state: bool


@dataclass(frozen=True, slots=True)
class TreeShare:
    """A node of the dominator tree folded by class, in the order of a walk; ``depth`` 0 is top level."""

    depth: int
    class_name: str
    objects: int
    retained_bytes: int


@dataclass(frozen=True, slots=True)
class HeapFacts:
    """What a heap dump says of the whole heap. Sizes are shallow bytes; ``gap`` tells what a damaged dump lacks."""

    place: Place
    file_bytes: int
    object_count: int
    reachable_object_count: int
    used_bytes: int
    unreachable_bytes: int
    histogram: tuple[ClassCount, ...]  # the biggest classes, by shallow bytes
    dominators: tuple[DominatorShare, ...]
    oom_thread: str | None
    gap: str | None
    owners: tuple[OwnerShare, ...] = ()
    tree: tuple[TreeShare, ...] = ()  # the biggest nodes only
    retained: tuple[ClassCount, ...] = ()  # the classes that retain most, the JDK's left out
    holds: tuple[UserHold, ...] = ()
    class_count: int = 0
    generated: Mapping[str, int] = field(default_factory=dict)  # kind of generated class → how many are loaded


@dataclass(frozen=True, slots=True)
class FullGc:
    """One full collection: when (since the log's start), how long it stopped the process, the heap before and after."""

    start_ns: int
    pause_ns: int
    heap_before_bytes: int
    heap_after_bytes: int
    line: int | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class GcSeries:
    """Columns for charts; times in ns since the log's start, one value per event of that kind."""

    time_ns: tuple[int, ...]
    heap_before_bytes: tuple[int, ...]
    heap_after_bytes: tuple[int, ...]
    full: tuple[bool, ...]
    pause_ns: tuple[int, ...]
    share_time_ns: tuple[int, ...]  # middle of each window
    share_bp: tuple[int, ...]  # share of time stopped by GC in that window
    start_unix_ms: int | None = None  # wall clock of time 0, where the log tells it


@dataclass(frozen=True, slots=True)
class GcFacts:
    """What a GC log says. A figure that the log cannot tell is Absent."""

    place: Place
    collector: str
    jdk: str | None
    duration_ns: int
    max_heap_bytes: int | Absent
    live_set_last_bytes: int | Absent
    live_set_max_bytes: int | Absent
    live_set_is_upper_bound: bool
    live_set_slope_bytes_per_s: int | Absent
    full_gcs: tuple[FullGc, ...]
    consecutive_full_gcs: int
    fruitless_full_gcs: int  # of those, how many freed less than 10 % of the heap
    gc_share_bp: int | Absent  # of the whole log; Absent without time stamps
    gc_share_worst_minute_bp: int | Absent
    throughput_bp: int | Absent
    oom_line: int | None
    coverage_bp: int
    series: GcSeries
    figures: Mapping[str, int]
    notes: tuple[GcFinding, ...] = ()  # what the GC engine itself remarks


@dataclass(frozen=True, slots=True)
class MemorySplit:
    """The effective memory split in bytes. ``source``: where it was read or that it was computed."""

    source: str
    parts: Mapping[str, int]  # in the order of Flink's tree: framework_heap_bytes, task_heap_bytes, …
    heap_bytes: int
    process_bytes: int
    metaspace_bytes: int


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """The configuration: each option with the place that sets it, and the split that it gives."""

    place: Place
    options: Mapping[str, str]
    places: Mapping[str, Place]
    memory: MemorySplit | Absent
    lint: tuple[LintFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A line of a Flink log or of the process' output that a rule may need.

    ``kind``: as in formats/flink_symptoms (oom_heap, oom_metaspace, network_buffers, …); ``details``: its figures.
    """

    kind: str
    text: str
    place: Place
    time: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    of_task: bool = False  # of a failed task or job: in a JobManager's log it is a TaskManager's


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """Completed checkpoints in order: size of the whole state in bytes and duration."""

    place: Place
    completed: int
    failed: int
    sizes_bytes: tuple[int, ...]
    durations_ms: tuple[int, ...]
    end_times_ms: tuple[int, ...]  # since the epoch


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """A thread dump: how many threads, names that come several times (name → count), and two kinds of busy stacks.

    ``trigger_loops``: running threads inside a processing-time trigger (top frames of the first).
    """

    place: Place
    threads: int
    repeated: Mapping[str, int]
    trigger_loops: int = 0
    trigger_frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """The control group's memory in bytes; None: not told (``limit_bytes``: or no limit is set).

    ``page_cache_bytes``: file pages counted in; ``processes``: of the whole group, the JVM among them.
    """

    place: Place
    limit_bytes: int | None
    used_bytes: int | None = None
    peak_bytes: int | None = None
    page_cache_bytes: int | None = None
    oom_kills: int | None = None
    processes: int | None = None
    processes_limit: int | None = None


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A start of the same role under an older Flink, found in a log: its -Xmx in MiB where the log tells it."""

    flink_version: str
    max_heap_mib: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Peers:
    """How this process, or a subtask in it, compares with the others: ``measure``, its own value, their median."""

    measure: str
    unit: str
    own: int
    median: int
    others: int
    place: Place
    who: str = ""

    @property
    def times(self) -> float:
        """How many times the median it has."""
        return self.own / max(1, self.median)


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """Everything known of one process. ``flink_version`` and ``java_version`` are None when nothing tells them."""

    id: str
    role: str
    flink_version: str | None
    java_version: str | None
    exit_code: int | None
    heap: HeapFacts | Absent
    state: StateFacts | Absent
    gc: GcFacts | Absent
    config: ConfigFacts | Absent
    log: tuple[LogEvent, ...] | Absent
    checkpoints: CheckpointFacts | Absent
    loaders: tuple[UserLoader, ...] | Absent = NO_LOADERS  # of the heap dump
    classes: StateRatios | Absent = NO_CLASSES  # of a class histogram
    census: ClassHistogram | Absent = NO_CLASSES
    threads: ThreadFacts | Absent = NO_THREADS
    container: ContainerFacts | Absent = NO_CONTAINER
    native: NativeMemory | Absent = NO_NATIVE
    loader_count: int | None = None  # user class loaders, of a histogram or of VM.classloader_stats
    generated_loaders: int | None = None  # loaders of generated code, of VM.classloader_stats
    programs: tuple[LogEvent, ...] = ()  # main() runs inside this process that its log tells
    earlier: EarlierRun | None = None
    peers: Peers | Absent = NO_PEERS

    @property
    def log_events(self) -> tuple[LogEvent, ...]:
        """The log's events; empty where there is no log (rules that need a log name it in ``needs``)."""
        return () if isinstance(self.log, Absent) else self.log


@dataclass(frozen=True, slots=True)
class Taken:
    """One input and what became of it: ``used`` False says why in ``note``."""

    name: str
    kind: str
    process: str | None
    used: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All processes of a case, and what was taken or ignored."""

    title: str
    labels: Mapping[str, str]
    processes: tuple[ProcessFacts, ...]
    taken: tuple[Taken, ...]
