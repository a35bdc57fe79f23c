"""The course of one measure: bounded, and thinned so that the floor stays what it was."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

MOST_SAMPLES = 1024  # 16 KiB


class Series:
    """Samples by time. When it is full, of each pair the lower one stays: old ones become coarser, never higher."""

    def __init__(self) -> None:
        self._time_ns = array("q")
        self._value = array("q")

    def __len__(self) -> int:
        return len(self._value)

    def append(self, time_ns: int, value: int) -> None:
        """Adds a sample; times must not fall."""
        if len(self._value) == MOST_SAMPLES:
            self._thin()
        self._time_ns.append(time_ns)
        self._value.append(value)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Times in ns and values, as copies."""
        return np.array(self._time_ns, dtype=np.int64), np.array(self._value, dtype=np.int64)

    @property
    def last(self) -> int | None:
        """The newest value."""
        return self._value[-1] if self._value else None

    def _thin(self) -> None:
        times, values = self.columns()
        pairs = values.reshape(-1, 2)
        chosen = np.arange(0, len(values), 2) + pairs.argmin(axis=1)
        self._time_ns, self._value = array("q", times[chosen].tolist()), array("q", values[chosen].tolist())
