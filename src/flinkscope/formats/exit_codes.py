"""What the exit code of a Flink process says, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExitMeaning:
    """``meaning``: in plain words; ``rules``: which rules explain it; ``ambiguous``: other causes end so, too."""

    code: int
    name: str
    meaning: str
    rules: tuple[str, ...] = ()
    ambiguous: bool = True


_ANY_ROLE = {
    0: ("ended as asked", "The process ended normally.", "", False),
    1: (
        "failed",
        "A failure that the process could not recover from: a TaskManager after a fatal OutOfMemoryError, a start that "
        "failed, a refused memory configuration, or a JVM that refused its options.",
        "R01 R15 R29",
        True,
    ),
    2: (
        "fatal error at run time",
        "Of a JobManager: “Fatal error occurred in the cluster entrypoint”, often OutOfMemoryError: Java heap space. "
        "Other programs mean wrong usage by it.",
        "R24",
        True,
    ),
    3: (
        "ExitOnOutOfMemoryError",
        "The JVM ended itself at the first OutOfMemoryError (-XX:+ExitOnOutOfMemoryError); which memory it was "
        "stands in the .out file: “Terminating due to java.lang.OutOfMemoryError: …”.",
        "R01 R14 R21 R32",
        False,
    ),
    134: (
        "SIGABRT",
        "The JVM aborted: a crash, or -XX:+CrashOnOutOfMemoryError; it wrote an hs_err_pid file.",
        "R28",
        False,
    ),
    137: (
        "SIGKILL",
        "Killed from outside: usually the kernel, because the container went over its memory limit (OOMKilled); also a "
        "deletion that took longer than its grace period.",
        "R20",
        True,
    ),
    139: ("SIGSEGV", "The JVM crashed in native code; it wrote an hs_err_pid file.", "", False),
    143: (
        "SIGTERM",
        "Asked to end: a scale-down, a deployment, an eviction, or a person. Not an error by itself.",
        "",
        True,
    ),
    239: (
        "FatalExitExceptionHandler",
        "-17: an uncaught error in a critical thread, often an OutOfMemoryError of metaspace or direct memory; the log "
        "says “FATAL: Thread '…' produced an uncaught exception”, if there was memory left to log it.",
        "R14 R15 R22",
        True,
    ),
    255: (
        "halt",
        "-1: the process halted itself: taskmanager.jvm-exit-on-oom, or a failed start.",
        "R01 R32",
        True,
    ),
}
_BY_ROLE = {
    ("taskmanager", 1): (
        "TaskManagerRunner failed",
        "The TaskManager ended after a failure it could not recover from: a fatal OutOfMemoryError in a task, a failed "
        "start, a refused memory configuration.",
        "R01 R15 R29",
        True,
    ),
    ("jobmanager", 1): (
        "start failed",
        "The JobManager could not start, or the JVM refused its options (for instance a refused memory configuration).",
        "R29",
        True,
    ),
    ("jobmanager", 2): (
        "fatal error at run time",
        "“Fatal error occurred in the cluster entrypoint”: often an OutOfMemoryError: Java heap space.",
        "R24",
        True,
    ),
}


def explain_exit(code: int, role: str = "jvm") -> ExitMeaning | None:
    """The meaning of an exit code (0–255; negative ones as shells show them) for that role; None if it tells nothing.

    Sources: Flink's FatalExitExceptionHandler (-17), TaskManagerRunner, ClusterEntrypoint (2.3); HotSpot
    ``debug.cpp``; 128 + n for a signal n as shells and container runtimes report it.
    """
    code &= 0xFF
    known = _BY_ROLE.get((role, code)) or _ANY_ROLE.get(code)
    if known is None:
        if 128 < code < 128 + 65:
            return ExitMeaning(code, f"signal {code - 128}", f"Ended by signal {code - 128}.")
        return None
    name, meaning, rules, ambiguous = known
    return ExitMeaning(code, name, meaning, tuple(rules.split()), ambiguous)
