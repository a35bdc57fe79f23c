"""How long a recording may stop the process in all, what each step is expected to cost, and what it did cost.

Rates in CPU time of a Java 17 with 818 MiB of small objects (maps of one entry), rounded up: a class histogram of all
objects 2 ms a MiB (measured 1.5), a heap dump 8 (5.8), a compressed one 20 (16.2); a thread dump or the statistics of
the class loaders 20 ms at most. A machine without a free core needs several times as long: what the histogram took more
than expected, the dump after it is expected to take more, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SHORT_STOP_MS = 20
HISTOGRAM_MS_PER_MIB = 2.0
HEAP_DUMP_MS_PER_MIB = 8.0
PACKED_DUMP_MS_PER_MIB = 20.0
_TELLING_MS = 200  # shorter steps say nothing about the speed of the machine
DEFAULT_BUDGET_MS = 2_000


@dataclass(slots=True)
class StopBudget:
    """``total_ms`` for each process by itself; charged with the whole time of a request, never less than the stop."""

    total_ms: int = DEFAULT_BUDGET_MS
    _spent_ms: dict[str | None, int] = field(default_factory=dict)
    _slower: dict[str | None, float] = field(default_factory=dict)

    @property
    def most_spent_ms(self) -> int:
        """What the process that was stopped longest has been charged."""
        return max(self._spent_ms.values(), default=0)

    def refusal(self, process: str | None, expected_ms: int) -> str | None:
        """Why a step that may stop the process that long must not be done; None if it may."""
        expected_ms = round(expected_ms * self._slower.get(process, 1.0))
        spent_ms = self._spent_ms.get(process, 0)
        left_ms = self.total_ms - spent_ms
        if expected_ms <= left_ms:
            return None
        return (
            f"would stop the process for about {expected_ms:,} ms; "
            f"{max(0, left_ms):,} of {self.total_ms:,} ms are left: "
            f"--stop-budget {(spent_ms + expected_ms) // 1000 + 1} allows it"
        )

    def charge(self, process: str | None, took_ms: int, expected_ms: int = 0) -> None:
        """Takes that much out of the process' budget; what took longer than expected makes later steps dearer."""
        if expected_ms >= _TELLING_MS:
            self._slower[process] = max(1.0, took_ms / expected_ms)
        self._spent_ms[process] = self._spent_ms.get(process, 0) + took_ms


def expected_ms(heap_used_bytes: int, ms_per_mib: float) -> int:
    """What a walk over a heap of that size is expected to take."""
    return SHORT_STOP_MS + int(heap_used_bytes / (1 << 20) * ms_per_mib)
