"""Log lines of a Flink process → records: one header line with its continuation (a stack trace, a table).

Layouts: Flink's default for log4j and logback, the start scripts' short one, any of the JSON layouts (ECS, Logstash,
JsonLayout, GELF), and none at all (what the JVM and ``System.out`` print into ``.out``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST_LINE = 16_384
MOST_TRACE_LINES = 400

_THREAD = r"(?:\[([^\]]{0,200})\] +)?"
_STAMP = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_LEVEL = r"TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL"
_FULL = re.compile(rf"({_STAMP}) +{_THREAD}({_LEVEL}) +{_THREAD}(\S{{1,300}}) +(?:\[[^\]]*\] +)?- ?")
_SHORT = re.compile(rf"({_LEVEL}) +(?:\[[^\]]*\] +|\s{{2,}})- ?")
_JSON_NAMES = {
    "time": ("@timestamp", "timestamp", "time", "timeMillis", "instant"),
    "level": ("level", "log.level", "severity"),
    "logger": ("logger", "loggerName", "logger_name", "log.logger", "_logger"),
    "thread": ("thread", "thread_name", "threadName", "process.thread.name", "_thread"),
    "message": ("message", "msg", "full_message", "short_message"),
    "trace": ("stack_trace", "error.stack_trace", "stackTrace", "exception", "thrown", "throwable"),
}


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record. ``line`` counts from 1; ``time`` as logged; ``trace`` holds the lines after the first.

    ``clock_ms``: milliseconds since 1970 on the log's own clock (the default layout names no zone), None without time.
    ``lines_cut``: how many more continuation lines there were. ``traced_inside``: the trace is in that line (JSON).
    """

    line: int
    time: str | None
    clock_ms: int | None
    level: str
    logger: str
    thread: str | None
    message: str
    trace: tuple[str, ...] = ()
    lines_cut: int = 0
    traced_inside: bool = False

    def line_at(self, offset: int) -> int:
        """The file's line of the ``offset``-th line of the record (0 is the message)."""
        return self.line if self.traced_inside else self.line + offset

    @property
    def laid_out(self) -> bool:
        """Whether the line has a layout of a logging framework (else it is bare output)."""
        return bool(self.level)


class _Open:
    """The record that is being read."""

    def __init__(self, record: LogRecord) -> None:
        self.record = record
        self.trace: list[str] = []
        self.cut = 0

    def add(self, text: str) -> None:
        if len(self.trace) < MOST_TRACE_LINES:
            self.trace.append(text)
        else:
            self.cut += 1

    def closed(self) -> LogRecord:
        if not self.trace:
            return self.record
        first = self.record
        return LogRecord(
            first.line, first.time, first.clock_ms, first.level, first.logger, first.thread, first.message,
            (*first.trace, *self.trace), self.cut, first.traced_inside,
        )  # fmt: skip


def log_records(lines: Iterator[str]) -> Iterator[LogRecord]:
    """Groups ``lines`` (without line ends) into records; never fails, whatever the lines hold. One pass."""
    current: _Open | None = None
    for number, line in enumerate(lines, 1):
        text = line[:LONGEST_LINE]
        record = _header(number, text)
        if record is None and current is not None and (current.record.laid_out or _continues(text)):
            current.add(text)
            continue
        if current is not None:
            yield current.closed()
        current = _Open(record or LogRecord(number, None, None, "", "", None, text))
    if current is not None:
        yield current.closed()


def clock_of(stamp: str) -> int | None:
    """A logged time as milliseconds since 1970; without a zone it is taken as it stands. None if it is no time."""
    text = stamp.replace(",", ".")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000 + 0.5)


def _continues(text: str) -> bool:
    return text.startswith(("\tat ", "\t... ", "Caused by: ", "\tSuppressed: ", "    at "))


def _header(number: int, text: str) -> LogRecord | None:
    first = text[:1]
    if first.isdigit():
        match = _FULL.match(text)
        if match is None:
            return None
        time, before, level, after, logger = match.groups()
        return LogRecord(number, time, clock_of(time), level, logger, before or after, text[match.end() :])
    if first == "{":
        return _json_record(number, text)
    if first in "TDIWEF":
        short = _SHORT.match(text)
        if short is not None:
            return LogRecord(number, None, None, short[1], "", None, text[short.end() :])
    return None


def _json_record(number: int, text: str) -> LogRecord | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    found = {what: _named(document, names) for what, names in _JSON_NAMES.items()}
    if not isinstance(found["message"], str) or found["level"] is None:
        return None
    time, clock_ms = _json_time(found["time"])
    first, *rest = found["message"].split("\n")
    thread = found["thread"]
    return LogRecord(
        number, time, clock_ms, str(found["level"]), str(found["logger"] or ""),
        None if thread is None else str(thread), first, tuple([*rest, *_json_trace(found["trace"])][:MOST_TRACE_LINES]),
        traced_inside=True,
    )  # fmt: skip


def _named(document: dict[str, Any], names: Sequence[str]) -> Any:
    for name in names:
        if name in document:
            return document[name]
        inner: Any = document
        for part in name.split("."):
            inner = inner.get(part) if isinstance(inner, dict) else None
        if inner is not None:
            return inner
    return None


def _json_time(value: Any) -> tuple[str | None, int | None]:
    if isinstance(value, str):
        return value, clock_of(value)
    if isinstance(value, dict) and isinstance(value.get("epochSecond"), int):
        nanos = value.get("nanoOfSecond", 0)
        clock_ms = value["epochSecond"] * 1000 + (nanos // 1_000_000 if isinstance(nanos, int) else 0)
        return _iso(clock_ms), clock_ms
    if isinstance(value, int | float) and not isinstance(value, bool):
        clock_ms = int(value if value > 100_000_000_000 else value * 1000)
        return _iso(clock_ms), clock_ms
    return None, None


def _iso(clock_ms: int) -> str | None:
    try:
        return datetime.fromtimestamp(clock_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None


def _json_trace(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.replace("\r", "").split("\n")
    if not isinstance(value, dict):
        return []
    extended = value.get("extendedStackTrace") or value.get("stacktrace") or value.get("stack_trace")
    if isinstance(extended, str):
        return extended.split("\n")
    kind = value.get("name") or value.get("exception_class") or ""
    lines = [f"{kind}: {value.get('message') or value.get('exception_message') or ''}"]
    for frame in extended if isinstance(extended, list) else []:
        if isinstance(frame, dict):
            lines.append(f"\tat {frame.get('class')}.{frame.get('method')}({frame.get('file')}:{frame.get('line')})")
    cause = value.get("cause")
    return [*lines, *(f"Caused by: {line}" if n == 0 else line for n, line in enumerate(_json_trace(cause)))]
