"""What the rules on leaked class loaders share: the verdict, its evidence, the forecast, what does not help."""

from __future__ import annotations

from collections.abc import Sequence

from flinkscope.absent import present
from flinkscope.diagnosis import metaspace
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, Outcome, Remedy, RuledOut, Step, Unclear
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.flink.loaders import PinGroup, UserLoader, pin_groups
from flinkscope.place import Place
from flinkscope.units import human_bytes

_MOST_EVIDENCE = 8
# places that hold one object only: the last one set wins, so they never keep more than one loader
_SINGLE_PLACES = frozenset({"uncaught_exception_handler", "static_field", "thread_context_loader"})
COLLECT = "jcmd PID GC.heap_dump FILE; flinkscope heap loaders --leaked FILE"
ATTEMPTS = (
    "A larger metaspace only postpones it: so many submissions more, then the same end.",
    "classloader.check-leaked-classloader: false changes nothing about the leak: it only takes the warning away.",
    "classloader.resolve-order: parent-first changes nothing: the user's jar has a loader of its own all the same.",
    "Removing the one library that the shortest path names: every other pin still keeps the loader.",
)


def leaked_of(facts: ProcessFacts) -> tuple[UserLoader, ...]:
    """The leaked loaders of the process's dump; none where there is no dump."""
    return tuple(row for row in present(facts.loaders) or () if row.state == "leaked")


def verdict(facts: ProcessFacts, remedies: tuple[Remedy, ...], groups: Sequence[PinGroup]) -> Outcome:
    """Fires where loaders are leaked, by their number and pins; unclear without a dump that could tell."""
    events = said(facts, "oom_metaspace", "closed_class_loader")
    rows, leaked = present(facts.loaders), leaked_of(facts)
    if rows is None:
        return _without_dump(facts, remedies)
    if not leaked:
        waiting = sum(row.state == "awaiting_gc" for row in rows)
        return RuledOut(
            f"no closed class loader is strongly reachable ({len(rows)} in all, {waiting} await a collection)"
        )
    if len(leaked) == 1 and not events and {p.kind for p in leaked[0].pins} <= _SINGLE_PLACES:
        return Unclear("one loader is kept by a place that holds only the last one set: it may never be more", COLLECT)
    return Fired(
        summary=_summary(facts, leaked, groups),
        evidence=(*_evidence(facts, leaked, groups), *as_evidence(events)),
        remedies=remedies,
        certainty_bp=10_000 if len(leaked) > 1 or events else 8_000,
        attempts=ATTEMPTS,
    )


def _without_dump(facts: ProcessFacts, remedies: tuple[Remedy, ...]) -> Outcome:
    """Counts of loaders, or a floor that rises with the submissions, tell a leak; but not who keeps it."""
    full = (*metaspace.trouble(facts), *as_evidence(said(facts, "closed_class_loader")))
    if not full:
        return RuledOut("nothing tells of metaspace trouble")
    rising, counted = metaspace.growth(facts), metaspace.loader_evidence(facts)
    many = facts.loader_count is not None and facts.loader_count >= metaspace.MANY_LOADERS
    if not rising and not many:
        return Unclear("metaspace ran out; only a heap dump tells a leak from too small", COLLECT, (*full, *counted))
    what = f"{facts.loader_count} user class loaders are alive" if many else "what stays grows with each submission"
    summary = f"metaspace ran out, and {what}: who keeps them only a heap dump tells"
    return Fired(summary, (*full, *counted, *rising), remedies, 7_500, attempts=ATTEMPTS)


def groups_of(facts: ProcessFacts) -> tuple[PinGroup, ...]:
    """The pins of all leaked loaders, the same ones together."""
    return pin_groups(leaked_of(facts))


def arithmetic(facts: ProcessFacts) -> tuple[Step, ...]:
    """How many submissions fit into the process's metaspace, from the classes of a leaked loader."""
    leaked, config = leaked_of(facts), present(facts.config)
    memory = present(config.memory) if config else None
    if not leaked or memory is None:
        return ()
    classes = sum(row.classes for row in leaked) // len(leaked)
    step = sum(row.metaspace_bytes for row in leaked) // len(leaked)
    limit = memory.metaspace_bytes
    return (
        Step("a leaked loader", f"{classes:,} classes × 4 KiB (estimate)", step),
        Step("metaspace", "its limit", limit),
        Step("loaders that fit at most", f"{human_bytes(limit)} ÷ {human_bytes(step)} = {limit // max(1, step)}"),
    )


def _summary(facts: ProcessFacts, leaked: Sequence[UserLoader], groups: Sequence[PinGroup]) -> str:
    lost = sum(row.metaspace_bytes for row in leaked)
    what = "program that is over" if facts.role == "jobmanager" else "job that is over"
    many = f"{len(leaked)} class loaders, each of a {what}," if len(leaked) > 1 else f"the class loader of a {what}"
    named = "; ".join(f"{group.text} ({group.library})" for group in groups[:3])
    more = f"; and {len(groups) - 3} more" if len(groups) > 3 else ""
    return f"{many} cannot be unloaded (about {human_bytes(lost)} of metaspace): {named}{more}"


def _evidence(facts: ProcessFacts, leaked: Sequence[UserLoader], groups: Sequence[PinGroup]) -> tuple[Evidence, ...]:
    heap = present(facts.heap)
    source = heap.place.source if heap else "heap dump"
    rows = present(facts.loaders) or ()
    live = sum(row.state == "live" for row in rows)
    count = Evidence(
        f"{len(leaked)} user class loaders are closed and strongly reachable, {live} live",
        Place(source, address=leaked[0].address),
        {"leaked_loaders": len(leaked), "classes": sum(row.classes for row in leaked)},
    )
    pins = [
        Evidence(
            f"{group.text}: {group.code or group.library}"
            + (f", thread “{group.thread}”" if group.thread else "")
            + f"; {' '.join(group.example.chain[-3:])}",
            Place(source, address=group.example.holder_address),
            {"pins": group.pins, "loaders": group.loaders},
        )
        for group in groups[:_MOST_EVIDENCE]
    ]
    return (count, *pins)
