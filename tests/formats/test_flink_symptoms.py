"""Each text of the catalogue fires on what Flink, the JVM or the container really writes, and on nothing else."""

# ruff: noqa: E501 - the texts are those of the logs

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from flinkscope.formats.flink_symptoms import CATALOGUE, symptoms_in

META = (
    "java.lang.OutOfMemoryError: Metaspace. The metaspace out-of-memory error has occurred. This can mean two things: "
    "either Flink Master requires a larger size of JVM metaspace to load classes or there is a class loading leak. In the "
    "first case 'jobmanager.memory.jvm-metaspace.size' configuration option should be increased. If the error persists"
)
DIRECT = (
    "java.lang.OutOfMemoryError: Direct buffer memory. The direct out-of-memory error has occurred. This can mean two "
    "things: either job(s) require(s) a larger size of JVM direct memory or there is a direct memory leak. In this case "
    "'taskmanager.memory.task.off-heap.size' configuration option should be increased."
)
# (text, kind, details that must be found)
SAMPLES: list[tuple[str, str, dict[str, str]]] = [
    ("java.lang.OutOfMemoryError: Java heap space", "oom_heap", {}),
    ("java.lang.OutOfMemoryError: Java heap space. A heap space-related out-of-memory error has occurred. This can mean "
     "two things: In the first case, 'jobmanager.memory.heap.size' can be used", "oom_heap",
     {"option": "jobmanager.memory.heap.size"}),
    (META, "oom_metaspace", {"option": "jobmanager.memory.jvm-metaspace.size"}),
    ("Caused by: java.lang.OutOfMemoryError: Metaspace", "oom_metaspace", {}),
    ("java.lang.OutOfMemoryError: Compressed class space", "oom_class_space", {}),
    ("java.lang.OutOfMemoryError: GC overhead limit exceeded", "oom_gc_overhead", {}),
    (DIRECT, "oom_direct", {"option": "taskmanager.memory.task.off-heap.size"}),
    ("java.lang.OutOfMemoryError: Cannot reserve 65536 bytes of direct buffer memory (allocated: 134209537, limit: "
     "134217728)", "oom_direct", {"wanted_bytes": "65536", "allocated_bytes": "134209537", "limit_bytes": "134217728"}),
    ("io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16777216 byte(s) of direct memory (used: 520093703,"
     " max: 536870912)", "oom_direct", {"limit_bytes": "536870912"}),
    ("java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits "
     "reached", "oom_threads", {}),
    ("java.lang.OutOfMemoryError: unable to create new native thread", "oom_threads", {}),
    ("java.lang.OutOfMemoryError: Requested array size exceeds VM limit", "oom_array", {}),
    ("java.lang.OutOfMemoryError: Required minimum heap size 2147483640 exceeds maximum size of 2147483639.", "oom_array",
     {"limit": "2147483639"}),
    ("java.lang.OutOfMemoryError: something new", "oom_other", {"said": "something new"}),
    ("org.apache.flink.runtime.memory.MemoryReservationException: Could not allocate 100 bytes, only 20 bytes are "
     "remaining. This usually indicates that you are requesting more memory than you have reserved. However,",
     "python_memory", {"wanted_bytes": "100", "left_bytes": "20"}),
    ("Obtained shared Python process of size 134217728 bytes", "python_worker", {"share_bytes": "134217728"}),
    ("java.lang.IllegalStateException: Trying to access closed classloader. Please check if you store classloaders "
     "directly or indirectly in static fields. If the stacktrace suggests", "closed_class_loader", {}),
    ("org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.", "submission_failed", {}),
    ("Container [pid=1,containerID=container_1] is running 12MB beyond the 'PHYSICAL' memory limit.", "", {}),
    ("Container [pid=1,containerID=c_1] is running beyond physical memory limits. Current usage: 2.1 GB of 2 GB",
     "container_killed", {"limit": "physical"}),
    ("Worker container_e01_1_01_000007 is terminated. Diagnostics: Exception from container-launch.", "worker_ended",
     {"id": "container_e01_1_01_000007"}),
    ("Pod terminated, container termination statuses: [flink-main-container(exitCode=137, reason=Error, message=null)], pod "
     "status: Failed", "worker_exit_code", {"exit_code": "137", "reason": "Error"}),
    ("Container killed on request. Exit code is 143", "container_killed", {"exit_code": "143"}),
    ("reason: OOMKilled", "container_killed", {}),
    ("java.io.IOException: Insufficient number of network buffers: required 33, but only 12 available. The total number of "
     "network buffers is currently set to 2048 of 32768 bytes each. You can increase", "network_buffers",
     {"needed": "33", "available": "12", "total": "2048", "segment_bytes": "32768"}),
    ("java.lang.OutOfMemoryError: Could not allocate enough memory segments for NetworkBufferPool (required (MB): 128, "
     "allocated (MB): 100, missing (MB): 28). Cause: Direct buffer memory", "network_pool", {"needed_mb": "128"}),
    ("RocksDBStateBackend performance will be poor because of the current Flink memory configuration! RocksDB will flush "
     "memtable constantly, causing high IO and CPU.", "rocksdb_memory", {}),
    ("OpenJDK 64-Bit Server VM warning: pthread_create failed (EAGAIN) for attributes: stacksize: 1024k",
     "thread_start_failed", {"reason": "EAGAIN"}),
    ("# There is insufficient memory for the Java Runtime Environment to continue.", "native_memory", {}),
    ("# Native memory allocation (mmap) failed to map 65536 bytes for committing reserved memory.", "native_memory",
     {"call": "mmap"}),
    ("org.apache.flink.configuration.IllegalConfigurationException: TaskManager memory configuration failed: Sum of "
     "configured", "memory_configuration", {}),
    ("org.apache.flink.configuration.IllegalConfigurationException: The configured Total Flink Memory (52.000mb) is less "
     "than the configured Off-heap Memory (128.000mb).", "memory_configuration", {}),
    ("Config uses deprecated configuration key 'taskmanager.heap.size' instead of proper key "
     "'taskmanager.memory.process.size'", "deprecated_key", {"old": "taskmanager.heap.size"}),
    ("Heartbeat of TaskManager with id 127.0.0.1:41883-57dd17 timed out.", "heartbeat_timeout",
     {"who": "TaskManager", "id": "127.0.0.1:41883-57dd17"}),
    ("The heartbeat of TaskManager with id tm-1 timed out.", "heartbeat_timeout", {}),
    ("TaskManager with id container_1 is no longer reachable.", "peer_unreachable", {"id": "container_1"}),
    ("Connection unexpectedly closed by remote task manager 'h/10.0.0.7:43651 [ tm-2 ] '. This might indicate",
     "peer_lost", {}),
    ("Checkpoint 17 of job f7b0662034dca42e753d91ab670af577 expired before completing.", "checkpoint_expired",
     {"id": "17"}),
    ("Task 'Map (1/2)#0' did not react to cancelling signal - interrupting; it is stuck for 30 seconds in method:",
     "task_hangs", {}),
    ("Size of the state is larger than the maximum permitted memory-backed state. Size=6291456, maxSize=5242880. Consider",
     "state_too_big", {"size_bytes": "6291456", "limit_bytes": "5242880"}),
    ("FATAL: Thread 'flink-pekko.actor.default-dispatcher-5' produced an uncaught exception. Stopping the process...",
     "fatal_exception", {"thread": "flink-pekko.actor.default-dispatcher-5"}),
    ("WARNING: Thread 'Thread-519' produced an uncaught exception. If you want to fail", "uncaught_exception",
     {"thread": "Thread-519"}),
    ("Fatal error occurred while executing the TaskManager. Shutting it down...", "fatal_error", {}),
    ("Fatal error occurred in the cluster entrypoint.", "fatal_error", {}),
    ("Terminating due to java.lang.OutOfMemoryError: Metaspace", "jvm_ends", {"said": "Metaspace"}),
    ("Terminating cluster entrypoint process StandaloneSessionClusterEntrypoint with exit code 2.", "exit",
     {"exit_code": "2"}),
    ("RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.", "signal", {"number": "15", "name": "SIGTERM"}),
    ("Heap dump file created [205130967 bytes in 14.293 secs]", "heap_dump_written", {"size_bytes": "205130967"}),
    ("Dumping heap to dumps/java_pid29264.hprof ...", "heap_dump_begun", {"path": "dumps/java_pid29264.hprof"}),
    ("Unable to create dumps/java_pid1.hprof: File exists", "heap_dump_failed", {"why": "File exists"}),
    ("The derived from fraction jvm overhead memory (172.800mb (181193935 bytes)) is less than its min value 192.000mb "
     "(201326592 bytes), min value will be used instead", "memory_clipped", {"part": "jvm overhead memory"}),
]  # fmt: skip
TOGETHER = {
    "jvm_ends": {"oom_metaspace"},
    "network_pool": {"oom_other"},
}


@pytest.mark.parametrize(("text", "kind", "details"), SAMPLES, ids=[f"{n}-{s[1]}" for n, s in enumerate(SAMPLES)])
def test_a_text_is_its_own_symptom_and_no_other(text: str, kind: str, details: dict[str, str]) -> None:
    found = {symptom.kind: match for symptom, match in symptoms_in(text)}
    if not kind:
        return
    assert kind in found
    assert set(found) - TOGETHER.get(kind, set()) == {kind}
    assert {name: found[kind][name] for name in details} == details


def test_every_kind_of_the_catalogue_has_a_sample() -> None:
    assert {symptom.kind for symptom in CATALOGUE} == {kind for _, kind, _ in SAMPLES if kind}


def test_the_rule_numbers_exist() -> None:
    for symptom in CATALOGUE:
        assert all(re.fullmatch(r"R(0[1-9]|[12]\d|3[0-4])", rule) for rule in symptom.rules)


@pytest.mark.parametrize(
    "text",
    ["Job f7b0662034dca42e753d91ab670af577 is submitted.", "Starting resource manager service.", "x" * 20_000, "",
     "The slot ab has timed out.", "exit code", "Unable to create x", "IllegalConfigurationException: parallelism"],
)  # fmt: skip
def test_ordinary_lines_hold_none(text: str) -> None:
    assert symptoms_in(text) == []


def test_flinks_own_texts_are_in_the_real_jar() -> None:
    """The stable literals, looked up in the classes of flink-dist 2.3.0."""
    pyflink = pytest.importorskip("pyflink", reason="the lab wheels are not installed")
    jar = next((Path(pyflink.__path__[0]) / "lib").glob("flink-dist-*.jar"))
    runtime, utilities = "org/apache/flink/runtime/", "org/apache/flink/util/"
    literals = {
        f"{runtime}io/network/buffer/NetworkBufferPool.class": "Insufficient number of network buffers: required ",
        f"{utilities}FlinkUserCodeClassLoaders$SafetyNetWrapperClassLoader.class": "Trying to access closed classloader.",
        f"{utilities}FatalExitExceptionHandler.class": "produced an uncaught exception",
        f"{runtime}entrypoint/ClusterEntrypoint.class": "with exit code ",
        f"{runtime}taskmanager/Task.class": "did not react to cancelling signal",
        f"{runtime}checkpoint/CheckpointCoordinator.class": " bytes, checkpointDuration=",
        f"{runtime}jobmaster/JobMaster$TaskManagerHeartbeatListener.class": "is no longer reachable.",
        f"{runtime}dispatcher/Dispatcher.class": "Received job submission '",
    }
    with zipfile.ZipFile(jar) as archive:
        names = set(archive.namelist())
        missing = [
            f"{name}: {literal}"
            for name, literal in literals.items()
            if name not in names or literal.encode() not in archive.read(name)
        ]
    assert missing == []


def test_every_symptom_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "evidence.md").read_text()
    assert [symptom.kind for symptom in CATALOGUE if f"`{symptom.kind}`" not in page] == []
