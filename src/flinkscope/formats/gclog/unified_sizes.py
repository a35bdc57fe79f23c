"""Sizes that unified logging tells on lines of their own, kept by ``GC(n)`` until the collection's last line comes."""

from __future__ import annotations

import re

from flinkscope.formats.gclog.inference import infer_region_bytes
from flinkscope.formats.gclog.numbers import COUNTS, SIZES, size_bytes
from flinkscope.formats.gclog.records import MISSING, EventBuilder

# positions in the flat row of `EventBuilder.add_size_row`
HEAP, YOUNG, OLD, HUMONGOUS, METASPACE, CPU = 1, 4, 7, 10, 13, 16
EMPTY = [MISSING] * 19
_YOUNG_OF = {b"DefNew": "Serial", b"ParNew": "CMS", b"PSYoungGen": "Parallel"}
_OPEN_KEPT = 1_000
_REGION_AT = {b"O": OLD, b"A": OLD, b"H": HUMONGOUS}


class PendingSizes:
    """The sizes of collections that are under way. ``collector``: who has generations of these names."""

    def __init__(self, builder: EventBuilder) -> None:
        self.collector: str | None = None
        self._builder = builder
        self._open: dict[int, list[int]] = {}
        self._region_bytes: int | None = None  # inferred, where the line that tells it was lost

    def restart(self) -> None:
        """Another JVM begins."""
        self._open.clear()
        self._region_bytes = None

    def take(self, gc_id: int) -> list[int]:
        """The flat row of a collection that is over; its own to keep."""
        return self._open.pop(gc_id, None) or EMPTY.copy()

    def _of(self, gc_id: int) -> list[int]:
        found = self._open.get(gc_id)
        if found is None:
            if len(self._open) > _OPEN_KEPT:  # collections whose last line never came
                self._open.clear()
            found = self._open[gc_id] = EMPTY.copy()
        return found

    def region(self, match: re.Match[bytes], first: int) -> None:
        """``Eden regions: 6->0(5)``"""
        region = self._builder.jvm.region_bytes or 1
        sizes = self._of(int(match[1]))
        at = _REGION_AT.get(match[first][:1], YOUNG)
        for i in (0, 1, 2):
            text = match[first + 1 + i]
            if text:
                sizes[at + i] = max(0, sizes[at + i]) + int(text) * region

    def generation(self, match: re.Match[bytes], first: int) -> None:
        """``PSYoungGen: 1332K(30208K)->0K(30208K) …``, ``Tenured: …``"""
        sizes = self._of(int(match[1]))
        collector = _YOUNG_OF.get(match[first])
        self.collector = self.collector or collector
        at = YOUNG if collector else OLD
        sizes[at : at + 3] = [size_bytes(match[first + i]) for i in (1, 2, 3)]

    def metaspace(self, match: re.Match[bytes], first: int) -> None:
        """``Metaspace: 639K(768K)->639K(768K) …`` (used and committed), before JDK 16 ``5408K->5408K(1056768K)``"""
        sizes = self._of(int(match[1]))
        sizes[METASPACE : METASPACE + 3] = [size_bytes(match[first + i]) for i in (0, 1, 2)]

    def zmetaspace(self, match: re.Match[bytes], first: int) -> None:
        """``Metaspace: 6M used, 7M committed, 1088M reserved``"""
        sizes = self._of(int(match[1]))
        sizes[METASPACE + 1], sizes[METASPACE + 2] = size_bytes(match[first]), size_bytes(match[first + 1])

    def of_block(self, texts: tuple[bytes, ...]) -> list[int]:
        """The flat row (without heap and CPU) of G1's lines; ``texts[1:16]``: ``Eden regions`` to ``Metaspace``."""
        region = self._builder.jvm.region_bytes or 1
        count = COUNTS
        old, old_after = count[texts[7]], count[texts[8]]
        if texts[9]:
            old, old_after = old + count[texts[9]], old_after + count[texts[10]]
        used, after, committed = texts[13], texts[14], texts[15]
        sizes = EMPTY.copy()
        sizes[YOUNG] = (count[texts[1]] + count[texts[4]]) * region
        sizes[YOUNG + 1] = (count[texts[2]] + count[texts[5]]) * region
        sizes[YOUNG + 2] = (count[texts[3]] + count[texts[6]]) * region
        sizes[OLD], sizes[OLD + 1] = old * region, old_after * region
        sizes[HUMONGOUS], sizes[HUMONGOUS + 1] = count[texts[11]] * region, count[texts[12]] * region
        sizes[METASPACE] = metaspace = SIZES[used]
        sizes[METASPACE + 1] = metaspace if after == used else SIZES[after]
        sizes[METASPACE + 2] = SIZES[committed]
        return sizes

    @staticmethod
    def tell_inner(inner: list[int], outer: list[int]) -> None:
        """A full collection inside a young one (Serial and CMS up to JDK 11) ends with it; its own line rounds to M.

        The sizes in K stand under the number of the young one alone.
        """
        if inner[OLD + 1] < 0 <= outer[OLD + 1] and 0 <= outer[HEAP + 1] - inner[HEAP + 1] < 1 << 20:
            for i in (HEAP + 1, YOUNG + 1, YOUNG + 2, OLD + 1, OLD + 2, METASPACE, METASPACE + 1, METASPACE + 2):
                inner[i] = outer[i]

    def refine(self, sizes: list[int]) -> None:
        """Heap sizes in K where the generations tell them and agree with the heap line (which is rounded down to M);
        for G1 regions in bytes, where the line with the region size was lost."""
        if sizes[HUMONGOUS] < 0:
            for i in (0, 1):
                exact = sizes[YOUNG + i] + sizes[OLD + i]
                if 0 <= exact - sizes[HEAP + i] < 1 << 20:
                    sizes[HEAP + i] = exact
        elif not self._builder.jvm.region_bytes:
            regions = sizes[YOUNG] + sizes[OLD] + sizes[HUMONGOUS]
            self._region_bytes = infer_region_bytes(regions, sizes[HEAP]) or self._region_bytes
            for i in range(YOUNG, METASPACE):
                if sizes[i] >= 0:
                    sizes[i] = sizes[i] * self._region_bytes if self._region_bytes else MISSING
