"""Flame graphs from files: collapsed stacks, flight recordings, Flink's JSON, async-profiler's page; plain or gzip."""

from __future__ import annotations

import gzip
import mmap
import zlib
from pathlib import Path

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.formats.collapsed import parse_collapsed
from flinkscope.formats.flame_files import parse_flame_text
from flinkscope.formats.jfr import MAGIC, read_jfr
from flinkscope.formats.jfr_stacks import recorded_events, stacks_of
from flinkscope.formats.stacks import EVENTS, StackProfile
from flinkscope.jvm.flame import FlameProfile
from flinkscope.progress import SILENT, Progress

LARGEST_TEXT_BYTES = 256 << 20  # a page of async-profiler with a million stacks has 60 MB
_HINT = "collapsed stacks, a JFR recording, Flink's flame graph (JSON) or async-profiler's page can be read"


def read_flame(path: str | Path, event: str | None = None, *, progress: Progress = SILENT) -> FlameProfile:
    """Reads a profile from a file; what it is, is told by its content.

    ``event``: which of a flight recording's (cpu, alloc, lock); the first of these that it has where None. For the
    other formats it only says what the stacks mean. Raises SourceError or UnreadableInputError.
    """
    path = Path(path)
    if event is not None and event not in EVENTS:
        raise UsageError(f"no event {event!r}", hint=f"one of {', '.join(EVENTS)}")
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
            if head == MAGIC:
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
                    return _recording(data, path, event, progress)
            if not head:
                raise UnreadableInputError(f"{path}: the file is empty", hint=_HINT)
            stream.seek(0)
            data_bytes = _unpacked(path) if head[:2] == b"\x1f\x8b" else stream.read(LARGEST_TEXT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise SourceError(f"{path}: {error.strerror or error}", hint="a pid, a URL or a file") from error
        raise UnreadableInputError(f"{path}: damaged gzip: {error}") from error
    if len(data_bytes) > LARGEST_TEXT_BYTES:
        raise UnreadableInputError(f"{path}: larger than {LARGEST_TEXT_BYTES:,} bytes unpacked", hint=_HINT)
    if data_bytes[:4] == MAGIC:
        return _recording(data_bytes, path, event, progress)
    return FlameProfile(path.name, _text(data_bytes, path, event or ""), "file")


def _unpacked(path: Path) -> bytes:
    with gzip.open(path, "rb") as stream:
        return stream.read(LARGEST_TEXT_BYTES + 1)


def _recording(data: bytes | memoryview, path: Path, event: str | None, progress: Progress) -> FlameProfile:
    recording = read_jfr(data, str(path), progress)
    if event is None:
        event = next(iter(recorded_events(recording)), "cpu")
    return FlameProfile(path.name, stacks_of(recording, event), "flight recording (JFR)")


def _text(data: bytes, path: Path, event: str) -> StackProfile:
    if b"\0" in data[:4096]:
        raise UnreadableInputError(f"{path}: a binary file that is no flight recording", hint=_HINT)
    text = data.decode("utf-8", "replace")
    found = parse_flame_text(text, str(path), event)
    return parse_collapsed(text, str(path), event=event) if found is None else found
