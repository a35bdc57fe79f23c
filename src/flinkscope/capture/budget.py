"""How long a recording may stop the process in all, what each step is expected to cost, and what it did cost.

Rates measured on heaps of 40 to 45 MB, Java 11 to 25, and rounded up: a class histogram of all objects 0.5 ms a MiB, a
heap dump 7 ms a MiB (10 compressed), a thread dump or the statistics of the class loaders 20 ms at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SHORT_STOP_MS = 20
HISTOGRAM_MS_PER_MIB = 0.5
HEAP_DUMP_MS_PER_MIB = 7.0
PACKED_DUMP_MS_PER_MIB = 10.0
DEFAULT_BUDGET_MS = 2_000


@dataclass(slots=True)
class StopBudget:
    """``total_ms`` for each process by itself; charged with the whole time of a request, never less than the stop."""

    total_ms: int = DEFAULT_BUDGET_MS
    _spent_ms: dict[str | None, int] = field(default_factory=dict)

    @property
    def most_spent_ms(self) -> int:
        """What the process that was stopped longest has been charged."""
        return max(self._spent_ms.values(), default=0)

    def refusal(self, process: str | None, expected_ms: int) -> str | None:
        """Why a step that may stop the process that long must not be done; None if it may."""
        spent_ms = self._spent_ms.get(process, 0)
        left_ms = self.total_ms - spent_ms
        if expected_ms <= left_ms:
            return None
        return (
            f"would stop the process for about {expected_ms:,} ms; "
            f"{max(0, left_ms):,} of {self.total_ms:,} ms are left: "
            f"--stop-budget {(spent_ms + expected_ms) // 1000 + 1} allows it"
        )

    def charge(self, process: str | None, took_ms: int) -> None:
        """Takes that much out of the process' budget."""
        self._spent_ms[process] = self._spent_ms.get(process, 0) + took_ms


def expected_ms(heap_used_bytes: int, ms_per_mib: float) -> int:
    """What a walk over a heap of that size is expected to take."""
    return SHORT_STOP_MS + int(heap_used_bytes / (1 << 20) * ms_per_mib)
