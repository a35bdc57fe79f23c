"""jstat without a JDK: one reading of hsperfdata as the values, and as the very line, that jstat would print.

A value is None where jstat prints ``-``: the collector does not keep that counter, or a capacity is 0. M and CCS are
used / *committed*, about 98 % on 17 and later whatever happens: no sign of a metaspace that runs out.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from flinkscope.errors import UsageError
from flinkscope.formats.hsperf import PerfData
from flinkscope.jvm.jstat_columns import OPTIONS, Column, Meaning, Measure, columns_of

_TIMESTAMP_WIDTH = 15
_CLOCK_TIMESTAMP_SINCE = 25
_DEFAULT_MAJOR = 17


@dataclass(frozen=True, slots=True)
class JstatTable:
    """The printer of one option for one release of Java: ``header()`` once, then ``line(reading)`` for each sample."""

    option: str
    java_major: int
    timestamp: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns from left to right, without the timestamp."""
        return columns_of(self.option, self.java_major)

    def header(self) -> str:
        """The heading line, padded as jstat pads it (blanks at the end included)."""
        names = [_header(column) for column in self.columns]
        return " ".join(["Timestamp".ljust(_TIMESTAMP_WIDTH), *names] if self.timestamp else names)

    def line(self, reading: PerfData, *, now_ms: int | None = None) -> str:
        """One line of values. ``now_ms``: the clock, used for the timestamp of Java 25 and later."""
        cells = [_cell(column, value) for column, value in zip(self.columns, self.values(reading), strict=True)]
        if self.timestamp:
            uptime_s = uptime_seconds(reading, now_ms=now_ms)
            cells.insert(0, ("-" if uptime_s is None else f"{uptime_s:.1f}").rjust(_TIMESTAMP_WIDTH))
        return " ".join(cells)

    def values(self, reading: PerfData) -> tuple[float | str | None, ...]:
        """The values before rounding, in the columns' units (KiB, seconds, percent, counts)."""
        return tuple(_value(column.meaning, reading) for column in self.columns)

    def record(self, reading: PerfData, *, now_ms: int | None = None) -> dict[str, float | str | None]:
        """Header → value, rounded as printed; a second ``Bytes`` is called ``UnloadedBytes``; with the uptime."""
        record: dict[str, float | str | None] = {"Timestamp": _rounded(uptime_seconds(reading, now_ms=now_ms), 1)}
        for column, value in zip(self.columns, self.values(reading), strict=True):
            name = column.header if column.header not in record else f"Unloaded{column.header}"
            record[name] = value if isinstance(value, str) else _rounded(value, column.meaning.digits)
        return record


def jstat_table(option: str, reading: PerfData, *, timestamp: bool = False) -> JstatTable:
    """The printer for ``option`` (``gcutil``, ``gc``, …) in the layout of the target's own release.

    Raises UsageError for an unknown option. A release that is not told is taken for 17.
    """
    name = option.lstrip("-")
    if name not in OPTIONS:
        raise UsageError(f"unknown option -{name}", hint="one of " + " ".join(f"-{known}" for known in OPTIONS))
    return JstatTable(name, reading.java_major or _DEFAULT_MAJOR, timestamp)


def uptime_seconds(reading: PerfData, *, now_ms: int | None = None) -> float | None:
    """Seconds since the JVM started, taken as the target's own jstat takes them; None if no counter tells.

    Before 25 it is a counter that the JVM refreshes every 50 ms, and that stands still with the process; from 25 on it
    is the clock (``now_ms``, default now) less the start.
    """
    if (reading.java_major or _DEFAULT_MAJOR) >= _CLOCK_TIMESTAMP_SINCE:
        began_ms = reading.number("sun.rt.createVmBeginTime")
        now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        return None if began_ms is None else (now_ms - began_ms) / 1000
    ticks, frequency_hz = reading.number("sun.os.hrt.ticks"), reading.number("sun.os.hrt.frequency")
    return None if ticks is None or not frequency_hz else ticks / frequency_hz


def _value(meaning: Meaning, reading: PerfData) -> float | str | None:
    if meaning.measure is Measure.TEXT:
        return reading.text(meaning.counters[0])
    numbers = [reading.number(name) for name in meaning.counters]
    if meaning.lenient:
        numbers = [0 if number is None else number for number in numbers]
    known = [float(number) for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    if meaning.measure is Measure.USED_PERCENT:
        capacity, used = known
        return (1 - ((capacity - used) / capacity)) * 100 if capacity else None
    total = sum(known)
    if meaning.measure is Measure.SECONDS:
        frequency_hz = reading.number("sun.os.hrt.frequency")
        return total / frequency_hz if frequency_hz else None
    return total / 1024 if meaning.measure is Measure.KIB else total


def _cell(column: Column, value: float | str | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        text = "-"
    else:
        text = value if isinstance(value, str) else f"{value:.{column.meaning.digits}f}"
    return _aligned(text, column.width, column.align)


def _header(column: Column) -> str:
    return _aligned(column.header, column.width, "<" if column.header_left else "^")


def _aligned(text: str, width: int, align: str) -> str:
    if align == "<":
        return text.ljust(width)
    if align == ">":
        return text.rjust(width)
    return (" " * ((width - len(text)) // 2) + text).ljust(width)


def _rounded(value: float | None, digits: int) -> float | None:
    if value is None:
        return None
    return round(value, digits) if digits else int(value)
