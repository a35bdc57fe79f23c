"""The TaskManager's memory computation: ``TaskExecutorProcessUtils`` and ``TaskExecutorFlinkMemoryUtils``, 1.10 … 2.3.

The order of reads and checks is the order of Flink's code, so that of several mistakes the same one is reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from flinkscope.flink.memory_derivation import (
    Derivation,
    derive_jvm_from_flink,
    derive_jvm_from_process,
    how_share,
    how_share_on_top,
    no_size_refusal,
)
from flinkscope.flink.memory_options import MemoryOption, TaskManagerOptionSet, taskmanager_options
from flinkscope.flink.memory_size import (
    ILLEGAL_CONFIGURATION,
    LONG_MAX,
    NUMBER_FORMAT,
    Cause,
    Refusal,
    add,
    configuration_refusal,
    human,
    illegal_argument,
    java_double,
    multiply,
    subtract,
)
from flinkscope.units import human_bytes

_MIN_SEGMENT_BYTES = 4096  # MemoryManager.MIN_PAGE_SIZE
_SLOTS = MemoryOption("taskmanager.numberOfTaskSlots", "1")
_CPU_CORES = MemoryOption("taskmanager.cpu.cores")


@dataclass(frozen=True, slots=True)
class TaskManagerParts:
    """Bytes of each part of a TaskManager process."""

    framework_heap: int
    framework_off_heap: int
    task_heap: int
    task_off_heap: int
    network: int
    managed: int
    metaspace: int
    overhead: int

    @property
    def flink(self) -> int:
        """Total Flink memory."""
        return add(
            self.framework_heap, self.framework_off_heap, self.task_heap, self.task_off_heap, self.network, self.managed
        )


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The parts that never depend on others."""

    framework_heap: int
    framework_off_heap: int
    task_off_heap: int


def derive_taskmanager(run: Derivation) -> TaskManagerParts:
    """The whole split. Raises Refusal as Flink's ``processSpecFromConfig`` throws."""
    options = taskmanager_options(run.version)
    try:
        parts = _derive(run, options)
        _check_cpu(run)
        return parts
    except Refusal as refusal:
        if run.version < (1, 11, 0) or not refusal.is_configuration:
            raise
        text = f"TaskManager memory configuration failed: {refusal.causes[0].message}"
        raise refusal.within(ILLEGAL_CONFIGURATION, text) from None


def _derive(run: Derivation, options: TaskManagerOptionSet) -> TaskManagerParts:
    jvm = options.jvm
    if run.has(options.task_heap) and run.has(options.managed_size):
        parts = _from_fine_grained(run, options)
        metaspace, overhead = derive_jvm_from_flink(run, jvm, _flink_bytes(parts))
    elif run.has(jvm.flink):
        flink_bytes = run.step("total flink memory", run.size(jvm.flink), run.origin(jvm.flink), jvm.flink)
        parts = _split(run, options, flink_bytes)
        metaspace, overhead = derive_jvm_from_flink(run, jvm, flink_bytes)
    elif run.has(jvm.process):
        process_bytes = run.step("total process memory", run.size(jvm.process), run.origin(jvm.process), jvm.process)
        metaspace, overhead = derive_jvm_from_process(run, jvm, process_bytes)
        flink_bytes = subtract(process_bytes, add(metaspace, overhead))
        how = f"{human_bytes(process_bytes)} − {human_bytes(metaspace)} metaspace − {human_bytes(overhead)} overhead"
        run.step("total flink memory", flink_bytes, how)
        parts = _split(run, options, flink_bytes)
    elif run.version < (1, 11, 0):
        raise configuration_refusal(
            f"Either Task Heap Memory size ({options.task_heap.key}) and Managed Memory size "
            f"({options.managed_size.key}), or Total Flink Memory size ({jvm.flink.key}), or Total Process Memory size "
            f"({jvm.process.key}) need to be configured explicitly."
        )
    else:
        raise no_size_refusal(jvm, (options.task_heap.key, options.managed_size.key))
    return TaskManagerParts(*parts, metaspace, overhead)


_Flink = tuple[int, int, int, int, int, int]


def _flink_bytes(parts: _Flink) -> int:
    return add(*parts)


def _fixed(run: Derivation, options: TaskManagerOptionSet) -> _Fixed:
    named = (
        ("framework heap", options.framework_heap),
        ("framework off-heap", options.framework_off_heap),
        ("task off-heap", options.task_off_heap),
    )
    return _Fixed(*(run.step(name, run.size(option), run.origin(option), option) for name, option in named))


def _from_fine_grained(run: Derivation, options: TaskManagerOptionSet) -> _Flink:
    """Task heap and managed memory are both given: they win over everything else."""
    task_heap = run.step("task heap", run.size(options.task_heap), run.origin(options.task_heap), options.task_heap)
    managed = run.step(
        "managed", run.size(options.managed_size), run.origin(options.managed_size), options.managed_size
    )
    fixed = _fixed(run, options)
    known_bytes = add(fixed.framework_heap, fixed.framework_off_heap, task_heap, fixed.task_off_heap, managed)
    if run.has(options.jvm.flink):
        flink_bytes = run.size(options.jvm.flink)
        network = _remaining_network(run, options, fixed, task_heap, managed, flink_bytes)
    elif _legacy_network(run, options):
        network = _buffers_bytes(run, options)
    else:
        bounds = run.size_range(options.network_min, options.network_max, options.network_fraction)
        network = run.share_on_top_of("network memory", known_bytes, bounds)
        how = how_share_on_top(bounds, "all other Flink memory", known_bytes, network)
        run.step("network", network, how, options.network_fraction, options.network_min, options.network_max)
    return _checked(
        run, options, (fixed.framework_heap, fixed.framework_off_heap, task_heap, fixed.task_off_heap, network, managed)
    )


def _split(run: Derivation, options: TaskManagerOptionSet, flink_bytes: int) -> _Flink:
    """Total Flink memory is known: the rest goes to the network if task heap is given, else to task heap."""
    fixed = _fixed(run, options)
    if run.has(options.task_heap):
        task_heap = run.step("task heap", run.size(options.task_heap), run.origin(options.task_heap), options.task_heap)
        managed = _managed(run, options, flink_bytes)
        network = _remaining_network(run, options, fixed, task_heap, managed, flink_bytes)
    else:
        managed = _managed(run, options, flink_bytes)
        network = _network(run, options, flink_bytes)
        used_bytes = add(fixed.framework_heap, fixed.framework_off_heap, fixed.task_off_heap, managed, network)
        if used_bytes > flink_bytes:
            raise configuration_refusal(
                f"Sum of configured Framework Heap Memory ({human(fixed.framework_heap)}), Framework Off-Heap Memory "
                f"({human(fixed.framework_off_heap)}), Task Off-Heap Memory ({human(fixed.task_off_heap)}), Managed "
                f"Memory ({human(managed)}) and Network Memory ({human(network)}) exceed configured Total Flink Memory "
                f"({human(flink_bytes)})."
            )
        task_heap = subtract(flink_bytes, used_bytes)
        run.step("task heap", task_heap, f"the rest of total Flink memory ({human_bytes(flink_bytes)})")
    return _checked(
        run, options, (fixed.framework_heap, fixed.framework_off_heap, task_heap, fixed.task_off_heap, network, managed)
    )


def _managed(run: Derivation, options: TaskManagerOptionSet, flink_bytes: int) -> int:
    if run.has(options.managed_size):
        size = run.size(options.managed_size)
        return run.step("managed", size, run.origin(options.managed_size), options.managed_size)
    bounds = run.fraction_range(0, LONG_MAX, options.managed_fraction)
    size = run.share_of("managed memory", flink_bytes, bounds)
    how = how_share(bounds, "total Flink memory", flink_bytes, size)
    return run.step("managed", size, how, options.managed_fraction)


def _network(run: Derivation, options: TaskManagerOptionSet, flink_bytes: int) -> int:
    if _legacy_network(run, options):
        return _buffers_bytes(run, options)
    bounds = run.size_range(options.network_min, options.network_max, options.network_fraction)
    size = run.share_of("network memory", flink_bytes, bounds)
    how = how_share(bounds, "total Flink memory", flink_bytes, size)
    return run.step("network", size, how, options.network_fraction, options.network_min, options.network_max)


def _remaining_network(
    run: Derivation, options: TaskManagerOptionSet, fixed: _Fixed, task_heap: int, managed: int, flink_bytes: int
) -> int:
    known_bytes = add(fixed.framework_heap, fixed.framework_off_heap, task_heap, fixed.task_off_heap, managed)
    if known_bytes > flink_bytes:
        raise configuration_refusal(
            f"Sum of configured Framework Heap Memory ({human(fixed.framework_heap)}), Framework Off-Heap Memory "
            f"({human(fixed.framework_off_heap)}), Task Heap Memory ({human(task_heap)}), Task Off-Heap Memory "
            f"({human(fixed.task_off_heap)}) and Managed Memory ({human(managed)}) exceed configured Total Flink "
            f"Memory ({human(flink_bytes)})."
        )
    network = subtract(flink_bytes, known_bytes)
    try:
        _check_network(run, options, network, flink_bytes)
    except Refusal as refusal:
        if not refusal.is_configuration:
            raise
        raise refusal.within(
            ILLEGAL_CONFIGURATION,
            "If Total Flink, Task Heap and (or) Managed Memory sizes are explicitly configured then the Network Memory "
            "size is the rest of the Total Flink memory after subtracting all other configured types of memory, but "
            "the derived Network Memory is inconsistent with its configuration.",
        ) from None
    how = f"the rest of total Flink memory ({human_bytes(flink_bytes)}), because task heap is given"
    return run.step("network", network, how, options.network_min, options.network_max)


def _check_network(run: Derivation, options: TaskManagerOptionSet, network: int, flink_bytes: int) -> None:
    if _legacy_network(run, options):
        configured = _segments_bytes(run, options)
        if configured != network:
            raise configuration_refusal(
                f"Derived Network Memory size ({human(network)}) does not match configured Network Memory size "
                f"({human(configured)})."
            )
        return
    bounds = run.size_range(options.network_min, options.network_max, options.network_fraction)
    if not bounds.min_bytes <= network <= bounds.max_bytes:
        raise configuration_refusal(
            f"Derived Network Memory size ({human(network)}) is not in configured Network Memory range "
            f"[{human(bounds.min_bytes)}, {human(bounds.max_bytes)}]."
        )
    if run.has(options.network_fraction) and network != multiply(flink_bytes, bounds.fraction):
        run.notes.append(
            f"INFO The derived Network Memory size ({human(network)}) does not match the configured Network Memory "
            f"fraction ({java_double(bounds.fraction)}) from the configured Total Flink Memory size "
            f"({human(flink_bytes)}). The derived Network Memory size will be used."
        )


def _checked(run: Derivation, options: TaskManagerOptionSet, parts: _Flink) -> _Flink:
    total_bytes = _flink_bytes(parts) if run.has(options.jvm.flink) else 0
    if run.has(options.jvm.flink) and total_bytes != run.size(options.jvm.flink):
        names = ("Framework Heap", "Framework Off-Heap", "Task Heap", "Task Off-Heap", "Network", "Managed")
        words = "Configured and Derived" if run.version >= (1, 11, 0) else "Configured/Derived"
        listed = ", ".join(f"{name} Memory ({human(size)})" for name, size in zip(names, parts, strict=True))
        raise configuration_refusal(
            f"{words} Flink internal memory sizes (total {human(total_bytes)}) do not add up to the configured Total "
            f"Flink Memory size ({human(run.size(options.jvm.flink))}). {words} Flink internal memory sizes are: "
            f"{listed}."
        )
    return parts


def _legacy_network(run: Derivation, options: TaskManagerOptionSet) -> bool:
    """Up to 1.20 the number of buffers counts, but only if no network option is set."""
    newer = (options.network_min, options.network_max, options.network_fraction)
    return options.buffer_count is not None and run.has(options.buffer_count) and not any(map(run.has, newer))


def _buffers_bytes(run: Derivation, options: TaskManagerOptionSet) -> int:
    size = _segments_bytes(run, options)
    assert options.buffer_count is not None
    how = f"{run.integer(options.buffer_count):,} buffers × {human_bytes(run.bare_size(options.segment_size))}"
    return run.step("network", size, how, options.buffer_count, options.segment_size)


def _segments_bytes(run: Derivation, options: TaskManagerOptionSet) -> int:
    assert options.buffer_count is not None
    count = run.integer(options.buffer_count)
    segment_bytes = run.bare_size(options.segment_size)
    if segment_bytes >= 2**31:
        raise illegal_argument(f"Cannot downcast long value {segment_bytes} to integer.")
    prefix = f"Invalid configuration value for {options.segment_size.key} : {segment_bytes} - "
    if segment_bytes < _MIN_SEGMENT_BYTES:
        raise configuration_refusal(f"{prefix}Minimum memory segment size is {_MIN_SEGMENT_BYTES}")
    if segment_bytes & (segment_bytes - 1):
        raise configuration_refusal(f"{prefix}Memory segment size must be a power of 2.")
    if count < 0:
        raise Refusal(Cause("java.lang.IllegalArgumentException", "bytes must be >= 0"))
    return count * segment_bytes


def _check_cpu(run: Derivation) -> None:
    cores = run.number(_CPU_CORES) if run.has(_CPU_CORES) else run.integer(_SLOTS)
    if cores <= 0:
        raise configuration_refusal(
            "TaskExecutors need to be started with a positive number of CPU cores. "
            f"Please configure {_CPU_CORES.key} accordingly."
        )
    if not math.isfinite(cores):
        letter = "N" if math.isnan(cores) else "I"
        text = (
            f'Character {letter} is neither a decimal digit number, decimal point, nor "e" notation exponential mark.'
        )
        raise Refusal(Cause(NUMBER_FORMAT, text))
    if run.version >= (1, 13, 0):  # before, the slots were read only where they stand for the cores (tried on the jars)
        run.integer(_SLOTS)
