"""# R12 · The upgrade to Flink 1.17 or later took heap away

**Symptom.** After an upgrade across 1.17 the same job in the same container is short of heap, with an unchanged
configuration.

**Why it happens.** Up to 1.16 network memory was at most 1 GB. From 1.17 on `taskmanager.memory.network.max` has no
limit by default: from a process size of 11,520 MB the network's tenth exceeds 1 GB, and the heap loses what it gains.

**Evidence.** Two starts of the process under versions on both sides of 1.17 in the logs, `network.max` not set, and
the memory model's heap for both versions (where the log tells it, the logged -Xmx too).

**Remedy.** `taskmanager.memory.network.max: 1g` gives the old split back.

**Not this when** `network.max` is set, the process is smaller than 11,520 MB, or no log tells the version before.

**Sources.** FLINK-30454 (1.17 release notes); the memory model's vectors of 1.16 and 1.17 (16 GB: 7.7 GiB → 7.2 GiB).
"""

from __future__ import annotations

from collections.abc import Mapping

from flinkscope.absent import required
from flinkscope.diagnosis.facts import EarlierRun, ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.pressure import heap_pressure
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.split import memory_split, split_of, version_of
from flinkscope.errors import FlinkscopeError
from flinkscope.flink.memory_options import parse_version
from flinkscope.units import MIB, human_bytes

RULE = Rule(
    id="R12",
    title="The upgrade to Flink 1.17 or later took heap away",
    severity=Severity.ERROR,
    needs=(("config",),),
    explains=("R01", "R10", "R31", "R32"),
    roles=("taskmanager",),
    versions="1.17 – 2.3",
    thresholds={"lost_bytes": Threshold(64 * MIB, "bytes", "less is within the rounding of a heap's regions")},
    proved_on="recorded texts; heaps as the jars of 1.16 and 1.20 compute them (corpus R12-upgrade)",
)

_MAXIMUM = "taskmanager.memory.network.max"
_TURN = (1, 17)
_LAST_BEFORE = "1.16.3"


def check(facts: ProcessFacts) -> Outcome:
    """Fires when the heap was larger under the version before, and the process is short of it now."""
    required(facts.config)
    options, now = options_of(facts), split_of(facts)
    if facts.flink_version is None or parse_version(facts.flink_version) < _TURN:
        return RuledOut("the process does not run 1.17 or later, as far as is known")
    if _MAXIMUM in options or now is None:
        return RuledOut(f"{_MAXIMUM} is set" if _MAXIMUM in options else "the memory split is not known")
    earlier = facts.earlier
    before = earlier.flink_version if earlier else _LAST_BEFORE
    if parse_version(before) >= _TURN:
        return RuledOut(f"the version before was {before}: the same network memory")
    was = _heap_under(options, before)
    lost = (was or 0) - now.heap_bytes
    if was is None or lost < RULE.thresholds["lost_bytes"].value:
        return RuledOut("the heap was no larger under 1.16")
    pressure = heap_pressure(facts)
    if not pressure.is_tight:
        return RuledOut(f"1.16 gave {human_bytes(lost)} more heap, but there is room without", pressure.evidence)
    if earlier is None:
        return Unclear(
            f"under 1.16 the heap would be {human_bytes(lost)} larger; no log tells which version ran before",
            "the log of the last run before the upgrade", pressure.evidence,
        )  # fmt: skip
    return Fired(
        summary=f"from {before} to {version_of(facts)} the heap shrank from {human_bytes(was)} to"
        f" {human_bytes(now.heap_bytes)}: {human_bytes(lost)} went to the network",
        evidence=(*_evidence(earlier, was, now.heap_bytes), *pressure.evidence),
        remedies=option_remedy(facts, _BOUND, {_MAXIMUM: "1g"}),
        certainty_bp=8_500,
        explained_bytes=lost,
    )


_BOUND = Remedy(
    id="bound-network",
    title="Bound the network memory as before 1.17",
    effect="the heap is as large as before the upgrade",
    cost="network memory is 1 GB again, as it was",
    verify="the log's memory tree at the start: Network is 1.000gb",
)


def _heap_under(options: Mapping[str, str], version: str) -> int | None:
    try:
        return memory_split(options, "taskmanager", version, "").heap_bytes
    except FlinkscopeError:
        return None


def _evidence(earlier: EarlierRun, was_bytes: int, now_bytes: int) -> tuple[Evidence, ...]:
    logged = f", its log says -Xmx {earlier.max_heap_mib} MiB" if earlier.max_heap_mib is not None else ""
    text = f"it ran Flink {earlier.flink_version} before: a heap of {human_bytes(was_bytes)} by the model{logged}"
    return (Evidence(text, earlier.place, {"heap_before_bytes": was_bytes, "heap_bytes": now_bytes}),)
