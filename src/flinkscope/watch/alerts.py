"""Alert rules: a measure, a share of its limit or a forecast against a threshold; each fires once and clears once."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flinkscope.errors import UsageError
from flinkscope.units import human_bp, human_bytes, human_ns
from flinkscope.watch.measures import FORECAST, MEASURES

_RULE = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([\d.]+)\s*(%|[kmg]i?b?|ms|s|min|h)?\s*", re.IGNORECASE)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_BYTES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
DEFAULT_RULES = (
    "live_set_time_left_s < 30min",
    "metaspace_time_left_s < 30min",
    "direct_time_left_s < 30min",
    "metaspace_submissions_left < 5",
    "live_set_share > 90%",
    "metaspace_share > 90%",
    "direct_share > 90%",
    "resident_share > 95%",
    "gc_share > 50%",
)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """``text`` as it was given. Shares are in 1/10,000, times in s or ms by the name's ending, sizes in bytes."""

    text: str
    quantity: str
    comparison: str
    threshold: float

    def holds(self, quantities: Mapping[str, float]) -> bool:
        """Whether it fires; a quantity that is not known does not fire."""
        value = quantities.get(self.quantity)
        return value is not None and _COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True, slots=True)
class Alert:
    """A change: a rule began to hold for a target (``firing``) or ceased to."""

    rule: AlertRule
    target: str
    value: float
    firing: bool
    time_ns: int

    @property
    def value_text(self) -> str:
        """The value in the unit that people read: percent, MiB, minutes; ``unknown`` when it is not told any more."""
        value, quantity = self.value, self.rule.quantity
        if math.isnan(value):
            return "unknown"
        if quantity.endswith(("_share", "_bp")):
            return human_bp(round(value))
        if quantity.endswith("_bytes"):
            return human_bytes(round(value))
        if quantity.endswith("_ms"):
            return human_ns(round(value * 1e6))
        return human_ns(round(value * 1e9)) if quantity.endswith("_s") else f"{value:,.0f}"


def known_quantities() -> list[str]:
    """All names that a rule may use."""
    stems = [measure.name.removesuffix("_bytes") for measure in FORECAST]
    derived = [f"{stem}_{what}" for stem in stems for what in ("share", "time_left_s")]
    return sorted([*MEASURES, *derived, "gc_share", "metaspace_submissions_left"])


def parse_rule(text: str) -> AlertRule:
    """``live_set_share > 90%``, ``watermark_lag_ms > 10min``, ``checkpoint_bytes >= 2g``. Raises UsageError."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not an alert rule", hint="for example 'live_set_share > 90%'")
    quantity, comparison, number, unit = match[1], match[2], match[3], (match[4] or "").lower()
    if quantity not in known_quantities():
        raise UsageError(f"{text!r}: no quantity {quantity!r}", hint=f"one of {', '.join(known_quantities())}")
    try:
        threshold = float(number)
    except ValueError as error:
        raise UsageError(f"{text!r}: {number!r} is not a number") from error
    return AlertRule(text.strip(), quantity, comparison, threshold * _factor(text, quantity, unit))


class AlertBook:
    """Which rules hold for which targets; tells only what changed."""

    def __init__(self, rules: Iterable[AlertRule]) -> None:
        self.rules = tuple(rules)
        self.firing: dict[tuple[str, str], Alert] = {}
        self.ever_fired = False

    def judge(self, target: str, quantities: Mapping[str, float], now_ns: int) -> list[Alert]:
        """The changes for one target. A quantity that is no longer known clears its alert."""
        changes = []
        for rule in self.rules:
            key, holds = (rule.text, target), rule.holds(quantities)
            if holds == (key in self.firing):
                continue
            alert = Alert(rule, target, quantities.get(rule.quantity, float("nan")), holds, now_ns)
            if holds:
                self.firing[key] = alert
                self.ever_fired = True
            else:
                del self.firing[key]
            changes.append(alert)
        return changes


def _factor(text: str, quantity: str, unit: str) -> float:
    if not unit:
        return 1.0
    if unit == "%" and quantity.endswith(("_share", "_bp")):
        return 100.0
    if unit in _SECONDS and quantity.endswith("_ms"):
        return _SECONDS[unit] * 1000
    if unit in _SECONDS and quantity.endswith("_s"):
        return _SECONDS[unit]
    if unit[0] in _BYTES and unit not in _SECONDS and quantity.endswith("_bytes"):
        return float(_BYTES[unit[0]])
    raise UsageError(f"{text!r}: {quantity} is not measured in {unit!r}")
