"""What ``kubectl get pod -o json`` says."""

from __future__ import annotations

from typing import Any


def killed_pod(limit: str) -> dict[str, Any]:
    """A pod whose container was killed for its memory and runs again; ``limit`` as Kubernetes writes it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "tm-1", "namespace": "flink"},
        "spec": {"containers": [{"name": "main", "image": "flink", "resources": {"limits": {"memory": limit}}}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": "main", "image": "flink", "restartCount": 1, "state": {"running": {}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                }
            ],
        },
    }  # fmt: skip
