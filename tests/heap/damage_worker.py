"""Opens damaged copies of a dump, in a process of its own: a crash of the interpreter must not take the tests along.

Reads lines ``cut N`` and ``flip POSITION VALUE …`` and answers each with what became of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from flinkscope.errors import FlinkscopeError
from flinkscope.heap import open_heap


def use(path: Path) -> str:
    """Asks the heap everything; an expected error is an answer too."""
    try:
        heap = open_heap(path, cache=False)
        rows = heap.histogram()
        heap.dominators(limit=20)
        heap.histogram(unreachable=True)
        heap.oom_thread
        for index in range(min(heap.object_count, 8)):
            heap.out_references(index)
            heap.in_references(index)
        heap.retained_of(heap.reachable.nonzero()[0][:3])
        for name in ("java.lang.String", "app.Node"):
            heap.strings(heap.table(name).indices)
        return f"ok {heap.object_count} {heap.truncated} {len(rows)}"
    except FlinkscopeError as error:
        return f"{type(error).__name__} {error.message}"


def main(ask: Callable[[Path], str] = use) -> None:
    """Answers until the input ends."""
    original = Path(sys.argv[1]).read_bytes()
    folder = Path(sys.argv[2])
    for number, line in enumerate(sys.stdin):
        words = line.split()
        damaged = bytearray(original)
        if words[0] == "cut":
            damaged = damaged[: int(words[1])]
        else:
            for position, value in zip(words[1::2], words[2::2], strict=True):
                damaged[int(position)] = int(value)
        path = folder / f"{os.getpid()}-{number}.hprof"
        path.write_bytes(damaged)
        answer = ask(path)
        path.unlink()
        print(answer.replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
