"""User class loaders of a Flink process in its heap dump: which there are, closed or not, their jars, job, members."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink import loader_kernels
from flinkscope.flink.lens.reader import NULL, Indices, Reader
from flinkscope.flink.loader_domains import add_domains
from flinkscope.flink.loader_jobs import job_names, job_starts, jobs_held, jobs_of_loaders
from flinkscope.heap.loaders import loader_of_class
from flinkscope.heap.space import collected

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

# ChildFirst… and ParentFirst… of every version; the wrapper and the loaders of plugins and the planner are not of users
_USER_LOADER = re.compile(r"^org\.apache\.flink\..*(ChildFirstClassLoader|ParentFirstClassLoader)$")
_WRAPPERS = (
    "org.apache.flink.util.FlinkUserCodeClassLoaders$SafetyNetWrapperClassLoader",
    "org.apache.flink.runtime.execution.librarycache.FlinkUserCodeClassLoaders$SafetyNetWrapperClassLoader",
)


@dataclass(frozen=True, slots=True)
class LoaderObjects:
    """The user loaders, one a position. ``closed``: as URLClassLoader's ``ucp.closed``; None: the dump does not say.
    ``owner``: int32 by object, the position of the loader it belongs to (loader, wrapper, loaders below it, their
    classes, instances, domains and contexts), -1 for all others; ``members``: those that belong to one, ascending.
    ``jobs``: id in hex; ``names``: job names by id; ``starts``: ms since 1970 by id."""

    indices: Indices
    closed: tuple[bool | None, ...]
    jars: tuple[tuple[str, ...], ...]
    jobs: tuple[str | None, ...]
    names: dict[str, str]
    starts: dict[str, int]
    owner: NDArray[np.int32]
    members: Indices
    loader_of_row: NDArray[np.int32]


def loader_objects(heap: Heap) -> LoaderObjects:
    """All user loaders of the dump, reachable or not. Cost: one pass over the objects, and a few field reads."""
    reader = Reader(heap)
    names = sorted({c.name for c in heap.classes if c.instance_count and _USER_LOADER.match(c.name)})
    parts = [reader.instances(name) for name in names]
    indices = reader.distinct(np.concatenate(parts)) if parts else np.empty(0, np.int32)
    jars = tuple(_jars(reader, int(i)) for i in indices)
    owner, members, of_row = _owners(reader, indices)
    jobs = jobs_of_loaders(reader, indices, jars)
    held = jobs_held(reader, owner, members, [position for position, job in enumerate(jobs) if job is None])
    return LoaderObjects(
        indices,
        tuple(_closed(reader, int(i)) for i in indices),
        jars,
        tuple(job or held.get(position) for position, job in enumerate(jobs)),
        job_names(reader),
        job_starts(reader),
        owner,
        members,
        of_row,
    )


def _closed(reader: Reader, loader: int) -> bool | None:
    closed = reader.number(reader.follow(loader, "ucp"), "closed")
    return None if closed is None else bool(closed)


def _jars(reader: Reader, loader: int) -> tuple[str, ...]:
    elements = reader.follow(loader, "ucp", "path", "elementData")
    if elements < 0:
        return ()
    _, urls = reader.elements(np.array([elements], np.int32))
    found = ((reader.text(int(url), "protocol"), reader.text(int(url), "file")) for url in urls)
    return tuple(f"{protocol}:{file}" for protocol, file in found if file)


def _owners(reader: Reader, loaders: Indices) -> tuple[NDArray[np.int32], Indices, NDArray[np.int32]]:
    """(owner of each object, objects that have one, loader object of each class row)."""
    heap = reader.heap
    owner: NDArray[np.int32] = heap.space.full(heap.object_count, -1, np.int32)
    owner[loaders] = np.arange(len(loaders), dtype=np.int32)
    for wrapper in _WRAPPERS:
        found = reader.instances(wrapper)
        inner = reader.references(found, "inner")
        owner[found[inner >= 0]] = owner[inner[inner >= 0]]
    of_row = loader_of_class(heap).astype(np.int32)
    if not len(loaders):
        return owner, np.empty(0, np.int32), of_row
    _add_loaders_below(reader, owner)
    row_owner = np.where(of_row > 0, owner[of_row], -1).astype(np.int32)
    mirrors = heap.store.mirror_index
    there = (mirrors >= 0) & (row_owner >= 0)
    owner[mirrors[there]] = row_owner[there]
    add_domains(reader, owner)
    members = collected(lambda found: loader_kernels.add_instances(heap.class_of, row_owner, owner, found))
    return owner, members, of_row


def _add_loaders_below(reader: Reader, owner: NDArray[np.int32]) -> None:
    """Loaders whose parent is a user loader (reflection's, a code generator's) belong to it; wrappers are above."""
    all_loaders = reader.instances("java.lang.ClassLoader", subclasses=True)
    parents = reader.references(all_loaders, "parent")
    while True:
        new = (parents != NULL) & (owner[all_loaders] < 0)
        new &= np.where(parents >= 0, owner[parents], -1) >= 0
        if not new.any():
            return
        owner[all_loaders[new]] = owner[parents[new]]
