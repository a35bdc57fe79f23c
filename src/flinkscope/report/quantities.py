"""One figure as people read it, by its unit; "not known" where there is none."""

from __future__ import annotations

from flinkscope.report.language import say
from flinkscope.units import human_bp, human_bytes, human_count, human_ns


def shown(value: int | None, unit: str, text: str = "") -> str:
    """``1.72 GiB``, ``96.0 %``, ``12.3 s``, ``402,118``; ``text`` for figures that are words."""
    if unit == "text":
        return text or say("not known")
    if value is None:
        return say("not known")
    if unit == "bytes":
        return human_bytes(value)
    if unit == "bytes_per_s":
        return f"{human_bytes(value)}/s"
    if unit == "ns":
        return human_ns(value)
    if unit == "milli":
        return f"{value / 1000:.2f}"
    return human_bp(value) if unit == "bp" else human_count(value)
