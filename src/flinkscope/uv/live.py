"""The most visited keys as they are followed: who leads, who gains, and the curve of each over the day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flinkscope.errors import FormatError
from flinkscope.uv.store import VisitorStore

MOST_SAMPLES = 512
MOST_KEYS = 1_000
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one key."""

    time_ms: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A key's place. ``gained``: visitors since the look before; None at the first look that saw it."""

    rank: int
    key: str
    visitors: int
    gained: int | None
    curve: tuple[Sample, ...]


class History:
    """The curves of the keys that have been among the leaders: bounded, thinned by every other sample when full.

    With ``path`` each change is appended to that file, a JSON object a line, and what the file holds is where the
    curves begin: so they survive the end of the watcher.
    """

    def __init__(self, day: str, path: Path | None = None) -> None:
        self.day, self._path = day, path
        self._curves: dict[str, list[Sample]] = {}
        if path is not None and path.exists():
            for key, sample in read_history(path, day):
                self._add(key, sample)

    def curve(self, key: str) -> tuple[Sample, ...]:
        """What is known of the key, oldest first."""
        return tuple(self._curves.get(key, ()))

    def take(self, counts: Mapping[str, int], time_ms: int) -> None:
        """Adds a look; samples that change nothing are not kept."""
        changed = {key: n for key, n in counts.items() if not self._is(key, n)}
        for key, visitors in changed.items():
            self._add(key, Sample(time_ms, visitors))
        if self._path is not None and changed:
            with self._path.open("a", encoding="utf-8") as stream:
                for key, visitors in changed.items():
                    row = {"day": self.day, "key": key, "time_ms": time_ms, "visitors": visitors}
                    stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _is(self, key: str, visitors: int) -> bool:
        curve = self._curves.get(key)
        return bool(curve) and curve is not None and curve[-1].visitors == visitors

    def _add(self, key: str, sample: Sample) -> None:
        curve = self._curves.pop(key, [])
        self._curves[key] = curve  # the key that was seen longest ago stands first
        curve.append(sample)
        if len(curve) > MOST_SAMPLES:
            del curve[1:-1:2]
        if len(self._curves) > MOST_KEYS:
            del self._curves[next(iter(self._curves))]


@dataclass(slots=True)
class Follower:
    """Looks at a day again and again. Each look reads the whole hash in steps."""

    store: VisitorStore
    day: str
    most: int
    history: History
    _before: dict[str, int] = field(default_factory=dict)

    def look(self, time_ms: int) -> list[Standing]:
        """The leaders now. Raises SourceError when Redis does not answer."""
        leaders = self.store.top(self.day, self.most)
        counts = {leader.key: leader.visitors for leader in leaders}
        self.history.take(counts, time_ms)
        before, self._before = self._before, counts
        return [
            Standing(
                rank,
                leader.key,
                leader.visitors,
                leader.visitors - before[leader.key] if leader.key in before else None,
                self.history.curve(leader.key),
            )
            for rank, leader in enumerate(leaders, 1)
        ]


def read_history(path: Path, day: str) -> Iterator[tuple[str, Sample]]:
    """The samples of that day in a history file. Raises FormatError at the first line that is none (a cut last one is
    passed over: its writer was killed)."""
    offset = 0
    with path.open("rb") as stream:
        for line in stream:
            try:
                row = json.loads(line)
                if row["day"] == day:
                    yield str(row["key"]), Sample(int(row["time_ms"]), int(row["visitors"]))
            except (ValueError, KeyError, TypeError) as error:
                if not line.endswith(b"\n"):
                    return
                raise FormatError(str(path), offset, "a line written by uv top --history", repr(line[:60])) from error
            offset += len(line)


def sparkline(samples: Sequence[Sample], width: int, first_ms: int | None = None, end_ms: int | None = None) -> str:
    """The curve in ``width`` characters, from ``first_ms`` to ``end_ms`` (else its own span); blank before its start.

    Each character is the count at that moment, from 0 at the bottom to the highest.
    """
    if not samples or width < 1:
        return " " * width
    start = samples[0].time_ms if first_ms is None else first_ms
    stop = max(samples[-1].time_ms if end_ms is None else end_ms, start + 1)
    highest = max(sample.visitors for sample in samples)
    drawn, at = [], -1
    for column in range(width):
        moment = start + (stop - start) * (column + 1) // width
        while at + 1 < len(samples) and samples[at + 1].time_ms <= moment:
            at += 1
        level = 0 if highest == 0 else samples[max(at, 0)].visitors * (len(_BARS) - 1) // highest
        drawn.append(" " if at < 0 else _BARS[level])
    return "".join(drawn)
