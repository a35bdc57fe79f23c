"""User class loaders of a Flink process: live, leaked or awaiting a collection, and every pin of each leaked one.

A loader whose ``ucp.closed`` is true belongs to a program or task that is over. If GC roots still reach it without
soft, weak, phantom or finalizer references, it is leaked; else a collection of metaspace will unload it. Proved on
Flink 2.3 with Java 11 to 25: two live jobs beside three leaked submissions are told apart exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.loader_members import LoaderObjects, loader_objects
from flinkscope.flink.loader_pins import PinSearch, walk_outside
from flinkscope.flink.pin_catalogue import KINDS
from flinkscope.flink.pin_description import LoaderPin, PinDescriber
from flinkscope.heap.goal_walk import GoalWalk

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

State = Literal["live", "leaked", "awaiting_gc"]

# Metaspace a class costs: 3.5 kB (2,600 small classes) to 5 kB (Flink's own 11.5 k classes in 57 MB), measured.
METASPACE_BYTES_PER_CLASS = 4096


@dataclass(frozen=True, slots=True)
class UnloadingCondition:
    """One condition for the unloading of a loader's classes, whether it ``holds``, and why."""

    name: str
    holds: bool
    why: str


@dataclass(frozen=True, slots=True)
class UserLoader:
    """One user class loader. ``job``: id in hex, None where the dump does not tell (the loader of a web submission's
    main() knows only its jar); ``classes``: it defined; ``instances``: objects of these that roots reach strongly;
    ``metaspace_bytes``: an estimate from the classes; ``unloading``: the conditions for its classes to go."""

    address: int
    class_name: str
    state: State
    job: str | None
    job_name: str | None
    jars: tuple[str, ...]
    pins: tuple[LoaderPin, ...]
    classes: int
    instances: int
    metaspace_bytes: int
    unloading: tuple[UnloadingCondition, ...]


@dataclass(frozen=True, slots=True)
class PinGroup:
    """The same pin over several loaders: ``pins`` in all, over ``loaders`` of them; ``example`` is one of them."""

    kind: str
    library: str
    code: str | None
    thread: str | None
    pins: int
    loaders: int
    example: LoaderPin

    @property
    def text(self) -> str:
        """``3 shutdown hooks × 5 submissions``."""
        each = -(-self.pins // self.loaders)
        kind = KINDS[self.kind]
        submissions = f"{self.loaders} submission{'s' if self.loaders > 1 else ''}"
        return f"{each} {kind.plural if each > 1 else kind.title} × {submissions}"


def user_loaders(heap: Heap) -> tuple[UserLoader, ...]:
    """All user class loaders of a Flink process: leaked first, then live, then those that only await a collection.

    Cost: a pass over the edges in file order and a few over the objects; 20 bytes an object.
    """
    objects = loader_objects(heap)
    if not len(objects.indices):
        return ()
    walk, leaked = walk_outside(heap, objects)
    strong = walk.reached(objects.indices)
    states = [_state(closed, there) for there, closed in zip(strong.tolist(), objects.closed, strict=True)]
    pins = _pins(heap, objects, leaked, walk)
    soft = _softly(heap, objects) if "awaiting_gc" in states else strong
    counts = _counts(heap, objects, walk)
    rows = [
        _row(heap, objects, at, state, tuple(pins.get(at, ())), counts, walk, bool(soft[at]))
        for at, state in enumerate(states)
    ]
    order = ("leaked", "live", "awaiting_gc")
    return tuple(sorted(rows, key=lambda row: (order.index(row.state), row.address)))


def pin_groups(rows: Iterable[UserLoader]) -> tuple[PinGroup, ...]:
    """The pins of all these loaders, the same ones together, those of most loaders first."""
    groups: dict[tuple[str, str, str | None, str | None], list[tuple[int, LoaderPin]]] = {}
    for row in rows:
        for pin in row.pins:
            groups.setdefault((pin.kind, pin.library, pin.code, _numberless(pin.thread)), []).append((row.address, pin))
    found = [
        PinGroup(*key, pins=len(members), loaders=len({address for address, _ in members}), example=members[0][1])
        for key, members in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.loaders, -group.pins, group.kind, group.library)))


def _numberless(thread: str | None) -> str | None:
    return None if thread is None else re.sub(r"(?<![A-Za-z])\d+", "N", thread)


def _state(closed: bool | None, strong: bool) -> State:
    if not strong:
        return "awaiting_gc"
    return "leaked" if closed else "live"


def _pins(heap: Heap, objects: LoaderObjects, leaked: NDArray[np.bool_], walk: GoalWalk) -> dict[int, list[LoaderPin]]:
    if not leaked.any():
        return {}
    search = PinSearch(heap, objects, leaked, walk)
    ways = search.run()
    describer = PinDescriber(heap, objects, search.chains)
    found: dict[int, list[LoaderPin]] = {}
    for way in ways:
        found.setdefault(way.loader, []).append(describer.describe(way))
    return found


def _softly(heap: Heap, objects: LoaderObjects) -> NDArray[np.bool_]:
    """bool by position: the loader is reached if soft references are followed too."""
    return GoalWalk(heap, objects.indices, kinds=("weak", "phantom", "final")).reached(objects.indices)


def _counts(heap: Heap, objects: LoaderObjects, walk: GoalWalk) -> tuple[Sequence[int], Sequence[int]]:
    """(classes, strongly reachable instances) by position."""
    of_row = objects.owner[objects.loader_of_row]
    of_row = np.where(objects.loader_of_row > 0, of_row, -1)
    size = len(objects.indices)
    classes = np.bincount(of_row[of_row >= 0], minlength=size)
    strong = objects.members[walk.reached(objects.members)]
    rows = heap.class_of[strong]
    of_instance = of_row[rows[rows >= 0]]
    instances = np.bincount(of_instance[of_instance >= 0], minlength=size)
    return classes.tolist(), instances.tolist()


def _row(
    heap: Heap,
    objects: LoaderObjects,
    at: int,
    state: State,
    pins: tuple[LoaderPin, ...],
    counts: tuple[Sequence[int], Sequence[int]],
    walk: GoalWalk,
    soft: bool,
) -> UserLoader:
    index, job = int(objects.indices[at]), objects.jobs[at]
    mirrors = heap.store.mirror_index[objects.loader_of_row == index]
    held_classes = int(walk.reached(mirrors[mirrors >= 0]).sum())
    return UserLoader(
        address=heap.address_of(index),
        class_name=heap.class_name_of(index),
        state=state,
        job=job,
        job_name=objects.names.get(job or ""),
        jars=objects.jars[at],
        pins=pins,
        classes=counts[0][at],
        instances=counts[1][at],
        metaspace_bytes=counts[0][at] * METASPACE_BYTES_PER_CLASS,
        unloading=_conditions(counts[1][at], held_classes, state != "awaiting_gc", soft, len(pins)),
    )


def _conditions(instances: int, classes: int, strong: bool, soft: bool, pins: int) -> tuple[UnloadingCondition, ...]:
    """JLS 12.7: classes go with their loader, and that only as a whole."""
    no_pins = f"{pins} pins hold it" if pins else "the running job holds it"
    return (
        UnloadingCondition("no instances", instances == 0, f"{instances:,} instances of its classes are reachable"),
        UnloadingCondition("no reachable class", classes == 0, f"{classes:,} of its class objects are reachable"),
        UnloadingCondition("no reachable loader", not strong, no_pins if strong else "nothing holds it strongly"),
        UnloadingCondition(
            "not even softly reachable",
            not soft and not strong,
            "soft references go only when memory is short (“Metadata GC Clear Soft References”)"
            if soft
            else "none left",
        ),
        UnloadingCondition(
            "a collection of metaspace happened since",
            False,
            "the next one (Metadata GC Threshold, jcmd GC.run) unloads it" if not strong else "it would not unload it",
        ),
    )
