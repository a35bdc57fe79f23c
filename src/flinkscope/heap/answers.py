"""The heap's answers that have a module each: imported when they are asked for, so that opening a dump stays cheap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy.typing as npt

if TYPE_CHECKING:
    from flinkscope.heap.collections import CollectionRow
    from flinkscope.heap.direct import DirectMemory
    from flinkscope.heap.inspect import ObjectView
    from flinkscope.heap.loaders import DuplicateRow, LoaderRow
    from flinkscope.heap.paths import RootPaths
    from flinkscope.heap.pins import MergedPaths, Pins
    from flinkscope.heap.references import ReferenceReport
    from flinkscope.heap.sql import SqlResult
    from flinkscope.heap.store import Heap
    from flinkscope.heap.suspects import Suspect
    from flinkscope.heap.threads import ThreadRow
    from flinkscope.heap.waste import WasteRow

Array = npt.NDArray[Any]


class HeapAnswers:
    """Questions that a heap answers; options are those of the function named in each method."""

    @property
    def _heap(self) -> Heap:
        return cast("Heap", self)

    @contextmanager
    def _working(self, title: str) -> Iterator[Heap]:
        """The heap with its dominator tree made (which has phases of its own), while ``title`` is shown as at work."""
        heap = self._heap
        heap.reachable  # noqa: B018 - made here so that its phases do not end this one
        heap.progress.phase(title)
        try:
            yield heap
        finally:
            heap.progress.done()

    def paths(self, address: int, **options: Any) -> RootPaths:
        """Paths from GC roots to the object at an address; options and result: ``paths.find_paths``."""
        from flinkscope.heap.paths import find_paths

        return find_paths(self._heap, self._heap.index_of(address), **options)

    def object(self, address: int, **options: Any) -> ObjectView:
        """One object laid open: ``inspect.inspect_object``."""
        from flinkscope.heap.inspect import inspect_object

        with self._working("looking for references to the object") as heap:
            return inspect_object(heap, address, **options)

    def threads(self, **options: Any) -> list[ThreadRow]:
        """Threads with stacks and locals: ``threads.thread_rows``."""
        from flinkscope.heap.threads import thread_rows

        with self._working("reading threads") as heap:
            return thread_rows(heap, **options)

    def loaders(self) -> list[LoaderRow]:
        """The tree of class loaders: ``loaders.loader_rows``."""
        from flinkscope.heap.loaders import loader_rows

        with self._working("sizes by class loader") as heap:
            return loader_rows(heap)

    def duplicates(self) -> list[DuplicateRow]:
        """Class names that several loaders define: ``loaders.duplicate_rows``."""
        from flinkscope.heap.loaders import duplicate_rows

        return duplicate_rows(self._heap)

    def collections(self, **options: Any) -> list[CollectionRow]:
        """How full the collections are: ``collections.collection_rows``."""
        from flinkscope.heap.collections import collection_rows

        with self._working("judging collections") as heap:
            return collection_rows(heap, **options)

    def waste(self, **options: Any) -> list[WasteRow]:
        """Memory that could be saved, by kind and class: ``waste.waste_rows``."""
        from flinkscope.heap.waste import waste_rows

        with self._working("looking for waste") as heap:
            return waste_rows(heap, **options)

    def direct(self, **options: Any) -> DirectMemory:
        """Direct buffers and the JVM's own counters: ``direct.direct_memory``."""
        from flinkscope.heap.direct import direct_memory

        return direct_memory(self._heap, **options)

    def references(self, **options: Any) -> ReferenceReport:
        """Soft, weak, phantom and finalizer references: ``references.reference_report``."""
        from flinkscope.heap.references import reference_report

        with self._working("walking without soft, weak, phantom, finalizer references") as heap:
            return reference_report(heap, **options)

    def suspects(self, **options: Any) -> list[Suspect]:
        """Leak suspects as in MAT's report: ``suspects.find_suspects``."""
        from flinkscope.heap.suspects import find_suspects

        with self._working("looking for suspects") as heap:
            return find_suspects(heap, **options)

    def merged_paths(self, indices: Array, **options: Any) -> MergedPaths:
        """Shortest paths from GC roots to many objects as one tree: ``pins.merged_paths``."""
        from flinkscope.heap.pins import merged_paths

        with self._working("walking from the GC roots") as heap:
            return merged_paths(heap, indices, **options)

    def pins(self, indices: Array, **options: Any) -> Pins:
        """All independent ways in which a set of objects is held: ``pins.independent_pins``."""
        from flinkscope.heap.pins import independent_pins

        with self._working("walking around the set") as heap:
            return independent_pins(heap, indices, **options)

    def sql(self, text: str, **options: Any) -> SqlResult:
        """The rows of one SELECT over the dump's tables: ``sql.run_sql``."""
        from flinkscope.heap.sql import run_sql

        with self._working("building tables and answering") as heap:
            return run_sql(heap, text, **options)
