"""Memory settings as remedies: from the measured live set to keys, through the model that the JVM start itself uses."""

from __future__ import annotations

from collections.abc import Mapping

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ConfigFacts, ProcessFacts
from flinkscope.diagnosis.finding import OptionChange, Remedy, Step
from flinkscope.diagnosis.pressure import HeapPressure
from flinkscope.diagnosis.remedies.window_design import rocksdb_backend
from flinkscope.diagnosis.split import flink_role, memory_parts, version_of
from flinkscope.errors import FlinkscopeError
from flinkscope.flink.memory_inside import backend_of
from flinkscope.flink.options import option
from flinkscope.flink.sizing import HeapTarget, Proposal, heap_for_live_set, size_for
from flinkscope.units import human_bytes

CEILING_BP = 9_000  # a live set above that was cut off by -Xmx: what the job would hold is more


def memory_remedies(facts: ProcessFacts, pressure: HeapPressure) -> tuple[Remedy, ...]:
    """Settings that give the live set the room it needs, the cheapest first; none where a fact for it is missing."""
    config = present(facts.config)
    if config is None or pressure.live_set_bytes is None:
        return ()
    gc = present(facts.gc)
    try:
        target = heap_for_live_set(
            pressure.live_set_bytes,
            gc.collector if gc else "G1",
            rising=pressure.rising is not False,
            upper_bound=gc.live_set_is_upper_bound if gc else True,
            at_ceiling=(pressure.live_share_bp or 0) >= CEILING_BP,
        )
        proposals = size_for(
            heap_bytes=target.heap_bytes,
            config=config.options,
            role=flink_role(facts.role),
            flink=version_of(facts),
        )
    except FlinkscopeError:
        return ()  # an illegal configuration or a collector without a factor: R29 and the GC facts speak of them
    ranked = sorted(proposals, key=lambda p: p.model.process_bytes)
    return tuple(_remedy(p, target, config, pressure) for p in ranked)


def state_backend_remedy(facts: ProcessFacts) -> tuple[Remedy, ...]:
    """RocksDB under the option name of the user's version; nothing where it is in use or has no managed memory."""
    config = present(facts.config)
    options: Mapping[str, str] = config.options if config else {}
    if backend_of(options) in ("rocksdb", "forst"):
        return ()
    version = version_of(facts)
    key = "state.backend.type" if option("state.backend.type", version) else "state.backend"
    return (rocksdb_backend(key, options.get(key)),)


def _remedy(proposal: Proposal, target: HeapTarget, config: ConfigFacts, pressure: HeapPressure) -> Remedy:
    before = proposal.before
    heap = human_bytes(proposal.model.heap_bytes)
    was = f"{human_bytes(before.heap_bytes)} → " if before else ""
    growing = " If the number of keys a day still grows, this only buys time." if pressure.rising is not False else ""
    return Remedy(
        id=f"memory-{proposal.name}",
        title=proposal.title,
        effect=f"heap {was}{heap}: {target.factor:g} × the live set of {human_bytes(target.live_set_bytes)}. "
        f"{proposal.why[0].upper()}{proposal.why[1:]}.{growing}",
        cost=f"{proposal.cost}; {proposal.risk}",
        verify="flinkscope gc NEW-GC.LOG: the live set after full GC stays below 40 % of the heap over a whole day",
        options=tuple(OptionChange(k, config.options.get(k), v) for k, v in proposal.changes.items()),
        arithmetic=_arithmetic(proposal, target),
        cures=True,
        memory_before=memory_parts(before) if before else {},
        memory_after=memory_parts(proposal.model),
    )


def _arithmetic(proposal: Proposal, target: HeapTarget) -> tuple[Step, ...]:
    low, high = human_bytes(target.rule_low_bytes), human_bytes(target.rule_high_bytes)
    wanted = f"{human_bytes(target.live_set_bytes)} × {target.factor:g} ({'; '.join(target.reasons)})"
    model = proposal.model
    return (
        Step("live set", "measured after full GC", target.live_set_bytes),
        Step("heap wanted", wanted, target.heap_bytes),
        Step("rule of thumb", f"3–5 × the live set: {low} to {high}"),
        *(Step(step.part, step.how, step.size_bytes) for step in model.steps),
        Step("heap", "framework heap + task heap = -Xmx = -Xms", model.heap_bytes),
    )
