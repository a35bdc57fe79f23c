"""What one call from Python does: a run to its end, and the proof of what it left in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flinkscope.progress import SILENT, Progress
from flinkscope.uv.check import UvCheck, check
from flinkscope.uv.job import uv_job
from flinkscope.uv.ready import check_ready
from flinkscope.uv.recount import DEFAULT_MEMORY_BYTES, recount
from flinkscope.uv.run import Embedded, Place, UvSummary
from flinkscope.uv.sources import EventFiles, event_files, files_below, key_column
from flinkscope.uv.store import DEFAULT_URL, RedisAddress, VisitorStore, checked_day


def run_uv(
    options: Mapping[str, str],
    place: Place | None = None,
    *,
    savepoint: str | None = None,
    limit_s: float | None = None,
    progress: Progress = SILENT,
) -> UvSummary:
    """Counts daily unique visitors on a Flink of its own, until the input ends or ``limit_s`` is over; how it ended.

    ``options`` are those of ``flinkscope uv run`` without ``--``: ``{"path": "events", "sink": "files", "out": "uv"}``;
    ``place`` (``flinkscope.uv.run.Place``) its memory, parallelism and versions. Starting takes about 10 s. Raises
    UsageError for options, SourceError for what is not there, LabError when the job fails.
    """
    job = uv_job(options)
    check_ready(job)
    with Embedded(job, place, savepoint=savepoint, progress=progress) as run:
        return run.wait(limit_s)


def check_uv(
    files: Sequence[str | Path],
    redis: str | RedisAddress = DEFAULT_URL,
    *,
    file_format: str | None = None,
    late_dir: Path | None = None,
    zone: str = "Asia/Shanghai",
    key: str = "itemId",
    days: Sequence[str] = (),
    tolerance_bp: int = 0,
    most_examples: int = 20,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    progress: Progress = SILENT,
) -> UvCheck:
    """Recounts event files exactly and compares with Redis, key by key; ``differences`` 0 is the proof.

    ``files``: files, folders, globs. ``late_dir``: rows that the job set aside as late; they are taken off. ``days``
    narrows both sides; ``tolerance_bp`` (1/10,000) is for approximate designs. About 1 s of CPU a million rows of CSV;
    never more than ``memory_bytes``. Raises SourceError when Redis or a file is not there, UnreadableInputError.
    """
    chosen, column = [checked_day(day) for day in days], key_column(key)
    events, late = event_files([str(path) for path in files], file_format), late_files(late_dir)
    with (
        VisitorStore(RedisAddress(redis) if isinstance(redis, str) else redis) as store,
        recount(events, zone=zone, key=column, late=late, memory_bytes=memory_bytes, progress=progress) as counted,
    ):
        return check(
            counted, store, zone=zone, key=column, days=chosen, most_examples=most_examples,
            tolerance_bp=tolerance_bp, progress=progress,
        )  # fmt: skip


def late_files(folder: Path | None) -> EventFiles | None:
    """The late rows' files; None when the folder has none (nothing was late)."""
    return event_files([str(folder)], "csv") if folder is not None and files_below(folder) else None
