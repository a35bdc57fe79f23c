"""The REST client against a real HTTP server with recorded answers, and against a real Flink."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import FlinkscopeError, SourceError, UnreadableInputError, UsageError
from flinkscope.formats.flink_rest import (
    flame_stacks,
    read_checkpoints,
    read_environment,
    read_job,
    read_jobs,
    read_options,
    read_task_manager,
    read_task_managers,
)
from flinkscope.sources.flink_rest import FlinkRest, RestAccess, RestStatusError

CORPUS = Path(__file__).parents[1] / "corpus" / "rest"
CERTIFICATE = CORPUS / "tls" / "cert.pem"
READERS = {
    "jobs": read_jobs, "job": read_job, "checkpoints": read_checkpoints, "taskmanager": read_task_manager,
    "taskmanagers": read_task_managers, "config": read_options, "environment": read_environment,
    "flamegraph": lambda document, source: list(flame_stacks(document, source)),
}  # fmt: skip


def recorded(name: str) -> Any:
    """An answer of Flink 2.3.0."""
    return json.loads((CORPUS / f"{name}.json").read_text())


class Handler(BaseHTTPRequestHandler):
    """Answers as told by ``answers``: path → (status, body) or a function of the request."""

    answers: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[tuple[str, dict[str, list[str]], dict[str, str]]]] = []
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One request."""
        parts = urlsplit(self.path)
        Handler.asked.append((parts.path, parse_qs(parts.query), dict(self.headers)))
        answer = Handler.answers.get(parts.path, (404, b'{"errors":["Unable to load requested file."]}'))
        status, body, *more = answer(self) if callable(answer) else answer
        if body is None:
            time.sleep(2)
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in (more[0] if more else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a plain server."""
    yield from _serve(None)


@pytest.fixture
def tls_server() -> Iterator[str]:
    """The URL of a server with a certificate of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CORPUS / "tls" / "key.pem")
    yield from _serve(context)


def _serve(context: ssl.SSLContext | None) -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    Handler.answers, Handler.asked = {"/overview": (200, json.dumps(recorded("overview")).encode())}, []
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"{'https' if context else 'http'}://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_recorded_answers_become_records() -> None:
    (job,) = read_jobs(recorded("jobs"), "/jobs/overview")
    assert (job.name, job.state, job.ended_ms) == ("daily-uv bucket", "RUNNING", None)
    full = read_job(recorded("job"), "/jobs/x")
    assert [vertex.parallelism for vertex in full.vertices] == [2, 2]
    assert full.vertices[1].inputs == (full.vertices[0].id,)
    checkpoints = read_checkpoints(recorded("checkpoints"), "/checkpoints")
    assert (checkpoints.completed, checkpoints.failed) == (3, 1)
    assert [(c.id, c.state_bytes) for c in checkpoints.history] == [(1, 74614), (2, 8153898), (3, 8395269)]
    manager = read_task_manager(recorded("taskmanager"), "/taskmanagers/x")
    assert manager.memory is not None
    assert manager.memory["process_bytes"] == 1216 << 20
    assert (
        sum(size for name, size in manager.memory.items() if name not in ("flink_bytes", "process_bytes")) == 1216 << 20
    )
    assert manager.jvm is not None
    assert manager.jvm["heap_max_bytes"] == 256 << 20
    assert read_task_managers(recorded("taskmanagers"), "t")[0].jvm is None
    assert read_options(recorded("config"), "c")["taskmanager.memory.process.size"] == "1216m"
    assert "-Xmx469762048" in read_environment(recorded("environment"), "e").options
    stacks = list(flame_stacks(recorded("flamegraph"), "f"))
    assert sum(samples for _, samples in stacks) == recorded("flamegraph")["data"]["value"] == 200
    assert stacks[0][0][0] == "java.lang.Thread.run:-1"


@pytest.mark.parametrize("name", READERS)
def test_missing_and_wrong_keys_are_named_never_crash(name: str) -> None:
    document = recorded(name)
    for spoilt in (None, [], {}, "x", 7, [None], [[]]):
        try:
            READERS[name](spoilt, "/path")
        except UnreadableInputError as error:
            assert "/path" in error.message  # noqa: PT017
    keys = list(document) if isinstance(document, dict) else []
    for key in keys:
        for value in (None, [], {}, "x", -1, [None], float("nan")):
            try:
                READERS[name]({**document, key: value}, "/path")
            except UnreadableInputError as error:
                assert "/path" in error.message  # noqa: PT017


@settings(deadline=None)
@given(st.recursive(st.integers(1, 5), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=20))
def test_flame_stacks_keep_every_sample(shape: Any) -> None:
    def node(part: Any, depth: int) -> dict[str, Any]:
        if isinstance(part, int):
            return {"name": f"leaf{depth}", "value": part, "children": []}
        children = [node(inner, depth + 1) for inner in part]
        return {"name": f"f{depth}", "value": 1 + sum(c["value"] for c in children), "children": children}

    inner = node(shape, 0)
    root = {"name": "root", "value": inner["value"], "children": [inner]}
    assert sum(samples for _, samples in flame_stacks({"data": root}, "x")) == root["value"]


def test_a_request_and_its_headers(server: str) -> None:
    with_token = FlinkRest(server + "/", RestAccess(token="s3cret"))
    assert with_token.overview()["flink-version"] == "2.3.0"
    assert Handler.asked[-1][2]["Authorization"] == "Bearer s3cret"
    FlinkRest(server.replace("://", "://me:p%40ss@")).overview()
    assert Handler.asked[-1][2]["Authorization"] == "Basic bWU6cEBzcw=="
    FlinkRest(server.removeprefix("http://")).overview()
    assert "Authorization" not in Handler.asked[-1][2]
    with pytest.raises(UsageError, match="both"):
        FlinkRest(server, RestAccess(token="a", user="b"))


def test_metrics_are_asked_again_until_flink_has_fetched_them(server: str) -> None:
    calls = []

    def answer(handler: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        calls.append(handler.path)
        if "get=" not in handler.path:
            return 200, json.dumps([{"id": "A"}, {"id": "B"}]).encode()
        return 200, b"[]" if len(calls) == 1 else json.dumps([{"id": "A", "value": "1"}]).encode()

    Handler.answers["/taskmanagers/x/metrics"] = answer
    assert FlinkRest(server).metrics("/taskmanagers/x/metrics", ["A", "NoSuch"]) == {"A": "1"}
    assert len(calls) == 3  # empty, filled, and a look at the names: NoSuch does not exist here


def test_the_flame_graph_is_polled_and_refusals_are_told(server: str) -> None:
    answers = iter([{"endTimestamp": -3}, recorded("flamegraph")])
    Handler.answers["/jobs/j/vertices/v/flamegraph"] = lambda _: (200, json.dumps(next(answers)).encode())
    assert FlinkRest(server).flame_graph("j", "v")["data"]["value"] == 200
    Handler.answers["/jobs/j/vertices/v/flamegraph"] = (200, b'{"endTimestamp":-2}')
    with pytest.raises(SourceError, match="switched off"):
        FlinkRest(server).flame_graph("j", "v")
    with pytest.raises(UsageError, match="NOPE"):
        FlinkRest(server).flame_graph("j", "v", "NOPE")


@pytest.mark.parametrize(
    ("status", "body", "said", "hint"),
    [
        (401, b"", "HTTP 401", "--token"),
        (404, b'{"errors":["org.apache.flink.runtime.rest.NotFoundException: Job x not found\\n\\tat a.b"]}',
         "Job x not found", "version"),
        (500, b'{"errors":["Internal server error."]}', "Internal server error", "log"),
        (503, b"<html>no leader</html>", "no leader", "starting"),
    ],
)  # fmt: skip
def test_refusals_carry_flinks_own_words(server: str, status: int, body: bytes, said: str, hint: str) -> None:
    Handler.answers["/jobs/overview"] = (status, body)
    with pytest.raises(RestStatusError, match=said) as caught:
        FlinkRest(server).jobs()
    assert caught.value.status == status
    assert hint in caught.value.hint
    assert "\tat" not in caught.value.message
    assert caught.value.exit_code == 3


def test_what_is_not_flink(server: str) -> None:
    Handler.answers["/jobs/overview"] = (200, b"<html><title>Log in</title></html>")
    with pytest.raises(UnreadableInputError, match="not JSON"):
        FlinkRest(server).jobs()
    Handler.answers["/jobs/overview"] = (200, b"[" * 100_000)
    with pytest.raises(UnreadableInputError, match="not JSON"):
        FlinkRest(server).jobs()


def test_packed_answers_and_redirects(server: str) -> None:
    body = gzip.compress(b'{"jobs": []}')
    Handler.answers["/jobs/overview"] = (200, body, {"Content-Encoding": "gzip"})
    assert FlinkRest(server).jobs() == {"jobs": []}
    Handler.answers["/old"] = (307, b"", {"Location": "/overview"})
    assert FlinkRest(server).get("/old")["flink-version"] == "2.3.0"
    Handler.answers["/loop"] = (307, b"", {"Location": "/loop"})
    with pytest.raises(FlinkscopeError):
        FlinkRest(server).get("/loop")


def test_silence_and_nobody_there(server: str) -> None:
    Handler.answers["/jobs/overview"] = (200, None)
    with pytest.raises(SourceError, match="no answer in time"):
        FlinkRest(server, RestAccess(read_timeout_s=0.2)).jobs()
    with pytest.raises(SourceError, match="refused") as caught:
        FlinkRest("http://127.0.0.1:1").jobs()
    assert "8081" in caught.value.hint
    for url in ("ftp://x", "http://", "http://h:99999", "http://[::1"):
        with pytest.raises(UsageError):
            FlinkRest(url)


def test_tls(tls_server: str) -> None:
    with pytest.raises(SourceError, match="TLS failed"):
        FlinkRest(tls_server).overview()
    assert FlinkRest(tls_server, RestAccess(ca_file=str(CERTIFICATE))).overview()["flink-version"] == "2.3.0"
    assert FlinkRest(tls_server, RestAccess(verify=False)).overview()["taskmanagers"] == 1
    with pytest.raises(SourceError):
        FlinkRest(tls_server, RestAccess(ca_file="/absent.pem")).overview()
    with pytest.raises(SourceError):
        FlinkRest(tls_server.replace("https", "http")).overview()


@pytest.mark.flink
def test_a_real_flink() -> None:
    pytest.importorskip("pyflink", reason="the lab wheels are not installed")
    from flinkscope.formats.thread_dump import parse_thread_dump
    from flinkscope.lab.cluster import Cluster

    with Cluster({"taskmanager.memory.process.size": "1216m"}) as cluster:
        rest = FlinkRest(cluster.rest_url)
        assert rest.overview()["flink-version"] == cluster.flink_version
        (manager,) = read_task_managers(rest.task_managers(), "/taskmanagers")
        detail = read_task_manager(rest.task_manager(manager.id), f"/taskmanagers/{manager.id}")
        assert detail.memory == manager.memory
        assert detail.memory is not None
        assert detail.memory["process_bytes"] == 1216 << 20
        metrics = rest.jvm_metrics(manager.id)
        assert metrics["Status.JVM.Memory.Metaspace.Used"] > 10_000_000
        assert metrics["Status.JVM.Memory.Metaspace.Max"] == detail.memory["metaspace_bytes"]
        assert rest.jvm_metrics()["Status.JVM.Threads.Count"] > 20
        for of in (None, manager.id):
            dump = parse_thread_dump(json.dumps(rest.thread_dump(of)), "thread-dump")
            assert "main" in {thread.name for thread in dump.threads}
            assert dump.deadlocks == ()
        assert read_options(rest.config(), "c")["taskmanager.memory.process.size"] == "1216m"
        assert read_environment(rest.environment(), "e").jvm.startswith("OpenJDK")
        assert rest.jobs() == {"jobs": []}
        assert rest.jars()["files"] == []
        assert "Starting" in rest.log(next(log["name"] for log in rest.logs()["logs"] if "jobmanager" in log["name"]))
        with pytest.raises(RestStatusError, match="not found"):
            rest.job("0" * 32)
