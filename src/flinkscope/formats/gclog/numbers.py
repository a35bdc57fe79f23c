"""Numbers as GC logs print them: ``24M``, ``1.594`` ms, ``0.0659103`` seconds, with a dot or a comma."""

from __future__ import annotations

from collections.abc import Callable

_UNIT = {66: 1, 75: 1 << 10, 77: 1 << 20, 71: 1 << 30, 84: 1 << 40}  # B K M G T
_KEPT = 4_096


class _Remembered(dict[bytes, int]):
    """Numbers by their text, read once: a log repeats few different ones. The first 4,096 are kept."""

    def __init__(self, read: Callable[[bytes], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: bytes) -> int:
        number = self._read(text)
        if len(self) < _KEPT:
            self[text] = number
        return number


def size_bytes(text: bytes) -> int:
    """``24M`` in bytes."""
    return int(text[:-1]) * _UNIT[text[-1]]


def ms_ns(text: bytes) -> int:
    """``1.594`` milliseconds in nanoseconds."""
    if text[-4:-3] == b".":
        return int(text[:-4] + text[-3:]) * 1_000
    return _decimal(text, 6)


def seconds_ns(text: bytes) -> int:
    """``0.0659103`` seconds in nanoseconds."""
    return _decimal(text, 9)


def seconds_ms(text: bytes) -> int:
    """``0.02`` seconds in milliseconds."""
    if text[-3:-2] == b".":
        return int(text[:-3] + text[-2:]) * 10
    return _decimal(text, 3)


def _decimal(text: bytes, places: int) -> int:
    whole, _, fraction = text.replace(b",", b".").partition(b".")
    fraction = fraction.partition(b".")[0]
    scale: int = 10**places
    return int(whole or b"0") * scale + int(fraction[:places].ljust(places, b"0") or b"0")


SIZES = _Remembered(size_bytes)
COUNTS = _Remembered(int)
CENTIS = _Remembered(seconds_ms)
