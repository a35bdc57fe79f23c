"""Memory keys: refused, not doing what people think, idle, changed by an upgrade, at a boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flinkscope.errors import MemoryConfigError
from flinkscope.flink.lint_subject import LintFinding, Subject
from flinkscope.flink.memory_inside import inside
from flinkscope.flink.memory_model import Role, TaskManagerMemory, memory_model
from flinkscope.flink.memory_nearest import in_plain_words, nearest_configs
from flinkscope.flink.memory_size import Refusal, parse_float
from flinkscope.flink.options import is_known
from flinkscope.flink.sizing_live_set import COMPRESSED_OOPS_BYTES
from flinkscope.units import GIB, MIB, human_bytes

_TM = "taskmanager.memory."
_WORTH_TELLING_BYTES = 64 * MIB
_OOPS_LOST_UNTIL_BYTES = 45 * GIB  # from here on a heap holds more than one just below the boundary
_LARGEST_FACTOR = 1_000_000
_LIMIT_FACTORS = ("kubernetes.taskmanager.memory.limit-factor", "kubernetes.jobmanager.memory.limit-factor")


def refused(subject: Subject) -> Iterator[LintFinding]:
    """A configuration with which the process does not start."""
    for role in subject.roles:
        if not subject.has_size(role) or (role == "jobmanager" and subject.version < (1, 11, 0)):
            continue
        try:
            memory_model(subject.config, role, subject.flink, launcher=subject.launcher)
        except MemoryConfigError as refusal:
            near = nearest_configs(subject.config, role, subject.flink, subject.launcher)
            key = next((k for n in near for k in n.changes if k in subject.config), f"{role}.memory.process.size")
            text = f"the {role} does not start: {in_plain_words(refusal.messages)} {refusal.messages[-1]}"
            yield subject.finding("refused", "error", text, key, near[0].changes if near else {})


def no_size(subject: Subject) -> Iterator[LintFinding]:
    """A whole configuration without any size for a process."""
    if subject.source.kind not in ("config.yaml", "flink-conf.yaml", "FlinkDeployment"):
        return
    for role in subject.roles:
        if not subject.has_size(role) and (role == "taskmanager" or subject.version >= (1, 11, 0)):
            key = f"{role}.memory.process.size"
            size = "1728m" if role == "taskmanager" else "1600m"
            text = f"no size for the {role}: Flink refuses to start it unless the size comes from elsewhere"
            yield subject.finding("no-size", "warning", text, key, {key: size})


def task_heap_beside_total(subject: Subject) -> Iterator[LintFinding]:
    """``task.heap.size`` next to a total: the rest goes to the network, not to the heap."""
    heap = _TM + "task.heap.size"
    totals = [k for k in (_TM + "process.size", _TM + "flink.size") if k in subject.config]
    if heap not in subject.config or not totals or subject.source.launcher == "none":
        return
    model = subject.model("taskmanager")
    if not isinstance(model, TaskManagerMemory):
        return
    text = (
        f"{heap} beside {totals[0]}: the heap is fixed and the rest goes to the network, here "
        f"{human_bytes(model.network_bytes)}; raising the total does not raise the heap"
    )
    yield subject.finding("task-heap-beside-total", "warning", text, heap, {heap: None})


def totals_together(subject: Subject) -> Iterator[LintFinding]:
    """Process and Flink memory both set: the difference is forced into the overhead."""
    for role in subject.roles:
        process, flink = f"{role}.memory.process.size", f"{role}.memory.flink.size"
        model = subject.model(role)
        if process in subject.config and flink in subject.config and model is not None:
            text = (
                f"{process} beside {flink}: the JVM overhead is whatever remains, here "
                f"{human_bytes(model.overhead_bytes)}; set one of them"
            )
            yield subject.finding("two-totals", "warning", text, flink, {flink: None})


def fraction_beside_size(subject: Subject) -> Iterator[LintFinding]:
    """``managed.fraction`` has no effect next to ``managed.size``."""
    size, fraction = _TM + "managed.size", _TM + "managed.fraction"
    if size in subject.config and fraction in subject.config:
        text = f"{fraction} has no effect: {size} is set"
        yield subject.finding("fraction-without-effect", "warning", text, fraction, {fraction: None})


def idle_managed(subject: Subject) -> Iterator[LintFinding]:
    """Managed memory that nobody in this configuration uses."""
    model = subject.model("taskmanager") if "taskmanager" in subject.roles else None
    if not isinstance(model, TaskManagerMemory) or subject.source.launcher == "none":
        return
    within = inside(model)
    if not isinstance(within.idle_managed_bytes, int) or within.idle_managed_bytes < _WORTH_TELLING_BYTES:
        return
    key, fixed = _TM + "managed.size", _TM + "task.heap.size"
    changes: dict[str, str | None] = {key: "0"}
    text, without = f"{human_bytes(within.idle_managed_bytes)} of managed memory is idle: {within.idle_why}", "it"
    after = _after(subject, changes)
    if fixed in subject.config and (after is None or after.heap_bytes <= model.heap_bytes):
        changes[fixed], without = None, f"it and {fixed}, which fixes the heap,"
        after = _after(subject, changes)
    if after is None:
        changes = {}
    else:
        grown = f"the heap grows from {human_bytes(model.heap_bytes)} to {human_bytes(after.heap_bytes)}"
        text += f"; without {without} {grown}"
    yield subject.finding("idle-managed", "warning", text, key, changes)


def rocksdb_memory(subject: Subject) -> Iterator[LintFinding]:
    """RocksDB with no, too little or unlimited memory."""
    model = subject.model("taskmanager") if "taskmanager" in subject.roles else None
    if not isinstance(model, TaskManagerMemory):
        return
    within = inside(model)
    if within.backend != "rocksdb":
        return
    managed_key = "state.backend.rocksdb.memory.managed"
    if subject.config.get(managed_key, "true").strip().lower() == "false":
        text = (
            f"{managed_key}: false: each column family has its own buffers outside any limit; the container gets killed"
        )
        yield subject.finding("rocksdb-unlimited", "warning", text, managed_key, {managed_key: "true"})
    elif model.managed_bytes == 0:
        text = "RocksDB takes its memory from managed memory, and there is none"
        yield subject.finding("rocksdb-without-memory", "error", text, _TM + "managed.size")
    elif getattr(within.rocksdb, "flushes_constantly", False):
        text = f"RocksDB has {human_bytes(getattr(within.rocksdb, 'slot_bytes', 0))} a slot: it flushes constantly"
        yield subject.finding("rocksdb-too-small", "warning", text, _TM + "managed.size")


def compressed_oops(subject: Subject) -> Iterator[LintFinding]:
    """A heap just above the boundary of compressed references."""
    for role in subject.roles:
        model = subject.model(role)
        if model is not None and COMPRESSED_OOPS_BYTES < model.heap_bytes < _OOPS_LOST_UNTIL_BYTES:
            text = (
                f"a heap of {human_bytes(model.heap_bytes)} loses compressed references (8 bytes instead of 4) and "
                "holds less than one of 31 GiB would; use more, smaller processes"
            )
            yield subject.finding("compressed-oops", "warning", text, f"{role}.memory.process.size")


def small_heap(subject: Subject) -> Iterator[LintFinding]:
    """Flink's own warning about a JobManager heap below 128 MiB."""
    for role in subject.roles:
        model = subject.model(role)
        for note in model.notes if model is not None else ():
            if note.startswith("WARN "):
                yield subject.finding("small-heap", "warning", note[5:], f"{role}.memory.process.size")


def network_since_1_17(subject: Subject) -> Iterator[LintFinding]:
    """Since 1.17 the network has no upper bound: a large TaskManager lost heap to it."""
    maximum = _TM + "network.max"
    if subject.version < (1, 17, 0) or maximum in subject.config or "taskmanager" not in subject.roles:
        return
    model, bounded = subject.model("taskmanager"), _after(subject, {maximum: "1g"})
    if not isinstance(model, TaskManagerMemory) or bounded is None:
        return
    lost_bytes = bounded.heap_bytes - model.heap_bytes
    if lost_bytes > 0 and model.network_bytes > GIB:
        text = (
            f"since Flink 1.17 {maximum} has no default: the network takes {human_bytes(model.network_bytes)}, the "
            f"heap has {human_bytes(lost_bytes)} less than with 1.16"
        )
        yield subject.finding("network-unbounded", "warning", text, maximum, {maximum: "1g"})


def limit_factor(subject: Subject) -> Iterator[LintFinding]:
    """The container limit is another one than the process size."""
    for key in _LIMIT_FACTORS:
        raw = subject.config.get(key)
        if raw is None or not is_known(key, subject.flink):
            continue
        try:
            factor = parse_float(raw)
        except Refusal:
            factor = 0.0
        role: Role = "taskmanager" if "taskmanager" in key else "jobmanager"
        model = subject.model(role)
        if not 1 <= factor < _LARGEST_FACTOR:
            text = f"{key}: {raw}: the factor must be a number of at least 1: a limit below the request is refused"
            yield subject.finding("limit-factor", "error", text, key, {key: "1.0"})
        elif factor != 1 and model is not None:
            limit_bytes = int(model.process_bytes * factor)
            text = (
                f"{key}: {raw}: the container limit is {human_bytes(limit_bytes)}, the request and the JVM's sizes are "
                f"for {human_bytes(model.process_bytes)}: the node may be overbooked, and the heap does not grow"
            )
            yield subject.finding("limit-factor", "info", text, key)


def off_heap_without_limit(subject: Subject) -> Iterator[LintFinding]:
    """``jobmanager.memory.off-heap.size`` limits nothing unless told so."""
    key, limit = "jobmanager.memory.off-heap.size", "jobmanager.memory.enable-jvm-direct-memory-limit"
    if "jobmanager" not in subject.roles or key not in subject.config or subject.version < (1, 11, 0):
        return
    if subject.source.launcher != "none" and subject.config.get(limit, "false").strip().lower() != "true":
        text = f"{key} only reserves room: without {limit}: true the JVM may use as much direct memory as heap"
        yield subject.finding("off-heap-without-limit", "info", text, key, {limit: "true"})


def _after(subject: Subject, changes: Mapping[str, str | None]) -> TaskManagerMemory | None:
    try:
        merged = {**subject.config, **changes}
        return memory_model(merged, "taskmanager", subject.flink, launcher=subject.launcher)
    except MemoryConfigError:
        return None


MEMORY_CHECKS = (
    refused,
    no_size,
    task_heap_beside_total,
    totals_together,
    fraction_beside_size,
    idle_managed,
    rocksdb_memory,
    compressed_oops,
    small_heap,
    network_since_1_17,
    limit_factor,
    off_heap_without_limit,
)
