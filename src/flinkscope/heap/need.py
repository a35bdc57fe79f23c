"""What memory a dump takes to analyse, told before it is taken."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from flinkscope.formats.hprof.container import open_bytes
from flinkscope.formats.hprof.records import read_records
from flinkscope.progress import SILENT, Progress

# bytes an object and a reference, by construction of the columns (docs/explain/heap.md lists them)
INDEX_BYTES = 4 + 4 + 4  # file position, class, shallow size
GRAPH_BYTES = 4
SEARCH_BYTES = 8 + 4 + 8 + 4  # number and list head, order, tree links, immediate dominator
EDGE_BYTES = 4 + 2  # target; a quarter of the edges is kept with 8 bytes for the dominators


@dataclass(frozen=True, slots=True)
class Need:
    """``index_bytes``: for histogram and tables; ``analysis_bytes``: at the peak, for dominators and retained sizes,
    index included; ``references``: upper bound from the file's size; ``available_bytes``: of this machine or cgroup."""

    objects: int
    references: int
    file_bytes: int
    index_bytes: int
    analysis_bytes: int
    available_bytes: int

    @property
    def fits(self) -> bool:
        """Whether the analysis fits into the memory that is available now."""
        return self.analysis_bytes <= self.available_bytes


def estimate_need(path: str | Path, *, work_dir: str | Path | None = None, progress: Progress = SILENT) -> Need:
    """Scans the records (no index is built) and adds up the columns. Cost: one pass over the file."""
    records = read_records(open_bytes(path, work_dir=work_dir, progress=progress), progress=progress)
    objects = 1 + int(records.instances + records.object_arrays + records.primitive_arrays) + len(records.class_heads)
    return need_of(objects, len(records.data), records.id_size)


def need_of(objects: int, file_bytes: int, id_size: int) -> Need:
    """The need of a dump with so many objects."""
    wide = 4 if file_bytes >= 1 << 32 else 0
    references = max(objects, file_bytes // (2 * id_size) - objects)
    map_bytes = file_bytes // 32
    index = objects * (INDEX_BYTES + wide) + map_bytes
    analysis = index + objects * (GRAPH_BYTES + SEARCH_BYTES) + references * EDGE_BYTES
    return Need(objects, references, file_bytes, index, analysis, available_bytes())


def available_bytes() -> int:
    """Memory that can be used now: the system's, or the cgroup's (v2, v1) where that is less."""
    found = [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found = [int(line.split()[1]) * 1024]
    except OSError:
        pass
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            most = Path(limit).read_text("ascii").strip()
            if most.isdigit():
                found.append(max(0, int(most) - int(Path(used).read_text("ascii"))))
        except (OSError, ValueError):
            continue
    return min(found)
