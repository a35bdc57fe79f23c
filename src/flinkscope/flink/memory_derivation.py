"""What both processes' memory computations share: reading options, ranges, and the JVM's own parts.

Follows ``ProcessMemoryUtils`` (1.11 … 2.3; in 1.10 the same code sits in ``TaskExecutorProcessUtils``). A derivation
collects Flink's own notes and, beside them, each step as data, so that the split can be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from flinkscope.flink.memory_options import JvmOptions, MemoryOption, Version
from flinkscope.flink.memory_size import (
    ILLEGAL_ARGUMENT,
    ILLEGAL_CONFIGURATION,
    LONG_MAX,
    Refusal,
    add,
    configuration_refusal,
    human,
    illegal_argument,
    java_double,
    multiply,
    parse_boolean,
    parse_double,
    parse_float,
    parse_int,
    parse_size,
    subtract,
)
from flinkscope.units import human_bytes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One derivation: the part, its bytes, how it came about in words, and the keys that decided it."""

    part: str
    size_bytes: int
    how: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SizeRange:
    """A share of a base with its bounds, as ``RangeFraction``."""

    min_bytes: int
    max_bytes: int
    fraction: float

    @property
    def bounds(self) -> str:
        """``64 MiB … unlimited``."""
        upper = "unlimited" if self.max_bytes == LONG_MAX else human_bytes(self.max_bytes)
        return f"{human_bytes(self.min_bytes)} … {upper}"


@dataclass(slots=True)
class Derivation:
    """One run of the memory computation: the configuration that is read, and what is noted on the way."""

    config: Mapping[str, str]
    version: Version
    notes: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def has(self, option: MemoryOption) -> bool:
        """Whether the key or one of its older names is set."""
        return self._raw(option) is not None

    def size(self, option: MemoryOption) -> int:
        """The option's bytes (``getMemorySizeFromConfig``)."""
        try:
            return self.bare_size(option)
        except Refusal as refusal:
            raise refusal.within(
                ILLEGAL_CONFIGURATION, f"Cannot read memory size from config option '{option.key}'."
            ) from None

    def bare_size(self, option: MemoryOption) -> int:
        """The option's bytes, without the outer text that memory options get."""
        raw = self._raw(option)
        return self._parsed(option, raw, parse_size) if raw is not None else parse_size(option.default or "")

    def fraction(self, option: MemoryOption) -> float:
        """The option's 32-bit float as a double."""
        raw = self._raw(option)
        return self._parsed(option, raw if raw is not None else option.default or "", parse_float)

    def integer(self, option: MemoryOption) -> int:
        """The option's 32-bit integer."""
        raw = self._raw(option)
        return self._parsed(option, raw if raw is not None else option.default or "", parse_int)

    def number(self, option: MemoryOption) -> float:
        """The option's double."""
        raw = self._raw(option)
        return self._parsed(option, raw if raw is not None else option.default or "", parse_double)

    def boolean(self, option: MemoryOption) -> bool:
        """The option's truth value."""
        raw = self._raw(option)
        return self._parsed(option, raw if raw is not None else option.default or "", parse_boolean)

    def size_range(self, low: MemoryOption, high: MemoryOption, share: MemoryOption) -> SizeRange:
        """The checked range of a part that is a share with bounds (``getRangeFraction``)."""
        return self.fraction_range(self.size(low), self.size(high), share)

    def fraction_range(self, min_bytes: int, max_bytes: int, share: MemoryOption) -> SizeRange:
        """The checked range of a part whose bounds are known."""
        fraction = self.fraction(share)
        reason = ""
        if min_bytes > max_bytes:
            reason = "min value must be less or equal to max value"
        elif not 0 <= fraction < 1:
            reason = "fraction must be in range [0, 1)"
        if reason:
            raise illegal_argument(reason).within(
                ILLEGAL_CONFIGURATION,
                f"Inconsistently configured {share} ({java_double(fraction)}) "
                f"and its min ({human(min_bytes)}), max ({human(max_bytes)}) value",
            )
        return SizeRange(min_bytes, max_bytes, fraction)

    def share_of(self, what: str, base_bytes: int, bounds: SizeRange) -> int:
        """``base × fraction``, within the bounds (``deriveWithFraction``)."""
        return self._capped(what, multiply(base_bytes, bounds.fraction), bounds)

    def share_on_top_of(self, what: str, base_bytes: int, bounds: SizeRange) -> int:
        """What must be added to ``base`` so that it is ``fraction`` of the sum (``deriveWithInverseFraction``)."""
        return self._capped(what, multiply(base_bytes, bounds.fraction / (1 - bounds.fraction)), bounds)

    def step(self, part: str, size_bytes: int, how: str, *options: MemoryOption) -> int:
        """Records how a part came about; returns its bytes."""
        self.steps.append(Step(part, size_bytes, how, tuple(option.key for option in options)))
        return size_bytes

    def origin(self, option: MemoryOption) -> str:
        """``set by <key>`` or ``default of <key>``."""
        if option.key in self.config:
            return f"set by {option.key}"
        key = next((k for k in option.fallback_keys if k in self.config), None)
        return f"set by {key}, an old name of {option.key}" if key else f"default of {option.key}"

    def _raw(self, option: MemoryOption) -> str | None:
        for key in (option.key, *option.fallback_keys):
            if key in self.config:
                return self.config[key]
        return None

    def _parsed(self, option: MemoryOption, raw: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(raw)
        except Refusal as refusal:
            raise refusal.within(ILLEGAL_ARGUMENT, f"Could not parse value '{raw}' for key '{option.key}'.") from None

    def _capped(self, what: str, size_bytes: int, bounds: SizeRange) -> int:
        if size_bytes > bounds.max_bytes:
            word, limit = "greater than its max", bounds.max_bytes
        elif size_bytes < bounds.min_bytes:
            word, limit = "less than its min", bounds.min_bytes
        else:
            return size_bytes
        self.notes.append(
            f"INFO The derived from fraction {what} ({human(size_bytes)}) is {word} value {human(limit)}, "
            f"{word[-3:]} value will be used instead"
        )
        return limit


def how_share(bounds: SizeRange, base_name: str, base_bytes: int, size_bytes: int) -> str:
    """``0.1 × 1.25 GiB (total Flink memory) = 128 MiB, within 64 MiB … unlimited``."""
    wanted = multiply(base_bytes, bounds.fraction)
    text = f"{_short(bounds.fraction)} × {human_bytes(base_bytes)} ({base_name}) = {human_bytes(wanted)}"
    if wanted == size_bytes:
        return text if bounds.max_bytes == LONG_MAX and not bounds.min_bytes else f"{text}, within {bounds.bounds}"
    side = "raised to the minimum" if size_bytes > wanted else "cut to the maximum"
    return f"{text}, {side} {human_bytes(size_bytes)}"


def how_share_on_top(bounds: SizeRange, base_name: str, base_bytes: int, size_bytes: int) -> str:
    """``0.1 / (1 − 0.1) × 1.5 GiB (…) = 171 MiB, raised to the minimum 192 MiB``."""
    wanted = multiply(base_bytes, bounds.fraction / (1 - bounds.fraction))
    share = _short(bounds.fraction)
    text = f"{share} / (1 − {share}) × {human_bytes(base_bytes)} ({base_name}) = {human_bytes(wanted)}"
    if wanted == size_bytes:
        return f"{text}, within {bounds.bounds}"
    side = "raised to the minimum" if size_bytes > wanted else "cut to the maximum"
    return f"{text}, {side} {human_bytes(size_bytes)}"


def _short(fraction: float) -> str:
    return f"{fraction:.6g}"


def derive_jvm_from_process(run: Derivation, jvm: JvmOptions, process_bytes: int) -> tuple[int, int]:
    """Metaspace and overhead when the whole process is given."""
    metaspace = run.size(jvm.metaspace)
    bounds = run.size_range(jvm.overhead_min, jvm.overhead_max, jvm.overhead_fraction)
    overhead = run.share_of("jvm overhead memory", process_bytes, bounds)
    if add(metaspace, overhead) > process_bytes:
        raise configuration_refusal(
            f"Sum of configured JVM Metaspace ({human(metaspace)}) and JVM Overhead ({human(overhead)}) "
            f"exceed configured Total Process Memory ({human(process_bytes)})."
        )
    run.step("jvm metaspace", metaspace, run.origin(jvm.metaspace), jvm.metaspace)
    how = how_share(bounds, "total process memory", process_bytes, overhead)
    run.step("jvm overhead", overhead, how, jvm.overhead_fraction, jvm.overhead_min, jvm.overhead_max)
    return metaspace, overhead


def derive_jvm_from_flink(run: Derivation, jvm: JvmOptions, flink_bytes: int) -> tuple[int, int]:
    """Metaspace and overhead when Flink's own memory is given: the process size, if set, must fit."""
    metaspace = run.size(jvm.metaspace)
    below_bytes = add(flink_bytes, metaspace)
    keys = (jvm.overhead_fraction, jvm.overhead_min, jvm.overhead_max)
    if run.has(jvm.process):
        process_bytes = run.size(jvm.process)
        overhead = _remaining_overhead(run, jvm, process_bytes, flink_bytes, metaspace)
        how = f"the rest of total process memory ({human_bytes(process_bytes)})"
    else:
        bounds = run.size_range(jvm.overhead_min, jvm.overhead_max, jvm.overhead_fraction)
        overhead = run.share_on_top_of("jvm overhead memory", below_bytes, bounds)
        how = how_share_on_top(bounds, "Flink memory + metaspace", below_bytes, overhead)
        add(below_bytes, overhead)
    run.step("jvm metaspace", metaspace, run.origin(jvm.metaspace), jvm.metaspace)
    run.step("jvm overhead", overhead, how, *keys)
    return metaspace, overhead


def _remaining_overhead(
    run: Derivation, jvm: JvmOptions, process_bytes: int, flink_bytes: int, metaspace_bytes: int
) -> int:
    below_bytes = add(flink_bytes, metaspace_bytes)
    if process_bytes < below_bytes and run.version >= (1, 11, 0):
        raise configuration_refusal(
            f"The configured Total Process Memory size ({human(process_bytes)}) is less than the sum of the derived "
            f"Total Flink Memory size ({human(flink_bytes)}) and the configured or default JVM Metaspace size  "
            f"({human(metaspace_bytes)})."
        )
    overhead = subtract(process_bytes, below_bytes)
    bounds = run.size_range(jvm.overhead_min, jvm.overhead_max, jvm.overhead_fraction)
    if not bounds.min_bytes <= overhead <= bounds.max_bytes:
        raise configuration_refusal(
            f"Derived JVM Overhead size ({human(overhead)}) is not in configured JVM Overhead range "
            f"[{human(bounds.min_bytes)}, {human(bounds.max_bytes)}]."
        )
    if run.has(jvm.overhead_fraction) and overhead != multiply(process_bytes, bounds.fraction):
        word = "Overhead" if run.version >= (2, 0, 0) else "OVerhead"
        run.notes.append(
            f"INFO The derived JVM Overhead size ({human(overhead)}) does not match the configured or default "
            f"JVM Overhead fraction ({java_double(bounds.fraction)}) from the configured Total Process Memory size "
            f"({human(process_bytes)}). The derived JVM {word} size will be used."
        )
    return overhead


def no_size_refusal(jvm: JvmOptions, fine_grained_keys: tuple[str, ...]) -> Refusal:
    """Nothing that fixes the size is set (1.11 and later)."""
    return configuration_refusal(
        f"Either required fine-grained memory ({' and '.join(fine_grained_keys)}), or Total Flink Memory size "
        f"({jvm.flink}), or Total Process Memory size ({jvm.process}) need to be configured explicitly."
    )
