"""Quantities as people read them. Models keep integers with their unit in the name; only renderers call these."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_BYTE_STEPS = ((GIB * KIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"))
_NS_STEPS = ((3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))


def human_bytes(size_bytes: int) -> str:
    """``size_bytes`` in the largest binary unit that is at least 1, with three significant digits: ``1.72 GiB``."""
    magnitude = abs(size_bytes)
    for step, unit in _BYTE_STEPS:
        if magnitude >= step:
            return f"{_three_digits(size_bytes / step)} {unit}"
    return f"{size_bytes} B"


def human_ns(duration_ns: int) -> str:
    """A duration in the largest fitting unit with three significant digits: ``12.3 s``, ``450 ms``."""
    magnitude = abs(duration_ns)
    for step, unit in _NS_STEPS:
        if magnitude >= step:
            return f"{_three_digits(duration_ns / step)} {unit}"
    return f"{duration_ns} ns"


def human_bp(share_bp: int) -> str:
    """Basis points (1/10,000) as a percentage with one decimal: ``9_950`` is ``99.5 %``."""
    return f"{share_bp / 100:.1f} %"


def human_count(count: int) -> str:
    """A count with thousands separators."""
    return f"{count:,}"


def share_bp(part: int, whole: int) -> int:
    """``part / whole`` in basis points, rounded half up; 0 where the whole is 0."""
    return 0 if whole == 0 else (part * 20_000 + whole) // (2 * whole)


def _three_digits(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
