"""An illegal memory configuration in plain words, and the nearest legal ones.

Nothing is guessed: each candidate changes one key (or repairs one unreadable value), is run through the same model
that refused, and is only shown when Flink would start with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_legacy import Launcher
from flinkscope.flink.memory_model import JobManagerMemory, Role, TaskManagerMemory, memory_model
from flinkscope.flink.memory_size import Refusal, parse_size
from flinkscope.units import KIB, MIB, human_bytes

_MOST = 4
_LARGEST_MIB = 2**24
_REASONS = (
    ("Cannot read memory size", "A size is not written as Flink reads it: whole numbers with b, k, m, g or t."),
    ("Could not parse value", "A value is not of the type that Flink expects there."),
    ("min value must be less", "A lower bound lies above its upper bound."),
    ("fraction must be in range", "A fraction must be at least 0 and below 1."),
    ("Derived Network Memory size", "Task heap is fixed, so the network gets the rest, and the rest is out of bounds."),
    ("do not add up to the configured Total Flink", "The given parts and total Flink memory contradict each other."),
    ("is less than the sum of the derived", "The process is smaller than the Flink memory and metaspace inside it."),
    ("bytes must be >= 0", "The process is smaller than the Flink memory and metaspace inside it."),
    ("Derived JVM Overhead size", "Process and Flink memory are fixed; what is left for the JVM is out of bounds."),
    ("and JVM Overhead", "Metaspace and overhead alone are larger than the whole process."),
    ("Sum of configured Framework Heap", "The parts are larger than total Flink memory: no heap is left."),
    ("does not match the configured Total Flink", "Heap and off-heap memory do not add up to total Flink memory."),
    ("exceeds the configured Total Flink", "The heap is larger than total Flink memory."),
    ("is less than the configured Off-heap", "Total Flink memory only holds the off-heap part: no heap is left."),
    ("need to be configured explicitly", "No size is given: Flink has no default for the size of the process."),
    ("positive number of CPU cores", "The number of slots or CPU cores must be positive."),
    ("long overflow", "A size is larger than 8 EiB after addition."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NearestConfig:
    """One legal configuration next to the illegal one: ``changes`` (None removes the key), and its whole split."""

    changes: dict[str, str | None]
    why: str
    model: TaskManagerMemory | JobManagerMemory


def in_plain_words(messages: tuple[str, ...]) -> str:
    """What Flink's exception means, in one sentence."""
    text = "\n".join(messages)
    return next((plain for stable, plain in _REASONS if stable in text), "Flink refuses this configuration.")


def nearest_configs(
    config: Mapping[str, str], role: Role, flink: str, launcher: Launcher = "none"
) -> tuple[NearestConfig, ...]:
    """Up to four legal configurations that differ in as little as possible; some 500 model runs, tens of milliseconds.

    Empty if no single change helps.
    """
    search = _Search(dict(config), role, flink, launcher)
    found: list[NearestConfig] = []
    for changes, why in (*search.repairs(), *search.shipped(), *search.other_values(), *search.removals()):
        model = search.model(changes)
        if model is not None and all(changes != known.changes for known in found):
            found.append(NearestConfig(changes, why, model))
    return tuple(found[:_MOST])


@dataclass(frozen=True, slots=True)
class _Search:
    config: dict[str, str]
    role: Role
    flink: str
    launcher: Launcher

    def model(self, changes: Mapping[str, str | None]) -> TaskManagerMemory | JobManagerMemory | None:
        merged = {k: v for k, v in {**self.config, **changes}.items() if v is not None}
        try:
            return memory_model(merged, self.role, self.flink, launcher=self.launcher)
        except MemoryConfigError:
            return None

    def repairs(self) -> list[tuple[dict[str, str | None], str]]:
        """Unreadable sizes, written as Flink reads them."""
        found: dict[str, str | None] = {}
        for key in self._size_keys():
            if key in self.config and not _readable(self.config[key]):
                repaired = repaired_size(self.config[key])
                if repaired:
                    found[key] = repaired
        return [(found, "written as Flink reads it")] if found else []

    def shipped(self) -> list[tuple[dict[str, str | None], str]]:
        """Flink's shipped process size, where no memory key is set at all."""
        if any(key.startswith(f"{self.role}.memory.") for key in self.config):
            return []
        size = "1600m" if self.role == "jobmanager" else "1728m"
        return [({f"{self.role}.memory.process.size": size}, "the size in the configuration file that Flink ships")]

    def other_values(self) -> list[tuple[dict[str, str | None], str]]:
        """The nearest legal value of each size, smallest relative change first; the totals come first."""
        found: list[tuple[float, dict[str, str | None], str]] = []
        for key in self._size_keys():
            raw = self.config.get(key)
            now_bytes = parse_size(raw) if raw is not None and _readable(raw) else None
            if now_bytes is None and not key.endswith(("process.size", "flink.size")):
                continue
            for value_mib, word in self._around(key, (now_bytes or 0) // MIB):
                change = abs(value_mib * MIB - (now_bytes or 0)) / max(now_bytes or 64 * KIB * MIB, 1)
                before = human_bytes(now_bytes) if now_bytes is not None else "unset"
                rank = change + (0 if key.endswith(("process.size", "flink.size")) else 1)
                why = f"the {word} value that starts (now {before})"
                found.append((rank, {key: f"{value_mib}m"}, why))
        return [(changes, why) for _, changes, why in sorted(found, key=lambda f: f[0])]

    def removals(self) -> list[tuple[dict[str, str | None], str]]:
        """Each memory key left out, the old heap keys first."""
        old = [key for key in self.config if key.startswith(f"{self.role}.heap.")]
        keys = [*old, *(key for key in self.config if key.startswith(f"{self.role}.memory."))]
        return [({key: None}, "left to its default") for key in keys]

    def _around(self, key: str, now_mib: int) -> list[tuple[int, str]]:
        def legal(value_mib: int) -> bool:
            model = self.model({key: f"{value_mib}m"})
            return model is not None and not any(note.startswith("WARN") for note in model.notes)

        found = []
        upward = _nearest(legal, now_mib, 1)
        downward = _nearest(legal, now_mib, -1)
        if upward is not None:
            found.append((upward, "smallest larger"))
        if downward is not None:
            found.append((downward, "largest smaller"))
        return found

    def _size_keys(self) -> list[str]:
        names = ["process.size", "flink.size", "jvm-metaspace.size", "jvm-overhead.min", "jvm-overhead.max"]
        if self.role == "taskmanager":
            names += ["task.heap.size", "managed.size", "network.min", "network.max", "task.off-heap.size"]
            names += ["framework.heap.size", "framework.off-heap.size"]
        else:
            names += ["heap.size", "off-heap.size"]
        return [f"{self.role}.memory.{name}" for name in names]


def repaired_size(text: str) -> str | None:
    """``1.5g`` → ``1536m``, ``4GiB`` → ``4g``, ``2,048 MB`` → ``2048m``; None where the meaning is unclear."""
    import re

    match = re.fullmatch(r"\s*[\"']?(\d+(?:[.,]\d+)?)\s*([bkmgt]?)(?:i?b|i|ibytes|ytes)?[\"']?\s*", text.lower())
    if not match:
        return None
    number = match[1]
    if re.fullmatch(r"\d{1,3},\d{3}", number):
        number = number.replace(",", "")
    power = "bkmgt".index(match[2] or "b")
    size_bytes = round(float(number.replace(",", ".")) * 1024**power)
    for unit, step in (("t", 1024**4), ("g", 1024**3), ("m", MIB), ("k", KIB)):
        if size_bytes and size_bytes % step == 0:
            return f"{size_bytes // step}{unit}"
    return f"{size_bytes}b"


def _nearest(legal: Callable[[int], bool], start: int, direction: int) -> int | None:
    """The legal value nearest to ``start`` on one side: doubling steps, then bisection between illegal and legal."""
    step, illegal = 1, start
    while True:
        value = start + direction * step
        if value < 0 or value > _LARGEST_MIB:
            if direction < 0 and illegal > 0 and legal(0):
                value = 0
                break
            return None
        if legal(value):
            break
        illegal, step = value, step * 2
    while abs(value - illegal) > 1:
        middle = (value + illegal) // 2
        value, illegal = (middle, illegal) if legal(middle) else (value, middle)
    return value


def _readable(text: str) -> bool:
    try:
        parse_size(text)
    except Refusal:
        return False
    return True
