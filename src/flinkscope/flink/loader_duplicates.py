"""Classes that several class loaders define, by set of loaders: which submissions each set is of, first to last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flinkscope.flink.lens.reader import Reader
from flinkscope.flink.loader_jobs import job_starts
from flinkscope.flink.loaders import UserLoader, user_loaders

if TYPE_CHECKING:
    from flinkscope.heap.loaders import DuplicateRow
    from flinkscope.heap.store import Heap


@dataclass(frozen=True, slots=True)
class LoaderOfSet:
    """One class loader of a set. ``state``, ``job``, ``job_name``, ``jar``: of a user loader of Flink where the dump
    tells, else None. ``address`` 0: the boot loader."""

    address: int
    class_name: str
    state: str | None
    job: str | None
    job_name: str | None
    jar: str | None


@dataclass(frozen=True, slots=True)
class DuplicateSet:
    """Classes that the same loaders define. ``copies``: how many of each class there are; ``classes``: their names;
    ``instances``: of all copies; ``first``, ``last``: by the start of their jobs if ``ordered``, else by address."""

    copies: int
    classes: tuple[str, ...]
    instances: int
    loaders: tuple[LoaderOfSet, ...]
    ordered: bool

    @property
    def first(self) -> LoaderOfSet:
        """That of the first job."""
        return self.loaders[0]

    @property
    def last(self) -> LoaderOfSet:
        """That of the last job."""
        return self.loaders[-1]


def duplicate_sets(heap: Heap) -> tuple[DuplicateSet, ...]:
    """MAT's "Duplicate Classes" the other way round: by set of loaders, those with most copies in all first.

    Cost: that of ``heap.duplicates()`` and ``user_loaders``.
    """
    of_user = {row.address: row for row in user_loaders(heap)}
    starts = job_starts(Reader(heap))
    sets: dict[tuple[int, ...], list[DuplicateRow]] = {}
    for row in heap.duplicates():
        sets.setdefault(row.loaders, []).append(row)
    found = [_set(heap, addresses, rows, of_user, starts) for addresses, rows in sets.items()]
    return tuple(sorted(found, key=lambda one: (-one.copies * len(one.classes), -one.copies, one.classes)))


def _set(
    heap: Heap,
    addresses: tuple[int, ...],
    rows: list[DuplicateRow],
    of_user: dict[int, UserLoader],
    starts: dict[str, int],
) -> DuplicateSet:
    loaders = [_loader(heap, address, of_user.get(address)) for address in dict.fromkeys(addresses)]
    ordered = all(one.job in starts for one in loaders)
    if ordered:
        loaders.sort(key=lambda one: (starts[one.job or ""], one.address))
    instances = sum(sum(row.instances) for row in rows)
    return DuplicateSet(
        len(addresses), tuple(sorted(row.class_name for row in rows)), instances, tuple(loaders), ordered
    )


def _loader(heap: Heap, address: int, row: UserLoader | None) -> LoaderOfSet:
    if row is None:
        name = heap.class_name_of(heap.index_of(address)) if address else "<boot>"
        return LoaderOfSet(address, name, None, None, None, None)
    jar = row.jars[0].rpartition("/")[2] if row.jars else None
    return LoaderOfSet(address, row.class_name, row.state, row.job, row.job_name, jar)
