"""Proposals as text, JSON, a configuration diff and a FlinkDeployment patch."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from flinkscope.absent import Absent
from flinkscope.flink.memory_view import WIDTH, leaves, memory_document
from flinkscope.flink.sizing import Proposal
from flinkscope.flink.sizing_live_set import HeapTarget
from flinkscope.units import human_bytes

_COLLECTORS = {"g1": "G1", "z": "ZGC", "cms": "CMS"}  # the others are words: Serial, Parallel, Shenandoah


def target_lines(target: HeapTarget) -> list[str]:
    """Live set, factor and the rule of thumb beside it."""
    collector = _COLLECTORS.get(target.collector, target.collector.capitalize())
    rule = f"{human_bytes(target.rule_low_bytes)} … {human_bytes(target.rule_high_bytes)}"
    lines = [
        f"live set {human_bytes(target.live_set_bytes)} × {target.factor:g} ({collector}) = heap "
        f"{human_bytes(target.heap_bytes)}" + (" (cut at 31 GiB)" if target.capped else ""),
        f"the 3–5 × rule of thumb (Hunt & John, Java Performance) would say {rule}",
        *target.reasons,
    ]
    return [
        part for line in lines for part in textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]


def overview_lines(proposals: Sequence[Proposal]) -> list[str]:
    """All proposals side by side, one a line."""
    lines = [f"  {'':<20}{'processes':>10}{'process':>11}{'JVM heap':>11}{'managed':>11}{'direct':>11}{'more':>12}"]
    for proposal in proposals:
        model = proposal.model
        managed = human_bytes(getattr(model, "managed_bytes", 0))
        lines.append(
            f"  {proposal.name:<20}{proposal.processes:>10}{human_bytes(model.process_bytes):>11}"
            f"{human_bytes(model.heap_bytes):>11}{managed:>11}{human_bytes(model.direct_bytes):>11}{_more(proposal):>12}"
        )
    return lines


def proposal_lines(proposal: Proposal, config: Mapping[str, str]) -> list[str]:
    """One proposal: title, diff, why, cost, risk and the whole new split beside the old one."""
    lines = [proposal.title, *(f"    {line}" for line in diff_lines(proposal, config))]
    for name in ("why", "cost", "risk"):
        text = f"{name}: {getattr(proposal, name)}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="        ")
    return [*lines, *_split_lines(proposal)]


def diff_lines(proposal: Proposal, config: Mapping[str, str]) -> list[str]:
    """The changes as lines of a configuration diff."""
    lines: list[str] = []
    for key, value in proposal.changes.items():
        if config.get(key) == value:
            continue
        if key in config:
            lines.append(f"- {key}: {config[key]}")
        if value is not None:
            lines.append(f"+ {key}: {value}")
    return lines


def deployment_patch(proposal: Proposal) -> dict[str, Any]:
    """A JSON merge patch for the FlinkDeployment: the process size goes to ``resource.memory``, the rest to the map."""
    role = proposal.model.role
    part = "taskManager" if role == "taskmanager" else "jobManager"
    spec: dict[str, Any] = {}
    keys = {key: value for key, value in proposal.changes.items() if key != f"{role}.memory.process.size"}
    size = proposal.changes.get(f"{role}.memory.process.size")
    if size is not None:
        spec[part] = {"resource": {"memory": size}}
    if keys:
        spec["flinkConfiguration"] = keys
    return {"spec": spec}


def patch_lines(proposal: Proposal, name: str) -> list[str]:
    """The command that applies the patch."""
    patch = json.dumps(deployment_patch(proposal), indent=2).replace("\n", "\n    ")
    return [f"  kubectl patch flinkdeployment {name or 'NAME'} --type merge -p '", f"    {patch}'"]


def proposal_document(proposal: Proposal, config: Mapping[str, str]) -> dict[str, Any]:
    """A proposal as plain data for JSON."""
    return {
        "name": proposal.name,
        "title": proposal.title,
        "why": proposal.why,
        "cost": proposal.cost,
        "risk": proposal.risk,
        "changes": proposal.changes,
        "processes": proposal.processes,
        "wanted_heap_bytes": proposal.wanted_heap_bytes,
        "diff": diff_lines(proposal, config),
        "flink_deployment_patch": deployment_patch(proposal),
        "model": memory_document(proposal.model, None),
        "before": None if proposal.before is None else memory_document(proposal.before, None),
    }


def absent_lines(ways: Sequence[Absent]) -> list[str]:
    """What could not be computed, and what is missing for it."""
    lines = [
        f"{way.what}: not computed: {way.reason}" + (f"; {way.how_to_get}" if way.how_to_get else "") for way in ways
    ]
    return [
        part for line in lines for part in textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]


def _split_lines(proposal: Proposal) -> list[str]:
    before = {} if proposal.before is None else {n.label: n.size_bytes for n in leaves(proposal.before.tree())}
    lines = [f"    {'':<22}{'before':>12}{'after':>12}{'difference':>14}"]
    rows = [(node.label, before.get(node.label), node.size_bytes) for node in leaves(proposal.model.tree())]
    whole = None if proposal.before is None else proposal.before.process_bytes
    rows.append(("Total process", whole, proposal.model.process_bytes))
    for label, old, new in rows:
        shown = "–" if old is None else human_bytes(old)
        change = "–" if old is None else "=" if old == new else _signed(new - old)
        lines.append(f"    {label:<22}{shown:>12}{human_bytes(new):>12}{change:>14}")
    return lines


def _more(proposal: Proposal) -> str:
    if proposal.before is None:
        return "–"
    more = proposal.processes * proposal.model.process_bytes - proposal.before.process_bytes
    return "=" if more == 0 else _signed(more)


def _signed(size_bytes: int) -> str:
    return f"{'+' if size_bytes > 0 else '−'}{human_bytes(abs(size_bytes))}"
