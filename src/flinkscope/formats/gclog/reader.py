"""From files to the event table: which files belong, in which order, in which dialect; what is not a GC log at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from flinkscope.errors import FormatError, UnreadableInputError, UsageError
from flinkscope.formats.gclog import rotation
from flinkscope.formats.gclog.dialect import DialectParser
from flinkscope.formats.gclog.mixture import Mixture, mixture_of
from flinkscope.formats.gclog.records import MISSING, Coverage, EventBuilder
from flinkscope.formats.gclog.unified import UnifiedParser
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.logfiles import LogFile, chunks, find_logs, follow, raw_chunks
from flinkscope.sources.wrappers import cleaner

_WRONG_KINDS = (
    (b"JAVA PROFILE", "a heap dump", "open it with `flinkscope heap`"),
    (b"\x7fELF", "a program or core file", "give the GC log that -Xlog:gc* or -Xloggc writes"),
    (b"PK\x03\x04", "a damaged zip", "pack the logs again"),
    (b"FLR\x00", "a Flight Recorder file", "give the GC log that -Xlog:gc* writes"),
)
# logs of collectors that are not HotSpot's, by their first lines
_FOREIGN = (
    (re.compile(rb"<(?:verbosegc|af type=|gc-start |exclusive-start )"), "a GC log of OpenJ9 or IBM's JVM"),
    (re.compile(rb"\[(?:INFO |DEBUG)\]\[(?:memory|gcpause|memdbg) *\]|\[(?:YC|OC)#\d"), "a GC log of JRockit"),
    (re.compile(rb"(?m)^gc \d+ @\d+\.\d+s \d+%: "), "a trace of Go's collector"),
    (re.compile(rb"\bGC_(?:CONCURRENT|FOR_M?ALLOC|EXPLICIT|EXTERNAL_ALLOC) freed "), "a log of Android's Dalvik"),
    (re.compile(rb"\[GC (?:New|Old) \d|\[LVB |com\.azul"), "a GC log of Azul's Zing"),
    (re.compile(rb"(?m)^<GC: "), "a GC log of HP's JVM"),
)
_TOLD_EVENT = re.compile(rb"GC\(\d+\) (?:Pause|Concurrent) [^\n]{1,400}\d[.,]\d{3}ms")


@dataclass(frozen=True, slots=True)
class RawLog:
    """What was read: the filled builder and the files in reading order with their first line (from 1 over all)."""

    builder: EventBuilder
    files: tuple[tuple[LogFile, int], ...]


def read_raw(paths: str | Path | Sequence[str | Path], progress: Progress = SILENT, jvm: str | None = None) -> RawLog:
    """Reads one GC log (a file or a rotated set). Of JVMs that wrote into it at the same time: ``jvm``, by default the
    one with the most collections; the others are named in the coverage.

    Raises SourceError (cannot be reached), UsageError (several JVMs' logs at once), UnreadableInputError (no GC log).
    Cost: one pass (three where JVMs are mixed); memory of the event table and a few MiB.
    """
    files = _gc_logs(find_logs(paths))
    raw = _read(files, progress, chunks)
    if jvm is None and not raw.builder.coverage.signs_of_mixture:
        return raw
    mixture = mixture_of(files)
    if mixture is None:
        if jvm is not None:
            raise UsageError(f"nothing tells several JVMs apart in {files[0].name}", hint="leave --jvm out")
        return raw
    chosen = jvm or mixture.largest
    if chosen not in mixture.writers:
        raise UsageError(f"no JVM {chosen} in this log", hint=f"there are: {', '.join(sorted(mixture.writers)[:20])}")
    part = _read(files, progress, lambda file, damage: _chunks_of(file, damage, mixture, mixture.only(chosen)))
    _name_the_others(part.builder.coverage, mixture, chosen)
    return part


def _chunks_of(
    file: LogFile, damage: Callable[[str], None], mixture: Mixture, kept: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    if mixture.before_cleaning:
        return map(cleaner(file.sample()), map(kept, raw_chunks(file, damage)))
    return map(kept, chunks(file, damage))


def _name_the_others(coverage: Coverage, mixture: Mixture, chosen: str) -> None:
    others = sorted((name for name in mixture.writers if name != chosen), key=lambda name: mixture.writers[name].first)
    coverage.other_jvms = [name for name in others if mixture.writers[name].collections]
    left_out = ", ".join(f"{name} ({mixture.writers[name].lines} lines)" for name in coverage.other_jvms[:5])
    coverage.notes.append(
        f"several JVMs wrote into this log at the same time; this is {chosen}, without {left_out}"
        + (" …" if len(coverage.other_jvms) > 5 else "")
    )


def _read(
    files: list[LogFile], progress: Progress, open_chunks: Callable[[LogFile, Callable[[str], None]], Iterator[bytes]]
) -> RawLog:
    progress.phase("Reading the GC log", sum(file.bytes_on_disk for file in files))
    builder, parser, done = EventBuilder(), None, 0
    places: list[tuple[LogFile, int]] = []
    for file in files:
        places.append((file, builder.coverage.lines + 1))
        for chunk in open_chunks(file, builder.coverage.notes.append):
            if parser is None:
                parser = _parser_for(chunk, builder)
            if parser is None:
                builder.end_chunk(chunk)
            else:
                parser.feed(chunk)
            done += len(chunk)
            progress.advance(done)
    if parser is None:
        raise _no_gc_log(files[0])
    parser.finish()
    progress.done()
    if not builder.coverage.gc_lines or (not len(builder) and _TOLD_EVENT.search(files[0].sample())):
        raise _wrapped_otherwise(files[0])
    return RawLog(builder, tuple(places))


def follow_raw(path: Path, poll_seconds: float) -> Iterator[RawLog]:
    """The log while it grows; yields when nothing new came for ``poll_seconds`` after something had."""
    file = LogFile(path, bytes_on_disk=0)
    builder, parser, fresh = EventBuilder(), None, False
    for chunk in follow(file, poll_seconds):
        if chunk:
            parser = parser or _parser_for(chunk, builder)
            if parser is None:
                builder.end_chunk(chunk)
            else:
                parser.feed(chunk)
                fresh = True
        elif fresh:
            if parser is not None:
                parser.settle()
            fresh = False
            yield RawLog(builder, ((file, 1),))


def _parser_for(chunk: bytes, builder: EventBuilder) -> DialectParser | None:
    dialect = _dialect_of(chunk)
    return dialect(builder) if dialect else None


def _dialect_of(sample: bytes) -> type[DialectParser] | None:
    """The dialect of a sample. ``GC(n)`` and ``[gc]`` are never in a log of JDK 8: unified logging is asked first."""
    if UnifiedParser.recognise(sample):
        return UnifiedParser
    from flinkscope.formats.gclog.preunified import PreunifiedParser
    from flinkscope.formats.gclog.shenandoah8 import Shenandoah8Parser

    dialects: tuple[type[DialectParser], ...] = (Shenandoah8Parser, PreunifiedParser)
    return next((dialect for dialect in dialects if dialect.recognise(sample)), None)


def _gc_logs(files: list[LogFile]) -> list[LogFile]:
    """Of several files those that look like GC logs, in order. One file alone is taken as it is."""
    if len(files) > 1:
        files = [file for file in files if _looks_like_gc(file)] or files[:1]
    if len(files) == 1:
        sample = files[0].sample()
        for magic, kind, hint in _WRONG_KINDS:
            if sample.startswith(magic):
                raise FormatError(files[0].name, 0, "a GC log", kind, hint=hint)
        if b"\x00" in sample and not _looks_like_gc(files[0]):
            raise FormatError(files[0].name, sample.index(b"\x00"), "text", "binary data", hint="give a GC log")
        return files
    reaches = rotation.ordered([rotation.reach_of(file) for file in files])
    _refuse_overlap(reaches)
    return [reach.file for reach in reaches]


def _looks_like_gc(file: LogFile) -> bool:
    sample = file.sample()
    return _dialect_of(cleaner(sample)(sample)) is not None


def _refuse_overlap(reaches: list[rotation.Reach]) -> None:
    """Files of one rotated set follow one another; files of different names whose times overlap do not."""
    for before, after in pairwise(reaches):
        if MISSING in (before.last_wall_ns, after.first_wall_ns) or before.file.stem == after.file.stem:
            continue
        if after.first_wall_ns + 1_000_000_000 < before.last_wall_ns:
            raise UsageError(
                f"{before.file.name} and {after.file.name} overlap in time: they are logs of different JVMs",
                hint="give the files of one JVM, or compare two logs with `flinkscope gc A --compare B`",
            )
    stems = {reach.file.stem for reach in reaches}
    if len(stems) > 1 and any(reach.first_wall_ns == MISSING for reach in reaches):
        raise UsageError(
            f"these are logs of different names ({', '.join(sorted(stems)[:4])} …) and not all tell the time of day",
            hint="give the files of one rotated set",
        )


def _wrapped_otherwise(file: LogFile) -> UnreadableInputError:
    """What looked like lines of a GC log, and not one could be read: figures of 0 would be false."""
    line = next((line for line in file.sample().split(b"\n") if b"GC" in line or b"[gc" in line), file.sample()[:80])
    return FormatError(
        file.name,
        0,
        "lines of a GC log, as the JVM writes them or with a prefix that is known",
        repr(line[:120].decode("utf-8", "replace")),
        hint="take off what another program wrote around the lines, or give the file that -Xlog or -Xloggc wrote",
    )


def _no_gc_log(file: LogFile) -> UnreadableInputError:
    sample = file.sample()
    if not sample and file.bytes_on_disk:
        return UnreadableInputError(
            f"{file.name}: nothing of it can be unpacked, it is damaged from its start on", hint="copy or pack it again"
        )
    if not sample:
        return UnreadableInputError(f"{file.name}: the file is empty", hint="did the JVM write its log elsewhere?")
    kind = next((kind for pattern, kind in _FOREIGN if pattern.search(sample)), None)
    return FormatError(
        file.name,
        0,
        "a GC log of HotSpot (JDK 7-25)",
        kind or repr(sample[:60].decode("utf-8", "replace")),
        hint="write one with -Xlog:gc*,safepoint:file=gc.log:time,uptime",
    )
