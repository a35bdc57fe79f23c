"""The few calls of Flink's REST interface that the lab needs, to a JobManager on loopback."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import urllib3

from flinkscope.errors import LabError


class Rest:
    """Calls one JobManager. Each method is one request; raises LabError with Flink's own message when it refuses.

    ``timeout_s``: a submission's answer comes after its main(), which took 30 s on a machine with 25 times its load.
    """

    def __init__(self, url: str, timeout_s: float = 120.0) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(timeout=timeout_s, retries=False)

    def get(self, path: str) -> Any:
        """The JSON document at ``path``."""
        return self._call("GET", path)

    def upload(self, jar: Path) -> str:
        """Uploads the jar; its id for ``run``."""
        content = (jar.name, jar.read_bytes(), "application/java-archive")
        answer = self._call("POST", "/jars/upload", fields={"jarfile": content})
        return Path(str(answer["filename"])).name

    def run(
        self,
        jar_id: str,
        entry_class: str,
        args: Sequence[str],
        parallelism: int | None = None,
        savepoint: str | None = None,
    ) -> str:
        """Runs an uploaded jar's main(), from the ``savepoint`` or checkpoint if one is given; the job's id."""
        body: dict[str, Any] = {"programArgsList": list(args)}
        if savepoint is not None:
            body["savepointPath"] = savepoint
        if entry_class:
            body["entryClass"] = entry_class
        if parallelism is not None:
            body["parallelism"] = parallelism
        answer = self._call(
            "POST", f"/jars/{jar_id}/run", body=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        return str(answer["jobid"])

    def plan(self, jar_id: str, entry_class: str, args: Sequence[str]) -> None:
        """What "Show Plan" asks for; it runs the jar's main() too."""
        body = json.dumps({"entryClass": entry_class, "programArgsList": list(args)})
        self._call("POST", f"/jars/{jar_id}/plan", body=body, headers={"Content-Type": "application/json"})

    def cancel(self, job_id: str) -> None:
        """Asks for the job's end."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def stop_with_savepoint(self, job_id: str, folder: str) -> str:
        """Asks for a savepoint in ``folder`` and the job's end after it; the request's id for ``savepoint_of``."""
        body = json.dumps({"targetDirectory": folder, "drain": False})
        answer = self._call("POST", f"/jobs/{job_id}/stop", body=body, headers={"Content-Type": "application/json"})
        return str(answer["request-id"])

    def savepoint_of(self, job_id: str, request_id: str) -> str | None:
        """The savepoint's path; None while it is being written. Raises LabError when it failed."""
        answer = self.get(f"/jobs/{job_id}/savepoints/{request_id}")
        if answer["status"]["id"] != "COMPLETED":
            return None
        operation = answer["operation"]
        if "location" not in operation:
            raise LabError(f"no savepoint: {str(operation.get('failure-cause', {}).get('class', operation))[:300]}")
        return str(operation["location"])

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._pool.request(method, self.url + path, **options)
        except urllib3.exceptions.HTTPError as error:
            raise LabError(f"{self.url}{path}: {error}", hint="is the JobManager still alive? see its log") from error
        try:
            document = json.loads(answer.data) if answer.data else {}
        except ValueError as error:
            raise LabError(f"{self.url}{path}: the answer is not JSON: {answer.data[:80]!r}") from error
        if answer.status >= 400:
            raise LabError(f"{self.url}{path}: HTTP {answer.status}: {_reason(document)}")
        return document


def _reason(document: Any) -> str:
    errors = document.get("errors") if isinstance(document, dict) else None
    if not errors:
        return str(document)[:300]
    return " ".join(_short(str(e).strip().splitlines()) for e in errors if str(e).strip())[:500]


def _short(lines: list[str]) -> str:
    """The first line of a Java stack trace and its root cause."""
    causes = [line.strip() for line in lines if line.startswith("Caused by: ")]
    return " ".join(dict.fromkeys([lines[0], *causes[-1:]]))
