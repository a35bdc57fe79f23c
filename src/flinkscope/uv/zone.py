"""Calendar days of a time zone, as an SQL expression and as boundaries: the twin of jobs/uv/…/Days.java."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flinkscope.errors import UsageError

DAY_MS = 86_400_000
FIRST_MS = 0
END_MS = 4_102_444_800_000  # 2100-01-01
_EPOCH = date(1970, 1, 1)


def time_zone(name: str) -> ZoneInfo:
    """The zone. Raises UsageError, with names that look like it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        from difflib import get_close_matches
        from zoneinfo import available_timezones

        near = get_close_matches(name, available_timezones(), 3, 0.6)
        hint = f"did you mean {', '.join(near)}?" if near else "for example Asia/Shanghai, Europe/Berlin, UTC"
        raise UsageError(f"{name!r} is not a time zone", hint=hint) from error


def day_start_ms(zone: ZoneInfo, day: str) -> int:
    """The first millisecond of the day, in ms since 1970 UTC."""
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    return int(start.timestamp()) * 1000


def day_end_ms(zone: ZoneInfo, day: str) -> int:
    """The first millisecond of the next day."""
    return day_start_ms(zone, (date.fromisoformat(day) + timedelta(days=1)).isoformat())


def day_name(number: int) -> str:
    """``17496`` is ``2017-11-26``."""
    return (_EPOCH + timedelta(days=number)).isoformat()


def day_number(name: str) -> int:
    """``2017-11-26`` is ``17496``."""
    return (date.fromisoformat(name) - _EPOCH).days


def day_expression(zone: ZoneInfo, milliseconds: str) -> str:
    """SQL for the number since 1970-01-01 of the local day of an expression in ms, exact from 1970 to 2100.

    A search tree over the zone's changes of offset in nested CASE: no extension, no session setting, 8 comparisons at
    most.
    """

    def offset(changes: tuple[tuple[int, int], ...]) -> str:
        if len(changes) == 1:
            return str(changes[0][1])
        middle = len(changes) // 2
        left, right = offset(changes[:middle]), offset(changes[middle:])
        return f"CASE WHEN {milliseconds} < {changes[middle][0]} THEN {left} ELSE {right} END"

    return f"(({milliseconds} + {offset(offset_changes(zone))}) // {DAY_MS})"


@lru_cache(maxsize=8)
def offset_changes(zone: ZoneInfo) -> tuple[tuple[int, int], ...]:
    """(from when in ms, offset from then on in ms), ascending; the first is valid from the beginning."""
    found = [(FIRST_MS, _offset_ms(zone, FIRST_MS))]
    for at_ms in range(FIRST_MS, END_MS, DAY_MS):
        if _offset_ms(zone, at_ms + DAY_MS) != found[-1][1]:
            low, high = at_ms, at_ms + DAY_MS
            while high - low > 1000:
                middle = (low + high) // 2000 * 1000
                low, high = (middle, high) if _offset_ms(zone, middle) == found[-1][1] else (low, middle)
            found.append((high, _offset_ms(zone, high)))
    return tuple(found)


def _offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    offset = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * 1000
