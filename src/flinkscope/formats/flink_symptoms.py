"""The catalogue of texts that Flink, the JVM and the container write when memory fails, and where each is explained.

Patterns match the stable part of the text, in any version from 1.10 on, whatever the layout. Two rules may name the
same text: the text is a symptom, which of its causes holds is decided by the rules with more evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SymptomText:
    """One text. ``kind`` names the symptom; ``rules`` explain it; the pattern's named groups are its details."""

    kind: str
    rules: tuple[str, ...]
    pattern: re.Pattern[str]


def _text(kind: str, rules: str, pattern: str) -> SymptomText:
    return SymptomText(kind, tuple(rules.split()), re.compile(pattern))


CATALOGUE: tuple[SymptomText, ...] = (
    _text("oom_class_space", "R18", r"OutOfMemoryError: Compressed class space"),
    _text("oom_metaspace", "R14 R15 R16", r"OutOfMemoryError: Metaspace"
     r"(?:\. The metaspace out-of-memory error has occurred\..{0,2000}?'(?P<option>[a-z.-]+)')?"),
    _text("oom_gc_overhead", "R10", r"OutOfMemoryError: GC overhead limit exceeded"),
    _text("oom_direct", "R21 R22",
     r"OutOfMemoryError: (?:Direct buffer memory|Cannot reserve (?P<wanted_bytes>\d+) bytes "
     r"of direct buffer memory \(allocated: (?P<allocated_bytes>\d+), limit: (?P<limit_bytes>\d+)\))"
     r"(?:\. The direct out-of-memory error has occurred\..{0,2000}?'(?P<option>[a-z.-]+)')?"),
    _text("oom_direct", "R21 R22",
     r"OutOfDirectMemoryError: failed to allocate (?P<wanted_bytes>\d+) byte\(s\) of direct "
     r"memory \(used: (?P<allocated_bytes>\d+), max: (?P<limit_bytes>\d+)\)"),
    _text("oom_threads", "R27", r"OutOfMemoryError: unable to create (?:new )?native thread"),
    _text("oom_array", "R11", r"OutOfMemoryError: (?:Requested array size exceeds VM limit|"
     r"Required minimum heap size (?P<wanted>\d+) exceeds maximum size of (?P<limit>\d+)|Required array (?:size|length)"
     r" too large)"),
    _text("oom_heap", "R01 R02 R03 R04 R05 R24", r"OutOfMemoryError: Java heap space"
     r"(?:\. A heap space-related out-of-memory error has occurred\..{0,2000}?'(?P<option>[a-z.-]+)')?"),
    _text("oom_other", "R32", r"\bOutOfMemoryError\b(?: ?: (?P<said>.{1,120}))?"),
    _text("python_memory", "R25", r"Could not allocate (?P<wanted_bytes>\d+) bytes, only (?P<left_bytes>\d+) bytes are "
     r"remaining\. This usually indicates that you are requesting more memory than you have reserved"),
    _text("python_worker", "R25", r"Obtained shared Python process of size (?P<share_bytes>\d+) bytes"
     r"|Python interpreter path: (?P<path>\S{1,300})"),
    _text("closed_class_loader", "R17", r"Trying to access closed classloader\. Please check if you store classloaders "
     r"directly or indirectly in static fields"),
    _text("submission_failed", "R14",
     r"Could not execute application\.|RestHandlerException \(error while printing stack "
     r"trace\)"),
    _text("container_killed", "R20",
     r"\bOOMKilled\b|is running (?:\d+\w* )?beyond (?:the '?)?(?P<limit>physical|virtual|PHYSICAL|VIRTUAL)"
     r"'? memory limits?|Container killed on request\. Exit code is (?P<exit_code>137|143)"),
    _text("worker_ended", "R20", r"Worker (?P<id>\S{1,200}) is terminated\. Diagnostics: (?P<said>.{1,300})"),
    _text("worker_exit_code", "R20", r"\(exitCode=(?P<exit_code>-?\d+), reason=(?P<reason>\w+), message="),
    _text("network_buffers", "R23", r"Insufficient number of network buffers: required (?P<needed>\d+), but only "
     r"(?P<available>\d+) available\.(?: The total number of network buffers is currently set to (?P<total>\d+) of "
     r"(?P<segment_bytes>\d+) bytes each)?"),
    _text("network_pool", "R23",
     r"Could not allocate enough memory segments for NetworkBufferPool \(required \(M[Bi]+\): "
     r"(?P<needed_mb>\d+), allocated \(M[Bi]+\): (?P<allocated_mb>\d+)"),
    _text("rocksdb_memory", "R26", r"(?:RocksDB|ForSt)StateBackend performance will be poor because of the "
     r"current Flink memory configuration! RocksDB will flush memtable constantly"),
    _text("thread_start_failed", "R27", r"pthread_create failed \((?P<reason>E\w+)\)|Failed to start (?:the native )?"
     r"thread\b"),
    _text("native_memory", "R28",
     r"There is insufficient memory for the Java Runtime Environment to continue|Native memory "
     r"allocation \((?P<call>mmap|malloc)\) failed|Cannot allocate memory.{0,40}\(errno=12\)"),
    _text("memory_configuration", "R29", r"(?P<role>TaskManager|JobManager) memory configuration failed:"
     r"|IllegalConfigurationException: (?=.{0,300}(?:memory|Memory))"),
    _text("deprecated_key", "R30",
     r"Config uses (?:deprecated|fallback) configuration key '(?P<old>[^']{1,200})' instead "
     r"of (?:proper |the )?key '(?P<new>[^']{1,200})'"),
    _text("heartbeat_timeout", "R31", r"[Hh]eartbeat of (?P<who>TaskManager|JobManager|ResourceManager) with id "
     r"(?P<id>\S{1,200}) timed out"),
    _text("peer_unreachable", "R31 R20", r"(?P<who>TaskManager|JobManager|ResourceManager) with id "
     r"(?P<id>\S{1,200}) is no longer reachable"),
    _text("peer_lost", "R20 R31", r"Connection unexpectedly closed by remote task manager '(?P<id>[^']{1,200})'"
     r"|Association with remote system \[(?P<address>[^\]]{1,200})\] has failed"),
    _text("checkpoint_expired", "R31", r"Checkpoint (?:(?P<id>\d+) of job \w+ )?expired before completing"),
    _text("task_hangs", "R31", r"Task .{1,300} did not react to cancelling signal"),
    _text("state_too_big", "R33", r"Size of the state is larger than the maximum permitted memory-backed state\. "
     r"Size=(?P<size_bytes>\d+), maxSize=(?P<limit_bytes>\d+)"),
    _text("fatal_exception", "R22 R24", r"FATAL: Thread '(?P<thread>.{1,200}?)' produced an uncaught exception"),
    _text("uncaught_exception", "R14", r"WARNING: Thread '(?P<thread>.{1,200}?)' produced an uncaught exception"),
    _text("fatal_error", "R24", r"Fatal error occurred (?:in the cluster entrypoint|while executing the "
     r"TaskManager|on JobManager|in ResourceManager|in TaskExecutor)"),
    _text("jvm_ends", "R32", r"(?:Terminating|Aborting) due to java\.lang\.OutOfMemoryError: (?P<said>.{1,80})"),
    _text("exit", "", r"(?:Terminating|Shutting) .{1,120}?with exit code (?P<exit_code>-?\d+)"),
    _text("signal", "", r"RECEIVED SIGNAL (?P<number>\d+): (?P<name>SIG\w+)"),
    _text("heap_dump_written", "", r"Heap dump file created \[(?P<size_bytes>\d+) bytes in (?P<seconds>[\d.]+) secs\]"),
    _text("heap_dump_begun", "", r"Dumping heap to (?P<path>\S.{0,500}?) \.\.\."),
    _text("heap_dump_failed", "R32",
     r"Unable to create (?P<path>\S{1,500}): (?P<why>File exists|No such file or directory"
     r"|Permission denied|.{1,80})|Dump file is incomplete: (?P<reason>.{1,80})"),
    _text("memory_clipped", "R29", r"The derived from fraction (?P<part>[a-z ]+ memory) \((?P<derived>.{1,60}?)\) is "
     r"(?P<how>greater than its max|less than its min) value (?P<bound>.{1,60}?), (?:max|min) value will be used"),
)  # fmt: skip

# One of these stands in every text above. Plain searches cost 2 µs a line, one alternation that ignores case 29 µs.
_MARKS = (
    "OutOfMemory", "OutOfDirectMemory", "This usually indicates", "closed classloader", "Could not execute application",
    "error while printing stack", "OOMKilled", "memory limit", "Container killed", "is terminated. Diag", "(exitCode=",
    "of network buffers",
    "NetworkBufferPool", "performance will be poor", "pthread_create", "Failed to start", "insufficient memory",
    "Native memory alloc", "Cannot allocate memory", "memory configuration failed", "IllegalConfigurationException",
    "Config uses", "timed out", "no longer reachable", "Connection unexpectedly", "has failed", "expired before",
    "did not react", "memory-backed", "uncaught exception", "Fatal error", "exit code", "RECEIVED SIGNAL",
    "shared Python process", "Python interpreter path",
    "Heap dump file", "Dumping heap", "Unable to create", "Dump file is", "derived from fraction",
)  # fmt: skip


def symptoms_in(text: str) -> list[tuple[SymptomText, re.Match[str]]]:
    """All symptoms of ``text`` with where they matched, in the order of the catalogue, each kind at most once.

    Costs two microseconds for a usual line: one scan rules out those without any symptom. A general text does
    not count beside a special one (``oom_other`` beside ``oom_heap``).
    """
    if not any(mark in text for mark in _MARKS):
        return []
    found: dict[str, tuple[SymptomText, re.Match[str]]] = {}
    for symptom in CATALOGUE:
        if symptom.kind == "oom_other" and any(kind.startswith(("oom_", "jvm_")) for kind in found):
            continue
        match = symptom.pattern.search(text)
        if match is not None:
            found.setdefault(symptom.kind, (symptom, match))
    return list(found.values())
