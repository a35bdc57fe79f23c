"""The incident with every text replaced by something that tries to break out of its page, table or terminal."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from flinkscope.report.model import Report
from report_support.incident import diagnosis

ATTACKS = (
    "</script><script>window.broken=1</script>",
    "<img src=x onerror=window.broken=1>",
    "'\" onmouseover=window.broken=1 x='",
    "{{ 7*7 }}{% raw %}",
    "\u202egnp.exe\u2066 rtl",
    "\x1b[2J\x1b]0;owned\x07",
    "`code` | cell | <b>bold</b> [x](javascript:alert(1)) @everyone",
    "\x00\ud800\u2028end",
    "]]>--><style>*{display:none}</style>",
    "x" * 1_000_000,
)


def hostile(report: Report) -> Report:
    """``report`` with attacks for all free text; words that the model fixes (severity, unit, kind) stay."""
    return _spoilt(report, iter(_forever()))


def hostile_diagnosis() -> Any:
    """The incident's diagnosis with attacks for all strings of its facts and findings."""
    return _spoilt(diagnosis(), iter(_forever()))


_FIXED = {"severity", "verdict", "unit", "kind", "format", "role", "root_cause", "rule", "explains", "explained_by"}


def _forever() -> Any:
    while True:
        yield from ATTACKS


def _spoilt(value: Any, attacks: Any) -> Any:
    if isinstance(value, str):
        return next(attacks)
    if isinstance(value, tuple):
        return tuple(_spoilt(v, attacks) for v in value)
    if isinstance(value, dict):
        return {k: _spoilt(v, attacks) for k, v in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            f.name: _spoilt(getattr(value, f.name), attacks) for f in fields(value) if f.name not in _FIXED and f.init
        }
        return replace(value, **changed)
    return value
