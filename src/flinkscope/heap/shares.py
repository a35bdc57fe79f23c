"""Work on a range in equal parts, one a thread: kernels hold no lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flinkscope.formats.hprof.records import WORKERS

T = TypeVar("T")


def in_shares(total: int, work: Callable[[int, int], T]) -> list[T]:
    """``work(first, last)`` of each part of ``range(total)``, at the same time; the results in order."""
    cuts = [total * k // WORKERS for k in range(WORKERS + 1)]
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, cuts[:-1], cuts[1:]))
