"""``kubectl get pod -o json``: what Kubernetes says of a pod's containers, their ends and their memory limits."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flinkscope.errors import FormatError, UnreadableInputError
from flinkscope.place import Place

_QUANTITY = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?$")
_FACTORS = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")} | {
    letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)
} | {letter + "i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """One end of a container. ``reason``: OOMKilled, Error, Completed, … as Kubernetes says; times in ISO form."""

    place: Place
    reason: str
    exit_code: int | None
    signal: int | None
    started_at: str | None
    finished_at: str | None
    message: str
    last: bool


@dataclass(frozen=True, slots=True)
class PodContainer:
    """One container: sizes in bytes, None where the pod sets none. ``ends``: the current and the last end, if any."""

    place: Place
    name: str
    image: str
    state: str
    waiting_reason: str | None
    restarts: int
    memory_limit_bytes: int | None
    memory_request_bytes: int | None
    ends: tuple[ContainerEnd, ...]


@dataclass(frozen=True, slots=True)
class PodStatus:
    """One pod. ``reason``/``message``: of the pod itself (Evicted, with the node's words)."""

    place: Place
    name: str
    namespace: str
    phase: str
    reason: str | None
    message: str
    node: str | None
    labels: dict[str, str]
    containers: tuple[PodContainer, ...]

    @property
    def flink_role(self) -> str | None:
        """taskmanager or jobmanager, from the ``component`` label that Flink and its operator set; else None."""
        component = self.labels.get("component", "")
        return component if component in ("taskmanager", "jobmanager") else None


def read_pod_status(text: str, source: str) -> tuple[PodStatus, ...]:
    """The pods in a Pod or PodList document (also a ``List``). Raises FormatError where it is not JSON, and
    UnreadableInputError where no pod is in it. A container without a status yet is listed with state ``unknown``."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        offset = getattr(error, "pos", 0)
        raise FormatError(
            source, offset, "JSON", repr(text[offset : offset + 20]), hint="kubectl get pod NAME -o json > pod.json"
        ) from error
    pods = tuple(_pod(entry, source) for entry in _pods(document))
    if not pods:
        raise UnreadableInputError(f"{source}: no Pod in it", hint="kubectl get pod NAME -o json > pod.json")
    return pods


def quantity_bytes(text: object) -> int | None:
    """A Kubernetes quantity (``1728Mi``, ``2G``, ``1.5Gi``, ``128974848000m``) in bytes, rounded up, or None."""
    match = _QUANTITY.match(str(text)[:64]) if text is not None else None
    if match is None:
        return None
    try:
        exact = Decimal(match[1]) * _FACTORS[match[2] or ""]
        return math.ceil(exact) if exact.is_finite() and abs(exact) < 1 << 70 else None
    except ArithmeticError:  # more digits than a Decimal can hold
        return None


def _pods(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    if document.get("kind") == "Pod":
        yield document
    for item in _list(document.get("items")):
        if item.get("kind", "Pod") == "Pod" and ("status" in item or "spec" in item):
            yield item


def _pod(pod: dict[str, Any], source: str) -> PodStatus:
    metadata, spec, status = _dict(pod.get("metadata")), _dict(pod.get("spec")), _dict(pod.get("status"))
    name = str(metadata.get("name", ""))
    statuses = {str(s.get("name")): s for s in _list(status.get("containerStatuses"))}
    specs = {str(s.get("name")): s for s in _list(spec.get("containers"))}
    containers = tuple(
        _container(container, specs.get(container, {}), statuses.get(container, {}), f"{source} pod {name}")
        for container in dict.fromkeys([*specs, *statuses])
    )
    return PodStatus(
        Place(source, key=name), name, str(metadata.get("namespace", "")), str(status.get("phase", "Unknown")),
        status.get("reason"), str(status.get("message", "")), spec.get("nodeName"),
        {str(k): str(v) for k, v in _dict(metadata.get("labels")).items()}, containers,
    )  # fmt: skip


def _container(name: str, spec: dict[str, Any], status: dict[str, Any], source: str) -> PodContainer:
    resources = _dict(spec.get("resources"))
    state, last = _dict(status.get("state")), _dict(status.get("lastState"))
    ends = [_end(_dict(last["terminated"]), source, name, True)] if "terminated" in last else []
    if "terminated" in state:
        ends.append(_end(_dict(state["terminated"]), source, name, False))
    restarts = status.get("restartCount")
    return PodContainer(
        Place(source, key=name),
        name,
        str(spec.get("image") or status.get("image") or ""),
        next(iter(state), "unknown"),
        _dict(state.get("waiting")).get("reason"),
        restarts if isinstance(restarts, int) else 0,
        quantity_bytes(_dict(resources.get("limits")).get("memory")),
        quantity_bytes(_dict(resources.get("requests")).get("memory")),
        tuple(ends),
    )


def _end(terminated: dict[str, Any], source: str, container: str, last: bool) -> ContainerEnd:
    field = "lastState" if last else "state"
    return ContainerEnd(
        Place(source, key=f"{container}.{field}.terminated"),
        str(terminated.get("reason", "")),
        terminated.get("exitCode") if isinstance(terminated.get("exitCode"), int) else None,
        terminated.get("signal") if isinstance(terminated.get("signal"), int) else None,
        terminated.get("startedAt"),
        terminated.get("finishedAt"),
        str(terminated.get("message", "")),
        last,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
