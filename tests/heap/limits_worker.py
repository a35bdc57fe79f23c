"""Opens a small dump, then another one with so many bytes of memory more and no byte beyond; prints its answers' sizes.

python limits_worker.py SMALL DUMP BYTES
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from flinkscope.heap.store import Heap, open_heap


def answers(path: str) -> tuple[Heap, list[object]]:
    """Every answer of a dump."""
    heap = open_heap(path, cache=False)
    last = heap.address_of(heap.object_count - 1)
    plain = (heap.histogram, heap.suspects, heap.threads, heap.loaders, heap.duplicates, heap.strings, heap.direct)
    found: list[object] = [ask() for ask in (*plain, heap.collections, heap.waste, heap.references)]
    found += [heap.dominators(limit=5), heap.strings(show_strings=True), heap.paths(last)]
    return heap, [*found, heap.object(last, show_strings=True)]


def main() -> None:
    """RLIMIT_DATA counts what a process may write to; the mapped dump is not in it."""
    small, path, room = sys.argv[1:]
    answers(small)
    status = Path("/proc/self/status").read_text("ascii")
    now = 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (now + int(room), now + int(room)))
    heap, found = answers(path)
    print(heap.object_count, *(len(repr(answer)) for answer in found[-4:]))


if __name__ == "__main__":
    main()
