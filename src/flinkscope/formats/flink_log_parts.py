"""From log records to facts: the small recognisers, one a kind of fact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from flinkscope.formats.flink_log_facts import (
    JobState,
    LoggedCheckpoint,
    MemoryTree,
    StartUp,
    Submission,
    Symptom,
    TaskFailure,
)
from flinkscope.formats.flink_log_records import LogRecord
from flinkscope.formats.flink_symptoms import symptoms_in
from flinkscope.place import Place

MOST_FRAMES = 8
_LONGEST_TEXT = 400

_BANNER = re.compile(r"\s*Starting (?P<component>.{1,200}?) \(Version: (?P<version>[^,)]+)")
_COMPONENT_ROLES = (
    ("taskmanager", "taskmanager"),
    ("taskexecutor", "taskmanager"),
    ("entrypoint", "jobmanager"),
    ("command line client", "client"),
    ("historyserver", "history-server"),
)
_JVM = re.compile(r"\s*JVM: (?P<jvm>.+ - (?P<java>[\w.+-]+)/[^/]*)$")
_MAX_HEAP = re.compile(r"\s*Maximum heap size: (?P<mib>\d+) MiBytes")
_LOADED = re.compile(r"Loading (?:dynamic )?configuration property: (?P<key>\S{1,300}), (?P<value>.*)$")
_TREE_HEAD = re.compile(r"Final (?P<who>TaskExecutor|TaskManager|Master|JobManager) Memory configuration:")
_TREE_LINE = re.compile(r"(?P<indent> *)(?P<label>[A-Z][A-Za-z -]{2,40}): +(?:\S+ \()?(?P<bytes>\d+) bytes\)?\s*$")

_ATTEMPT = r"(?P<attempt>[0-9a-f]{32}(?:_[0-9a-f]{32}_\d+_\d+)?)"
_TASK_FAILED = re.compile(
    r"(?P<task>.{1,2000}?) \((?P<subtask>\d+/\d+)\)(?:#\d+)? \(" + _ATTEMPT + r"\) switched from \w+ to FAILED"
    r"(?: on (?P<manager>\S+))?(?: @ \S+)?"
)
_CHECKPOINTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("completed", re.compile(
        r"Completed checkpoint (?P<id>\d+) for job (?P<job>[0-9a-f]{32}) \((?P<size>\d+) bytes"
        r"(?:, checkpointDuration=(?P<duration>\d+) ms| in (?P<duration_old>\d+) ms)")),
    ("expired", re.compile(r"Checkpoint (?P<id>\d+) of job (?P<job>[0-9a-f]{32}) expired before completing")),
    ("declined", re.compile(r"Decline checkpoint (?P<id>\d+) by task \S+ of job (?P<job>[0-9a-f]{32})")),
    ("failed", re.compile(
        r"Failed to trigger (?:or complete )?checkpoint(?: (?P<id>\d+))? for job (?P<job>[0-9a-f]{32})")),
)  # fmt: skip
_SUBMITTED = re.compile(
    r"Received (?P<kind>JobGraph|job|application) submission "
    r"(?:'(?P<name>.*)' \((?P<job>[0-9a-f]{32})\)|(?P<old>[0-9a-f]{32}) \((?P<old_name>.*)\))"
)
_JOB_STATE = re.compile(
    r"Job (?P<name>.{1,500}) \((?P<job>[0-9a-f]{32})\) switched from state (?P<before>\w+) to (?P<after>\w+)"
)


class StartUpParts:
    """Collects the block that a process logs at its start."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._start: StartUp | None = None
        self._list = ""
        self._lists: dict[str, list[str]] = {}
        self._configuration: dict[str, str] = {}

    def take(self, record: LogRecord) -> StartUp | None:
        """Takes a record; a new banner gives back the start before."""
        banner = _BANNER.match(record.message) if "(Version: " in record.message else None
        if banner is None:
            if self._start is not None:
                self._line(record.message)
            return None
        before = self.finish()
        component = banner["component"]
        role = next((role for mark, role in _COMPONENT_ROLES if mark in component.lower()), "jvm")
        place = Place(self._source, line=record.line)
        self._start = StartUp(place, record.time, component, role, banner["version"])
        return before

    def finish(self) -> StartUp | None:
        """The start that was being collected."""
        if self._start is None:
            return None
        start = replace(
            self._start,
            jvm_options=tuple(self._lists.get("JVM Options", ())),
            arguments=tuple(self._lists.get("Program Arguments", ())),
            configuration=dict(self._configuration),
        )
        self._start, self._list, self._lists, self._configuration = None, "", {}, {}
        return start

    def _line(self, message: str) -> None:
        assert self._start is not None
        text = message.strip()
        if text in ("JVM Options:", "Program Arguments:"):
            self._list = text[:-1]
            self._lists[self._list] = []
        elif self._list and message.startswith("    ") and text:
            self._lists[self._list].append(text)
        elif text.startswith("Classpath: "):
            self._list = ""
            self._start = replace(self._start, class_path=text[len("Classpath: ") :])
        elif jvm := _JVM.match(message):
            self._start = replace(self._start, jvm=jvm["jvm"], java_version=_release(text, jvm["java"]))
        elif heap := _MAX_HEAP.match(message):
            self._start = replace(self._start, max_heap_mib=int(heap["mib"]))
        elif loaded := _LOADED.match(message):
            self._configuration[loaded["key"]] = loaded["value"]


class MemoryTreeParts:
    """Collects the tree of the start scripts, whose lines may be records of their own or bare."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._head: tuple[Place, str] | None = None
        self._parts: dict[tuple[str, ...], int] = {}
        self._path: list[tuple[int, str]] = []

    def take(self, record: LogRecord) -> MemoryTree | None:
        """Takes a record; the first line that is not of the tree gives it back."""
        done = None
        for offset, text in enumerate((record.message, *record.trace)):
            if "Memory configuration:" in text and (head := _TREE_HEAD.search(text)):
                done = self.finish() or done
                role = "taskmanager" if head["who"].startswith("Task") else "jobmanager"
                self._head = (Place(self._source, line=record.line_at(offset)), role)
            elif self._head is not None and not self._line(text):
                done = self.finish() or done
        return done

    def finish(self) -> MemoryTree | None:
        """The tree that was being collected; None when there is none, or not one line of it was there."""
        head, parts = self._head, self._parts
        self._head, self._parts, self._path = None, {}, []
        return MemoryTree(head[0], head[1], parts) if head is not None and parts else None

    def _line(self, text: str) -> bool:
        line = _TREE_LINE.match(text.rstrip())
        if line is None:
            return False
        depth = len(line["indent"])
        self._path = [(d, label) for d, label in self._path if d < depth]
        self._path.append((depth, line["label"]))
        self._parts[tuple(label for _, label in self._path)] = int(line["bytes"])
        return True


_OF_TASK = (
    " switched from ",
    "reached terminal state",
    "org.apache.flink.runtime.taskmanager.Task.",
    "org.apache.flink.streaming.runtime.tasks.StreamTask.",
)


_SPEAK_FOR_THE_PROCESS = ("org.apache.", "o.a.", "akka.", "io.netty.", "java.", "jdk.", "sun.")
# what may stand before “OutOfMemoryError” where a JVM or a stack trace names it: no prose
_THROWABLE = re.compile(
    r"\W{0,40}(?:[\w.-]{1,100} {1,20}\| {1,20})?"
    r"(?:(?:Caused by|Suppressed|Exception|Error|(?:Terminating|Aborting) due to|Exception in thread .{1,200}?):?"
    r" {1,4})?"
    r"(?:[\w.$/@-]{1,200}(?:\([\w.$ ]{1,100}\))?: {1,4}){0,20}(?:[\w.]{0,100}\.)?$"
)


def fact_of(record: LogRecord, source: str) -> LoggedCheckpoint | Submission | JobState | TaskFailure | None:
    """What the record says of a checkpoint, a job or a task; None for the many others."""
    message = record.message
    if "switched from" in message:
        return _task_failure(record, source) or _job_state(record, source)
    if "heckpoint" in message:
        return _checkpoint(record, source)
    if message.startswith("Starting program"):
        place = Place(source, line=record.line)
        return Submission(place, record.time, record.clock_ms, None, "", "program")
    return _submission(record, source) if " submission " in message else None


def symptoms_of(record: LogRecord, source: str) -> Iterator[Symptom]:
    """The symptoms of the record, with the line on which each stands."""
    lines = (record.message, *record.trace)
    text = "\n".join(lines)
    of_task: bool | None = None
    for symptom, match in symptoms_in(text):
        offset = text.count("\n", 0, match.start())
        if symptom.kind.startswith("oom_"):
            thrown = _thrown(record, lines, symptom.pattern)
            if thrown is None:
                continue
            offset, match = thrown
        details = {name: value for name, value in match.groupdict().items() if value is not None}
        of_task = _is_of_task(text) if of_task is None else of_task
        yield Symptom(
            symptom.kind,
            symptom.rules,
            lines[offset].strip()[:_LONGEST_TEXT],
            Place(source, line=record.line_at(offset)),
            record.time,
            record.clock_ms,
            details,
            _frames(lines[offset + 1 :]),
            of_task,
        )


def _thrown(record: LogRecord, lines: Sequence[str], pattern: re.Pattern[str]) -> tuple[int, re.Match[str]] | None:
    """The first line where the error is thrown and not only spoken of, with its match; None where it is only quoted.

    Flink's own loggers speak for the process. Other loggers' messages and bare output may quote what a remote service
    or a customer wrote: there it must stand where a throwable stands in a stack trace.
    """
    own = record.laid_out and ("." not in record.logger or record.logger.startswith(_SPEAK_FOR_THE_PROCESS))
    for offset, line in enumerate(lines):
        match = pattern.search(line)
        if match is not None and (own or _THROWABLE.match(line, 0, match.start())):
            return offset, match
    return None


def _is_of_task(text: str) -> bool:
    """Whether a record reports a task's or a job's failure: by its first words, or by a task's frames in its trace."""
    return any(mark in text for mark in _OF_TASK)


def _frames(lines: tuple[str, ...]) -> tuple[str, ...]:
    frames = []
    for line in lines:
        if not line.lstrip().startswith("at "):
            break
        frames.append(line.strip()[3:][:_LONGEST_TEXT])
        if len(frames) == MOST_FRAMES:
            break
    return tuple(frames)


def _task_failure(record: LogRecord, source: str) -> TaskFailure | None:
    match = _TASK_FAILED.match(record.message)
    if match is None:
        return None
    cause, at = "", 0
    for index, line in enumerate(record.trace):
        if line.startswith("Caused by: ") or (index == 0 and line and not line.startswith("\t")):
            cause, at = line.removeprefix("Caused by: "), index
    if not cause and " with failure cause: " in record.message:
        cause, at = record.message.split(" with failure cause: ", 1)[1], -1
    return TaskFailure(
        Place(source, line=record.line), record.time, record.clock_ms, match["task"], match["subtask"],
        match["attempt"], match["manager"], cause[:_LONGEST_TEXT], _frames(record.trace[at + 1 :]),
    )  # fmt: skip


def _job_state(record: LogRecord, source: str) -> JobState | None:
    match = _JOB_STATE.match(record.message)
    if match is None:
        return None
    place = Place(source, line=record.line)
    return JobState(
        place, record.time, record.clock_ms, match["job"], match["name"], match["before"], match["after"]
    )  # fmt: skip


def _checkpoint(record: LogRecord, source: str) -> LoggedCheckpoint | None:
    for state, pattern in _CHECKPOINTS:
        match = pattern.search(record.message)
        if match is not None:
            groups = match.groupdict()
            duration = groups.get("duration") or groups.get("duration_old")
            return LoggedCheckpoint(
                Place(source, line=record.line), record.time, record.clock_ms, _int(groups["id"]), groups["job"],
                state, _int(groups.get("size")), _int(duration), record.message[:_LONGEST_TEXT],
            )  # fmt: skip
    return None


def _submission(record: LogRecord, source: str) -> Submission | None:
    match = _SUBMITTED.match(record.message)
    if match is None:
        return None
    job, name = match["job"] or match["old"], match["name"] or match["old_name"] or ""
    kind = "application" if match["kind"] == "application" else "job"
    return Submission(Place(source, line=record.line), record.time, record.clock_ms, job, name, kind)


def _release(text: str, specification: str) -> str:
    """``17.0.9`` of ``… - 17/17.0.9+9``, ``1.8.0_302`` of ``… - 1.8/25.302-b08``."""
    full = text.rsplit("/", 1)[-1]
    if specification == "1.8" and (update := re.match(r"25\.(\d+)", full)):  # it logs the VM's own version
        return f"1.8.0_{update[1]}"
    return re.split(r"[+-]", full, maxsplit=1)[0] or specification


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)
