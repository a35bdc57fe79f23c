"""The watch on the terminal: one line a target, what runs out first, what fires. Plain text, 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flinkscope.units import human_bp, human_bytes, share_bp
from flinkscope.watch.alerts import Alert
from flinkscope.watch.forecast import Forecast
from flinkscope.watch.state import TargetState, soonest

_HEAD = f"{'TARGET':<26} {'LIVE SET':>17} {'METASPACE':>17} {'RSS':>9} {'GC':>6}  RUNS OUT"
_NAMES = {"live_set_bytes": "heap", "metaspace_bytes": "metaspace", "direct_bytes": "direct",
          "resident_bytes": "container"}  # fmt: skip


def board(states: Iterable[TargetState], firing: Iterable[Alert], troubles: Sequence[str]) -> str:
    """The whole screen."""
    ordered = sorted(states, key=_urgency)
    lines = [_HEAD, *(_line(state) for state in ordered)]
    details = [line for state in ordered for line in _job_or_submissions(state)]
    alerts = sorted({f"ALERT {alert.target}: {alert.rule.text}" for alert in firing})
    return "\n".join(line[:100].rstrip() for line in [*lines, *details, *alerts, *(f"! {t}" for t in troubles)])


def human_span(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``, ``2.1 d``."""
    for step, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= step:
            return f"{seconds / step:.1f} {unit}" if seconds < 10 * step else f"{seconds / step:.0f} {unit}"
    return f"{seconds:.0f} s"


def outlook(state: TargetState) -> str:
    """What runs out first: ``heap in 12 min (8 min to 20 min)``; empty when nothing does."""
    found = soonest(state.forecasts)
    if found is None:
        return ""
    name, expected = found
    if expected.at_ceiling:
        return f"{_NAMES[name]}: at any moment"
    latest = "?" if expected.latest_s is None else human_span(expected.latest_s)
    return f"{_NAMES[name]} in {human_span(expected.likely_s)} ({human_span(expected.earliest_s)} to {latest})"


def state_document(state: TargetState) -> dict[str, Any]:
    """One target as JSON; sizes in bytes, times in seconds; what is not known is not there."""
    forecasts = {
        name: (
            {"earliest_s": round(f.earliest_s, 1), "likely_s": round(f.likely_s, 1),
             "latest_s": None if f.latest_s is None else round(f.latest_s, 1), "at_ceiling": f.at_ceiling}
            if isinstance(f, Forecast)
            else {"none_because": f.reason}
        )
        for name, f in state.forecasts.items()
    }  # fmt: skip
    left = state.submissions_left()
    submissions = {} if left is None else {"submissions_left": {
        "fewest": left.fewest, "likely": left.likely, "most": left.most, "bytes_each": left.bytes_each}}  # fmt: skip
    return {
        "target": state.target, "role": state.role, "pid": state.pid, "restarts": state.restarts, "gone": state.gone,
        "time_unix_ms": state.seen_ns // 1_000_000, "values": state.values, "forecasts": forecasts, **submissions,
    }  # fmt: skip


def _urgency(state: TargetState) -> tuple[bool, float, str]:
    found = soonest(state.forecasts)
    return state.gone, found[1].likely_s if found else float("inf"), state.target


def _line(state: TargetState) -> str:
    values = state.values
    name = state.target if not state.restarts else f"{state.target} (restart {state.restarts})"
    if state.role == "job":
        return f"{name[:26]:<26}"
    share = values.get("gc_share_bp")
    gc = "-" if share is None else human_bp(share)
    words = "gone" if state.gone else outlook(state) or "-"
    resident = values.get("resident_bytes")
    rss = "-" if resident is None else human_bytes(resident)
    heap = _against(values, "live_set_bytes", "heap_limit_bytes")
    metaspace = _against(values, "metaspace_bytes", "metaspace_limit_bytes")
    return f"{name[:26]:<26} {heap:>17} {metaspace:>17} {rss:>9} {gc:>6}  {words}"


def _against(values: dict[str, int], used: str, limit: str) -> str:
    if used not in values:
        return "-"
    share = f" {human_bp(share_bp(values[used], values[limit]))}" if values.get(limit) else ""
    return human_bytes(values[used]) + share


def _job_or_submissions(state: TargetState) -> list[str]:
    lines = []
    left = state.submissions_left()
    if left is not None:
        most = "?" if left.most is None else str(left.most)
        each = human_bytes(left.bytes_each)
        lines.append(f"{state.target}: {left.likely} submissions left ({left.fewest} to {most}), {each} each")
    if state.role == "job" and not state.gone:
        size, lag = state.values.get("checkpoint_bytes"), state.values.get("watermark_lag_ms")
        shown = "-" if size is None else human_bytes(size)
        behind = "-" if lag is None else human_span(lag / 1000)
        lines.append(f"{state.target}: last checkpoint {shown}, watermark behind the clock {behind}")
        lines += _daily_uv(state)
    return lines


def _daily_uv(state: TargetState) -> list[str]:
    """One line for a daily-UV job, from what it counts itself."""
    names = {"uv_page_views": "page views", "uv_keys": "keys", "uv_late_rows": "late", "uv_malformed_rows": "malformed"}
    told = [f"{state.values[name]:,} {what}" for name, what in names.items() if name in state.values]
    return [f"{state.target}: {', '.join(told)}"] if told else []
