"""The chain of one reference into a user class loader: from a GC root to the object held, and what lies on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.reader import Reader
from flinkscope.flink.pin_catalogue import Site, site_of
from flinkscope.heap.labels import edge_names, name_of_thread, root_kinds

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

_THREAD = "java.lang.Thread"
_HOOKS = "java.lang.ApplicationShutdownHooks"
_LONGEST = 400  # objects of a chain that are looked at, nearest first: a linked list may have millions
_SHOWN_ENDS = 12


@dataclass(frozen=True, slots=True)
class Chain:
    """Objects from a GC root to the one held inside the loader, that one last. ``thread_at``: place of the last
    thread among them that runs or is a shutdown hook (not of a Thread that another only wraps), -1 if none."""

    objects: tuple[int, ...]
    thread_at: int

    @property
    def held(self) -> int:
        """The object of the loader that the chain ends in."""
        return self.objects[-1]

    @property
    def thread(self) -> int:
        """The last thread of the chain, -1 if there is none."""
        return self.objects[self.thread_at] if self.thread_at >= 0 else -1


@dataclass(slots=True)
class Chains:
    """Reads chains of one heap along ``parent`` (of ``strength.shortest_paths``); remembers names that recur."""

    heap: Heap
    parent: NDArray[np.int32]
    _edges: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    _threads: set[int] | None = None
    _active: frozenset[int] | None = None
    _hooks: frozenset[int] | None = None
    _rows: dict[int, int] | None = None

    def chain(self, holder: int, held: int) -> Chain:
        """The chain over ``holder``; ``holder`` -1: the object is a GC root itself."""
        back = [held]
        while holder >= 0 and len(back) < _LONGEST:
            back.append(holder)
            holder = int(self.parent[holder])
        back.reverse()
        threads = [at for at, i in enumerate(back) if i in self.active]
        return Chain(tuple(back), threads[-1] if threads else -1)

    @property
    def active(self) -> frozenset[int]:
        """Threads that run or are registered as shutdown hooks."""
        if self._active is None:
            self._active = self.hooks | frozenset(self.heap.roots.thread_of_serial.values())
        return self._active

    @property
    def hooks(self) -> frozenset[int]:
        """Threads that are registered as shutdown hooks."""
        if self._hooks is None:
            self._hooks = hook_threads(self.heap)
        return self._hooks

    @property
    def threads(self) -> set[int]:
        """All Thread objects, started or not."""
        if self._threads is None:
            self._threads = {int(i) for i in Reader(self.heap).instances(_THREAD, subclasses=True)}
        return self._threads

    def named(self, index: int) -> str:
        """The class that a class object stands for; else the object's class."""
        row = self.class_row(index)
        return self.heap.store.classes.names[row] if row >= 0 else self.heap.class_name_of(index)

    def class_row(self, index: int) -> int:
        """The class row that a class object stands for; -1 for any other object."""
        if self._rows is None:
            mirrors = self.heap.store.mirror_index
            self._rows = {int(mirror): row for row, mirror in enumerate(mirrors) if mirror >= 0}
        return self._rows.get(index, -1)

    def edge(self, source: int, target: int) -> tuple[str, ...]:
        """All ways in which the one holds the other."""
        key = (source, target)
        if key not in self._edges:
            self._edges[key] = tuple(edge_names(self.heap, source, target)) or ("?",)
        return self._edges[key]

    def via(self, chain: Chain) -> tuple[str, ...]:
        """How the chain's last thread holds what comes next; empty without a thread or if it ends there."""
        at = chain.thread_at
        return () if at < 0 or at + 1 >= len(chain.objects) else self.edge(chain.objects[at], chain.objects[at + 1])

    def site(self, chain: Chain) -> Site | None:
        """The catalogue's place nearest to the held end, behind the last thread where there is one."""
        for index in reversed(chain.objects[chain.thread_at + 1 : -1]):
            found = site_of(self.named(index))
            if found is not None:
                return found
        return None

    def static(self, chain: Chain) -> str | None:
        """``class.field`` of the static that is nearest to the held end."""
        for source, target in reversed(list(pairwise(chain.objects))):
            if self.class_row(source) >= 0:
                names = [name for name in self.edge(source, target) if name.startswith("static ")]
                if names:
                    return f"{self.named(source)}.{names[0].removeprefix('static ')}"
        return None

    def steps(self, chain: Chain) -> tuple[str, ...]:
        """The chain in words: how each object is held, and what it is; the middle of a long one is left out."""
        objects = chain.objects
        root = ", ".join(root_kinds(self.heap, objects[0])) or "…"
        words = [f"{root}: {self._object(objects[0])}"]
        for place, (source, target) in enumerate(pairwise(objects), 1):
            if len(objects) <= 2 * _SHOWN_ENDS or not _SHOWN_ENDS <= place < len(objects) - _SHOWN_ENDS:
                words.append(f".{', '.join(self.edge(source, target))} → {self._object(target)}")
            elif place == _SHOWN_ENDS:
                words.append(f"… {len(objects) - 2 * _SHOWN_ENDS} objects left out …")
        return tuple(words)

    def thread_name(self, index: int) -> str | None:
        """A thread's name."""
        return name_of_thread(self.heap, index)

    def _object(self, index: int) -> str:
        if self.class_row(index) >= 0:
            return f"class {self.named(index)}"
        name = f' "{self.thread_name(index)}"' if index in self.threads else ""
        return f"{self.heap.class_name_of(index)}{name} @ {self.heap.address_of(index):#x}"


def hook_threads(heap: Heap) -> frozenset[int]:
    """The threads that are registered as shutdown hooks."""
    reader = Reader(heap)
    found: set[int] = set()
    for info in heap.classes_named(_HOOKS):
        hooks = heap.static(info.index, "hooks")
        table = reader.follow(hooks, "table") if isinstance(hooks, int) else -1
        if table >= 0:
            found |= {int(i) for i in reader.elements(np.array([table], np.int32))[1]}
    return frozenset(found)
