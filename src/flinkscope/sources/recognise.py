"""What kind of file is this? Decided by content, never by name (a name only breaks ties between texts).

Except the files of a control group, which are called as the kernel calls them and hold nothing but numbers.
"""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from flinkscope.errors import SourceError

_HEAD_BYTES = 256 * 1024

_BINARY = (
    (b"JAVA PROFILE 1.0", "heap_dump"),
    (b"FLR\x00", "jfr"),
    (b"\x00\x12portable heap dump", "phd"),  # OpenJ9: a length-prefixed string
    (b"\x00\x17portable heap dump", "phd"),
    (b"\xca\xfe\xc0\xc0", "hsperfdata"),
    (b"\xc0\xc0\xfe\xca", "hsperfdata"),
    (b"PK\x03\x04", "zip"),
    (b"\x7fELF", "elf"),
)

# A text is the first kind of which enough lines match; the order goes from the most special to the most general.
_TEXT: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    ("hs_err", 1, re.compile(r"^# (A fatal error has been detected by|There is insufficient memory for) the Java")),
    ("dmesg", 1, re.compile(r"Killed process \d+ \(|Memory cgroup out of memory|oom-kill:constraint")),
    ("gcutil", 1, re.compile(r"^\s*(Timestamp\s+)?S0\s+S1\s+E\s+O\s+(M|P)\s")),
    ("class_histogram", 1, re.compile(r"^\s*num\s+#instances\s+#bytes\s+class name")),
    ("jvm_info", 1, re.compile(r"^Native Memory Tracking:|^ClassLoader\s+Parent\s+CLD\*")),
    ("thread_dump", 1, re.compile(r"^Full thread dump ")),
    (
        "gc_log",
        2,
        re.compile(r"\[(gc[,\]\s]|safepoint\s*\])|GC\(\d+\) |: \[(Full )?GC|\] Using (G1|Serial|Parallel|The Z)"),
    ),
    ("gc_log", 1, re.compile(r"CommandLine flags: .*-XX:.*PrintGC|\[(Full )?GC \(?[A-Z].*->.*secs\]")),
    (
        "flink_log",
        1,
        re.compile(r"\b(TRACE|DEBUG|INFO|WARN|ERROR)\b.*\borg\.apache\.flink\.|BASH_JAVA_UTILS_EXEC_RESULT"),
    ),
    ("flink_log", 1, re.compile(r'"(logger|loggerName|logger_name)"\s*:\s*"org\.apache\.flink')),
    (
        "config",
        1,
        re.compile(r"^\s*(jobmanager|taskmanager|state\.backend|execution\.checkpointing|env\.java\.opts)[.\w-]*\s*:"),
    ),
    ("config", 1, re.compile(r"^(taskmanager|jobmanager|env|state|execution|parallelism)\s*:\s*$")),
    (
        "stdout",
        1,
        re.compile(
            r"java\.lang\.OutOfMemoryError|IllegalConfigurationException: |^Dumping heap to |^Heap dump file created"
            r"|Terminating due to"
        ),
    ),
)

# The files of a control group hold a number or two columns: only their names, which the kernel gives, tell them.
_CGROUP_NAMES = re.compile(
    r"memory\.(max|high|current|peak|events|stat|swap\.max|swap\.current|limit_in_bytes|usage_in_bytes|failcnt"
    r"|max_usage_in_bytes|oom_control|memsw\.limit_in_bytes|memsw\.usage_in_bytes)|pids\.(max|current)"
)
_CGROUP_TEXT = re.compile(r"(?:max|-1|\d{1,20}|\w+ \d{1,20}(?:\n\w+ \d{1,20})*)\s*")

_JSON: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("checkpoints", re.compile(r'"(counts|latest)"\s*:.*"history"|"history"\s*:.*"(counts|latest)"', re.DOTALL)),
    ("pod_status", re.compile(r'"kind"\s*:\s*"Pod(List)?"')),
    ("rest", re.compile(r'"subtasks"\s*:\s*\[')),
    ("job_truth", re.compile(r'"flinkscope_truth"')),
    ("job", re.compile(r'"jid"\s*:')),
)


def recognise(path: Path) -> str | None:
    """The artifact kind of the file (see ARTIFACT_KINDS, and jfr, phd, hsperfdata, zip, elf), ``empty``, or None.

    Reads at most 256 KiB, unpacking gzip. Raises SourceError when the file cannot be read.
    """
    try:
        head = head_of(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error
    if not head:
        return "empty"
    for magic, kind in _BINARY:
        if head.startswith(magic):
            return kind
    if b"\x00" in head[:4096] and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    return _kind_of_text(head.decode("utf-8", errors="replace"), path.name)


def head_of(path: Path, size_bytes: int = _HEAD_BYTES) -> bytes:
    """The first bytes of the file (256 KiB), unpacked when it is gzip; what is readable of a damaged gzip."""
    with path.open("rb") as stream:
        head = stream.read(size_bytes)
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        with gzip.open(path, "rb") as packed:
            return packed.read(size_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return _readable_part(head, size_bytes)


def _readable_part(packed: bytes, size_bytes: int) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(packed, size_bytes)
    except zlib.error:
        return b""


def text_of(path: Path, most_bytes: int) -> str:
    """A small text file as a whole, at most ``most_bytes`` of it, unpacked when it is gzip. Raises OSError."""
    return head_of(path, most_bytes).decode("utf-8", errors="replace")


def _kind_of_text(text: str, name: str) -> str | None:
    if _CGROUP_NAMES.fullmatch(name) and _CGROUP_TEXT.fullmatch(text):
        return "cgroup"
    if text.lstrip()[:1] in ("{", "["):
        found = next((kind for kind, pattern in _JSON if pattern.search(text)), None)
        if found:
            return found
    lines = text.splitlines()[:3000]
    for kind, enough, pattern in _TEXT:
        if sum(1 for line in lines if pattern.search(line[:2000])) >= enough:
            return "stdout" if kind == "flink_log" and name.endswith(".out") else kind
    return None
