"""Atheris target: any bytes as a heap dump. Only FlinkscopeError may come out.

    pip install atheris && python fuzz/fuzz_hprof.py -max_total_time=600 [CORPUS]

Kernels run as plain Python (FLINKSCOPE_JIT=0), so that a read outside the file is an IndexError and not a lucky guess.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["FLINKSCOPE_JIT"] = "0"

import atheris

with atheris.instrument_imports(include=["flinkscope"]):
    from flinkscope.errors import FlinkscopeError
    from flinkscope.heap import open_heap

HEADER = b"JAVA PROFILE 1.0.2\0\0\0\0\x08" + bytes(8)
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-hprof-"))


def one_input(data: bytes) -> None:
    """Opens the bytes as they are, or behind a valid header, and asks for everything."""
    path = FOLDER / "input.hprof"
    path.write_bytes(data if data[:1] == b"J" else HEADER + data)
    try:
        heap = open_heap(path, cache=False)
        heap.histogram()
        heap.dominators(limit=10)
        heap.oom_thread  # noqa: B018
        for answer in (heap.threads, heap.loaders, heap.duplicates, heap.suspects, heap.collections, heap.waste):
            answer()
        for answer in (heap.strings, heap.direct, heap.references):
            answer()
        for index in range(0, heap.object_count, 5):
            heap.object(heap.address_of(index), show_strings=True)
            heap.paths(heap.address_of(index))
    except FlinkscopeError:
        return
    finally:
        path.unlink()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
