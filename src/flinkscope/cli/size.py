"""``flinkscope size``: from a live set to configuration keys that start."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.config_source import ConfigChoice, choose_config, config_options

if TYPE_CHECKING:
    from flinkscope.flink.sizing_evidence import MeasuredLiveSet
    from flinkscope.flink.sizing_live_set import HeapTarget

_NS = {"s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}


@click.command("size")
@config_options
@click.option("--heap", metavar="SIZE", help="The wanted JVM heap itself, e.g. 4g.")
@click.option("--live-set", metavar="SIZE", help="What stays alive after a full collection, e.g. 800m.")
@click.option("--from", "evidence", type=click.Path(path_type=Path), help="GC log, heap dump or class histogram.")
@click.option("--live", "live_pid", type=click.IntRange(1), metavar="PID", help="Measure this running JVM.")
@click.option("--collector", help="G1, Parallel, Serial, ZGC, …; else the evidence's, else G1.")
@click.option("--until", metavar="TIME", help="A live set that rises still grows this long, e.g. 24h.")
@click.option("--state", metavar="SIZE", help="How much of the live set is keyed state: sizes RocksDB as well.")
@click.option("--choose", metavar="NAME", help="Show only this proposal, with its patch: process-size, rocksdb, …")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(**options: Any) -> None:
    """Sizes a TaskManager or JobManager for a live set: which keys, what they cost, and the whole new split.

    The heap is the live set times a factor of the collector (the 3–5 × rule of thumb is shown beside it); the keys are
    found by trying Flink's own computation, so a proposal always starts. A live set that rises without an end is not
    sized: a leak fills any heap.

    \b
    Examples:
      flinkscope size conf/config.yaml --live-set 800m --collector G1
      flinkscope size taskmanager.memory.process.size=1728m --heap 2g --flink 1.20
      flinkscope size deployment.yaml --from gc.log
      flinkscope size conf --live 4711 --state 500m
    """
    from flinkscope.flink.sizing import Proposal, size_for
    from flinkscope.flink.sizing_alternatives import other_ways

    choice = _choice(options)
    live, target, heap_bytes = _wanted(options)
    arguments: dict[str, Any] = {"config": choice.config, "flink": choice.flink, "launcher": choice.launcher}
    proposals = list(size_for(heap_bytes=heap_bytes, role=choice.role, **arguments))
    ways: list[Any] = []
    if choice.role == "taskmanager":
        state_bytes = _state_heap_bytes(options["state"], target)
        ways = list(other_ways(heap_bytes=heap_bytes, state_bytes=state_bytes, **arguments))
    proposals += [way for way in ways if isinstance(way, Proposal)]
    missing = [way for way in ways if not isinstance(way, Proposal)]
    if options["choose"]:
        proposals, missing = _chosen(proposals, options["choose"]), []
    if options["as_json"]:
        _echo_json(choice, live, target, heap_bytes, proposals, missing)
    else:
        _show(choice, options["collector"], live, target, heap_bytes, proposals, missing)


def _choice(options: dict[str, Any]) -> ConfigChoice:
    names = ("words", "dynamic", "role", "flink", "pid", "rest", "task_manager", "launcher")
    source = {name: options[name] for name in names}
    if not any(source[name] for name in ("words", "dynamic", "pid", "rest")):
        role = source["role"] or "taskmanager"
        default = "1600m" if role == "jobmanager" else "1728m"
        source["dynamic"] = (f"{role}.memory.process.size={default}",)
        choice = choose_config(**source)
        shipped = replace(choice.source, source=f"Flink's shipped size {default} (no configuration given)")
        return replace(choice, source=shipped)
    return choose_config(**source)


def _wanted(options: dict[str, Any]) -> tuple[MeasuredLiveSet | None, HeapTarget | None, int]:
    """The measured live set (None if given), the heap target (None if the heap is given), and the heap's bytes."""
    from flinkscope.errors import UsageError
    from flinkscope.flink.sizing_evidence import grown
    from flinkscope.flink.sizing_live_set import heap_for_live_set

    given = [name for name in ("heap", "live_set", "evidence", "live_pid") if options[name] is not None]
    if len(given) != 1:
        raise UsageError(
            "say once what to size for" if given else "size for what?",
            hint="one of --heap SIZE, --live-set SIZE, --from FILE, --live PID",
        )
    if given == ["heap"]:
        return None, None, size_bytes(options["heap"])
    live = _measured(options)
    live_bytes = grown(live, _duration_ns(options["until"]))
    target = heap_for_live_set(
        live_bytes,
        options["collector"] or live.collector or "G1",
        rising=live.rising_bytes_per_s > 0,
        humongous_bp=live.humongous_bp,
        upper_bound=live.upper_bound,
        at_ceiling=live.at_ceiling,
    )
    return live, target, target.heap_bytes


def _measured(options: dict[str, Any]) -> MeasuredLiveSet:
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.flink.sizing_evidence import MeasuredLiveSet, live_set_of_process, measured_live_set

    if options["live_set"] is not None:
        return MeasuredLiveSet(size_bytes(options["live_set"]), "command line", "given")
    if options["live_pid"] is not None:
        return live_set_of_process(options["live_pid"])
    return measured_live_set(options["evidence"], TerminalProgress())


def _chosen(proposals: list[Any], name: str) -> list[Any]:
    from flinkscope.errors import UsageError

    found = [proposal for proposal in proposals if proposal.name == name]
    if not found:
        names = ", ".join(proposal.name for proposal in proposals)
        raise UsageError(f"there is no proposal {name!r} here", hint=f"one of {names}")
    return found


def size_bytes(text: str) -> int:
    """The bytes of a size as people write it. Raises UsageError."""
    from flinkscope.errors import UsageError
    from flinkscope.flink.memory_nearest import repaired_size
    from flinkscope.flink.memory_size import parse_size

    repaired = repaired_size(text)
    if repaired is None:
        raise UsageError(f"{text!r} is not a size", hint="write it like 800m, 4g or 1.5g")
    return parse_size(repaired)


def _duration_ns(text: str | None) -> int | None:
    from flinkscope.errors import UsageError

    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,9})\s*(s|min|m|h|d)\s*", text)
    if not match:
        raise UsageError(f"{text!r} is not a time", hint="write it like 90s, 30min, 24h or 7d")
    return int(match[1]) * _NS[match[2]]


def _state_heap_bytes(text: str | None, target: HeapTarget | None) -> int | None:
    """The heap that keyed state takes: its bytes times the same factor as the live set."""
    if text is None:
        return None
    return size_bytes(text) * (target.factor_percent if target else 100) // 100


def _wrapped(text: str) -> str:
    import textwrap

    from flinkscope.cli.main import printable

    return textwrap.fill(printable(text), 100, initial_indent="  ", subsequent_indent="    ")


def _show(
    choice: Any,
    collector: str | None,
    live: Any,
    target: Any,
    heap_bytes: int,
    proposals: list[Any],
    missing: list[Any],
) -> None:
    from flinkscope.cli.main import printable
    from flinkscope.flink import sizing_view as view
    from flinkscope.units import human_bytes

    click.echo(printable(f"{choice.heading()}\n"))
    click.echo(f"Wanted: {human_bytes(heap_bytes)} of JVM heap")
    if live is not None and live.basis != "given":
        click.echo(_wrapped(f"live set {human_bytes(live.live_set_bytes)} from {live.source}: {live.basis}"))
    if live is not None and live.collector is None and not collector:
        click.echo("  the collector is not known: G1 assumed; say --collector")
    lines = [] if target is None else view.target_lines(target)
    lines += ["", "Side by side", *view.overview_lines(proposals)]
    for number, proposal in enumerate(proposals, 1):
        first, *rest = view.proposal_lines(proposal, choice.config)
        lines += ["", f"{number}. {proposal.name}: {first}", *rest]
    if missing:
        lines += ["", "Not computed", *view.absent_lines(missing)]
    lines += ["", f"As a patch of the Kubernetes operator ({proposals[0].name})"]
    lines += view.patch_lines(proposals[0], choice.source.name)
    for line in lines:
        click.echo(printable(line))


def _echo_json(choice: Any, live: Any, target: Any, heap_bytes: int, proposals: list[Any], missing: list[Any]) -> None:
    from dataclasses import asdict

    from flinkscope.cli.show import echo_json
    from flinkscope.flink.sizing_view import proposal_document

    echo_json(
        {
            "role": choice.role,
            "flink": choice.flink,
            "source": choice.title,
            "wanted_heap_bytes": heap_bytes,
            "live_set": None if live is None else asdict(live),
            "target": None if target is None else asdict(target),
            "proposals": [proposal_document(proposal, choice.config) for proposal in proposals],
            "not_computed": [{"what": way.what, "reason": way.reason, "how": way.how_to_get} for way in missing],
        }
    )
