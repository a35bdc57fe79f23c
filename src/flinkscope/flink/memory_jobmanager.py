"""The JobManager's memory computation: ``JobManagerProcessUtils`` and ``JobManagerFlinkMemoryUtils``, 1.11 … 2.3."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.flink.memory_derivation import (
    Derivation,
    derive_jvm_from_flink,
    derive_jvm_from_process,
    no_size_refusal,
)
from flinkscope.flink.memory_options import JobManagerOptionSet, jobmanager_options
from flinkscope.flink.memory_size import ILLEGAL_CONFIGURATION, Refusal, add, configuration_refusal, human, subtract
from flinkscope.units import MIB, human_bytes

_MIN_HEAP_BYTES = 128 * MIB  # JobManagerOptions.MIN_JVM_HEAP_SIZE
_ONE_OF_BOTH = (
    "Please, make the configuration consistent or configure only one option: either JVM Heap or Total Flink Memory."
)


@dataclass(frozen=True, slots=True)
class JobManagerParts:
    """Bytes of each part of a JobManager process, and whether the direct memory flag is passed."""

    heap: int
    off_heap: int
    metaspace: int
    overhead: int
    direct_limit: bool

    @property
    def flink(self) -> int:
        """Total Flink memory."""
        return add(self.heap, self.off_heap)


def derive_jobmanager(run: Derivation) -> JobManagerParts:
    """The whole split. Raises Refusal as Flink's ``processSpecFromConfig`` throws (prefixed up to 1.20)."""
    options = jobmanager_options()
    try:
        heap, off_heap, metaspace, overhead = _derive(run, options)
    except Refusal as refusal:
        if run.version >= (2, 0, 0) or not refusal.is_configuration:
            raise
        text = f"JobManager memory configuration failed: {refusal.causes[0].message}"
        raise refusal.within(ILLEGAL_CONFIGURATION, text) from None
    return JobManagerParts(heap, off_heap, metaspace, overhead, run.boolean(options.direct_limit))


def _derive(run: Derivation, options: JobManagerOptionSet) -> tuple[int, int, int, int]:
    jvm = options.jvm
    if run.has(options.heap):
        heap, off_heap = _from_heap(run, options)
        metaspace, overhead = derive_jvm_from_flink(run, jvm, add(heap, off_heap))
    elif run.has(jvm.flink):
        flink_bytes = run.step("total flink memory", run.size(jvm.flink), run.origin(jvm.flink), jvm.flink)
        heap, off_heap = _split(run, options, flink_bytes)
        metaspace, overhead = derive_jvm_from_flink(run, jvm, flink_bytes)
    elif run.has(jvm.process):
        process_bytes = run.step("total process memory", run.size(jvm.process), run.origin(jvm.process), jvm.process)
        metaspace, overhead = derive_jvm_from_process(run, jvm, process_bytes)
        flink_bytes = subtract(process_bytes, add(metaspace, overhead))
        how = f"{human_bytes(process_bytes)} − {human_bytes(metaspace)} metaspace − {human_bytes(overhead)} overhead"
        run.step("total flink memory", flink_bytes, how)
        heap, off_heap = _split(run, options, flink_bytes)
    else:
        raise no_size_refusal(jvm, (options.heap.key,))
    return heap, off_heap, metaspace, overhead


def _from_heap(run: Derivation, options: JobManagerOptionSet) -> tuple[int, int]:
    heap = run.size(options.heap)
    off_heap = run.size(options.off_heap)
    how = run.origin(options.off_heap)
    if run.has(options.jvm.flink):
        flink_bytes = run.size(options.jvm.flink)
        if run.has(options.off_heap):
            _check_sum(heap, off_heap, flink_bytes)
        else:
            off_heap = _rest_off_heap(run, heap, flink_bytes, off_heap)
            how = f"the rest of total Flink memory ({human_bytes(flink_bytes)})"
    run.step("jvm heap", heap, run.origin(options.heap), options.heap)
    run.step("off-heap", off_heap, how, options.off_heap)
    return _warned(run, heap), off_heap


def _check_sum(heap: int, off_heap: int, flink_bytes: int) -> None:
    if add(heap, off_heap) != flink_bytes:
        raise configuration_refusal(
            f"Sum of the configured JVM Heap Memory ({human(heap)}) and the configured Off-heap Memory "
            f"({human(off_heap)}) does not match the configured Total Flink Memory ({human(flink_bytes)}). "
            f"{_ONE_OF_BOTH}"
        )


def _rest_off_heap(run: Derivation, heap: int, flink_bytes: int, default_bytes: int) -> int:
    if flink_bytes < heap:
        raise configuration_refusal(
            f"The configured JVM Heap Memory ({human(heap)}) exceeds the configured Total Flink Memory "
            f"({human(flink_bytes)}). {_ONE_OF_BOTH}"
        )
    off_heap = subtract(flink_bytes, heap)
    if off_heap != default_bytes:
        run.notes.append(
            f"INFO The Off-Heap Memory size ({human(off_heap)}) is derived the configured Total Flink Memory size "
            f"({human(flink_bytes)}) minus the configured JVM Heap Memory size ({human(heap)}). "
            f"The default Off-Heap Memory size ({human(default_bytes)}) is ignored."
        )
    return off_heap


def _split(run: Derivation, options: JobManagerOptionSet, flink_bytes: int) -> tuple[int, int]:
    off_heap = run.size(options.off_heap)
    if flink_bytes <= off_heap:
        raise configuration_refusal(
            f"The configured Total Flink Memory ({human(flink_bytes)}) is less than the configured Off-heap Memory "
            f"({human(off_heap)})."
        )
    heap = subtract(flink_bytes, off_heap)
    run.step("off-heap", off_heap, run.origin(options.off_heap), options.off_heap)
    run.step("jvm heap", heap, f"the rest of total Flink memory ({human_bytes(flink_bytes)})")
    return _warned(run, heap), off_heap


def _warned(run: Derivation, heap: int) -> int:
    if heap < _MIN_HEAP_BYTES:
        run.notes.append(
            f"WARN The configured or derived JVM heap memory size ({human(heap)}) is less than its recommended minimum "
            f"value ({human(_MIN_HEAP_BYTES)})"
        )
    return heap
