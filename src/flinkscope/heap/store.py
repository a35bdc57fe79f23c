"""An opened heap dump: the facade over store, graph, dominators, fields. What costs time is computed on first use."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UsageError
from flinkscope.formats.hprof.container import open_bytes
from flinkscope.formats.hprof.kernel_cache import kernels_are_compiled
from flinkscope.formats.hprof.records import DumpRecords, read_records
from flinkscope.heap import cache as columns_cache
from flinkscope.heap import dominators, fields, graph, histogram, reopen, retained, shallow
from flinkscope.heap.answers import HeapAnswers
from flinkscope.heap.cells import search_graph, spread_graph
from flinkscope.heap.classes import ClassInfo
from flinkscope.heap.fields import InstanceTable
from flinkscope.heap.histogram import HistogramRow
from flinkscope.heap.kernels import walks
from flinkscope.heap.missing import Missing, describe_missing
from flinkscope.heap.need import need_of
from flinkscope.heap.objects import ObjectStore, SizeRule, index_objects
from flinkscope.heap.oom import oom_thread_index
from flinkscope.heap.sizes import Sizes
from flinkscope.heap.space import Space, choose_space
from flinkscope.progress import SILENT, Progress

if TYPE_CHECKING:
    from flinkscope.heap.strings import StringReport

Array = npt.NDArray[Any]


class Heap(HeapAnswers):
    """One heap dump. Objects have dense indices (int32) in address order; 0 is the boot loader at address 0, as in
    Eclipse MAT. All columns are numpy arrays of ``object_count`` entries; treat them as read-only."""

    def __init__(
        self,
        store: ObjectStore,
        sizes: SizeRule,
        progress: Progress = SILENT,
        kept_in: Path | None = None,
        work_dir: str | Path | None = None,
    ) -> None:
        self.store = store
        self.size_rule = sizes
        self._progress = progress
        self._kept_in = kept_in
        self._work_dir = work_dir

    # --- the dump as a whole

    @property
    def records(self) -> DumpRecords:
        """The raw records: header, names, roots, frames, traces, gaps."""
        return self.store.records

    @property
    def path(self) -> str:
        """The dump's path."""
        return self.records.path

    @property
    def progress(self) -> Progress:
        """Who is told of long work."""
        return self._progress

    @property
    def object_count(self) -> int:
        """All objects of the dump: instances, arrays, class objects, and the boot loader."""
        return self.store.object_count

    @cached_property
    def class_count(self) -> int:
        """Classes whose class object is reachable (Eclipse MAT's number); ``len(classes)`` counts all."""
        mirrors = self.store.mirror_index
        return int(self.reachable[mirrors[mirrors >= 0]].sum())

    @property
    def reachable_object_count(self) -> int:
        """Objects that GC roots reach; in an incomplete dump all (``missing`` says so)."""
        return self._dominance.reached

    @cached_property
    def used_bytes(self) -> int:
        """Shallow bytes of all reachable objects."""
        return int(walks.reachable_bytes(self.idom, self.shallow_bytes))

    @cached_property
    def unreachable_bytes(self) -> int:
        """Shallow bytes of all objects that no root reaches."""
        return int(self.shallow_bytes.sum(dtype=np.int64)) - self.used_bytes

    @cached_property
    def missing(self) -> Missing:
        """What the dump lacks and what that makes uncertain."""
        return describe_missing(self.records)

    @property
    def truncated(self) -> bool:
        """Whether a part of the dump is missing or unreadable."""
        return self.missing.incomplete

    @cached_property
    def space(self) -> Space:
        """Where the columns of the analysis live; raises DoesNotFitError before it begins if there is no room."""
        return choose_space(need_of(self.object_count, len(self.records.data), self.records.id_size), self._work_dir)

    # --- columns

    @property
    def class_of(self) -> Array:
        """int32 class row of each object, -1 if unknown."""
        return self.store.class_of

    @cached_property
    def sizes(self) -> Sizes:
        """Sizes by class and how they were found."""
        return self.store.sizes(self.size_rule)

    @cached_property
    def shallow_bytes(self) -> Array:
        """Bytes of each object: int32, int64 if any object is larger than 2 GiB."""
        need = need_of(self.object_count, len(self.records.data), self.records.id_size)
        space = choose_space(replace(need, analysis_bytes=4 * self.object_count), self._work_dir)
        column = shallow.shallow_column(self.store, self.sizes, self._progress, space)
        self._progress.done()
        return column

    @cached_property
    def roots(self) -> graph.Roots:
        """GC roots, thread locals, and the raw root records with object indices."""
        return graph.find_roots(self.store)

    @cached_property
    def graph(self) -> graph.Graph:
        """The reference graph (without edges to classes that are GC roots)."""
        built = graph.build_graph(self.store, self.roots, self._progress, self.space)
        self._progress.done()
        return built

    @cached_property
    def _dominance(self) -> dominators.Dominance:
        known = reopen.load_dominance(self._kept_in, self.size_rule, self.object_count)
        if known is not None:
            return known
        keep_islands = self.missing.incomplete
        if keep_islands or "graph" in self.__dict__:
            laid_out = spread_graph(self.graph, self.space)
        else:
            laid_out = search_graph(self.store, self.roots, self._progress, self.space)
        found, self.graph = dominators.dominate(
            laid_out, self.roots.indices, lambda: self.shallow_bytes, keep_islands, self._progress, self.space
        )
        self._progress.done()
        reopen.save(self._kept_in, self.size_rule, self.store, found)
        return found

    @property
    def idom(self) -> Array:
        """int32 immediate dominator of each object; -1 under no object, -2 unreachable."""
        return self._dominance.idom

    @property
    def retained_bytes(self) -> Array:
        """int64 bytes that each object retains; 0 where unreachable."""
        return self._dominance.retained

    @cached_property
    def reachable(self) -> Array:
        """bool: reached from a GC root, or kept because the dump is incomplete."""
        mask: Array = self.idom != dominators.UNREACHABLE
        return mask

    # --- classes and instances

    @cached_property
    def classes(self) -> list[ClassInfo]:
        """All classes by row."""
        counts = np.zeros(len(self.store.classes) + 1, np.int64)  # the last one takes class row -1
        walks.count_rows(self.class_of, counts)
        table = self.store.classes
        return [
            ClassInfo(
                row,
                table.names[row],
                int(table.heads[row, 0]),
                int(self.store.mirror_index[row]),
                int(table.heads[row, 2]),
                int(table.super_rows[row]),
                int(counts[row]),
            )
            for row in range(len(table))
        ]

    def classes_named(self, name: str) -> list[ClassInfo]:
        """The classes of that name, one a loader. Arrays are named ``byte[]``, ``java.lang.String[]``."""
        return [self.classes[row] for row in self.store.classes.rows_by_name.get(name, [])]

    def instances(self, class_index: int, subclasses: bool = False) -> Array:
        """Object indices (int32, ascending) of the instances of a class row; of its subclasses too if asked."""
        if not subclasses:
            return np.flatnonzero(self.class_of == class_index).astype(np.int32)
        wanted = np.zeros(len(self.store.classes) + 1, bool)  # the last one is what class row -1 finds
        wanted[self.store.classes.subclass_rows(class_index)] = True
        return np.flatnonzero(wanted[self.class_of]).astype(np.int32)

    def table(self, class_name: str, subclasses: bool = False) -> InstanceTable:
        """The instances of a class name as a table; empty if there is no such class."""
        parts = [self.instances(row, subclasses) for row in self.store.classes.rows_by_name.get(class_name, [])]
        indices = np.unique(np.concatenate(parts)) if len(parts) > 1 else (*parts, np.empty(0, np.int32))[0]
        return InstanceTable(self.store, class_name, indices)

    def field(self, indices: Array, name: str) -> Array:
        """A field of any objects; see ``fields.field_column``."""
        return fields.field_column(self.store, indices, name)

    def static(self, class_index: int, name: str) -> int | float | bool | None:
        """A static of a class: object index (-1: null) or number; None if the class has no such static."""
        return fields.static_value(self.store, class_index, name)

    def elements(self, indices: Array, keep_nulls: bool = False) -> tuple[Array, Array]:
        """(offsets, targets) of object arrays; nulls are dropped unless asked for (-1)."""
        return fields.elements(self.store, indices, keep_nulls)

    def array_length(self, index: int) -> int:
        """The length of an array; -1 for any other object."""
        return int(self.array_lengths(np.array([index]))[0])

    def array_lengths(self, indices: Array) -> Array:
        """Lengths of arrays (int64), -1 for other objects."""
        return fields.array_lengths(self.store, indices)

    def primitive_array(self, index: int, limit: int | None = None) -> Array:
        """The (first ``limit``) elements of a primitive array."""
        return fields.primitive_array(self.store, index, limit)

    def string(self, index: int) -> str | None:
        """The text of a java.lang.String; None for anything else."""
        return self.strings(np.array([index]))[0]

    @overload
    def strings(self, indices: Array) -> list[str | None]: ...
    @overload
    def strings(self, indices: None = None, **options: Any) -> StringReport: ...
    def strings(self, indices: Array | None = None, **options: Any) -> list[str | None] | StringReport:
        """The texts of Strings, None for null and anything else; without indices ``strings.string_report``."""
        if indices is not None:
            return fields.strings(self.store, indices)
        from flinkscope.heap.strings import string_report

        with self._working("comparing strings"):
            return string_report(self, **options)

    # --- addresses and references

    def address_of(self, index: int) -> int:
        """The address of an object (0 for the boot loader)."""
        return int(self.addresses(np.array([index]))[0])

    def addresses(self, indices: Array) -> Array:
        """Addresses (int64) of objects; 0 for -1."""
        return fields.addresses(self.store, indices)

    def index_of(self, address: int) -> int:
        """The object at an address. Raises UsageError if there is none."""
        found = 0 if address == 0 else int(self.store.lookup(np.array([_signed(address)]))[0])
        if found < 0:
            raise UsageError(f"no object at {address:#x}", hint="addresses are those of this dump, as in its listings")
        return found

    def class_name_of(self, index: int) -> str:
        """The class name of an object."""
        row = int(self.class_of[index])
        return self.store.classes.names[row] if row >= 0 else "unknown class"

    def out_references(self, index: int) -> Array:
        """int32 indices of what an object refers to: its class, fields or elements, thread locals; nulls left out."""
        return fields.out_references(self.store, self.roots, index)

    def in_references(self, index: int) -> Array:
        """int32 indices, ascending, of the objects that refer to this one. Cost: one pass over the edges."""
        return fields.in_references(self.store, self.graph, index)

    # --- answers

    def histogram(self, *, retained: bool = True, unreachable: bool = False) -> list[HistogramRow]:
        """All classes with objects, largest first.

        With ``retained`` reachable objects and MAT's minimum retained size (needs the dominator tree); without, all
        objects of the dump from the columns alone. ``unreachable``: only objects that no root reaches.
        """
        if unreachable or retained:
            chosen = ~self.reachable if unreachable else self.reachable
            counts, sums = histogram.count_classes(self.store, self.shallow_bytes, chosen)
            return histogram.histogram_rows(self.store, counts, sums, None if unreachable else self.class_retained)
        counts, sums = histogram.count_classes(self.store, self.shallow_bytes)
        return histogram.histogram_rows(self.store, counts, sums, None)

    @cached_property
    def class_retained(self) -> Array:
        """int64 MAT's minimum retained size by class row."""
        self._progress.phase("retained sizes by class", self.object_count, "objects")
        known = reopen.load_class_retained(self._kept_in, self.size_rule, len(self.store.classes))
        if known is not None:
            return known
        found = histogram.class_retained(self.store, self._dominance, self.space)
        self._progress.done()
        reopen.save_class_retained(self._kept_in, self.size_rule, found)
        return found

    def retained_objects(self, indices: Array) -> Array:
        """bool mask of what would go if this set went: exact, one mark pass without the set."""
        return retained.retained_objects(self.graph, self.roots, self.reachable, self._dominance.islands, indices)

    def retained_of(self, indices: Array) -> int:
        """Bytes that this set of objects retains together, exactly."""
        return int(self.shallow_bytes[self.retained_objects(indices)].sum(dtype=np.int64))

    def dominators(self, parent: int = dominators.TOP_LEVEL, limit: int | None = None) -> list[retained.DominatorRow]:
        """What is immediately dominated by ``parent`` (default: by no object), largest retained first."""
        return retained.dominated(self.store, self._dominance, self.shallow_bytes, parent, limit)

    @property
    def gap(self) -> str | None:
        """What the dump lacks, in words; None if it is complete."""
        return "; ".join(self.missing.sentences) or None

    @property
    def oom_thread(self) -> str | None:
        """The name of the thread that threw OutOfMemoryError in this dump; None if none is marked."""
        index = self.oom_thread_index
        return fields.thread_name(self.store, index) if index >= 0 else None

    @cached_property
    def oom_thread_index(self) -> int:
        """The object index of the thread that threw OutOfMemoryError in this dump; -1 if none is marked."""
        return oom_thread_index(self.records, self.roots)


def _signed(address: int) -> int:
    return address - (1 << 64) if address >= 1 << 63 else address


def open_heap(
    path: str | Path,
    *,
    progress: Progress = SILENT,
    cache: bool = True,
    work_dir: str | Path | None = None,
    sizes: SizeRule = "measured",
) -> Heap:
    """Opens a heap dump (HPROF 1.0.1 or 1.0.2, plain or gzip) and indexes its objects.

    ``cache``: keep and reuse columns in the user's cache folder. ``work_dir``: where a gzip dump is unpacked and where
    columns go that do not fit into memory.
    ``sizes``: ``measured`` from address gaps, or ``mat`` for Eclipse MAT's formula. Cost: two passes over the file
    on two threads; graph and dominators come on first use. Raises SourceError, UnreadableInputError, FormatError.
    """
    if sizes not in ("measured", "mat"):
        raise UsageError(f"unknown size rule {sizes!r}", hint="measured or mat")
    dump = open_bytes(path, work_dir=work_dir, progress=progress)
    if not kernels_are_compiled():
        progress.phase("compiling for this machine: once, about ten seconds in all")
    kept_in = columns_cache.folder_of(dump.path, dump.data) if cache else None
    store = reopen.load_store(kept_in, dump)
    if store is None:
        records = read_records(dump, progress=progress)
        objects = int(records.instances + records.object_arrays + records.primitive_arrays) + len(records.class_heads)
        need = need_of(objects, len(records.data), records.id_size)
        store = index_objects(records, progress, choose_space(replace(need, analysis_bytes=need.index_bytes), work_dir))
    heap = Heap(store, sizes, progress, kept_in, work_dir)
    progress.done()
    return heap
