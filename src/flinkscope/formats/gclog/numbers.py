"""Numbers as GC logs print them: ``24M``, ``1.594`` ms, ``0.0659103`` seconds, with a dot or a comma.

All raise ValueError for what is no such number or cannot be true (over 4 PiB, over three years): the line is damaged.
"""

from __future__ import annotations

from collections.abc import Callable

_UNIT = {66: 1, 75: 1 << 10, 77: 1 << 20, 71: 1 << 30}  # B K M G
_LARGEST_BYTES = 1 << 52
LONGEST_NS = 100_000_000_000_000_000
_KEPT = 4_096


class _Remembered(dict[bytes, int]):
    """Numbers by their text, read once: a log repeats the ones that it had a while ago. At most 4,096 are kept."""

    def __init__(self, read: Callable[[bytes], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: bytes) -> int:
        number = self._read(text)
        if len(self) >= _KEPT:
            self.clear()
        self[text] = number
        return number


def size_bytes(text: bytes) -> int:
    """``24M`` in bytes."""
    size = int(text[:-1]) * _UNIT.get(text[-1], _LARGEST_BYTES) if text else _LARGEST_BYTES
    if not 0 <= size < _LARGEST_BYTES:
        raise ValueError(f"{text!r} is no size")
    return size


def ms_ns(text: bytes) -> int:
    """``1.594`` milliseconds in nanoseconds."""
    if text[-4:-3] == b"." and len(text) < 16:
        return int(text[:-4] + text[-3:]) * 1_000
    return _decimal(text, 6)


def seconds_ns(text: bytes) -> int:
    """``0.0659103`` seconds in nanoseconds."""
    return _decimal(text, 9)


def seconds_ms(text: bytes) -> int:
    """``0.02`` seconds in milliseconds."""
    return _decimal(text, 3)


def whole_ns(text: bytes) -> int:
    """``35502244`` nanoseconds."""
    number = int(text)
    if not 0 <= number < LONGEST_NS:
        raise ValueError(f"{text!r} is no duration")
    return number


def _decimal(text: bytes, places: int) -> int:
    whole, _, fraction = text.replace(b",", b".").partition(b".")
    scale: int = 10**places
    number = int(whole) * scale + int(fraction[:places].ljust(places, b"0"))
    if not 0 <= number < LONGEST_NS:
        raise ValueError(f"{text!r} is no duration")
    return number


SIZES = _Remembered(size_bytes)
COUNTS = _Remembered(int)
CENTIS = _Remembered(seconds_ms)
