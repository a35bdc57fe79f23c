"""The watch as a Prometheus endpoint on loopback. Names and units are documented in docs/reference/watch.md.

Sizes are ``_bytes``, times ``_seconds``, shares ``_ratio`` (0 to 1). A figure that is not known is not exposed:
there is no 0 in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from flinkscope.watch.endpoint import MetricsServer
from flinkscope.watch.forecast import Forecast
from flinkscope.watch.measures import MEASURES
from flinkscope.watch.state import TargetState
from flinkscope.watch.watcher import Watcher

_LABELS = ("target", "role")
_SCALED = {"watermark_lag_ms": ("watermark_lag_seconds", 1e-3), "gc_share_bp": ("gc_share_ratio", 1e-4)}
_FORECASTS = (
    ("time_left_earliest_seconds", "earliest", "early end of the forecast's interval"),
    ("time_left_likely_seconds", "likely", "when the resource runs out at the present rate"),
    ("time_left_latest_seconds", "latest", "late end of the interval; absent: perhaps never"),
)


def metric_names() -> dict[str, str]:
    """Every metric that is exposed, without the suffix of counters, with its meaning."""
    names = {f"flinkscope_{_scaled(name)[0]}": measure.meaning for name, measure in MEASURES.items()}
    names |= {f"flinkscope_{name}": f"{meaning}; label resource" for name, _, meaning in _FORECASTS}
    return names | {
        "flinkscope_up": "1: seen at its last turn; 0: gone",
        "flinkscope_restarts": "restarts that the watch has seen (a counter: _total)",
        "flinkscope_submissions_left_fewest": "jobs that can still be submitted before metaspace is full, at least",
        "flinkscope_submissions_left_likely": "the same, at the present step for each job",
        "flinkscope_alert_firing": "1 for each alert rule that holds; label alert",
    }


class WatchCollector(Collector):
    """Turns the states into metrics when Prometheus asks."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def collect(self) -> Iterable[Any]:
        """All families; one short lock."""
        with self._watcher.lock:
            states = list(self._watcher.states.values())
            yield from [*_measures(states), *_forecasts(states), *_lives(states), *_submissions(states)]
            alerts = _family("alert_firing", ("alert", "target"))
            for alert in self._watcher.book.firing.values():
                alerts.add_metric((alert.rule.text, alert.target), 1)
            yield alerts


def serve(watcher: Watcher, port: int, address: str = "127.0.0.1", token: str = "") -> MetricsServer:
    """Serves ``/metrics``; port 0 is any free one. SourceError: it is taken, or open to all without a token."""
    registry = CollectorRegistry()
    registry.register(WatchCollector(watcher))
    return MetricsServer(lambda: generate_latest(registry), port, address, token)


def dashboard(name: str = "dashboard") -> str:
    """The Grafana dashboard that goes with it, as JSON; ``uv``: that of the daily-UV job."""
    return files("flinkscope.watch").joinpath(f"data/grafana-{name}.json").read_text(encoding="utf-8")


def _family(name: str, labels: tuple[str, ...] = _LABELS) -> GaugeMetricFamily:
    full = f"flinkscope_{name}"
    return GaugeMetricFamily(full, metric_names()[full], labels=labels)


def _scaled(name: str) -> tuple[str, float]:
    return _SCALED.get(name, (name, 1.0))


def _measures(states: list[TargetState]) -> Iterator[GaugeMetricFamily]:
    for measure in MEASURES:
        name, factor = _scaled(measure)
        family = _family(name)
        for state in states:
            if not state.gone and measure in state.values:
                family.add_metric((state.target, state.role), state.values[measure] * factor)
        yield family


def _forecasts(states: list[TargetState]) -> Iterator[GaugeMetricFamily]:
    for name, end, _meaning in _FORECASTS:
        family = _family(name, (*_LABELS, "resource"))
        for state in states:
            for measure, expected in state.forecasts.items():
                seconds = getattr(expected, f"{end}_s") if isinstance(expected, Forecast) else None
                if seconds is not None and not state.gone:
                    family.add_metric((state.target, state.role, measure.removesuffix("_bytes")), seconds)
        yield family


def _lives(states: list[TargetState]) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    up = _family("up")
    restarts = CounterMetricFamily("flinkscope_restarts", metric_names()["flinkscope_restarts"], labels=_LABELS)
    for state in states:
        up.add_metric((state.target, state.role), 0 if state.gone else 1)
        restarts.add_metric((state.target, state.role), state.restarts)
    yield up
    yield restarts


def _submissions(states: list[TargetState]) -> Iterator[GaugeMetricFamily]:
    fewest, likely = _family("submissions_left_fewest"), _family("submissions_left_likely")
    for state in states:
        left = state.submissions_left()
        if left is not None and not state.gone:
            fewest.add_metric((state.target, state.role), left.fewest)
            likely.add_metric((state.target, state.role), left.likely)
    yield fewest
    yield likely
