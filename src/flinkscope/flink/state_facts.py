"""What the lens finds in a heap dump, as plain data: tasks, keyed state, timers, windows. Bytes are shallow sums."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.place import Place


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """One window of a state or timer service: start and end in ms since the epoch, and how many entries it has.

    ``over_ms``: of one of SQL's slices, the end of the last window that needs it; None for a window.
    """

    start_ms: int
    end_ms: int
    entries: int
    over_ms: int | None = None

    @property
    def needed_until_ms(self) -> int:
        """When its state is of no use any more, lateness apart."""
        return self.end_ms if self.over_ms is None else self.over_ms


@dataclass(frozen=True, slots=True)
class Home:
    """Whose something is. ``job_id``, ``operator``: empty where the dump does not tell. Equal for all its subtasks."""

    job_id: str
    task: str
    operator: str


class Owned:
    """What belongs to one operator of one job."""

    __slots__ = ()
    job_id: str
    task: str
    operator: str

    @property
    def home(self) -> Home:
        """Whose it is: states, timers and window operators that belong together have the same."""
        return Home(self.job_id, self.task, self.operator)


@dataclass(frozen=True, slots=True)
class KeyedState(Owned):
    """One keyed state of one operator, summed over its key groups and over the subtasks in this process.

    ``job``: its name; ``own_bytes``: tables and entries; ``content_bytes``: what the values exclusively retain;
    ``key_bytes``: keys and windows (counted once for all states and timers of the operator, on the first state).
    """

    task: str
    name: str
    kind: str  # value, list, map, reducing, aggregating, unknown
    entries: int
    keys: int
    namespaces: int
    own_bytes: int
    content_bytes: int
    windows: tuple[WindowSpan, ...]
    table_slots: int
    place: Place
    job: str | None = None
    job_id: str = ""
    operator: str = ""

    @property
    def total_bytes(self) -> int:
        """Tables, entries and values."""
        return self.own_bytes + self.content_bytes


@dataclass(frozen=True, slots=True)
class TimerService(Owned):
    """The timers of one service of one operator, summed over subtasks.

    ``cleanup``: those at their window's last millisecond; ``firing``: the others; ``due_next``: how many fire at
    ``next_time_ms``. ``own_bytes``: timers, queue, de-duplication maps.
    """

    task: str
    service: str
    domain: str  # event or processing
    timers: int
    keys: int
    cleanup: int
    firing: int
    next_time_ms: int | None
    due_next: int
    own_bytes: int
    place: Place
    job: str | None = None
    job_id: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class OperatorState(Owned):
    """One operator state (not keyed), summed over subtasks. ``kind``: list or broadcast; each subtask has its own copy
    of a broadcast state. ``entries``: elements or pairs of all subtasks; ``size_bytes``: what they retain."""

    task: str
    name: str
    kind: str
    entries: int
    size_bytes: int
    place: Place
    job: str | None = None
    job_id: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddedState(Owned):
    """Keyed state of one operator in RocksDB or ForSt, as the heap knows it: all but entries and bytes.

    ``states``: (name, kind); ``timer_queues``: those that the database keeps; ``databases``: one a subtask;
    ``cache_bytes``: budget of block cache and write buffers together, shared with other operators of the slot;
    ``write_buffer_bytes``: of it for write buffers. None: not read, or memory that Flink does not manage.
    """

    task: str
    backend: str
    states: tuple[tuple[str, str], ...]
    timer_queues: tuple[str, ...]
    timers_on_heap: bool | None
    databases: int
    column_families: int
    cache_bytes: int | None
    write_buffer_bytes: int | None
    place: Place
    job: str | None = None
    job_id: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class WindowOperator(Owned):
    """How a window operator is set up, read from its own fields. Unknown parts are None."""

    task: str
    operator_class: str
    assigner: str | None
    size_ms: int | None
    offset_ms: int | None
    trigger: tuple[str, ...]  # outermost first: ("PurgingTrigger", "ContinuousEventTimeTrigger")
    trigger_interval_ms: int | None
    evictor: str | None
    evictor_window_ms: int | None
    allowed_lateness_ms: int | None
    function: str | None
    watermark_ms: int | None
    subtasks: int
    place: Place
    job: str | None = None
    job_id: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class StateFacts:
    """All keyed state, timers and window operators of a heap dump; ``unknown_shapes``: what could not be read.

    ``unowned_entries``, ``unowned_timers``: state entries and timers that no running task leads to (copies held by a
    snapshot, garbage, or what a cut-off dump has lost the owner of).
    """

    place: Place
    backend: str | None
    states: tuple[KeyedState, ...]
    timers: tuple[TimerService, ...]
    operators: tuple[WindowOperator, ...]
    keys_and_windows_bytes: int  # keys and namespaces of states and timers, each object once
    state_bytes: int  # everything above together: states, timers, keys, windows
    unknown_shapes: tuple[str, ...]
    unowned_entries: int = 0
    unowned_timers: int = 0
    operator_states: tuple[OperatorState, ...] = ()
    embedded: tuple[EmbeddedState, ...] = ()
