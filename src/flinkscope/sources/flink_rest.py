"""A client for Flink's REST interface (1.10 to 2.3): time-outs, TLS, basic and bearer auth, errors that say what to do.

Answers are JSON as Flink gives it; ``flinkscope.formats.flink_rest`` types them. Nothing here changes the cluster.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

import urllib3

from flinkscope.errors import SourceError, UnreadableInputError, UsageError

LARGEST_ANSWER_BYTES = 64 << 20
_METRICS_PER_CALL = 100
# what VertexFlameGraph of Flink 2.3 puts in place of a time when there is no graph; -3 is "still sampling"
_NO_FLAMES = {
    -1: ("the task has ended, so there is nothing to sample", "sample while it runs"),
    -2: ("operator flame graphs are switched off", "set rest.flamegraph.enabled: true, or use `flinkscope threads`"),
}
JVM_METRICS = (
    *(f"Status.JVM.Memory.{pool}.{value}" for pool in ("Heap", "NonHeap", "Metaspace")
      for value in ("Used", "Committed", "Max")),
    *(f"Status.JVM.Memory.{pool}.{value}" for pool in ("Direct", "Mapped")
      for value in ("Count", "MemoryUsed", "TotalCapacity")),
    "Status.JVM.GarbageCollector.All.Count", "Status.JVM.GarbageCollector.All.Time",
    "Status.JVM.ClassLoader.ClassesLoaded", "Status.JVM.ClassLoader.ClassesUnloaded", "Status.JVM.Threads.Count",
    "Status.JVM.CPU.Load", "Status.JVM.CPU.Time", "Status.Flink.Memory.Managed.Used",
    "Status.Flink.Memory.Managed.Total",
)  # fmt: skip
_FLAME_GRAPH_TYPES = ("FULL", "ON_CPU", "OFF_CPU")


class RestStatusError(SourceError):
    """Flink, or something in front of it, refused a request: ``status`` is the HTTP code, ``path`` what was asked."""

    def __init__(self, message: str, status: int, path: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.path = path


@dataclass(frozen=True, slots=True)
class RestAccess:
    """How to reach a JobManager. ``ca_file``, ``certificate``, ``key``: PEM files; ``verify`` False trusts anyone."""

    token: str | None = None
    user: str | None = None
    password: str | None = None
    ca_file: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0


class FlinkRest:
    """Reads one JobManager. Each method is one request unless it says otherwise; each may raise SourceError
    (unreachable, refused, too slow), RestStatusError (an HTTP error) or UnreadableInputError (not Flink's JSON)."""

    def __init__(self, url: str, access: RestAccess | None = None) -> None:
        access = access or RestAccess()
        self.url, user, password = _split(url)
        self._pool = _pool(access)
        self._headers = _auth_headers(access, access.user or user, access.password or password)

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The JSON document at ``path`` (``/jobs/overview``)."""
        return self._document("GET", path, parameters, None)

    def post(self, path: str, body: object) -> Any:
        """Posts JSON and gives the answer: only for requests that start a reading, such as the profiler."""
        return self._document("POST", path, None, json.dumps(body).encode())

    def text(self, path: str) -> str:
        """A file as text, up to 64 MiB: ``/taskmanagers/ID/log``, ``/jobmanager/stdout``, the profiler's output."""
        return self._request("GET", path, None, None).decode("utf-8", "replace")

    def overview(self) -> Any:
        """``/overview``: counts of jobs, slots, task managers, and Flink's version."""
        return self.get("/overview")

    def jobs(self) -> Any:
        """``/jobs/overview``: all jobs with their states."""
        return self.get("/jobs/overview")

    def job(self, job: str) -> Any:
        """``/jobs/ID``: one job with its vertices and plan."""
        return self.get(f"/jobs/{_segment(job)}")

    def plan(self, job: str) -> Any:
        """``/jobs/ID/plan``: the dataflow graph."""
        return self.get(f"/jobs/{_segment(job)}/plan")

    def job_config(self, job: str) -> Any:
        """``/jobs/ID/config``: the execution configuration with the user's own entries."""
        return self.get(f"/jobs/{_segment(job)}/config")

    def exceptions(self, job: str) -> Any:
        """``/jobs/ID/exceptions``: failures with stack traces and where they happened."""
        return self.get(f"/jobs/{_segment(job)}/exceptions")

    def vertex(self, job: str, vertex: str) -> Any:
        """``/jobs/ID/vertices/ID``: the subtasks of one vertex."""
        return self.get(f"/jobs/{_segment(job)}/vertices/{_segment(vertex)}")

    def checkpoints(self, job: str) -> Any:
        """``/jobs/ID/checkpoints``: counts, summary and history."""
        return self.get(f"/jobs/{_segment(job)}/checkpoints")

    def task_managers(self) -> Any:
        """``/taskmanagers``: all registered ones."""
        return self.get("/taskmanagers")

    def task_manager(self, manager: str) -> Any:
        """``/taskmanagers/ID``: its memory split and JVM figures."""
        return self.get(f"/taskmanagers/{_segment(manager)}")

    def thread_dump(self, manager: str | None = None) -> Any:
        """The threads of a task manager (1.12+), or of the JobManager (1.13+) for None."""
        return self.get(f"{_process_path(manager)}/thread-dump")

    def config(self) -> Any:
        """``/jobmanager/config``: the effective options as key and value (secrets masked by Flink)."""
        return self.get("/jobmanager/config")

    def environment(self) -> Any:
        """``/jobmanager/environment``: JVM options and class path (1.15+)."""
        return self.get("/jobmanager/environment")

    def web_config(self) -> Any:
        """``/config``: version, time zone and which features are switched on."""
        return self.get("/config")

    def jars(self) -> Any:
        """``/jars``: the uploaded jars; RestStatusError 404 where ``web.submit.enable`` is false."""
        return self.get("/jars")

    def logs(self, manager: str | None = None) -> Any:
        """The names and sizes of the log files of a task manager, or of the JobManager for None."""
        return self.get(f"{_process_path(manager)}/logs")

    def log(self, name: str, manager: str | None = None) -> str:
        """One log file by its name in ``logs``."""
        return self.text(f"{_process_path(manager)}/logs/{_segment(name)}")

    def metrics(self, path: str, names: Iterable[str], *, settle_s: float = 11.0) -> dict[str, str]:
        """The metrics at ``path`` (``/taskmanagers/ID/metrics``) by name; those unknown there are left out.

        Flink fetches the values from its processes only after they were asked for: the first answer of a quiet
        cluster is empty. It is asked again for up to ``settle_s`` seconds, until the names asked for are there.
        """
        wanted = list(dict.fromkeys(names))
        deadline = time.monotonic() + settle_s
        while True:
            found = self._metrics_once(path, wanted)
            if len(found) == len(wanted) or time.monotonic() >= deadline:
                return found
            if found and all(name in self.metric_names(path) for name in found):
                return found  # the store is filled; the rest does not exist here
            time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))

    def jvm_metrics(self, manager: str | None = None, *, settle_s: float = 11.0) -> dict[str, int]:
        """The JVM's own figures of a task manager, or of the JobManager for None: metric → bytes, counts or ms.

        Live, unlike hsperfdata's metaspace. Those that a version lacks (metaspace before 1.12) are left out.
        """
        found = self.metrics(f"{_process_path(manager)}/metrics", JVM_METRICS, settle_s=settle_s)
        return {name: int(value) for name, value in found.items() if value.lstrip("-").isdigit()}

    def metric_names(self, path: str) -> list[str]:
        """The names of all metrics at ``path``; empty while Flink has not fetched them yet."""
        return [str(entry["id"]) for entry in _entries(self.get(path), path)]

    def flame_graph(self, job: str, vertex: str, kind: str = "FULL", *, settle_s: float = 20.0) -> Any:
        """An operator's flame graph (``rest.flamegraph.enabled``): sampled on demand, so asked until it is there.

        ``kind``: FULL, ON_CPU or OFF_CPU. Raises SourceError when nothing was sampled within ``settle_s``.
        """
        if kind not in _FLAME_GRAPH_TYPES:
            raise UsageError(f"no flame graph of type {kind!r}", hint=f"one of {', '.join(_FLAME_GRAPH_TYPES)}")
        path = f"/jobs/{_segment(job)}/vertices/{_segment(vertex)}/flamegraph"
        deadline = time.monotonic() + settle_s
        while True:
            document = self.get(path, {"type": kind})
            if isinstance(document, dict) and document.get("data"):
                return document
            why = _NO_FLAMES.get(document.get("endTimestamp", 0)) if isinstance(document, dict) else None
            if why is not None:
                raise SourceError(f"{self.url}{path}: {why[0]}", hint=why[1])
            if time.monotonic() >= deadline:
                raise SourceError(
                    f"{self.url}{path}: no samples within {settle_s:.0f} s",
                    hint="the task managers may be too busy to sample; try again",
                )
            time.sleep(1.0)

    def _metrics_once(self, path: str, names: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(names), _METRICS_PER_CALL):
            part = names[start : start + _METRICS_PER_CALL]
            document = self.get(path, {"get": ",".join(part)})
            found |= {str(entry["id"]): str(entry["value"]) for entry in _entries(document, path) if "value" in entry}
        return found

    def _document(self, method: str, path: str, parameters: Mapping[str, str] | None, body: bytes | None) -> Any:
        data = self._request(method, path, parameters, body)
        try:
            return json.loads(data) if data.strip() else {}
        except (ValueError, RecursionError) as error:
            raise UnreadableInputError(
                f"{self.url}{path}: the answer is not JSON but {_shown(data)}",
                hint="is this Flink's REST port (8081), not a log-in page or a proxy in front of it?",
            ) from error

    def _request(self, method: str, path: str, parameters: Mapping[str, str] | None, body: bytes | None) -> bytes:
        url = self.url + path + (f"?{urlencode(parameters, safe=',')}" if parameters else "")
        headers = {**self._headers, **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            answer = self._pool.request(method, url, headers=headers, body=body, preload_content=False)
            data = answer.read(LARGEST_ANSWER_BYTES + 1, decode_content=True)
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(self.url + path, error) from error
        if len(data) > LARGEST_ANSWER_BYTES:
            answer.close()
            raise UnreadableInputError(f"{self.url}{path}: the answer is larger than {LARGEST_ANSWER_BYTES:,} bytes")
        answer.release_conn()  # keeps the connection for the next request
        if answer.status >= 400:
            raise _refused(self.url, path, answer.status, data)
        return data


def _split(url: str) -> tuple[str, str | None, str | None]:
    """The URL without trailing slash and credentials, and the credentials. ``host:8081`` alone will do."""
    text = url if re.match(r"[a-z][a-z0-9+.-]*://", url, re.IGNORECASE) else f"http://{url}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url}: not a URL: {error}", hint="http://jobmanager:8081") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url}: not the URL of a JobManager", hint="http://jobmanager:8081 or https://…")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = host if port is None else f"{host}:{port}"
    user = unquote(parts.username) if parts.username is not None else None
    password = unquote(parts.password) if parts.password is not None else None
    return urlunsplit((parts.scheme, address, parts.path.rstrip("/"), "", "")), user, password


def _pool(access: RestAccess) -> urllib3.PoolManager:
    if not access.verify:  # the user asked for it: no warning at each request
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        return urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=access.connect_timeout_s, read=access.read_timeout_s),
            retries=urllib3.Retry(total=3, connect=0, read=0, redirect=3, status=0, other=0),
            cert_reqs="CERT_REQUIRED" if access.verify else "CERT_NONE",
            assert_hostname=None if access.verify else False,
            ca_certs=access.ca_file,
            cert_file=access.certificate,
            key_file=access.key,
        )
    except (OSError, ValueError) as error:
        raise SourceError(f"the TLS files cannot be used: {error}", hint="they must be PEM files") from error


def _auth_headers(access: RestAccess, user: str | None, password: str | None) -> dict[str, str]:
    if access.token is not None and user is not None:
        raise UsageError("both a bearer token and a user were given", hint="give one of them")
    if access.token is not None:
        return {"Accept": "application/json", "Authorization": f"Bearer {access.token.strip()}"}
    basic = urllib3.make_headers(basic_auth=f"{user}:{password or ''}") if user is not None else {}
    return {"Accept": "application/json", **{key.title(): value for key, value in basic.items()}}


def _process_path(manager: str | None) -> str:
    return "/jobmanager" if manager is None else f"/taskmanagers/{_segment(manager)}"


def _segment(name: str) -> str:
    return quote(name, safe=":")


def _entries(document: Any, path: str) -> list[dict[str, Any]]:
    if not isinstance(document, list) or not all(isinstance(entry, dict) and "id" in entry for entry in document):
        raise UnreadableInputError(f"{path}: expected a list of metrics, found {str(document)[:80]}")
    return document


def _unreachable(url: str, error: urllib3.exceptions.HTTPError) -> SourceError:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    text = re.sub(r"^<[^>]*>: ", "", str(cause))
    if isinstance(cause, urllib3.exceptions.SSLError):
        return SourceError(
            f"{url}: TLS failed: {text}",
            hint="wrong scheme (http/https)? give the cluster's CA with --ca, or --insecure to trust anyone",
        )
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return SourceError(f"{url}: the host name is not known", hint="check the name, or use kubectl port-forward")
    if isinstance(cause, urllib3.exceptions.ConnectTimeoutError) and not isinstance(
        cause,
        urllib3.exceptions.NewConnectionError,  # a refusal, which urllib3 counts among the time-outs
    ):
        return SourceError(f"{url}: no connection in time", hint="a firewall or network policy in between?")
    if isinstance(cause, urllib3.exceptions.ReadTimeoutError):
        return SourceError(f"{url}: no answer in time", hint="the JobManager may hang; try a longer --timeout")
    return SourceError(f"{url}: {text}", hint="is the JobManager up, and is this its REST port (rest.port, 8081)?")


def _refused(url: str, path: str, status: int, data: bytes) -> RestStatusError:
    hints = {
        401: "give --token or --user and --password",
        403: "this user may not read it",
        404: "this Flink version or configuration does not have it, or the job is gone",
        503: "the JobManager is still starting or has no leader",
    }
    return RestStatusError(
        f"{url}{path}: HTTP {status}: {_reason(data)}", status, path, hint=hints.get(status, "see the JobManager's log")
    )


def _reason(data: bytes) -> str:
    """The first line of each of Flink's own error texts."""
    try:
        document = json.loads(data)
        errors = document["errors"] if isinstance(document, dict) else []
        lines = [str(error).strip().splitlines()[0] for error in errors if str(error).strip()]
        if lines:
            return " ".join(lines)[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return _shown(data)


def _shown(data: bytes) -> str:
    text = data[:80].decode("utf-8", "replace").strip().replace("\n", " ")
    return repr(text) if text else "an empty answer"
