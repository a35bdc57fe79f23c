"""Live JVMs: who they are (Flink role and version, Java, collector, limits), and their counters; nothing is touched."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.absent import Absent, AbsentKind
from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.formats.hsperf import Layout, PerfData, parse_hsperf
from flinkscope.sources.process import (
    JavaProcess,
    environment_of,
    java_process,
    java_processes,
    memory_of,
    read_perf_file,
    uptime_ms,
)

_ROLES = (
    ("TaskManagerRunner", "taskmanager"),
    ("TaskExecutorRunner", "taskmanager"),
    ("clusterentrypoint", "jobmanager"),
    ("org.apache.flink.client.cli.CliFrontend", "client"),
    ("org.apache.flink.table.gateway.SqlGateway", "sql-gateway"),
    ("org.apache.flink.table.client.SqlClient", "client"),
    ("org.apache.flink.runtime.webmonitor.history.HistoryServer", "history-server"),
)
_COLLECTORS = (
    ("Copy:MSC", "Serial"),
    ("ParScav:MSC", "Parallel"),
    ("ParNew:CMS", "CMS"),
    ("GarbageFirst", "G1"),
)
_SUM_OF_GENERATIONS = frozenset({"Serial", "Parallel", "CMS"})
_FLINK_DIST = re.compile(r"flink-dist(?:_[\d.]+)?-(\d[\w.-]*?)\.jar")
_SIZE = re.compile(r"(\d+)([kKmMgGtT]?)$")
_STEPS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


@dataclass(frozen=True, slots=True)
class JvmSummary:
    """One JVM of the machine. Sizes in bytes; what could not be had is Absent and says why.

    ``metaspace_used_bytes`` is as of the last collection: the JVM refreshes that counter only then.
    """

    process: JavaProcess
    role: str
    main: str
    flink_version: str | None
    java_version: str | Absent
    collector: str | Absent
    heap_used_bytes: int | Absent
    heap_max_bytes: int | Absent
    metaspace_used_bytes: int | Absent
    metaspace_limit_bytes: int | Absent
    resident_bytes: int | Absent
    uptime_ms: int


class LiveJvm:
    """The counters of one running JVM, for repeated reading: about 30 µs a reading after the first."""

    def __init__(self, process: JavaProcess) -> None:
        self.process = process
        self._layout: Layout | None = None

    def read(self) -> PerfData:
        """All counters now. Raises SourceError once the process has ended (also when its pid was given to another)."""
        if not self.process.alive():
            raise SourceError(f"process {self.process.pid} has ended")
        reading = parse_hsperf(read_perf_file(self.process), str(self.process.perf_file), known=self._layout)
        self._layout = reading.layout
        return reading


def open_jvm(pid: int) -> LiveJvm:
    """The running JVM of that pid. Raises SourceError: no such process, not Java, OpenJ9, not ours, no counters."""
    live = LiveJvm(java_process(pid))
    live.read()
    return live


def list_jvms() -> list[JvmSummary]:
    """All JVMs that we may see, by pid; some milliseconds each; the processes are not touched."""
    summaries = []
    for process in java_processes():
        try:
            summaries.append(summarize(process))
        except OSError:  # it ended while we looked
            continue
    return summaries


def summarize(process: JavaProcess) -> JvmSummary:
    """What one JVM is and how full it is."""
    try:
        reading: PerfData | None = parse_hsperf(read_perf_file(process), str(process.perf_file))
        why = ""
    except (SourceError, UnreadableInputError) as error:
        reading, why = None, error.message
    command = (reading.text("sun.rt.javaCommand") if reading else None) or main_class(process.command)
    collector = _collector(reading, why)
    flags = jvm_flags(process, reading)
    resident = memory_of(process).get("VmRSS")
    return JvmSummary(
        process=process,
        role=flink_role(command),
        main=command.split(" ")[0],
        flink_version=flink_version(process, reading),
        java_version=_text(reading, "java.property.java.version", "Java version", why),
        collector=collector,
        heap_used_bytes=_heap_used(reading, why),
        heap_max_bytes=_heap_max(reading, flags, collector, why),
        metaspace_used_bytes=_metaspace_used(reading, why),
        metaspace_limit_bytes=metaspace_limit(flags),
        resident_bytes=Absent("resident memory", AbsentKind.UNREADABLE) if resident is None else resident,
        uptime_ms=uptime_ms(process),
    )


def flink_role(command: str) -> str:
    """``taskmanager``, ``jobmanager``, ``client``, ``sql-gateway``, ``history-server``; ``jvm`` if not Flink."""
    main = command.split(" ", maxsplit=1)[0]
    return next((role for mark, role in _ROLES if mark.lower() in main.lower()), "jvm")


def flink_version(process: JavaProcess, reading: PerfData | None) -> str | None:
    """The version in the name of ``flink-dist-*.jar`` on the class path; None if it is not there."""
    places = [
        (reading.text("java.property.java.class.path") if reading else None) or "",
        *process.command,
        environment_of(process).get("CLASSPATH", ""),
    ]
    return next((match[1] for match in map(_FLINK_DIST.search, places) if match), None)


def jvm_flags(process: JavaProcess, reading: PerfData | None) -> tuple[str, ...]:
    """The JVM's flags in the order in which they count (the last of two equal ones wins).

    From ``java.rt.vmArgs`` (which holds JDK_JAVA_OPTIONS and argument files too), else the command line; the variable
    JAVA_TOOL_OPTIONS, which HotSpot reads first, is put in front.
    """
    tool_options = environment_of(process).get("JAVA_TOOL_OPTIONS", "").split()
    arguments = reading.text("java.rt.vmArgs") if reading else None
    own = arguments.split() if arguments else [part for part in process.command[1:] if part.startswith("-")]
    return (*tool_options, *own)


def metaspace_limit(flags: tuple[str, ...]) -> int | Absent:
    """-XX:MaxMetaspaceSize in bytes; Absent (not applicable) if the JVM has no limit of its own."""
    limit = flag_bytes(flags, "-XX:MaxMetaspaceSize=")
    return Absent("metaspace limit", AbsentKind.NOT_APPLICABLE, "no -XX:MaxMetaspaceSize") if limit is None else limit


def flag_bytes(flags: tuple[str, ...], prefix: str) -> int | None:
    """The size behind the last flag that starts with ``prefix``, in bytes; None if there is none."""
    for flag in reversed(flags):
        if flag.startswith(prefix):
            size = _SIZE.match(flag[len(prefix) :])
            return int(size[1]) << _STEPS[size[2].lower()] if size else None
    return None


def main_class(command: tuple[str, ...]) -> str:
    """The main class or jar in a java command line; empty if it is not there (an argument file hides it)."""
    takes_value = {"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-opens", "--add-exports",
                   "--add-modules", "--add-reads", "--limit-modules", "--upgrade-module-path"}  # fmt: skip
    arguments = iter(command[1:])
    for argument in arguments:
        if argument in takes_value:
            next(arguments, None)
        elif argument in ("-jar", "-m", "--module"):
            return next(arguments, "")
        elif not argument.startswith(("-", "@")):
            return argument
    return ""


def _collector(reading: PerfData | None, why: str) -> str | Absent:
    if reading is None:
        return _unread("collector", why)
    policy = reading.text("sun.gc.policy.name") or ""
    for mark, collector in _COLLECTORS:
        if policy.startswith(mark):
            return collector
    names = " ".join(reading.text(f"sun.gc.collector.{index}.name") or "" for index in range(3))
    if "ZGC minor" in names:
        return "ZGC generational"
    if names.startswith("Shenandoah") or " Shenandoah" in names:
        return "Shenandoah"
    if "Z concurrent" in names or "ZGC" in names:
        return "ZGC"
    return policy or _unread("collector", "this JVM does not tell")


def _heap_used(reading: PerfData | None, why: str) -> int | Absent:
    if reading is None:
        return _unread("heap in use", why)
    spaces = [n for n in reading.names() if re.fullmatch(r"sun\.gc\.generation\.[01]\.space\.\d+\.used", n)]
    if not spaces:
        return _unread("heap in use", "this collector does not tell")
    used_bytes = sum(reading.number(name) or 0 for name in spaces)
    return used_bytes or _unread("heap in use", "this collector refreshes the counter at a collection; there was none")


def _heap_max(reading: PerfData | None, flags: tuple[str, ...], collector: str | Absent, why: str) -> int | Absent:
    flagged = flag_bytes(flags, "-Xmx") or flag_bytes(flags, "-XX:MaxHeapSize=")
    if flagged is not None:
        return flagged
    if reading is None:
        return _unread("heap limit", why)
    generations = [reading.number(f"sun.gc.generation.{index}.maxCapacity") for index in (0, 1)]
    known = [capacity for capacity in generations if capacity is not None]
    if not known:
        return _unread("heap limit", "this collector does not tell")
    largest = sum(known) if collector in _SUM_OF_GENERATIONS else max(known)
    return largest & ~0xFFF  # G1 adds 8 bytes a space, so that a capacity is never 0


def _metaspace_used(reading: PerfData | None, why: str) -> int | Absent:
    used_bytes = reading.number("sun.gc.metaspace.used") if reading else None
    return used_bytes or _unread("metaspace in use", why or "refreshed at a collection only; there was none yet")


def _text(reading: PerfData | None, counter: str, what: str, why: str) -> str | Absent:
    value = reading.text(counter) if reading else None
    return _unread(what, why or f"no counter {counter}") if value is None else value


def _unread(what: str, why: str) -> Absent:
    return Absent(what, AbsentKind.UNREADABLE, why)
