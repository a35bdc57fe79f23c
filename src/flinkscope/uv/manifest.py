"""The job as a FlinkDeployment of the Flink Kubernetes Operator, its memory computed by the memory model.

What is printed is complete: apply it, and the operator runs the job in application mode, restores it after upgrades
from a savepoint and after a lost JobManager from its last checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flinkscope.errors import UsageError
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.sizing import Proposal, size_for
from flinkscope.flink.sizing_live_set import HeapTarget, heap_for_live_set
from flinkscope.units import MIB, human_bytes, human_count
from flinkscope.uv.connectors import needed
from flinkscope.uv.job import ENTRY_CLASS, JAR, UvJob

API_VERSION = "flink.apache.org/v1beta1"
JOB_MANAGER_SIZE = "1600m"  # Flink's shipped size
SECRET_FOLDER = "/etc/flinkscope/redis"
_CONTAINER = "flink-main-container"  # the operator merges a pod template's container of this name
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,43}[a-z0-9])?")  # the operator's limit is 45 characters

BASE_LIVE_BYTES = 64 * MIB
# Heap bytes a page view of an open day, measured with the lab's workload and rounded up; a test holds them against
# benchmarks/results/uv.json. Backends beside the heap have none: there the live set is the base.
BYTES_A_VIEW: Mapping[str, int] = {
    "bucket": 32, "approx": 32, "group": 320, "quiet": 320, "cumulate": 480, "incident": 360,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What the cluster is to be. ``storage``: a URL that all pods reach, for checkpoints, savepoints and HA data.

    ``live_set_bytes``: of one TaskManager, measured; else it follows from ``page_views`` a day. ``claim``: the
    PersistentVolumeClaim that a ``file:`` storage is mounted from. ``redis_secret``: the Secret with key ``password``.
    """

    storage: str
    name: str = "daily-uv"
    namespace: str | None = None
    image: str = "daily-uv:latest"
    flink: str = "2.3.0"
    parallelism: int = 2
    slots: int = 2
    page_views: int = 10_000_000
    live_set_bytes: int | None = None
    collector: str = "G1"
    cpu: float = 2.0
    service_account: str = "flink"
    claim: str | None = None
    redis_secret: str | None = None
    jar_uri: str = f"local:///opt/flink/usrlib/{JAR.name}"

    def __post_init__(self) -> None:
        """Raises UsageError for what Kubernetes or the operator would refuse."""
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} is no name of a deployment", hint="a-z, 0-9 and -, at most 45 characters")
        if "://" not in self.storage:
            raise UsageError(f"{self.storage!r} is not a URL", hint="for example s3://bucket/uv or file:///data")
        if self.storage.startswith("file:") and self.claim is None:
            raise UsageError("a file: storage is in no pod by itself", hint="--claim NAME of a shared volume claim")
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", self.flink):
            raise UsageError(f"{self.flink!r} is not a Flink version", hint="for example 2.3.0")

    @property
    def task_managers(self) -> int:
        """Pods that the parallelism needs."""
        return -(-self.parallelism // self.slots)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``document`` is the resource; ``reasons`` say where its sizes come from; ``dockerfile`` makes the image."""

    document: dict[str, Any]
    target: HeapTarget
    proposal: Proposal
    reasons: tuple[str, ...]
    dockerfile: str = field(default="")

    def yaml(self) -> str:
        """As YAML, with the reasons as comments at its head."""
        import yaml

        head = "".join(f"# {line}\n" for line in self.reasons)
        return head + yaml.safe_dump(self.document, sort_keys=False, allow_unicode=True, width=100)


def manifest(job: UvJob, wish: Wish) -> Manifest:
    """The deployment for that job. A few hundred runs of the memory model: milliseconds.

    Raises UsageError where the two do not fit, MemoryConfigError with Flink's texts if no size starts.
    """
    if re.search(r"//[^/@]*:[^/@]+@", job["redis"]):
        raise UsageError("the manifest would show the password of Redis", hint="--redis-secret NAME, and no password")
    live_bytes, why = _live_set(job, wish)
    target = heap_for_live_set(live_bytes, wish.collector)
    config = _flink_configuration(job, wish)
    start = {**config, "taskmanager.memory.process.size": "1728m"}
    proposal = size_for(heap_bytes=target.heap_bytes, config=start, flink=_full_version(wish.flink))[0]
    size = proposal.changes["taskmanager.memory.process.size"]
    memory_model({"jobmanager.memory.process.size": JOB_MANAGER_SIZE}, "jobmanager", _full_version(wish.flink))
    arguments = job.arguments()
    if wish.redis_secret is not None:
        arguments += ["--redis-password-file", f"{SECRET_FOLDER}/password"]
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "FlinkDeployment",
        "metadata": {"name": wish.name, **({"namespace": wish.namespace} if wish.namespace else {})},
        "spec": {
            "image": wish.image,
            "flinkVersion": "v{}_{}".format(*wish.flink.split(".")[:2]),
            "serviceAccount": wish.service_account,
            "flinkConfiguration": config,
            **_pod_template(wish),
            "jobManager": {"resource": {"memory": JOB_MANAGER_SIZE, "cpu": 1.0}},
            "taskManager": {"resource": {"memory": size, "cpu": wish.cpu}},
            "job": {
                "jarURI": wish.jar_uri,
                "entryClass": ENTRY_CLASS,
                "args": arguments,
                "parallelism": wish.parallelism,
                "upgradeMode": "savepoint",
                "state": "running",
            },
        },
    }
    return Manifest(document, target, proposal, (*why, *_sizes(wish, target, proposal)), _dockerfile(job, wish))


def _live_set(job: UvJob, wish: Wish) -> tuple[int, tuple[str, ...]]:
    """Of one TaskManager, and how it comes about."""
    if wish.live_set_bytes is not None:
        return wish.live_set_bytes, (f"live set {human_bytes(wish.live_set_bytes)} a TaskManager, as given",)
    if job["backend"] != "hashmap":
        return BASE_LIVE_BYTES, (
            f"live set {human_bytes(BASE_LIVE_BYTES)}: state is in {job['backend']}, beside the heap",
        )
    each = BYTES_A_VIEW[job["design"]]
    share = -(-wish.page_views // wish.task_managers)
    return BASE_LIVE_BYTES + each * share, (
        f"live set {human_bytes(BASE_LIVE_BYTES + each * share)} a TaskManager = {human_bytes(BASE_LIVE_BYTES)} + "
        f"{each} B x {human_count(share)} page views a day",
        f"({each} B: design {job['design']} on the heap, measured and rounded up; measured yourself? --live-set)",
    )


def _sizes(wish: Wish, target: HeapTarget, proposal: Proposal) -> tuple[str, ...]:
    heap = f"heap {human_bytes(target.heap_bytes)} = {target.factor:g} x live set ({wish.collector})"
    pods = f"{wish.task_managers} TaskManager{'s' * (wish.task_managers > 1)}"
    return heap, f"process {human_bytes(proposal.model.process_bytes)}, {pods} with {wish.slots} slots"


def _flink_configuration(job: UvJob, wish: Wish) -> dict[str, str]:
    """``managed.size`` 0 where nobody uses it: by default it is 40 % of Flink's memory."""
    base = wish.storage.rstrip("/")
    config = {
        "taskmanager.numberOfTaskSlots": str(wish.slots),
        "state.backend.type": job["backend"],
        "execution.checkpointing.interval": job["checkpoint-interval"],
        "execution.checkpointing.dir": f"{base}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{base}/savepoints",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": f"{base}/ha",
        "metrics.fetcher.update-interval": "10000",
    }
    if job["backend"] == "hashmap":
        config["taskmanager.memory.managed.size"] = "0"
    if wish.collector.upper() == "G1":  # below 2 CPUs or 1792 MB the JVM would choose Serial
        config["env.java.opts.taskmanager"] = "-XX:+UseG1GC"
    return config


def _pod_template(wish: Wish) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    if wish.claim is not None:
        volumes.append({"name": "storage", "persistentVolumeClaim": {"claimName": wish.claim}})
        mounts.append({"name": "storage", "mountPath": "/" + wish.storage.split(":", 1)[1].strip("/").split("/")[0]})
    if wish.redis_secret is not None:
        volumes.append({"name": "redis", "secret": {"secretName": wish.redis_secret}})
        mounts.append({"name": "redis", "mountPath": SECRET_FOLDER, "readOnly": True})
    if not volumes:
        return {}
    container = {"name": _CONTAINER, "volumeMounts": mounts}
    return {"podTemplate": {"spec": {"containers": [container], "volumes": volumes}}}


def _dockerfile(job: UvJob, wish: Wish) -> str:
    lines = [f"FROM flink:{wish.flink}-java17", f"COPY {JAR.name} /opt/flink/usrlib/{JAR.name}"]
    lines += [f"ADD --checksum=sha256:{jar.sha256} {jar.url} /opt/flink/lib/" for jar in needed(job)]
    lines += ["USER root", "RUN chmod a+r /opt/flink/lib/*.jar", "USER flink"] if needed(job) else []
    plugins = {"s3": "flink-s3-fs-presto", "s3p": "flink-s3-fs-presto", "s3a": "flink-s3-fs-hadoop",
               "oss": "flink-oss-fs-hadoop", "gs": "flink-gs-fs-hadoop", "abfs": "flink-azure-fs-hadoop",
               "abfss": "flink-azure-fs-hadoop", "wasb": "flink-azure-fs-hadoop"}  # fmt: skip
    plugin = plugins.get(wish.storage.split("://")[0])
    if plugin is not None:
        jar = f"/opt/flink/opt/{plugin}-{_full_version(wish.flink)}.jar"
        lines.append(f"RUN mkdir -p /opt/flink/plugins/{plugin} && ln -s {jar} /opt/flink/plugins/{plugin}/")
    return "\n".join(lines) + "\n"


def _full_version(flink: str) -> str:
    return flink if flink.count(".") == 2 else f"{flink}.0"
