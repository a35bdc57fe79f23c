"""What is recorded of a JVM, in the order of what it costs the process: nothing, a short stop, a walk over the heap."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from flinkscope.capture.budget import (
    HEAP_DUMP_MS_PER_MIB,
    HISTOGRAM_MS_PER_MIB,
    PACKED_DUMP_MS_PER_MIB,
    SHORT_STOP_MS,
    expected_ms,
)
from flinkscope.capture.places import places_of
from flinkscope.capture.reach import Reach
from flinkscope.capture.recording import Recording, Step
from flinkscope.errors import SourceError
from flinkscope.jvm.gcutil import jstat_table
from flinkscope.redaction import redact_arguments

MOST_LOG_BYTES = 64 << 20
MOST_GC_LOG_BYTES = 256 << 20
_GCUTIL_SAMPLES = 5
_GCUTIL_INTERVAL_S = 1.0
_ASKED = (  # short stops of at most 20 ms each
    ("threads", "Thread.print", "thread_dump", "threads.txt"),
    ("class loaders", "VM.classloader_stats", "jvm_info", "classloader_stats.txt"),
    ("metaspace", "VM.metaspace", "jvm_info", "metaspace.txt"),
    ("flags", "VM.flags", "jvm_info", "flags.txt"),
    ("heap regions", "GC.heap_info", "jvm_info", "heap_info.txt"),
    ("native memory", "VM.native_memory summary", "jvm_info", "native_memory.txt"),
)


def jvm_steps(reach: Reach, *, heap: bool, dumps: bool) -> list[Step]:
    """All steps for one JVM. ``heap``: a heap dump at the end; ``dumps``: also the dumps that it wrote itself."""
    jvm = reach.jvm
    who = jvm.process.id
    places = places_of(jvm.arguments, jvm.flags, jvm.environment, jvm.folder, jvm.pid)
    steps = [
        Step("command line", "command_line", who, lambda r: _command_line(r, reach)),
        Step("configuration", "config", who, _files(reach, places.configs, MOST_LOG_BYTES, first_only=True)),
        Step("control group", "cgroup", who, lambda r: _cgroup(r, reach)),
        Step("counters", "gcutil", who, lambda r: _gcutil(r, reach)),
        Step("Flink log", "flink_log", who, _files(reach, places.logs, MOST_LOG_BYTES)),
        Step("output", "stdout", who, _files(reach, places.outputs, MOST_LOG_BYTES)),
        Step("GC log", "gc_log", who, _files(reach, places.gc_logs, MOST_GC_LOG_BYTES, redact=False)),
        Step("fatal error file", "hs_err", who, _files(reach, places.error_files, MOST_LOG_BYTES)),
    ]
    steps += [
        Step(name, kind, who, _asking(reach, command, file), SHORT_STOP_MS) for name, command, kind, file in _ASKED
    ]
    walk_ms = expected_ms(jvm.heap_used_bytes, HISTOGRAM_MS_PER_MIB)
    histogram = _asking(reach, "GC.class_histogram -all", "histogram.txt")
    steps.append(Step("class histogram", "class_histogram", who, histogram, walk_ms))
    if dumps:
        steps.append(
            Step("heap dump it left", "heap_dump", who, _files(reach, places.heap_dumps, 1 << 62, redact=False))
        )
    if heap:
        packed = reach.packs_dump()
        rate = PACKED_DUMP_MS_PER_MIB if packed else HEAP_DUMP_MS_PER_MIB
        name = "heap.hprof.gz" if packed else "heap.hprof"
        dump = Step(
            "heap dump", "heap_dump", who, lambda r: _dump(r, reach, name), expected_ms(jvm.heap_used_bytes, rate)
        )
        steps.append(dump)
    return steps


def _command_line(recording: Recording, reach: Reach) -> None:
    words = (*reach.jvm.arguments[:1], *reach.jvm.flags, *_program(reach.jvm.arguments, reach.jvm.flags))
    shown = redact_arguments(words) if recording.redact else words
    recording.save_text("command_line.txt", "\n".join(shown) + "\n", "its command line and the flags in force")


def _program(arguments: tuple[str, ...], flags: tuple[str, ...]) -> tuple[str, ...]:
    """What follows the flags on the command line, so that no flag is listed twice."""
    known = set(flags)
    return tuple(word for word in arguments[1:] if word not in known)


def _files(
    reach: Reach, patterns: tuple[str, ...], most_bytes: int, *, first_only: bool = False, redact: bool = True
) -> Callable[[Recording], None]:
    """A step that copies every file that the patterns name; SourceError when there is none."""

    def copy(recording: Recording) -> None:
        found = [path for pattern in patterns for path in reach.matching(pattern)]
        if not found:
            where = ", ".join(patterns) if patterns else "its command line names none"
            raise SourceError(f"no such file: {where}")
        for path in found[:1] if first_only else list(dict.fromkeys(found)):
            _take(recording, reach, path, most_bytes, redact)

    return copy


def _take(recording: Recording, reach: Reach, path: str, most_bytes: int, redact: bool) -> None:
    target = recording.path(Path(path).name)
    left_out = reach.copy(path, target, most_bytes)
    how = f"{path}, without {left_out:,} bytes of its middle" if left_out else path
    if target.stat().st_size == 0:
        target.unlink()
        raise SourceError(f"{path} is empty")
    if redact and recording.redact:
        recording.save_text(target.name, target.read_text(encoding="utf-8", errors="replace"), how)
    else:
        recording.add(target, how)


def _cgroup(recording: Recording, reach: Reach) -> None:
    for name, text in reach.cgroup().items():
        recording.save_text(f"cgroup/{name}", text, f"/sys/fs/cgroup/…/{name}")


def _gcutil(recording: Recording, reach: Reach) -> None:
    lines: list[str] = []
    for number in range(_GCUTIL_SAMPLES):
        if number:
            time.sleep(_GCUTIL_INTERVAL_S)
        reading = reach.counters()
        table = jstat_table("gcutil", reading, timestamp=True)
        lines += [*([] if lines else [table.header()]), table.line(reading)]
    how = f"hsperfdata, {_GCUTIL_SAMPLES} samples a second apart, as jstat -gcutil -t prints them"
    recording.save_text("gcutil.txt", "\n".join(lines) + "\n", how)


def _asking(reach: Reach, command: str, file: str) -> Callable[[Recording], None]:
    def ask(recording: Recording) -> None:
        text = reach.ask(command, 60.0)
        recording.save_text(file, text if text.endswith("\n") else text + "\n", f"attach: {command}")

    return ask


def _dump(recording: Recording, reach: Reach, name: str) -> None:
    target = recording.path(name)
    target.unlink(missing_ok=True)  # half of one, from a run that was ended
    reach.heap_dump(target)
    recording.add(target, "attach: GC.heap_dump, live objects")
