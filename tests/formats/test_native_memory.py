"""The summary of Native Memory Tracking, as a real JDK 17 prints it, and what is none."""

from __future__ import annotations

import pytest

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.native_memory import parse_native_memory

SUMMARY = """\
4711:

Native Memory Tracking:

(Omitting categories weighting less than 1KB)

Total: reserved=1814093KB, committed=458769KB
       malloc: 23469KB #78514
-                 Java Heap (reserved=262144KB, committed=262144KB)
                            (mmap: reserved=262144KB, committed=262144KB)

-                     Class (reserved=1049147KB, committed=3771KB)
-                    Thread (reserved=59756KB, committed=3680KB)
-                        GC (reserved=59325KB, committed=46965KB)
"""


def test_committed_bytes_by_purpose() -> None:
    found = parse_native_memory(SUMMARY, "nmt.txt")
    assert found.committed_bytes == 458_769 << 10
    assert found.parts == {"Java Heap": 262_144 << 10, "Class": 3_771 << 10, "Thread": 3_680 << 10, "GC": 46_965 << 10}


@pytest.mark.parametrize("text", ["", "4711:\nNative memory tracking is not enabled", SUMMARY[:60]])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UnreadableInputError):
        parse_native_memory(text, "nmt.txt")
