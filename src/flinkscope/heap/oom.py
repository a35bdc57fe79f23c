"""Which thread ran out of memory: HotSpot marks it in the dump that it writes at the OutOfMemoryError."""

from __future__ import annotations

import numpy as np

from flinkscope.formats.hprof import tags
from flinkscope.formats.hprof.records import DumpRecords
from flinkscope.heap.graph import Roots


def oom_thread_index(records: DumpRecords, roots: Roots) -> int:
    """The object index of the thread that threw OutOfMemoryError; -1 if none is marked.

    The JVM puts a frame OutOfMemoryError.<init> on top of that thread's stack (heapDumper.cpp, JDK 8 to 25).
    """
    for serial, (thread_serial, frames) in records.traces.items():
        if len(frames) and _is_oom_frame(records, int(frames[0])):
            found = _thread_of(roots, serial, thread_serial)
            if found >= 0:
                return found
    return -1


def _is_oom_frame(records: DumpRecords, frame_id: int) -> bool:
    at = np.flatnonzero(records.frames[:, 0] == frame_id)
    if not len(at):
        return False
    frame = records.frames[at[0]]
    loaded = records.load_classes[records.load_classes[:, 0] == frame[4]]
    name = records.names.text(int(loaded[0, 3])) if len(loaded) else None
    return name == "java/lang/OutOfMemoryError" and records.names.text(int(frame[1])) == "<init>"


def _thread_of(roots: Roots, trace_serial: int, thread_serial: int) -> int:
    threads = roots.records[roots.records[:, 0] == tags.ROOT_THREAD_OBJECT]
    by_trace = threads[threads[:, 3] == trace_serial]
    found = by_trace if len(by_trace) else threads[threads[:, 2] == thread_serial]
    return int(found[0, 1]) if len(found) else -1
