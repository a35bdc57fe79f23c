"""What fills a heap, by whose classes: the question of every rule that names an owner other than keyed state."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ClassCount, ProcessFacts, UserHold
from flinkscope.diagnosis.finding import Evidence
from flinkscope.place import Place
from flinkscope.units import human_bytes, human_count, share_bp

MUCH_BP = 2_500  # a quarter of what is alive: nothing else is worth mending first
_MOST = 5


@dataclass(frozen=True, slots=True)
class Holding:
    """What classes of some packages hold together. ``exact``: from a heap dump (retained), else only their own bytes.

    ``size_bytes`` of a dump: the biggest of the classes, since one may retain another.
    """

    size_bytes: int
    share_bp: int
    rows: tuple[ClassCount, ...]
    place: Place
    exact: bool

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Its biggest classes."""
        what = "keep" if self.exact else "are themselves"
        return tuple(
            Evidence(
                f"{human_count(row.objects)} {row.class_name} {what} {human_bytes(_size(row))}",
                self.place,
                {"objects": row.objects, "bytes": _size(row)},
            )
            for row in self.rows[:_MOST]
        )


def holding(facts: ProcessFacts, prefixes: tuple[str, ...]) -> Holding | None:
    """What classes with these prefixes hold, by the dump or else by a class histogram; None without either."""
    heap, census = present(facts.heap), present(facts.census)
    if heap is not None:
        seen = {row.class_name: row for row in (*heap.histogram, *heap.retained)}
        rows = sorted((r for r in seen.values() if r.class_name.startswith(prefixes)), key=_size, reverse=True)
        most = _size(rows[0]) if rows else 0
        return Holding(most, share_bp(most, max(1, heap.used_bytes)), tuple(rows), heap.place, exact=True)
    if census is not None:
        counted = [ClassCount(r.class_name, r.objects, r.shallow_bytes) for r in census.rows]
        rows = sorted((r for r in counted if r.class_name.startswith(prefixes)), key=_size, reverse=True)
        total = sum(map(_size, rows))
        return Holding(total, share_bp(total, max(1, census.total_bytes)), tuple(rows), census.place, exact=False)
    return None


def hold_evidence(hold: UserHold, place: Place) -> Evidence:
    """One class of the user that keeps much."""
    inner = f", in a {hold.holder.rpartition('.')[2]}" if hold.holder != hold.class_name else ""
    text = f"{hold.class_name}: {hold.what} keeps {human_bytes(hold.retained_bytes)}{inner}"
    return Evidence(text, Place(place.source, address=hold.address), {"retained_bytes": hold.retained_bytes})


def _size(row: ClassCount) -> int:
    return row.shallow_bytes if row.retained_bytes is None else row.retained_bytes
