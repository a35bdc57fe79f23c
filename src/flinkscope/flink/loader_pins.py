"""What keeps leaked user class loaders: every independent reference into each, sorted out into pins of the catalogue.

A breadth-first walk from the GC roots never enters the leaked loaders; each edge that would is a way in. Edges over
one thread that works for the user are one pin (the thread ends, all go); those over a thread of others are one each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.reader import Reader
from flinkscope.flink.loader_chain import Chain, Chains
from flinkscope.flink.loader_members import LoaderObjects
from flinkscope.flink.pin_catalogue import QUEUED, STATICS, Site
from flinkscope.heap.dominators import UNREACHABLE
from flinkscope.heap.goal_walk import GoalWalk, entering
from flinkscope.heap.labels import root_kinds
from flinkscope.heap.strength import walk_roots

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

_SAMPLE = 300  # references of one shape (loader, class of holder, class of held) that are looked at
_CONTEXT = {"contextClassLoader", "inheritedAccessControlContext"}
_LOCALS = {"threadLocals", "inheritableThreadLocals"}
_WORKER = "java.util.concurrent.ThreadPoolExecutor$Worker"
_CLEANER = "jdk.internal.ref.CleanerImpl"
_POOL_FACTORY = "java.util.concurrent.Executors$DefaultThreadFactory"
_FORK_JOIN = "java.util.concurrent.ForkJoinWorkerThread"


@dataclass(frozen=True, slots=True)
class WayIn:
    """One pin before it is described. ``chains``: its references, the most telling first. ``thread``: -1 if none."""

    loader: int
    kind: str
    thread: int
    site: Site | None
    chains: tuple[Chain, ...]


@dataclass(slots=True)
class PinSearch:
    """Finds the ways into the loaders of ``objects`` that ``leaked`` marks (bool by position)."""

    heap: Heap
    objects: LoaderObjects
    leaked: NDArray[np.bool_]
    walk: GoalWalk
    chains: Chains = field(init=False)

    def __post_init__(self) -> None:
        self.chains = Chains(self.heap, self.walk.parent)

    def run(self) -> list[WayIn]:
        """All ways in, by loader. Cost: that of what is found; the walk has been made."""
        members = np.unique(walk_roots(self.heap))
        members = members[self._inside[members]]
        found = [self.chains.chain(-1, int(i)) for i in members]
        found += [self.chains.chain(int(s), int(t)) for s, t in self._sample(self.walk.entering())]
        ways = self._sorted_out(found)
        return ways + self._from_each_other(ways)

    @property
    def _inside(self) -> NDArray[np.bool_]:
        return self.walk.forbidden

    def _sample(self, edges: NDArray[np.int32]) -> NDArray[np.int32]:
        """At most _SAMPLE edges of a shape, in breadth-first order."""
        holder, held = self.heap.class_of[edges.T].astype(np.int64)
        owner = self.objects.owner[edges[:, 1]].astype(np.int64)
        shape = (owner << 48) ^ (holder << 24) ^ held
        order = np.argsort(shape, kind="stable")
        starts = np.flatnonzero(np.append(True, np.diff(shape[order]) != 0)) if len(order) else order
        place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        kept: NDArray[np.int32] = edges[np.sort(order[place < _SAMPLE])]
        return kept

    def _sorted_out(self, chains: Iterable[Chain]) -> list[WayIn]:
        groups: dict[tuple[int, str, int], list[Chain]] = {}
        sites: dict[tuple[int, str, int], Site | None] = {}
        by_thread: dict[tuple[int, int], list[Chain]] = {}
        for chain in chains:
            loader = int(self.objects.owner[chain.held])
            thread = self._works_through(chain)
            if thread >= 0:
                by_thread.setdefault((loader, thread), []).append(chain)
                continue
            kind, anchor, site = self._registry(chain)
            groups.setdefault((loader, kind, anchor), []).append(chain)
            sites.setdefault((loader, kind, anchor), site)
        for key in [key for key in groups if key[1] in ("unknown", "thread")]:  # a frame of a thread of the user's
            for chain in groups.pop(key):
                if (key[0], chain.thread) in by_thread:
                    by_thread[key[0], chain.thread].append(chain)
                else:
                    groups.setdefault(key, []).append(chain)
        ways = [WayIn(k[0], k[1], -1, sites[k], tuple(found)) for k, found in groups.items()]
        for (loader, thread), found in by_thread.items():
            ways += self._of_thread(loader, thread, found)
        return sorted(ways, key=lambda way: (way.loader, way.kind, way.chains[0].objects))

    def _works_through(self, chain: Chain) -> int:
        """The thread that the reference belongs to; -1 where a registry further on holds it."""
        if chain.held in self.chains.active:
            return chain.held
        if chain.thread < 0:
            return -1
        via = set(self.chains.via(chain))
        if via & (_CONTEXT | _LOCALS) or self._is_work(chain):
            return chain.thread
        return -1

    def _is_work(self, chain: Chain) -> bool:
        """Whether the thread itself holds it: its task, its queue, its frames; not a registry seen from its frames."""
        site = self.chains.site(chain)
        if site is not None and site.kind not in ("cleaner", "timer", "http_client", "thread"):
            return False
        behind = chain.objects[chain.thread_at + 1 : -1]
        if any(self.chains.class_row(i) >= 0 for i in behind):
            return False  # a static on the way
        via = self.chains.via(chain)
        only_frames = all(name.startswith("<") for name in via)
        return not only_frames or not behind or self._kind_of_thread(chain.thread) != "thread"

    def _of_thread(self, loader: int, thread: int, chains: list[Chain]) -> list[WayIn]:
        """One way in if the thread is the user's; else one for each thing it keeps."""
        context = [c for c in chains if set(self.chains.via(c)) & _CONTEXT and c.held != thread]
        local = [c for c in chains if set(self.chains.via(c)) & _LOCALS and c.held != thread]
        work = [c for c in chains if c not in context and c not in local]
        if thread in self.chains.hooks:
            return [WayIn(loader, "shutdown_hook", thread, None, (*work, *local, *context))]
        if work and all("uncaughtExceptionHandler" in self.chains.via(c) for c in work):
            rest = self._of_thread(loader, thread, local + context) if local or context else []
            return [WayIn(loader, "uncaught_exception_handler", thread, None, tuple(work)), *rest]
        kind = self._kind_of_thread(thread)
        if work or (kind != "thread" and context):
            return [WayIn(loader, kind, thread, None, (*work, *local, *context))]
        found = [WayIn(loader, "thread_local", thread, None, (c,)) for c in local]
        return found + ([WayIn(loader, "thread_context_loader", thread, None, tuple(context))] if context else [])

    def _kind_of_thread(self, thread: int) -> str:
        """``thread``, or what else a thread of that class and task is."""
        reader = Reader(self.heap)
        lineage = self.heap.store.classes.lineage(int(self.heap.class_of[thread]))
        names = [self.heap.store.classes.names[row] for row in lineage]
        target = self._task(thread)
        task = reader.class_name(target) or ""
        if "java.util.TimerThread" in names:
            return "timer"
        if names[0].startswith("jdk.internal.net.http."):
            return "http_client"
        if task == _CLEANER:
            return "cleaner"
        if task == _WORKER:
            pool = reader.follow(target, "this$0")
            return "executor" if self._is_users_factory(reader.follow(pool, "threadFactory")) else "thread"
        if _FORK_JOIN in names:
            prefix = reader.text(reader.follow(thread, "pool"), "workerNamePrefix") or ""
            return "thread" if "commonPool" in (prefix + (self.chains.thread_name(thread) or "")) else "executor"
        return "thread"

    def _is_users_factory(self, factory: int) -> bool:
        """Executors' default factory (threads pool-N-thread-M), or one of the user's; not a parent library's own."""
        return factory >= 0 and (bool(self._inside[factory]) or self.heap.class_name_of(factory) == _POOL_FACTORY)

    def _registry(self, chain: Chain) -> tuple[str, int, Site | None]:
        """(kind, the object that stands for one entry, place) of a reference that no thread of the user's explains."""
        chains, holder = self.chains, chain.objects[-2] if len(chain.objects) > 1 else chain.held
        static, site = chains.static(chain) or "", chains.site(chain)
        if static == "java.lang.Thread.defaultUncaughtExceptionHandler":
            return "uncaught_exception_handler", holder, site
        if static.startswith("java.lang.System.props"):
            return "system_property", self._entry(chain, "Node"), site
        if static in STATICS:
            return "static_field", holder, STATICS[static]
        if site is not None:
            return site.kind, self._anchor(chain, site), site
        if static:
            return "static_field", next(i for i in chain.objects if chains.named(i) == static.rpartition(".")[0]), None
        if chain.thread >= 0 and self._is_pools(chain.thread):
            return QUEUED.kind, chain.thread, QUEUED
        if len(chain.objects) == 1 and "JNI global" in root_kinds(self.heap, chain.held):
            return "jni_global", holder, None
        return "unknown", holder, None

    def _is_pools(self, thread: int) -> bool:
        """Whether the thread is a pool's."""
        return Reader(self.heap).class_name(self._task(thread)) == _WORKER

    def _task(self, thread: int) -> int:
        """The thread's Runnable, -1 if none (``holder.task`` from Java 19 on)."""
        reader = Reader(self.heap)
        return max(reader.follow(thread, "target"), reader.follow(thread, "holder", "task"))

    def _anchor(self, chain: Chain, site: Site) -> int:
        """The registry's own entry for the object held: an MBean, a driver; -1: all entries are one pin; else the
        object held."""
        if site.all_in_one:
            return -1
        if site.kind == "mbean":
            return self._entry(chain, "NamedObject")
        if site.kind in ("log4j_appender", "jdbc_driver", "security_provider", "jul_handler"):
            return chain.held
        return next((i for i in chain.objects if self.chains.named(i).startswith(site.prefix)), chain.held)

    def _entry(self, chain: Chain, suffix: str) -> int:
        found = [i for i in chain.objects if self.chains.named(i).endswith(suffix)]
        return found[-1] if found else chain.held

    def _from_each_other(self, ways: list[WayIn]) -> list[WayIn]:
        """For a loader without a way in from outside: what other leaked loaders hold of it."""
        known = {way.loader for way in ways}
        heap, members = self.heap, self.objects.members
        owner = self.objects.owner[members]
        there = self.leaked[owner] & (heap.idom[members] != UNREACHABLE)
        found = []
        for loader in np.flatnonzero(self.leaked).tolist():
            if loader in known:
                continue
            own = np.zeros(heap.object_count, bool)
            own[members[owner == loader]] = True
            others = members[there & (owner != loader)]
            edges = entering(heap.graph.starts, heap.graph.targets, others, self.walk.referents, own)
            chains = tuple(Chain((int(s), int(t)), -1) for s, t in edges[:1])
            if chains:
                found.append(WayIn(loader, "unknown", -1, None, chains))
        return found


def walk_outside(heap: Heap, objects: LoaderObjects) -> tuple[GoalWalk, NDArray[np.bool_]]:
    """(walk, which loaders are leaked, bool by position): the walk never enters these until all else is seen.

    First every closed loader is forbidden. Where roots do not reach one of them but do reach something of it (a damaged
    dump), the walk is made again and may enter it.
    """
    owner = objects.owner[objects.members]
    shut = np.array([bool(closed) for closed in objects.closed])
    referents = None
    while True:
        inside = np.zeros(heap.object_count, bool)
        inside[objects.members[shut[owner]]] = True
        walk = GoalWalk(heap, objects.members, inside, referents=referents)
        roots = walk_roots(heap)
        walk.enter(np.concatenate([walk.entering()[:, 1], roots[inside[roots]]]))
        leaked = shut & walk.reached(objects.indices)
        if not walk.reached(objects.members[(shut & ~leaked)[owner]]).any():
            return walk, leaked
        shut, referents = leaked, walk.referents
