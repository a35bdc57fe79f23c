"""Several JVMs that wrote into one log at the same time: told apart, so that no figure mixes them.

Who wrote a line is told by the wrapper (pod, process), by the decorations ``hostname`` and ``pid``, or by the moment at
which the JVM's clock stood at 0, where a line has time of day and uptime. Lines that tell nothing go with the line
before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from flinkscope.formats.gclog import decoration
from flinkscope.formats.gclog.records import MISSING
from flinkscope.formats.gclog.unified_lines import gc_lines
from flinkscope.sources.logfiles import LogFile, chunks, raw_chunks
from flinkscope.sources.wrappers import cleaner, source_pattern

_SAME_START_NS = 300_000_000
_WRITERS_KEPT = 1_000
_SNIFFED_LINES = 400
_DECORATIONS = re.compile(rb"(?:\[[^\]\n]{0,300}\])+")
# lines that one thread of a JVM writes, in the order of its collections
_COLLECTION = re.compile(
    rb"GC\(\d+\) (?:Pause (?:Young|Full)|Garbage Collection|Major Collection)|\[(?:Full )?GC[ (]|\[CMS-concurrent"
)
_OLD_STAMPS = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}[+-]\d{4}): ?(\d{1,9})[.,](\d{3}): ")

Tell = Callable[[bytes], str | None]


@dataclass(slots=True)
class Writer:
    """One JVM: how many lines are its own, and its first and last line that tell of a collection (0: none)."""

    lines: int = 0
    collections: int = 0
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Mixture:
    """Who wrote into these files at the same time. ``before_cleaning``: the wrapper's prefix tells it."""

    writers: dict[str, Writer]
    _teller: Callable[[], Tell]
    before_cleaning: bool

    def only(self, name: str) -> Callable[[bytes], bytes]:
        """Empties the lines of all others; to be called with all chunks in order."""
        tell, owner = self._teller(), [""]

        def kept(chunk: bytes) -> bytes:
            lines = chunk.split(b"\n")
            for at, line in enumerate(lines):
                owner[0] = tell(line) or owner[0]
                if owner[0] != name:
                    lines[at] = b""
            return b"\n".join(lines)

        return kept

    @property
    def largest(self) -> str:
        """Whose collections are the most."""
        return max(self.writers, key=lambda name: (self.writers[name].collections, self.writers[name].lines))


def mixture_of(files: list[LogFile]) -> Mixture | None:
    """The JVMs of a log; None where nothing tells them apart or none wrote while another did. One more pass."""
    sample = files[0].sample()
    source = source_pattern(sample)
    if source is not None:
        found = _census(files, lambda: _by_source(source), before_cleaning=True)
        if found is not None:
            return found
    cleaned = cleaner(sample)(sample)
    for teller, surely_jvms in _tellers(cleaned):
        found = _census(files, teller, before_cleaning=False)
        if found is not None and (surely_jvms or all(writer.collections for writer in found.writers.values())):
            return found
    return None


def _tellers(sample: bytes) -> Iterable[tuple[Callable[[], Tell], bool]]:
    """Ways to tell JVMs apart, and whether they tell surely: a single number may be a process or a thread."""
    layout = decoration.sniff(gc_lines(sample, _SNIFFED_LINES))
    numbers = [at for at, role in enumerate(layout.roles) if role == "number"]
    hosts = [at for at, role in enumerate(layout.roles) if role == "word"]
    if len(numbers) > 1 or hosts:
        yield lambda: _by_columns(hosts, numbers[:1] if len(numbers) > 1 else []), True
    if layout.wall_at >= 0 and layout.clock_at not in (MISSING, layout.wall_at):
        yield lambda: _by_start(layout), True
    if len(numbers) == 1:
        yield lambda: _by_columns([], numbers), False
    if not layout.roles:
        yield _by_old_start, True


def _census(files: list[LogFile], teller: Callable[[], Tell], *, before_cleaning: bool) -> Mixture | None:
    writers: dict[str, Writer] = {}
    tell, number, owner = teller(), 0, None
    read = raw_chunks if before_cleaning else chunks
    for file in files:
        for chunk in read(file, lambda _: None):
            for line in chunk.removesuffix(b"\n").split(b"\n"):
                number += 1
                owner = tell(line) or owner
                if owner is None:
                    continue
                writer = writers.get(owner)
                if writer is None:
                    if len(writers) >= _WRITERS_KEPT:
                        return None
                    writer = writers[owner] = Writer()
                writer.lines += 1
                if _COLLECTION.search(line):
                    writer.collections += 1
                    writer.first = writer.first or number
                    writer.last = number
    return Mixture(writers, teller, before_cleaning) if _at_once(writers) else None


def _at_once(writers: dict[str, Writer]) -> bool:
    """Whether one tells of a collection between two of another; one after another is a restart."""
    told = sorted((w for w in writers.values() if w.collections > 1), key=lambda writer: writer.first)
    return any(after.first < before.last for before, after in pairwise(told))


def _by_source(pattern: re.Pattern[bytes]) -> Tell:
    def tell(line: bytes) -> str | None:
        match = pattern.match(line)
        return match["source"].decode("utf-8", "replace") if match and match["source"] else None

    return tell


def _by_columns(hosts: list[int], numbers: list[int]) -> Tell:
    def tell(line: bytes) -> str | None:
        match = _DECORATIONS.match(line)
        fields = decoration.split_fields(match[0]) if match else []
        if len(fields) <= max([*hosts, *numbers], default=0):
            return None
        host = [fields[at].decode("utf-8", "replace").strip() for at in hosts]
        return " ".join([*host, *(f"pid {fields[at].decode('utf-8', 'replace').strip()}" for at in numbers)])

    return tell


def _by_start(layout: decoration.Layout) -> Tell:
    starts = _Starts()

    def tell(line: bytes) -> str | None:
        match = _DECORATIONS.match(line)
        if match is None:
            return None
        fields = decoration.split_fields(match[0])
        wall, uptime = layout.wall_ns(fields), layout.stamp_ns(fields)
        return None if MISSING in (wall, uptime) else starts.name(wall - uptime)

    return tell


def _by_old_start() -> Tell:
    starts = _Starts()

    def tell(line: bytes) -> str | None:
        match = _OLD_STAMPS.match(line)
        if match is None:
            return None
        wall = decoration.field_ns("iso", match[1])
        uptime_ns = (int(match[2]) * 1000 + int(match[3])) * 1_000_000
        return None if wall == MISSING else starts.name(wall - uptime_ns)

    return tell


class _Starts:
    """Moments at which JVMs began. The two clocks of a line are read one after the other, and drift apart slowly."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}

    def name(self, start_ns: int) -> str:
        for name, latest_ns in self._latest.items():
            if abs(latest_ns - start_ns) < _SAME_START_NS:
                self._latest[name] = start_ns
                return name
        moment = datetime.fromtimestamp(start_ns / 1e9, UTC)
        name = f"started {moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        self._latest[name] = start_ns
        return name
