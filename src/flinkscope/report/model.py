"""The report as plain data: what every renderer shows and nothing that it has to work out.

Only strings, whole numbers (bytes, nanoseconds, basis points, counts), None and tuples, in a fixed order; so the JSON
is deterministic and a report can be rendered again or compared without the dump. Its size is bounded by the number of
rules, processes and classes shown, never by objects: charts are thinned to 1,500 points a series, tables to their
top.
``None`` is "not known" (never 0); where a reader could ask why, an ``AbsentRow`` says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flinkscope.report.chart_model import ChartRow, Unit

FORMAT_NAME = "flinkscope-report"
FORMAT_VERSION = 1
MAX_CLASSES = 40
MAX_OWNERS = 60
MAX_DOMINATORS = 20
MAX_NODES = 300
MAX_PINS = 60
MAX_PICTURED = 8
MAX_ROWS_A_RULE = 4

Severity = Literal["critical", "error", "warning", "info"]
Verdict = Literal["fired", "ruled_out", "unclear", "not_evaluated"]


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """Where a claim comes from. ``text`` is the place as people write it: ``gc.log:1234``."""

    text: str
    source: str
    line: int | None = None
    address: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class QuantityRow:
    """A number with its unit in its name: ``live_set_bytes``."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One observation in a sentence, its numbers, and where it is to be seen."""

    text: str
    place: PlaceRow
    figures: tuple[QuantityRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One option's change. ``old`` None: it is not set now; ``new`` None: take it out."""

    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class SnippetRow:
    """Text to copy: ``language`` is yaml, java, sql, python or bash; ``old`` is what it replaces (may be empty)."""

    language: str
    title: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of the arithmetic behind a remedy."""

    label: str
    formula: str
    result_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RemedyRow:
    """One way out. ``cures`` False: it only buys time. ``verify``: how to see that it worked."""

    id: str
    title: str
    effect: str
    cost: str
    verify: str
    cures: bool = True
    changes: tuple[ChangeRow, ...] = ()
    snippets: tuple[SnippetRow, ...] = ()
    steps: tuple[StepRow, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A rule that fired. ``explains``: ids of the symptoms folded under it; ``explained_by``: None for a root.

    ``attempts``: what people try here that does not help, and why not.
    """

    rule: str
    title: str
    severity: Severity
    certainty_bp: int
    verdict: Verdict
    summary: str
    process: str
    explained_bytes: int = 0
    evidence: tuple[EvidenceRow, ...] = ()
    remedies: tuple[RemedyRow, ...] = ()
    attempts: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    explained_by: str | None = None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule that did not fire: why; where it is not evaluated or unclear, the commands that would decide.

    ``process``: the one, or the ones that have the same answer, by name and number.
    """

    rule: str
    title: str
    verdict: Verdict
    process: str
    why: str
    missing: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryRow:
    """The first screen: what happened, why, what to do, each in a few sentences."""

    headline: str
    what: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    certainty_bp: int | None = None
    certainty_why: str = ""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A key figure under a stable name. ``value`` None: not known, and ``absent`` says why and how to get it."""

    name: str
    title: str
    unit: Unit
    value: int | None = None
    text: str = ""
    absent: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A part of the process memory, in the order of Flink's tree. ``hue`` as in SeriesRow."""

    name: str
    bytes: int
    hue: int


@dataclass(frozen=True, slots=True)
class MemoryBarRow:
    """Flink's memory split once: as it is, or as a remedy would make it."""

    title: str
    total_bytes: int
    heap_bytes: int
    segments: tuple[SegmentRow, ...]


@dataclass(frozen=True, slots=True)
class StateRow:
    """One keyed state inside the dump. ``bytes_per_entry``: tables, entries and values, without the keys."""

    task: str
    name: str
    kind: str
    entries: int
    keys: int
    windows: int
    bytes: int
    bytes_per_entry: int
    span: str
    place: str


@dataclass(frozen=True, slots=True)
class TimerRow:
    """The timers of one service of one operator. ``next``: when the next ones fire, and how many together."""

    task: str
    service: str
    domain: str
    timers: int
    keys: int
    cleanup: int
    firing: int
    bytes: int
    next: str
    place: str


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """How a window operator is set up, in words."""

    task: str
    window: str
    trigger: str
    evictor: str
    function: str
    watermark: str
    place: str


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """Who keeps memory; rows do not overlap. ``detail``: its task, or a thread's or class' name."""

    name: str
    bytes: int
    detail: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of the histogram. ``retained_bytes`` None: not computed."""

    name: str
    count: int
    shallow_bytes: int
    retained_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A node of the dominator tree folded by class, in the order of a walk: ``depth`` 0 is top level, children follow.

    ``bytes``: what its objects keep alive, those below it included.
    """

    depth: int
    name: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PinRow:
    """What keeps left class loaders from going: ``pins`` of the same kind over ``loaders`` of them.

    ``chain``: from the GC root to the loader, of one of them; ``code``: the class that made it, empty if not known.
    """

    text: str
    library: str
    code: str
    thread: str
    loaders: int
    pins: int
    chain: tuple[str, ...]
    remedy: str
    certainty_bp: int


@dataclass(frozen=True, slots=True)
class LoadersRow:
    """User class loaders in the dump: ``leaked`` ones are closed and still strongly reachable."""

    leaked: int
    live: int
    awaiting_gc: int
    metaspace_bytes: int
    pins: tuple[PinRow, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class HeapRow:
    """What is inside the heap dump. ``used_bytes``: shallow bytes of what can be reached; ``note``: what is missing.

    ``owners`` share out the heap in Flink's terms; ``dominators`` are the single objects that keep most alive;
    ``tree`` is the dominator tree by class, its biggest nodes.
    """

    dump: str
    file_bytes: int
    objects: int
    reachable_objects: int
    used_bytes: int
    unreachable_bytes: int
    oom_thread: str = ""
    classes: tuple[ClassRow, ...] = ()
    owners: tuple[OwnerRow, ...] = ()
    dominators: tuple[OwnerRow, ...] = ()
    note: str = ""
    tree: tuple[TreeRow, ...] = ()


@dataclass(frozen=True, slots=True)
class FlinkStateRow:
    """Flink's keyed state, timers and window operators as the dump holds them."""

    backend: str
    total_bytes: int
    keys_and_windows_bytes: int
    states: tuple[StateRow, ...] = ()
    timers: tuple[TimerRow, ...] = ()
    operators: tuple[OperatorRow, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process: who it was, how it ended, and its pictures. ``role`` as in the case, ``role_title`` for people.

    ``story``: what happened to it and what is wrong with it, in sentences.
    Only the first ``MAX_PICTURED`` processes have pictures (timeline, memory, heap, state); figures have all.
    """

    id: str
    role: str
    role_title: str
    flink: str | None = None
    java: str | None = None
    collector: str | None = None
    ended: str = ""
    story: tuple[str, ...] = ()
    figures: tuple[FigureRow, ...] = ()
    timeline: ChartRow | None = None
    memory: tuple[MemoryBarRow, ...] = ()
    heap: HeapRow | None = None
    state: FlinkStateRow | None = None
    loaders: LoadersRow | None = None


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """One piece of evidence: read (``used``) or ignored, and how it was taken."""

    name: str
    kind: str
    process: str | None = None
    used: bool = True
    note: str = ""
    how: str = ""
    collected_at: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class AbsentRow:
    """What is not known, why, and how to get it."""

    what: str
    kind: str
    reason: str = ""
    how_to_get: str = ""
    process: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that flinkscope says about one case. ``findings`` is ordered by rank, the root cause first."""

    title: str
    case: str
    created_at: str
    made_by: str
    story: StoryRow
    root_cause: str | None = None
    findings: tuple[FindingRow, ...] = ()
    ruled_out: tuple[RuleRow, ...] = ()
    unclear: tuple[RuleRow, ...] = ()
    not_evaluated: tuple[RuleRow, ...] = ()
    processes: tuple[ProcessRow, ...] = ()
    artifacts: tuple[ArtifactRow, ...] = ()
    absent: tuple[AbsentRow, ...] = ()
    redaction: str = ""
    format: str = FORMAT_NAME
    version: int = FORMAT_VERSION
