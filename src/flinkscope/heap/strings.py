"""Strings: how many, how long, how many are equal, what the duplicates cost and which fields hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import UsageError
from flinkscope.heap.kernels import contents as kernels
from flinkscope.heap.labels import number_column, reference_column
from flinkscope.heap.owners import OwnerShare, owner_shares

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

STRING = "java.lang.String"
LENGTH_BOUNDS = (0, 1, 9, 33, 129, 1025, 65537)
SEARCH_LIMIT_CHARS = 1 << 16


@dataclass(frozen=True, slots=True)
class DuplicateString:
    """Equal strings. ``wasted_bytes``: what all but one of them cost, objects and arrays (an array that strings share
    counts once). ``text``: only where contents were asked for. ``example_address``: one of them."""

    strings: int
    arrays: int
    length_chars: int
    wasted_bytes: int
    example_address: int
    text: str | None
    owners: tuple[OwnerShare, ...]


@dataclass(frozen=True, slots=True)
class StringReport:
    """All reachable Strings. ``shallow_bytes``: objects and their arrays. ``by_length``: how many have 0, 1–8,
    9–32, 33–128, 129–1024, 1025–65536, more characters. ``duplicates``: the costliest groups."""

    strings: int
    distinct: int
    characters: int
    shallow_bytes: int
    wasted_bytes: int
    by_length: tuple[int, ...]
    longest_chars: int
    longest_address: int | None
    duplicates: tuple[DuplicateString, ...]
    contents_shown: bool


@dataclass(frozen=True, slots=True)
class FoundString:
    """A String that matches a pattern. ``text``: only where contents were asked for."""

    address: int
    length_chars: int
    retained_bytes: int
    text: str | None


@dataclass(frozen=True)
class StringGroups:
    """Reachable Strings grouped by content. By string: ``indices``, ``arrays`` (value), ``chars``, ``group``; ``count``
    groups. Equal hashes were compared byte by byte, so a group really is one text."""

    indices: Array
    arrays: Array
    chars: Array
    group: Array
    count: int
    string_bytes: Array
    array_bytes: Array

    @cached_property
    def first_use(self) -> Array:
        """bool by string: the first that uses its array (an array that several share must count once)."""
        _, first = np.unique(self.arrays, return_index=True)
        mask = np.zeros(len(self.arrays), bool)
        mask[first] = True
        return mask

    @cached_property
    def sizes(self) -> Array:
        """Bytes by string: the object and, where it is the first that uses it, the array."""
        sizes: Array = self.string_bytes + np.where(self.first_use, self.array_bytes, 0)
        return sizes

    @cached_property
    def wasted(self) -> Array:
        """Bytes by group that all but one string cost."""
        sums = np.zeros(self.count, np.int64)
        np.add.at(sums, self.group, self.sizes)
        kept = np.zeros(self.count, np.int64)
        np.maximum.at(kept, self.group, self.sizes)
        wasted: Array = sums - kept
        return wasted


def string_groups(heap: Heap) -> StringGroups:
    """Groups all reachable Strings by content. Cost: reads every string's array once; about 60 bytes a string."""
    indices = heap.table(STRING).indices
    indices = indices[heap.reachable[indices]]
    arrays = reference_column(heap, indices, "value")
    indices, arrays = indices[arrays > 0], arrays[arrays > 0]
    hashes = np.empty(len(indices), np.int64)
    data, id_size, offsets = heap.records.data, heap.records.id_size, heap.store.offsets
    kernels.content_hashes(data, offsets, arrays, id_size, hashes)
    whole = hashes >= 0
    indices, arrays, hashes = indices[whole], arrays[whole], hashes[whole]
    coder = number_column(heap, indices, "coder")
    wide = np.zeros(len(indices), np.int64) if coder is None else (coder == 1).astype(np.int64)
    slots = np.full(1 << (2 * len(indices) + 1).bit_length(), -1, np.int32)
    group = np.empty(len(indices), np.int32)
    count = kernels.group_contents(data, offsets, arrays, wide, hashes, id_size, slots, group)
    chars = heap.array_lengths(arrays) >> wide
    sizes = heap.shallow_bytes
    return StringGroups(
        indices,
        arrays,
        chars,
        group,
        int(count),
        sizes[indices].astype(np.int64),
        sizes[arrays].astype(np.int64),
    )


def string_report(heap: Heap, *, top: int = 20, owners: int = 3, show_strings: bool = False) -> StringReport:
    """Counts, lengths and the ``top`` costliest groups of equal strings with the fields that hold them."""
    groups = string_groups(heap)
    longest = int(groups.chars.argmax()) if len(groups.chars) else -1
    costliest = [int(g) for g in np.argsort(-groups.wasted, kind="stable")[:top] if groups.wasted[g] > 0]
    members = [np.flatnonzero(groups.group == g) for g in costliest]
    shares = owner_shares(heap, [(groups.indices[m], groups.sizes[m]) for m in members], owners)
    return StringReport(
        strings=len(groups.indices),
        distinct=groups.count,
        characters=int(groups.chars.sum()),
        shallow_bytes=int(groups.sizes.sum()),
        wasted_bytes=int(groups.wasted.sum()),
        by_length=tuple(np.histogram(groups.chars, bins=[*LENGTH_BOUNDS, np.iinfo(np.int64).max])[0].tolist()),
        longest_chars=int(groups.chars[longest]) if longest >= 0 else 0,
        longest_address=heap.address_of(int(groups.indices[longest])) if longest >= 0 else None,
        duplicates=tuple(
            _duplicate(heap, groups, m, held, show_strings) for m, held in zip(members, shares, strict=True)
        ),
        contents_shown=show_strings,
    )


def _duplicate(
    heap: Heap, groups: StringGroups, members: Array, owners: tuple[OwnerShare, ...], show_strings: bool
) -> DuplicateString:
    first = int(groups.indices[members[0]])
    return DuplicateString(
        strings=len(members),
        arrays=int(groups.first_use[members].sum()),
        length_chars=int(groups.chars[members[0]]),
        wasted_bytes=int(groups.wasted[groups.group[members[0]]]),
        example_address=heap.address_of(first),
        text=heap.string(first) if show_strings else None,
        owners=owners,
    )


def find_strings(heap: Heap, pattern: str, *, limit: int = 100, show_strings: bool = False) -> list[FoundString]:
    """Reachable Strings in which the regular expression is found, most retained first; at most ``limit``.

    Each distinct text is looked at once, its first 65,536 characters. Raises UsageError for a pattern that is none.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"no regular expression: {pattern!r} ({error})") from error
    groups = string_groups(heap)
    _, first = np.unique(groups.group, return_index=True)
    fitting = np.zeros(groups.count, bool)
    for begin in range(0, len(first), 1 << 16):
        some = first[begin : begin + (1 << 16)]
        for member, text in zip(some, heap.strings(groups.indices[some]), strict=True):
            fitting[groups.group[member]] = text is not None and wanted.search(text, 0, SEARCH_LIMIT_CHARS) is not None
    found = groups.indices[fitting[groups.group]]
    chars = groups.chars[fitting[groups.group]]
    order = np.lexsort((found, -heap.retained_bytes[found]))[:limit]
    texts = heap.strings(found[order]) if show_strings else [None] * len(order)
    return [
        FoundString(heap.address_of(int(found[k])), int(chars[k]), int(heap.retained_bytes[found[k]]), text)
        for k, text in zip(order.tolist(), texts, strict=True)
    ]
