"""From a live set to a heap: how much room a collector needs above what stays alive.

Hunt & John, *Java Performance* (2011), ch. 7: with the heap 3–4 times the live set after a full collection in steady
state a generational collector works well; later folklore says 3–5 times. flinkscope's factors depend on the collector
and on how sure the live set is; the rule of thumb is always shown beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.errors import UsageError
from flinkscope.units import GIB, MIB, human_bytes

# HotSpot compresses references in heaps up to 32 GiB less the largest heap alignment (32 MiB: G1's largest region).
COMPRESSED_OOPS_BYTES = 32 * GIB - 32 * MIB
LARGEST_TARGET_BYTES = 31 * GIB  # with room for another 64 MiB of rounding

RULE_OF_THUMB_LOW_PERCENT = 300
RULE_OF_THUMB_HIGH_PERCENT = 500

# percent of the live set, with the reason
_FACTORS = {
    "g1": (250, "G1 collects the old generation concurrently and needs room for marking and evacuation"),
    "parallel": (300, "Parallel stops the world for each full collection: room makes them rare"),
    "serial": (200, "Serial compacts the whole heap in place and needs the least room"),
    "z": (300, "ZGC collects while the program allocates, so the program needs room meanwhile"),
    "shenandoah": (300, "Shenandoah collects while the program allocates, so the program needs room meanwhile"),
    "cms": (300, "CMS does not compact, so fragmentation needs room"),
}
_UNSETTLED_EXTRA_PERCENT = 100
_HUMONGOUS_BP = 500
_HUMONGOUS_EXTRA_PERCENT = 50


class SizingRefused(UsageError):
    """No size helps: what stays alive grows without end."""


@dataclass(frozen=True, slots=True)
class HeapTarget:
    """The heap that a live set needs: ``heap_bytes = live_set_bytes × factor_percent / 100``, cut at 31 GiB.

    ``rule_low_bytes`` and ``rule_high_bytes`` are the 3–5 × rule of thumb for comparison.
    """

    live_set_bytes: int
    collector: str
    factor_percent: int
    heap_bytes: int
    reasons: tuple[str, ...]
    rule_low_bytes: int
    rule_high_bytes: int
    capped: bool

    @property
    def factor(self) -> float:
        """The factor as people write it: 2.5."""
        return self.factor_percent / 100


def heap_for_live_set(
    live_set_bytes: int,
    collector: str,
    *,
    rising: bool = False,
    humongous_bp: int = 0,
    upper_bound: bool = False,
    at_ceiling: bool = False,
    leak: str = "",
) -> HeapTarget:
    """The heap for a live set in bytes under ``collector`` (``G1``, ``Parallel``, ``Serial``, ``ZGC``, …).

    ``rising``: the live set has not settled yet. ``humongous_bp``: share of humongous objects in basis points.
    ``upper_bound``: only young collections were seen, so the true live set is smaller. ``at_ceiling``: it filled the
    heap, so the true one is larger. ``leak``: the cause, if a leak is proved.

    Raises SizingRefused for a leak, UsageError for a live set that is not positive or an unknown collector.
    """
    if live_set_bytes <= 0:
        raise UsageError(
            f"a live set of {live_set_bytes:,} bytes", hint="give what stays alive after a full collection"
        )
    if leak:
        raise SizingRefused(
            f"not sized: {leak}. A leak fills any heap; a larger one only dies later",
            hint="remove the cause, then measure the live set again",
        )
    name = _known(collector)
    percent, reasons = _factor(name, rising, at_ceiling, humongous_bp)
    if upper_bound:
        reasons.append("the live set is an upper bound: no full collection was seen")
    return _target(live_set_bytes, name, percent, reasons)


def _target(live_set_bytes: int, name: str, percent: int, reasons: list[str]) -> HeapTarget:
    """The factor applied, and cut where references would lose their compression."""
    heap_bytes = live_set_bytes * percent // 100
    capped = heap_bytes > LARGEST_TARGET_BYTES
    if capped:
        reasons.append(
            f"{human_bytes(heap_bytes)} would lose compressed references: cut to 31 GiB, spread the state over more "
            "TaskManagers"
        )
    return HeapTarget(
        live_set_bytes=live_set_bytes,
        collector=name,
        factor_percent=percent,
        heap_bytes=min(heap_bytes, LARGEST_TARGET_BYTES),
        reasons=tuple(reasons),
        rule_low_bytes=live_set_bytes * RULE_OF_THUMB_LOW_PERCENT // 100,
        rule_high_bytes=live_set_bytes * RULE_OF_THUMB_HIGH_PERCENT // 100,
        capped=capped,
    )


def _factor(name: str, rising: bool, at_ceiling: bool, humongous_bp: int) -> tuple[int, list[str]]:
    """Percent of the live set, and why."""
    percent, why = _FACTORS[name]
    reasons = [why]
    if rising or at_ceiling:
        percent += _UNSETTLED_EXTRA_PERCENT
    if rising:
        reasons.append("the live set still rises, so more room until it settles; measure over a whole window cycle")
    if at_ceiling:
        reasons.append(
            "the live set filled the heap, so the true need is larger than measured: this is a lower bound; measure "
            "again with the larger heap"
        )
    if humongous_bp > _HUMONGOUS_BP and name == "g1":
        percent += _HUMONGOUS_EXTRA_PERCENT
        reasons.append(f"{humongous_bp / 100:.1f} % humongous objects waste the ends of their regions")
    return percent, reasons


def _known(collector: str) -> str:
    name = collector.lower().replace("usegc", "").removeprefix("-xx:+use").removesuffix("gc").strip(" -_")
    name = name.removeprefix("generational ").removeprefix("the ")
    if name in ("zgc", "zgen", "zgcgen"):
        name = "z"
    if name not in _FACTORS:
        raise UsageError(f"unknown collector {collector!r}", hint=f"one of {', '.join(sorted(_FACTORS))}")
    return name
