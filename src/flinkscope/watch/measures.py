"""What is watched: each measure with its unit, its meaning, and the name under which Prometheus gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """``limit``: the measure that bounds it, if its exhaustion ends the process; then it is forecast."""

    name: str
    meaning: str
    limit: str | None = None


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("live_set_bytes", "heap after the last collection (REST: lowest of a minute)", "heap_limit_bytes"),
        Measure("heap_limit_bytes", "what the live set may grow to: -Xmx; of Serial and Parallel the old generation"),
        Measure("old_used_bytes", "old generation in use"),
        Measure("metaspace_bytes", "metaspace after the last collection (REST: now)", "metaspace_limit_bytes"),
        Measure("metaspace_limit_bytes", "-XX:MaxMetaspaceSize"),
        Measure("direct_bytes", "direct buffers in use (only by REST)", "direct_limit_bytes"),
        Measure("direct_limit_bytes", "-XX:MaxDirectMemorySize, as Flink sets it"),
        Measure("resident_bytes", "resident memory of the process (a pod: of its control group)", "memory_limit_bytes"),
        Measure("memory_limit_bytes", "the tightest memory limit of its control group"),
        Measure("checkpoint_bytes", "size of the last checkpoint's whole state"),
        Measure("watermark_lag_ms", "how far the lowest watermark is behind the clock"),
        Measure("timers", "registered heap timers (TimerHeapInternalTimer objects; --timers-every)"),
        Measure("gc_share_bp", "time in collections since the last sample, in 1/10,000"),
        Measure("loaded_classes", "classes loaded now"),
        Measure("threads", "live threads"),
        Measure("submissions", "jobs that this watch has seen on the cluster"),
        Measure("uv_page_views", "page views that a daily-UV job has taken in since its last start (REST)"),
        Measure("uv_late_rows", "of them those that came after the end of their day (REST)"),
        Measure("uv_malformed_rows", "rows of a daily-UV job that were no events, since its last start (REST)"),
        Measure("uv_keys", "keys of a daily-UV job's open days (REST; designs bucket and approx)"),
    )
}  # fmt: skip
FORECAST = tuple(measure for measure in MEASURES.values() if measure.limit is not None)


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at one target. ``identity`` changes when it was restarted; what is not known is not in ``values``.

    ``pid``: of a process of this machine; None for one that is seen through REST or a pod.
    """

    target: str
    role: str
    identity: str
    values: Mapping[str, int]
    pid: int | None = None
