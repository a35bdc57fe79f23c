"""Where large columns live: in memory, or in unnamed files of a work folder when they would not fit."""

from __future__ import annotations

import ctypes
import mmap
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import FlinkscopeError
from flinkscope.heap.need import Need
from flinkscope.units import human_bytes

Array = npt.NDArray[Any]

SMALL_BYTES = 1 << 20
HUGE_BYTES = 1 << 30
_FIRST_ROOM = 1 << 20
MADV_POPULATE_WRITE = 23  # linux/mman.h


class DoesNotFitError(FlinkscopeError):
    """The analysis needs more memory (or disk) than there is."""

    exit_code = 4


class Space:
    """Makes columns. With a ``folder`` those past 1 MiB are mapped files without a name, which the system may write out
    and which vanish with the process; without one they are memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def empty(self, shape: int | tuple[int, ...], dtype: Any) -> Array:
        """A column with any content. Raises DoesNotFitError when the disk is full."""
        column = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * column.itemsize
        if size < SMALL_BYTES:
            return np.empty(shape, column)
        if self.folder is None:
            column_in_memory: Array = _in_memory(size).view(column).reshape(shape)
            return column_in_memory
        try:
            with tempfile.TemporaryFile(dir=self.folder) as stream:
                stream.truncate(size)
                content = np.frombuffer(mmap.mmap(stream.fileno(), size), np.uint8)
        except OSError as error:
            raise DoesNotFitError(
                f"{self.folder}: {error.strerror or error}", hint="choose another --work-dir"
            ) from error
        made: Array = content.view(column).reshape(shape)
        return made

    def hand_out(self, *columns: Array) -> None:
        """Has the system hand out the memory of columns at once, content untouched, so that another thread need not
        wait for it page by page. A hint: without Linux 5.14 nothing happens."""
        if self.folder is not None or not sys.platform.startswith("linux"):
            return
        madvise = ctypes.CDLL(None).madvise
        for column in columns:
            if column.nbytes >= SMALL_BYTES:
                madvise(ctypes.c_void_p(column.ctypes.data), ctypes.c_size_t(column.nbytes), MADV_POPULATE_WRITE)

    def full(self, shape: int | tuple[int, ...], value: int, dtype: Any) -> Array:
        """A column filled with one value."""
        column = self.empty(shape, dtype)
        if value != 0 or column.nbytes < SMALL_BYTES:  # new pages are zero
            column[...] = value
        return column


def collected(fill: Callable[[Array], Any]) -> Array:
    """int32 indices that a kernel finds. ``fill`` writes as many as there is room for and returns how many there are:
    where a first guess was too short it is asked a second time."""
    found = np.empty(_FIRST_ROOM, np.int32)
    count = int(fill(found))
    if count > len(found):
        found = np.empty(count, np.int32)
        fill(found)
    return found[:count]


def _in_memory(size: int) -> Array:
    """New memory: below 1 GiB in pages of 4 KiB, which a virtual machine hands round at a third of the price of 2 MiB
    ones; above in 2 MiB ones, where walks of the page table cost more than that (both measured, ADR 0301)."""
    content = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= HUGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
        content.madvise(mmap.MADV_HUGEPAGE)
    column: Array = np.frombuffer(content, np.uint8)
    return column


def choose_space(need: Need, work_dir: str | Path | None) -> Space:
    """Memory where the whole analysis fits, else the work folder; without either a clean stop.

    Raises DoesNotFitError: says the need, what there is, and what to do.
    """
    if need.fits:
        return Space()
    short = (
        f"needs {human_bytes(need.analysis_bytes)} for {need.objects:,} objects; {human_bytes(need.available_bytes)}"
    )
    if work_dir is None:
        raise DoesNotFitError(
            f"the analysis {short} of memory are available",
            hint="give a folder on a fast disk with --work-dir, use a larger machine, or `heap info --need`",
        )
    free = shutil.disk_usage(work_dir).free
    if free < need.analysis_bytes:
        raise DoesNotFitError(
            f"the analysis {short} of memory and {human_bytes(free)} of disk in {work_dir} are available",
            hint="choose a larger --work-dir",
        )
    return Space(Path(work_dir))
