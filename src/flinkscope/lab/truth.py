"""What the lab's job counted itself, read from its memory-mapped files (layout: jobs/…/TaskTruth.java)."""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flinkscope.errors import FormatError

_MAGIC = b"FSTRUTH1"
_SLOTS = 16
_HEAD = struct.Struct(f"<8s{_SLOTS}qi")


@dataclass(frozen=True, slots=True)
class TaskTruth:
    """The counts of one task. For a window task: ``keys`` panes opened, ``pending`` of them with an element since their
    last firing, ``kept`` with a visitor set of the user's; ``cleared`` panes (or buckets) ended."""

    task: str
    records: int
    keys: int
    pending: int
    kept: int
    firings: int
    results: int
    late: int
    emit_timers: int
    cleared: int

    @property
    def counts_visitors(self) -> bool:
        """Whether this is a task of the counting operator, not of the source that shares its key selector."""
        return not self.task.startswith(("Source:", "Legacy Source"))


def read_truth(folder: Path) -> list[TaskTruth]:
    """The truth files of ``folder``, ordered by task; files whose task has not begun to count are left out.

    Works while the job runs (a reading is then a moment old) and after its process died. Raises FormatError.
    """
    found = [_read(path) for path in sorted(folder.glob("*.truth"))] if folder.is_dir() else []
    return sorted((truth for truth in found if truth is not None), key=lambda t: t.task)


def records_counted(tasks: list[TaskTruth]) -> int:
    """Elements that the counting operator has taken in so far, over all its subtasks."""
    return sum(t.records for t in tasks if t.counts_visitors)


def expected_state(tasks: list[TaskTruth], design: str, trigger: str) -> dict[str, Any]:
    """What must be in the heap of HashMapStateBackend: state entries by state name, and timers.

    Exact while no element is being processed; each subtask that dies within one may differ by one entry or timer.
    """
    workers = [t for t in tasks if t.counts_visitors]
    keys = sum(t.keys for t in workers)
    if design == "bucket":
        return {"map_entries": {"items": sum(t.kept for t in workers)}, "tolerance": len(workers)}
    contents = keys if trigger == "bare" else sum(t.pending for t in workers)
    entries = {"fire-time": keys, "window-contents": contents}
    if trigger != "bare":
        entries["visitors"] = sum(t.kept for t in workers)
    return {
        "state_entries": entries,
        "state_entries_total": sum(entries.values()),
        "timers": 2 * keys,
        "panes": keys,
        "tolerance": len(workers),
    }


def as_document(tasks: list[TaskTruth], design: str, trigger: str) -> dict[str, Any]:
    """The ``job_truth`` artifact: every task's counts, and the state that follows from them."""
    return {
        "flinkscope_truth": 1,
        "design": design,
        "trigger": trigger if design == "window" else None,
        "records": records_counted(tasks),
        "tasks": [asdict(t) for t in tasks],
        "expected": expected_state(tasks, design, trigger),
        "expected_note": "state alive at the moment of the reading, before the window ends; each subtask may have "
        "one element in hand, which is the tolerance",
    }


def _read(path: Path) -> TaskTruth | None:
    content = path.read_bytes()
    if len(content) < _HEAD.size:
        return None  # created, not yet mapped
    magic, *numbers, length = _HEAD.unpack_from(content)
    if magic == bytes(8):
        return None
    if magic != _MAGIC:
        raise FormatError(str(path), 0, repr(_MAGIC), repr(magic))
    if not 0 <= length <= len(content) - _HEAD.size:
        raise FormatError(
            str(path), _HEAD.size - 4, f"a name of at most {len(content) - _HEAD.size} bytes", str(length)
        )
    name = content[_HEAD.size : _HEAD.size + length].decode("utf-8", errors="replace")
    return TaskTruth(name, *numbers[:9])
