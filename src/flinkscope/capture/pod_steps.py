"""What Kubernetes itself knows of a pod: its status, what its container printed, and how the one before it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flinkscope.capture.recording import Recording, Step
from flinkscope.errors import SourceError
from flinkscope.formats.pod_status import PodContainer, PodStatus, read_pod_status
from flinkscope.sources.case import CaseProcess
from flinkscope.sources.kubectl import Kubectl, PodAddress


def describe_pod(document: dict[str, Any], address: PodAddress) -> tuple[CaseProcess, str]:
    """The process of the container as Kubernetes knows it, and what tells this pod from its successors."""
    (pod,) = read_pod_status(json.dumps(document), f"pod {address}")
    container = _container(pod, address)
    last = container.ends[-1] if container is not None and container.ends else None
    process = CaseProcess(
        id=pod.name,
        role=pod.flink_role or "jvm",
        exit_code=last.exit_code if last else None,
        started_at=last.started_at if last else None,
        ended_at=last.finished_at if last else None,
    )
    restarts = container.restarts if container is not None else 0
    return process, f"pod {document.get('metadata', {}).get('uid', pod.name)} after {restarts} restarts"


def pod_steps(kubectl: Kubectl, document: dict[str, Any], process: CaseProcess) -> list[Step]:
    """Status, output, and the output of the container before."""
    return [
        Step(
            "pod status",
            "pod_status",
            process.id,
            lambda r: r.save_json("pod.json", _shown(document), "kubectl get pod"),
        ),
        Step("output", "stdout", process.id, _output(kubectl, previous=False)),
        Step("output of the container before", "stdout", process.id, _output(kubectl, previous=True)),
    ]


def dead_pod_steps(kubectl: Kubectl, document: dict[str, Any], process: CaseProcess, why: str) -> list[Step]:
    """For a container in which nothing can be run; what needs the JVM is noted as missing."""
    lost = ("command_line", "config", "gc_log", "flink_log", "thread_dump", "class_histogram", "heap_dump")
    steps = pod_steps(kubectl, document, process)
    return [*steps, *(Step(f"{kind} inside the container", kind, process.id, _unreachable(why)) for kind in lost)]


def _output(kubectl: Kubectl, *, previous: bool) -> Callable[[Recording], None]:
    def save(recording: Recording) -> None:
        text = kubectl.logs(previous=previous).decode("utf-8", "replace")
        if not text.strip():
            raise SourceError("it printed nothing")
        name = "previous.out" if previous else "stdout.out"
        recording.save_text(name, text, f"kubectl logs{' --previous' if previous else ''}")

    return save


def _unreachable(why: str) -> Callable[[Recording], None]:
    def refuse(_recording: Recording) -> None:
        raise SourceError(why)

    return refuse


def _container(pod: PodStatus, address: PodAddress) -> PodContainer | None:
    named = [c for c in pod.containers if c.name == address.container] if address.container else list(pod.containers)
    if address.container and not named:
        names = ", ".join(c.name for c in pod.containers)
        raise SourceError(f"pod {address} has no container {address.container}", hint=f"it has {names}")
    return named[0] if named else None


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that only Kubernetes itself needs."""
    metadata = {k: v for k, v in document.get("metadata", {}).items() if k != "managedFields"}
    return {**document, "metadata": metadata}
