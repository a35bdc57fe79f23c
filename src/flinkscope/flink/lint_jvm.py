"""JVM options in ``env.java.opts…``: flags that fight the generated ones, and flags that are missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from flinkscope.flink.lint_subject import LintFinding, Subject
from flinkscope.flink.memory_model import Role
from flinkscope.flink.memory_size import Refusal, parse_double
from flinkscope.flink.options import is_known
from flinkscope.units import MIB, human_bytes

_SERIAL_BELOW_BYTES = 1792 * MIB  # os::is_server_class_machine: two processors and 1792 MiB
_GENERATED = {
    "-Xmx": "heap",
    "-Xms": "heap",
    "-XX:MaxHeapSize=": "heap",
    "-XX:InitialHeapSize=": "heap",
    "-XX:MaxDirectMemorySize=": "direct memory",
    "-XX:MaxMetaspaceSize=": "metaspace",
}
_WITHOUT_EFFECT = ("-XX:MaxRAMPercentage=", "-XX:InitialRAMPercentage=", "-XX:MaxRAMFraction=", "-XX:MaxRAM=")
_SIZE_KEY = {
    ("taskmanager", "heap"): "taskmanager.memory.process.size",
    ("taskmanager", "direct memory"): "taskmanager.memory.task.off-heap.size",
    ("taskmanager", "metaspace"): "taskmanager.memory.jvm-metaspace.size",
    ("jobmanager", "heap"): "jobmanager.memory.process.size",
    ("jobmanager", "direct memory"): "jobmanager.memory.off-heap.size",
    ("jobmanager", "metaspace"): "jobmanager.memory.jvm-metaspace.size",
}
_CPU_KEYS = ("kubernetes.{}.cpu.amount", "kubernetes.{}.cpu")


def flags_of(subject: Subject, role: Role) -> list[tuple[str, str]]:
    """All JVM flags of that role with the key they come from, in the order in which the JVM sees them."""
    keys = ("env.java.opts.all", "env.java.opts", f"env.java.opts.{role}")
    found: list[tuple[str, str]] = []
    for key in (key for key in keys if is_known(key, subject.flink)):
        text = subject.config.get(key, "").strip().strip("\"'")
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        found += [(word, key) for word in words]
    return found


def fighting_flags(subject: Subject) -> Iterator[LintFinding]:
    """Flags that Flink generates itself: the given one comes later and wins, so the memory model no longer holds."""
    told: set[tuple[str, str]] = set()
    for role in subject.roles:
        for flag, key in flags_of(subject, role):
            part = next((p for start, p in _GENERATED.items() if flag.startswith(start)), None)
            if part is not None and (flag, key) not in told:
                told.add((flag, key))
                text = (
                    f"{flag} in {key} overrides the flag that Flink computes, so the {part} no longer matches the "
                    f"memory configuration; set {_SIZE_KEY[role, part]} instead"
                )
                yield subject.finding("generated-flag", "error", text, key)
            elif flag.startswith(_WITHOUT_EFFECT) and (flag, key) not in told:
                told.add((flag, key))
                text = f"{flag} in {key} has no effect: Flink passes -Xmx and -Xms"
                yield subject.finding("flag-without-effect", "warning", text, key)


def no_dump_path(subject: Subject) -> Iterator[LintFinding]:
    """Without a heap dump the next OutOfMemoryError leaves no evidence."""
    for role in _whole_roles(subject):
        flags = [flag for flag, _ in flags_of(subject, role)]
        key = f"env.java.opts.{role}"
        if "-XX:+HeapDumpOnOutOfMemoryError" not in flags:
            wanted = "-XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=<a volume that outlives the process>"
            text = f"the {role} writes no heap dump when it runs out of memory; add to {key}: {wanted}"
            yield subject.finding("no-heap-dump", "warning", text, key)
        elif not any(flag.startswith("-XX:HeapDumpPath=") for flag in flags):
            text = f"the {role} dumps its heap to its working directory; add to {key}: -XX:HeapDumpPath=<a volume>"
            yield subject.finding("no-dump-path", "warning", text, key)


def no_gc_log(subject: Subject) -> Iterator[LintFinding]:
    """Without a GC log nobody knows the live set."""
    for role in _whole_roles(subject):
        flags = [flag for flag, _ in flags_of(subject, role)]
        if not any(flag.startswith(("-Xlog:gc", "-Xloggc:", "-Xlog:all", "-verbose:gc")) for flag in flags):
            key = f"env.java.opts.{role}"
            wanted = "-Xlog:gc*:file=<path>:time,uptime,level,tags:filecount=10,filesize=20m"
            text = (
                f"the {role} writes no GC log, so its live set is not known; add to {key}: {wanted} (Java 8: -Xloggc)"
            )
            yield subject.finding("no-gc-log", "info", text, key)


def serial_by_accident(subject: Subject) -> Iterator[LintFinding]:
    """No collector is named and the JVM sees a small machine: it takes Serial, with one long pause at a time."""
    for role in _whole_roles(subject):
        model = subject.model(role)
        flags = [flag for flag, _ in flags_of(subject, role)]
        if model is None or any(flag.startswith("-XX:+Use") and flag.endswith("GC") for flag in flags):
            continue
        cpus = _cpus(subject, role)
        small = model.process_bytes < _SERIAL_BELOW_BYTES and subject.launcher == "container"
        if not small and (cpus is None or cpus >= 2):
            continue
        reason = f"{cpus:g} CPUs" if cpus is not None and cpus < 2 else human_bytes(model.process_bytes)
        key = f"env.java.opts.{role}"
        text = (
            f"no collector is named and the JVM sees {reason}: below 2 CPUs or 1792 MiB it takes Serial (Flink's "
            f"scripts name G1 only in some versions, and only while all env.java.opts are empty); add -XX:+UseG1GC to "
            f"{key}"
        )
        severity = "warning" if role == "taskmanager" else "info"
        yield subject.finding("serial-by-accident", severity, text, key)  # type: ignore[arg-type]


def survives_out_of_memory(subject: Subject) -> Iterator[LintFinding]:
    """A TaskManager that survives an OutOfMemoryError restarts the job in a damaged JVM."""
    key = "taskmanager.jvm-exit-on-oom"
    if "taskmanager" not in _whole_roles(subject):
        return
    flags = [flag for flag, _ in flags_of(subject, "taskmanager")]
    leaves = any(flag in ("-XX:+ExitOnOutOfMemoryError", "-XX:+CrashOnOutOfMemoryError") for flag in flags)
    if not leaves and subject.config.get(key, "false").strip().lower() != "true":
        text = f"{key} is false: a task's OutOfMemoryError leaves the damaged process running, and restarts fail faster"
        yield subject.finding("survives-oom", "info", text, key, {key: "true"})


def _whole_roles(subject: Subject) -> tuple[Role, ...]:
    """The roles whose JVM options this source would hold."""
    if subject.source.launcher == "none":
        return ()
    return tuple(role for role in subject.roles if subject.has_size(role))


def _cpus(subject: Subject, role: Role) -> float | None:
    for pattern in _CPU_KEYS:
        raw = subject.config.get(pattern.format(role))
        if raw is not None:
            try:
                return parse_double(raw)
            except Refusal:
                return None
    return None


JVM_CHECKS = (
    fighting_flags,
    no_dump_path,
    no_gc_log,
    serial_by_accident,
    survives_out_of_memory,
)
