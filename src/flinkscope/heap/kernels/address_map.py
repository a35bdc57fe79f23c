"""Kernels of the address map: from an object's address to its dense index, and to the gap after it.

The map is one bit per 2^shift bytes of each address page in which objects were seen, and the rank of each 64-bit word:
1/32 of the heap, one cache line a look-up, no sorting. Indices are in address order; 0 is the boot loader (address 0).
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.words import big_u32, big_u64, inlined, lowest_bit, popcount
from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any  # an integer of the machine: numba infers its width


class AddressMap(NamedTuple):
    """``words``: per 64 granules (bits, rank of the first); ``table``: page - base → slot, or ``pages`` to search."""

    words: Array
    table: Array
    pages: Array
    base: int
    shift: int
    page_shift: int


@inlined
def read_id(data: Array, position: Number, id_size: Number) -> Number:
    """One identifier; the caller has checked that it is there."""
    return big_u64(data, position) if id_size == 8 else big_u32(data, position)


@inlined
def word_of(address: Number, m: AddressMap) -> Number:
    """The row in ``m.words`` that covers the address; -1 where no object can be."""
    page = address >> m.page_shift
    if len(m.table) > 0:
        at = page - m.base
        if at < 0 or at >= len(m.table):
            return -1
        slot = np.int64(m.table[at])
    else:
        slot = np.int64(np.searchsorted(m.pages, page))
        if slot >= len(m.pages) or m.pages[slot] != page:
            return -1
    if slot < 0 or address & ((1 << m.shift) - 1) != 0:
        return -1
    bit = (address >> m.shift) & ((1 << (m.page_shift - m.shift)) - 1)
    return (slot << (m.page_shift - m.shift - 6)) + (bit >> 6)


@inlined
def index_in(row: Number, address: Number, m: AddressMap) -> Number:
    """``lookup`` where the address's row of ``m.words`` is known (-1: none)."""
    if row < 0:
        return -1
    word = m.words[row, 0]
    below = (np.uint64(1) << np.uint64((address >> m.shift) & 63)) - np.uint64(1)
    if word & (below + np.uint64(1)) == 0:
        return -1
    return np.int64(m.words[row, 1]) + popcount(word & below)


@inlined
def lookup(address: Number, m: AddressMap) -> Number:
    """The dense index of the object at ``address``; -1 if there is none (0, the null id, has none either)."""
    return index_in(word_of(address, m), address, m)


@kernel
def lookup_all(addresses: Array, m: AddressMap, indices: Array) -> None:
    """``lookup`` for a column."""
    for i in range(len(addresses)):
        indices[i] = lookup(addresses[i], m)


@kernel
def merge_pages(pool: Array, slots: Array, words: Number, merged: Array) -> None:
    """Ors the page bitmaps of ``pool`` into the map's words; ``slots``: pool slot → slot in the map."""
    for slot in range(len(slots)):
        source = slot * words
        target = slots[slot] * words
        for i in range(words):
            merged[target + i, 0] |= pool[source + i]


@kernel
def rank_words(words: Array) -> Number:
    """Fills the ranks (from 1: index 0 is the boot loader); returns the number of objects including it."""
    total = np.int64(1)
    for row in range(len(words)):
        words[row, 1] = np.uint64(total)
        total += popcount(words[row, 0])
    return total


@inlined
def gap_behind(row: Number, address: Number, m: AddressMap, reach: Number) -> Number:
    """``gap_after`` where the address's row of ``m.words`` is known (-1: none)."""
    if row < 0:
        return -1
    page_words = 1 << (m.page_shift - m.shift - 6)
    bit = (address >> m.shift) & 63
    word = (m.words[row, 0] >> np.uint64(bit)) >> np.uint64(1)
    if word != 0:
        return (lowest_bit(word) + 1) << m.shift
    last = min(row + reach, (row // page_words + 1) * page_words - 1)
    for ahead in range(row + 1, last + 1):
        if m.words[ahead, 0] != 0:
            return (((ahead - row) << 6) + lowest_bit(m.words[ahead, 0]) - bit) << m.shift
    return -1


@inlined
def gap_after(address: Number, m: AddressMap, reach: Number) -> Number:
    """Bytes from the object to the next one, looked for in ``reach`` map words of its page; -1 if none is near."""
    return gap_behind(word_of(address, m), address, m, reach)


@kernel
def gaps_after(addresses: Array, m: AddressMap, reach: Number, gaps: Array) -> None:
    """``gap_after`` for a column."""
    for i in range(len(addresses)):
        gaps[i] = gap_after(addresses[i], m, reach)
