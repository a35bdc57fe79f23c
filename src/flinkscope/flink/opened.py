"""``flinkscope.open_heap``: a heap dump that also answers in Flink's terms."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from flinkscope.heap import store
from flinkscope.progress import SILENT, Progress

if TYPE_CHECKING:  # the lens is imported when it is asked: 0.1 s of CPU less to the first histogram
    from flinkscope.flink.lens.view import FlinkView
    from flinkscope.flink.loader_duplicates import DuplicateSet
    from flinkscope.flink.loaders import UserLoader
    from flinkscope.heap.objects import SizeRule


class FlinkHeap(store.Heap):
    """A heap with Flink's lens: everything that ``Heap`` answers, ``flink`` and ``flink_loaders``."""

    def __init__(self, opened: store.Heap) -> None:
        self.__dict__.update(opened.__dict__)  # the same columns, no copy

    @cached_property
    def _flink(self) -> FlinkView:
        from flinkscope.flink.lens.view import view

        return view(self)

    @cached_property
    def _flink_loaders(self) -> tuple[UserLoader, ...]:
        from flinkscope.flink.loaders import user_loaders

        return user_loaders(self)

    def flink_loaders(self) -> tuple[UserLoader, ...]:
        """User class loaders, leaked ones first with all that keeps them. Computed once; see ``flink.loaders``."""
        return self._flink_loaders

    def duplicate_sets(self) -> tuple[DuplicateSet, ...]:
        """Classes defined more than once, by set of class loaders, with their jobs; see ``flink.loader_duplicates``."""
        from flinkscope.flink.loader_duplicates import duplicate_sets

        return duplicate_sets(self)

    def flink(self) -> FlinkView:
        """Process, keyed state, timers, windows and the owner of every byte. Computed once; see ``lens.view``."""
        return self._flink


def open_heap(
    path: str | Path,
    *,
    progress: Progress = SILENT,
    cache: bool = True,
    work_dir: str | Path | None = None,
    sizes: SizeRule = "measured",
) -> FlinkHeap:
    """As ``flinkscope.heap.store.open_heap``: same arguments, cost and errors; the answer knows Flink too."""
    return FlinkHeap(store.open_heap(path, progress=progress, cache=cache, work_dir=work_dir, sizes=sizes))
