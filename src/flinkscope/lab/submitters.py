"""Ways to submit to a session cluster: the web interface runs main() in the JobManager, a client in its own JVM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from flinkscope.errors import LabError
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.submission import run_client


class Submitter(Protocol):
    """Submits the same job again and again; each call is one submission and raises LabError when it fails."""

    def submit(self, arguments: Sequence[str]) -> None:
        """Submits the job with these program arguments."""


class WebSubmitter:
    """``POST /jars/:id/run``, as the web interface's Submit; with ``plan`` its Show Plan, which runs main() too."""

    def __init__(self, cluster: Cluster, jar: Path, entry_class: str, *, plan: bool = False) -> None:
        self._rest, self._entry_class, self._plan = cluster.rest, entry_class, plan
        self._jar_id = cluster.rest.upload(jar)

    def submit(self, arguments: Sequence[str]) -> None:
        """One request; main() runs in the JobManager."""
        if self._plan:
            self._rest.plan(self._jar_id, self._entry_class, arguments)
        else:
            self._rest.run(self._jar_id, self._entry_class, arguments, 1)


class ClientSubmitter:
    """``flink run --detached``: a JVM of its own for each submission; main(), its hooks and threads end with it."""

    def __init__(self, cluster: Cluster, jar: Path, entry_class: str) -> None:
        self._cluster, self._jar, self._entry_class = cluster, jar, entry_class

    def submit(self, arguments: Sequence[str]) -> None:
        """One JVM, about 3 s of CPU."""
        flink, java = self._cluster.flink, self._cluster.java
        if flink is None or java is None:
            raise LabError("the cluster is not up")
        conf = self._cluster.config_path.parent
        run_client(flink, java, conf, self._jar, self._entry_class, arguments)


def submitter(via: str, cluster: Cluster, jar: Path, entry_class: str) -> Submitter:
    """The submitter of that name: web, plan or client."""
    if via == "client":
        return ClientSubmitter(cluster, jar, entry_class)
    return WebSubmitter(cluster, jar, entry_class, plan=via == "plan")
