"""The map from addresses to dense indices, made from the page bitmaps of the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.hprof.records import Pages
from flinkscope.heap.kernels.address_map import AddressMap, merge_pages, rank_words

Array = npt.NDArray[Any]

OBJECT_LIMIT = 2**31 - 2
TABLE_LIMIT = 1 << 22  # pages in a direct table (16 MiB); sparser address ranges are searched


def map_addresses(parts: tuple[Pages, ...]) -> tuple[AddressMap, int]:
    """The map of all parts of a scan, and the number of objects including the boot loader (index 0).

    Memory: 1/32 of the pages' address range. Raises UnreadableInputError past 2^31 - 2 objects.
    """
    shift, page_shift = parts[0].shift, parts[0].page_shift
    numbers = np.unique(np.concatenate([part.numbers for part in parts]))
    per_page = 1 << (page_shift - shift - 6)
    words = np.zeros((len(numbers) * per_page, 2), np.uint64)
    for part in parts:
        merge_pages(part.bits, np.searchsorted(numbers, part.numbers).astype(np.int64), per_page, words)
    total = int(rank_words(words))
    if total > OBJECT_LIMIT:
        raise UnreadableInputError(
            f"{total:,} objects; flinkscope indexes at most {OBJECT_LIMIT:,}", hint="dump with live objects only"
        )
    span = int(numbers[-1]) - int(numbers[0]) + 1 if len(numbers) else 0
    table = np.empty(0, np.int32)
    if 0 < span <= TABLE_LIMIT:
        table = np.full(span, -1, np.int32)
        table[numbers - numbers[0]] = np.arange(len(numbers), dtype=np.int32)
    base = int(numbers[0]) if len(numbers) else 0
    return AddressMap(words, table, numbers, base, shift, page_shift), total


def address_step(words: Array, shift: int) -> int:
    """The greatest common divisor of the distances between objects, within 8 to 256 bytes (object alignment)."""
    if not (words[:, 0] != 0).any():
        return 8
    seen = int(np.bitwise_or.reduce(words[:, 0]))
    positions = [bit for bit in range(64) if seen >> bit & 1]
    step = int(np.gcd.reduce([64, *(p - positions[0] for p in positions)])) << shift
    return min(max(step & -step, 8), 256)
